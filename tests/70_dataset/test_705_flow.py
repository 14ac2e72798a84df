"""The queue between what computes and what writes: in order, bounded, and nothing is lost of an error."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignsar_gpu.dataset.flow import Flow


@given(
    sizes=st.lists(st.integers(0, 30), max_size=20),
    workers=st.integers(1, 4),
    most=st.integers(1, 40),
)
def test_items_are_finished_in_the_order_in_which_they_came(sizes, workers, most):
    finished = []
    with Flow(workers, most) as flow:
        for number, size in enumerate(sizes):
            parts = [lambda part=part, number=number: (number, part) for part in range(size % 4)]
            flow.put(size, parts, lambda results, number=number: finished.append((number, results)))
    assert finished == [(n, [(n, part) for part in range(size % 4)]) for n, size in enumerate(sizes)]


def test_no_more_waits_than_may():
    """Nothing is finished until it is let go: what is put in waits for room."""
    go, held = threading.Event(), []
    with Flow(1, 10) as flow:
        flow.put(6, [], lambda _: go.wait(10))

        def put():
            flow.put(6, [], held.append)
            held.append("in")

        other = threading.Thread(target=put)
        other.start()
        time.sleep(0.05)
        assert not held
        go.set()
        other.join(10)
    assert held[0] in ("in", [])
    assert len(held) == 2


def test_what_is_larger_than_all_room_waits_alone():
    finished = []
    with Flow(1, 1) as flow:
        for _ in range(3):
            flow.put(100, [], finished.append)
    assert len(finished) == 3


@pytest.mark.parametrize("where", ["part", "finish"])
def test_an_error_comes_out_and_nothing_is_finished_after_it(where):
    finished = []

    def fail(*_):
        raise OSError(28, "No space left on device")

    def fill():
        with Flow(2, 10) as flow:
            flow.put(1, [], finished.append)
            flow.put(1, [fail] if where == "part" else [], fail if where == "finish" else finished.append)
            for _ in range(50):
                flow.put(5, [], finished.append)

    with pytest.raises(OSError, match="No space left"):
        fill()
    assert finished == [[]]


def test_what_waits_is_dropped_when_the_computation_fails():
    go, finished = threading.Event(), []

    def fill():
        with Flow(1, 100) as flow:
            flow.put(1, [], lambda _: go.wait(10))
            flow.put(1, [], finished.append)
            threading.Timer(0.05, go.set).start()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert not finished

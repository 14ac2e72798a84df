"""How long a stage will take: told once its second part is done, by what that took on this machine."""

import logging

import pytest

from alignsar_gpu import progress
from alignsar_gpu.progress import Advance, duration


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def lines(monkeypatch):
    found = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    monkeypatch.setattr(progress.LOGGER, "handlers", [handler])
    monkeypatch.setattr(progress.LOGGER, "disabled", False)  # which Hydra sets, in other tests
    before = progress.LOGGER.level
    progress.LOGGER.setLevel(logging.INFO)
    yield found
    progress.LOGGER.setLevel(before)


def test_the_second_unit_tells_it_and_later_ones_better(clock, lines):
    advance = Advance("netcdf", 30)
    clock[0] += 100.0  # compiling, and what all have in common
    advance(1)
    assert advance.left() == 0.0
    clock[0] += 23.0
    advance(1)
    assert lines == ["netcdf     about 11 min left, by the first 2 of 30"]
    for _ in range(3):
        clock[0] += 19.0
        advance(1)
    assert advance.left() == pytest.approx(25 * 20.0)
    clock[0] += 15.0
    assert advance.left() == pytest.approx(25 * 20.0 - 15.0)
    assert len(lines) == 1


def test_rows_of_a_block_are_one_step(clock, lines):
    """The first row of a block has all the work of reading it."""
    advance = Advance("signatures", 24, step=6)
    for _ in range(2):
        clock[0] += 60.0
        advance(1)
        assert advance.left() == 0.0
        for _ in range(5):
            clock[0] += 2.0
            advance(1)
    assert lines == ["signatures about 2 min left, by the first 12 of 24"]
    assert advance.left() == pytest.approx(2 * 70.0)


def test_what_is_kept_tells_nothing_of_the_rest(clock, lines):
    advance = Advance("signatures", 10)
    advance.keep(6)
    for _ in range(2):
        assert advance.left() == 0.0
        clock[0] += 50.0
        advance(1)
    assert advance.left() == pytest.approx(100.0)
    assert lines == ["signatures about 100 s left, by the first 2 of 4"]


def test_little_that_is_left_is_not_told(clock, lines):
    advance = Advance("signatures", 3)
    for _ in range(2):
        clock[0] += 4.0
        advance(1)
    assert not lines


def test_it_stands_beside_the_bar(clock):
    advance = Advance("netcdf", 3)
    column = progress._Left(advance)
    for _ in range(2):
        assert column.render(None).plain == ""
        clock[0] += 40.0
        advance(1)
    assert column.render(None).plain == "about 40 s left"


def test_durations():
    assert [duration(s) for s in (7.4, 119.0, 150.0, 7100.0, 12_240.0)] == [
        *("7 s", "119 s", "2 min", "118 min", "3 h 24 min")
    ]

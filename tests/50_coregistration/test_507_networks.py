"""Networks: which pairs each kind has, in which order, and which dates it leaves out."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.interferometry.networks import DAYS_TOLERANCE, pairs_of, unconnected

KINDS = ["single_reference", "sequential", "small_baseline"]


@st.composite
def stacks(draw):
    """Days (in no order), perpendicular baselines and the reference of 1 to 12 dates."""
    count = draw(st.integers(1, 12))
    days = draw(st.lists(st.integers(-400, 400), min_size=count, max_size=count, unique=True))
    baselines = draw(st.lists(st.floats(-300, 300), min_size=count, max_size=count))
    return [float(day) for day in days], baselines, draw(st.integers(0, count - 1))


def test_of_four_dates():
    days, metres = [-12.0, 0.0, 12.0, 36.0], [50.0, 0.0, -80.0, 40.0]
    assert pairs_of("none", days, metres, 1) == ()
    assert pairs_of("single_reference", days, metres, 1) == ((1, 0), (1, 2), (1, 3))
    assert pairs_of("sequential", days, metres, 1) == ((0, 1), (1, 2), (2, 3))
    assert pairs_of("sequential", days, metres, 1, neighbours=2) == ((0, 1), (0, 2), (1, 2), (1, 3), (2, 3))
    assert pairs_of("small_baseline", days, metres, 1, most_days=36, most_metres=100) == (
        (0, 1),
        (1, 2),
        (1, 3),
    )
    assert pairs_of("small_baseline", days, metres, 1, most_metres=10.0) == ((0, 3),)


def test_limits_hold_passes_that_come_a_little_later_in_the_day():
    days, metres = [0.0, 12.0 + 30 / 86400, 23.99], [0.0, 10.0, 20.0]
    assert pairs_of("small_baseline", days, metres, 0, most_days=12, most_metres=10) == ((0, 1), (1, 2))


@given(stacks())
def test_the_reference_is_with_every_other_date(stack):
    days, _, reference = stack
    pairs = pairs_of("single_reference", *stack)
    assert {first for first, _ in pairs} <= {reference}
    assert sorted(second for _, second in pairs) == [d for d in range(len(days)) if d != reference]
    assert [days[second] for _, second in pairs] == sorted(days[second] for _, second in pairs)


@given(stacks(), st.integers(1, 15))
def test_every_date_is_with_its_next(stack, neighbours):
    days = stack[0]
    found = set(pairs_of("sequential", *stack, neighbours=neighbours))
    order = np.argsort(days)
    expected = {
        (order[i], order[j]) for i in range(len(days)) for j in range(i + 1, len(days)) if j - i <= neighbours
    }
    assert found == expected


@given(stacks(), st.none() | st.integers(0, 800), st.none() | st.floats(0, 600))
def test_all_pairs_within_the_limits_and_no_others(stack, most_days, most_metres):
    days, metres, _ = stack
    within = {
        (i, j)
        for i in range(len(days))
        for j in range(len(days))
        if 0 < days[j] - days[i] <= (np.inf if most_days is None else most_days)
        and abs(metres[j] - metres[i]) <= (np.inf if most_metres is None else most_metres)
    }
    assume(within or len(days) == 1)
    assert set(pairs_of("small_baseline", *stack, most_days=most_days, most_metres=most_metres)) == within


@given(stacks(), st.sampled_from(KINDS), st.integers(1, 15))
def test_pairs_are_in_order_and_come_once(stack, kind, neighbours):
    days = stack[0]
    pairs = pairs_of(kind, *stack, neighbours=neighbours)
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    assert all(first != second for first, second in pairs)
    times = [(days[first], days[second]) for first, second in pairs]
    assert times == sorted(times)
    if kind != "single_reference":
        assert all(first < second for first, second in times)


@given(stacks(), st.sampled_from(KINDS), st.integers(1, 15))
def test_nothing_depends_on_the_zero_of_days_and_baselines(stack, kind, neighbours):
    days, metres, reference = stack
    moved = [day + 1000.0 for day in days], [-metre for metre in metres], reference
    options = {"neighbours": neighbours, "most_days": 900, "most_metres": 700.0}
    assert pairs_of(kind, *stack, **options) == pairs_of(kind, *moved, **options)


@given(stacks(), st.sampled_from(KINDS), st.integers(1, 15))
def test_networks_without_limits_connect_every_date(stack, kind, neighbours):
    pairs = pairs_of(kind, *stack, neighbours=neighbours)
    assert unconnected(pairs, len(stack[0]), stack[2]) == ()


@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))),
            st.integers(0, n - 1),
        )
    )
)
def test_unconnected_against_powers_of_the_matrix(drawn):
    dates, pairs, reference = drawn
    joined = np.eye(dates, dtype=bool)
    for first, second in pairs:
        joined[first, second] = joined[second, first] = True
    reached = np.linalg.matrix_power(joined.astype(float), dates)[reference] > 0
    assert unconnected(pairs, dates, reference) == tuple(np.flatnonzero(~reached))


def test_unconnected():
    assert unconnected([(1, 2), (2, 3), (0, 4)], 6, 3) == (0, 4, 5)
    assert unconnected([], 3, 1) == (0, 2)


def test_a_single_date_has_no_pairs():
    for kind in KINDS:
        assert pairs_of(kind, [0.0], [0.0], 0, most_days=1, most_metres=1.0) == ()
    assert unconnected((), 1, 0) == ()


def test_limits_that_leave_nothing_are_refused_with_what_there_is():
    message = (
        r"nearest in time are 12\.0 days and 80\.0 m apart, the nearest in space 24\.0 days and 5\.0 m: raise"
    )
    with pytest.raises(AlignsarError, match=message):
        pairs_of("small_baseline", [0.0, 12.0, 24.0], [0.0, 80.0, -5.0], 0, most_days=12, most_metres=50)
    assert DAYS_TOLERANCE < 0.5


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("star", {}, "network 'star': choose from none, single_reference, sequential, small_baseline"),
        ("sequential", {"neighbours": 0}, "neighbours=0 must be at least 1"),
        ("small_baseline", {"most_days": -1.0}, "most_days=-1.0 must not be negative"),
        ("small_baseline", {"most_metres": float("nan")}, "most_metres=nan must not be negative"),
    ],
)
def test_refused(kind, options, message):
    with pytest.raises(AlignsarError, match=message):
        pairs_of(kind, [0.0, 12.0], [0.0, 5.0], 0, **options)


@pytest.mark.parametrize(
    ("days", "metres", "reference"),
    [([0.0], [0.0, 1.0], 0), ([0.0, 1.0], [0.0, 1.0], 2), ([0.0, np.nan], [0.0, 1.0], 0), ([], [], 0)],
)
def test_what_is_no_stack(days, metres, reference):
    with pytest.raises(ValueError, match=r"days|reference|finite"):
        pairs_of("sequential", days, metres, reference)

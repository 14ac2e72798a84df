"""Time without leap seconds, and UTC back from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignsar_gpu.geometry.time_scale import (
    LEAPS,
    continuous,
    midnight,
    moment,
    parse_utc,
    seconds_since,
    utc,
    utc_text,
)

BEFORE, LEAP, AFTER = "2016-12-31T23:59:59.500000", "2016-12-31T23:59:60.500000", "2017-01-01T00:00:00.500000"


def test_a_leap_second_lies_between_its_neighbours():
    times = [parse_utc(text) for text in (BEFORE, LEAP, AFTER)]
    assert np.diff(times).tolist() == [np.timedelta64(1, "s")] * 2


@pytest.mark.parametrize(
    "text", [BEFORE, LEAP, AFTER, "2015-06-30T23:59:60.000001", "2023-09-04T06:37:31.123456"]
)
def test_text_comes_back(text):
    assert utc_text(parse_utc(text)) == text


def test_a_minute_has_61_seconds_where_one_was_added_alone():
    assert parse_utc("2016-12-31T23:59:60") is not None
    assert parse_utc("2016-12-30T23:59:60") is None
    assert parse_utc("2016-12-31T22:59:60") is None


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2023-02-30T00:00:00", "2023-02-03T25:00:00", "2023-02-03T00:61:00"]
)
def test_what_is_no_time(text):
    assert parse_utc(text) is None


def test_it_is_utc_since_2017():
    now = np.datetime64("2026-11-30T05:47:17.000001")
    assert continuous(now) == utc(now) == now


def test_a_leap_second_belongs_to_the_day_that_it_ends():
    leap = parse_utc(LEAP)
    assert midnight(leap) == np.datetime64("2016-12-31")
    assert seconds_since(midnight(leap), leap) == 86400.5
    assert utc(leap) == np.datetime64("2016-12-31T23:59:59.999999")
    assert moment(np.datetime64("2016-12-31"), 86400.5) == leap


def test_27_leap_seconds_in_all():
    """TAI - UTC is 37 s today, and was 10 s when leap seconds began (IERS)."""
    assert len(LEAPS) == 27
    assert continuous(np.datetime64("1972-01-01")) == np.datetime64("1971-12-31T23:59:33")


@given(st.integers(0, 60 * 366 * 86400 * 10**6))
def test_utc_and_back(microseconds):
    time = np.datetime64("1972-01-01", "us") + np.timedelta64(microseconds, "us")
    assert continuous(utc(time)) == time or utc_text(time)[17:19] == "60"
    assert parse_utc(utc_text(time)) == time


def test_many_at_once():
    times = continuous(np.array([BEFORE, AFTER], dtype="datetime64[us]"))
    assert np.diff(times).tolist() == [np.timedelta64(2, "s")]
    assert seconds_since(np.datetime64("2016-12-31"), times).tolist() == [86399.5, 86401.5]

"""Wherever in time a product lies - at midnight, the end of a month, a leap second - its pixels lie where they do."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fake_burst import write_orbit
from fake_safe import FakeSafe, annotations_in, write_safe
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alignsar_gpu.geometry.time_scale import moment
from alignsar_gpu.products.sentinel1.orbit_files import read_orbit_file
from alignsar_gpu.products.sentinel1.reader import open_sentinel1

DAY = 86_400_000_000  # us
START = datetime(2014, 1, 1, tzinfo=UTC)
LEAP_DAYS = [(datetime(y, m, d, tzinfo=UTC) - START).days + 1 for y, m, d in ((2015, 6, 30), (2016, 12, 31))]
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{6}))?")


def elapsed(match):
    """Microseconds since 2014, leap seconds counted, of a UTC."""
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    days = (datetime(year, month, day, tzinfo=UTC) - START).days
    leaps = sum(days >= leap for leap in LEAP_DAYS)
    clock = ((hour * 60 + minute) * 60 + second) * 1_000_000 + int(match[7] or 0)
    return days * DAY + clock + leaps * 1_000_000


def utc(microseconds):
    """The UTC of so many microseconds since 2014; a leap second is 23:59:60."""
    begins = [leap * DAY + index * 1_000_000 for index, leap in enumerate(LEAP_DAYS)]
    passed = sum(microseconds >= begin + 1_000_000 for begin in begins)
    for begin in begins:
        if begin <= microseconds < begin + 1_000_000:
            day = START + timedelta(days=begin // DAY - 1)
            return f"{day:%Y-%m-%d}T23:59:60.{microseconds - begin:06d}"
    return f"{START + timedelta(microseconds=microseconds - passed * 1_000_000):%Y-%m-%dT%H:%M:%S.%f}"


def shifted(text, shift):
    return TIME.sub(lambda match: utc(elapsed(match) + shift), text)


FAKE = FakeSafe(ipf=3.2, bursts=2)  # ids from state vectors
FIRST = elapsed(TIME.match(str(FAKE.utc(FAKE.first_line(1, 0)))))
MARKS = [
    "2015-06-30T23:59:59",
    "2016-12-31T23:59:59",
    "2017-01-01T00:00:00",
    "2020-02-29T00:00:00",
    "2024-01-01T00:00:00",
]


def shift_to(mark, seconds):
    """What brings the first line to so many seconds after a mark."""
    return elapsed(TIME.match(mark)) + round(seconds * 1e6) - FIRST


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    root = write_safe(tmp_path_factory.mktemp("product"), FAKE)
    return root, {path: path.read_text() for path in root.rglob("*.xml")}, geometry(open_sentinel1(root))


def geometry(product):
    """Everything that places pixels, with times from the first line on."""
    first = product.bursts[0].grid.first_azimuth_time
    orbit = product.orbit
    values = [orbit.time - first, orbit.position_at(first), orbit.velocity_at(first)]
    for burst in product.bursts:
        values += [burst.grid.first_azimuth_time - first, burst.footprint, burst.anx_time]
        values += [burst.azimuth_fm_rate.azimuth_time - first]
        for channel in burst.channels.values():
            values += [channel.doppler_centroid.azimuth_time - first]
            values += [channel.calibration.azimuth_time - first, channel.noise.azimuth_time - first]
    return [np.asarray(value, dtype=np.float64) for value in values], [
        burst.burst_id for burst in product.bursts
    ]


def require_same(found, expected):
    for one, other in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=0.0, atol=1e-6)
    assert found[1] == expected[1]


SHIFTS = st.builds(shift_to, st.sampled_from(MARKS), st.floats(-100.0, 100.0)) | st.integers(
    -FIRST + 10**9, 10 * 366 * DAY
)


class TestShift:
    @settings(deadline=None, max_examples=60)
    @given(SHIFTS)
    @example(shift_to("2016-12-31T23:59:59", -1.0))  # the leap second within the first burst
    @example(shift_to("2016-12-31T23:59:59", 1.5))  # the first line in it
    @example(shift_to("2016-12-31T23:59:59", -8.0))  # between the lines and the next state vectors
    @example(shift_to("2015-06-30T23:59:59", -30.0))
    @example(shift_to("2020-02-29T00:00:00", -2.0))
    def test_never_moves_a_pixel(self, product, shift):
        root, files, expected = product
        for path, text in files.items():
            path.write_text(shifted(text, shift))
        opened = open_sentinel1(root)
        require_same(geometry(opened), expected)
        label = utc(FIRST + shift)
        assert opened.date == label[:10].replace("-", "")
        assert str(opened.orbit.epoch)[:10] == label[:10]

    @settings(deadline=None, max_examples=30)
    @given(SHIFTS)
    @example(shift_to("2016-12-31T23:59:59", -1.0))
    @example(shift_to("2015-06-30T23:59:59", 60.0))
    def test_never_moves_an_orbit(self, product, tmp_path_factory, shift):
        """An orbit file's UTC repeats a second of its TAI, and its vectors stay ten seconds apart."""
        root, files, _ = product
        for path, text in files.items():
            path.write_text(text)
        opened = open_sentinel1(root)
        path = write_orbit(tmp_path_factory.mktemp("orbit"), opened.orbit)
        path.write_text(with_tai(shifted(path.read_text(), shift)))
        for file, text in files.items():
            file.write_text(shifted(text, shift))
        moved = open_sentinel1(root)
        first, last = (moved.bursts[0].grid.first_azimuth_time + seconds for seconds in (0.0, 6.0))
        epoch = moved.orbit.epoch
        orbit = read_orbit_file(path, epoch, moment(epoch, first), moment(epoch, last))
        np.testing.assert_allclose(orbit.time, moved.orbit.time, atol=1e-6)
        np.testing.assert_allclose(orbit.position_at(first), moved.orbit.position_at(first), atol=1e-3)


def with_tai(text):
    """An orbit file with TAI beside UTC, 35 s ahead in 2014."""

    def both(match):
        time = START + timedelta(microseconds=elapsed(TIME.search(match[0])) + 35_000_000)
        return f"<TAI>TAI={time:%Y-%m-%dT%H:%M:%S.%f}</TAI>{match[0]}"

    return re.sub(r"<UTC>.*?</UTC>", both, text)


def test_the_property_can_fail(product):
    """The texts differ, and a second in them is not lost on the geometry."""
    root, files, expected = product
    path = annotations_in(root)[0]
    path.write_text(shifted(files[path], 1_000_000))
    with pytest.raises(AssertionError):
        require_same(geometry(open_sentinel1(root)), expected)

"""Parts of files by HTTP: as slicing the bytes has it (RFC 9110, section 14)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignsar_gpu.serving.ranges import UnsatisfiableError, byte_range

SIZES = st.integers(0, 40)
NUMBERS = st.integers(0, 60)


def part(header, content):
    found = byte_range(header, len(content))
    return None if found is None else content[found.start : found.stop]


@given(SIZES, NUMBERS, NUMBERS)
def test_first_to_last(size, first, last):
    content = bytes(range(size))
    expected = content[first : last + 1]
    if last < first:
        assert part(f"bytes={first}-{last}", content) is None
    elif expected:
        assert part(f"bytes={first}-{last}", content) == expected
    else:
        with pytest.raises(UnsatisfiableError):
            byte_range(f"bytes={first}-{last}", size)


@given(SIZES, NUMBERS)
def test_from_first_on(size, first):
    content = bytes(range(size))
    if content[first:]:
        assert part(f"bytes={first}-", content) == content[first:]
    else:
        with pytest.raises(UnsatisfiableError):
            byte_range(f"bytes={first}-", size)


@given(SIZES, st.integers(1, 60))
def test_the_last(size, count):
    content = bytes(range(size))
    assert (part(f"bytes=-{count}", content) or b"") == content[-count:]


@given(st.text(), SIZES)
def test_anything_else_is_the_whole_file(text, size):
    assert byte_range(text, size) is None or text.strip().lower().startswith("bytes")


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=1-2,4-5", "bytes=a-b", "lines=0-4", "bytes=+1-2", "bytes=1--2",
     "bytes=0-9" + 30 * "9", "bytes=\u0661-\u0662"],
)  # fmt: skip
def test_no_range_of_bytes(header):
    assert byte_range(header, 10) is None


def test_no_bytes_at_all():
    with pytest.raises(UnsatisfiableError):
        byte_range("bytes=-0", 10)
    assert byte_range("Bytes = 2-3 ", 10) == range(2, 4)

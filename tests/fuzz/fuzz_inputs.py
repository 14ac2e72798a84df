"""What is done to the files of a valid product: false values in texts, damage in bytes."""

import re
from dataclasses import dataclass

from hypothesis import strategies as st

TEXT = (
    ".xml",
    ".safe",
    ".eof",
    ".json",
    ".dim",
    ".hdr",
    ".asc",
    ".prj",
    ".vrt",
    ".gml",
    ".geojson",
    ".kml",
    ".csv",
)
TEXT += (".zarray", ".zattrs", ".zgroup", ".cpg", ".wkt", ".gfs", ".txt")
# Values in texts: numbers, times, words between quotes or tags.
VALUE = re.compile(
    rb"\d{4}-\d\d-\d\d[T ][\d:.]+|[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?|(?<=\")[^\"<>]{1,60}(?=\")|(?<=>)"
    rb"[^<>\s][^<>]{0,60}(?=<)|\bnull\b|\btrue\b|\bfalse\b|[\[{]"
)
ELEMENT = re.compile(rb"<([A-Za-z][\w:]*)(?:\s[^<>]*)?(?:/>|>[^<>]*</\1>)")
FALSE = (
    *(
        b"0",
        b"-1",
        b"1",
        b"2",
        b"nan",
        b"NaN",
        b"inf",
        b"-inf",
        b"Infinity",
        b"1e308",
        b"-1e308",
        b"1e-308",
        b"1e999",
    ),
    *(
        b"100000000000000000000",
        b"2147483647",
        b"2147483648",
        b"-2147483648",
        b"4294967296",
        b"9223372036854775808",
    ),
    *(
        b"",
        b" ",
        b"x",
        b"0x10",
        b"1,5",
        b"1 2 3",
        b"\xd9\xa3",
        b"\xff\xfe",
        b"\xc3\xa9",
        b"None",
        b"null",
        b"[]",
        b"{}",
    ),
    *(
        b"true",
        b'""',
        b"[" * 5000,
        b"(" * 5000,
        b"9" * 400,
        b"A" * 5000,
        b"../../x",
        b"/etc/passwd",
        b"/dev/zero",
    ),
    *(b"http://127.0.0.1:9/x", b"/vsicurl/http://127.0.0.1:9/x", b"&x;", b"<x>", b"%s", b"\x00"),
    *(
        b"0000-00-00T00:00:00",
        b"9999-12-31T23:59:59.999999",
        b"2016-12-31T23:59:60.5",
        b"1969-12-31T00:00:00",
    ),
    *(b"2023-02-30T00:00:00", b"2023-09-04T24:00:00", b"99999-01-01T00:00:00", b"2023-09-04T06:37:30"),
)
FACTORS = (-1.0, 0.5, 2.0, 10.0, 1e3, 1e6, 1e-6, 1.0001, 0.999999)
WORDS = (
    *(
        bytes(8),
        b"\xff" * 8,
        b"\xff\xff\xff\x7f",
        b"\x00\x00\x00\x80",
        b"\x7f\xff\xff\xff",
        b"\x01\x00\x00\x00",
    ),
    *(
        b"\x00\x00\x00\x00\x00\x00\xf8\x7f",
        b"\x00\x00\x00\x00\x00\x00\xf0\x7f",
        b"\x7f\xf8\x00\x00\x00\x00\x00\x00",
    ),
    *(b"\x07", b"<", b"\x00\x00\x00\x01"),
)


@dataclass(frozen=True)
class Change:
    """One change: ``place`` in [0, 1) tells the file and where in it; ``choice`` which of the values."""

    file: float
    place: float
    how: int
    choice: int


CHANGES = st.lists(
    st.builds(
        Change,
        file=st.floats(0.0, 1.0, exclude_max=True),
        place=st.floats(0.0, 1.0, exclude_max=True),
        how=st.integers(0, 99),
        choice=st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=3,
)


def changed(files, changes):
    """The files (bytes by name) with some changes made, one after the other."""
    files = dict(files)
    for change in changes:
        names = sorted(files)
        name = names[int(change.file * len(names))]
        is_text = name.lower().endswith(TEXT)
        files[name] = (_false_value if is_text and change.how < 90 else _damage)(files[name], change)
    return files


def _false_value(content, change):
    """Another value, or an element that is missing, twice or elsewhere."""
    if change.how < 15 and (elements := list(ELEMENT.finditer(content))):
        found = elements[int(change.place * len(elements))]
        other = elements[change.choice % len(elements)]
        new = (b"", found[0] * 2, other[0])[change.how % 3]
        return content[: found.start()] + new + content[found.end() :]
    values = list(VALUE.finditer(content))
    if not values:
        return _damage(content, change)
    found = values[int(change.place * len(values))]
    if change.how < 40:
        new = _scaled(found[0], change.choice)
    elif change.how < 50:
        new = values[change.choice % len(values)][0]
    else:
        new = FALSE[change.choice % len(FALSE)]
    return content[: found.start()] + new + content[found.end() :]


def _scaled(value, choice):
    try:
        number = float(value)
    except ValueError:
        return FALSE[choice % len(FALSE)]
    new = number * FACTORS[choice % len(FACTORS)] if number else FACTORS[choice % len(FACTORS)]
    return repr(int(new) if b"." not in value and abs(new) < 1e15 and new == int(new) else new).encode()


def _damage(content, change):
    """Bytes that are flipped, overwritten, cut off, doubled or moved."""
    at = int(change.place * (len(content) + 1))
    kind = change.how % 6
    if kind == 0:
        return content[:at]
    if kind == 1 and at < len(content):
        return content[:at] + bytes([content[at] ^ (1 << change.choice % 8)]) + content[at + 1 :]
    if kind == 2:
        word = WORDS[change.choice % len(WORDS)]
        return content[:at] + word + content[at + len(word) :]
    if kind == 3:
        return content[:at] + content[at : at + change.choice] * 2 + content[at + change.choice :]
    if kind == 4:
        return content[:at] + content[at + 1 + change.choice % 64 :]
    return content[:at] + bytes([change.choice % 256]) + content[at + 1 :]

"""Files of users are opened in one room: elsewhere only what a run has written itself."""

import re
from pathlib import Path

import alignsar_gpu

TOP = Path(alignsar_gpu.__file__).parent
# What opens files, and who else may: of what it writes itself, or by a function of the room around it.
OPENERS = {
    r"\brasterio\.open\(": {
        "simulate/ground/files.py",
        "simulate/safe",
        "geocoding",
        "report/sections/on_map.py",
    },
    r"\bh5py\.File\(": {"dataset", "products/nisar/hdf5.py"},
    r"\bzarr\.open_\w+\(": {
        *("dataset", "application", "geometry/stored", "simulate/radar/truth.py", "products/snap/raster.py"),
    },
    r"\bxr\.open_\w+\(": {"dataset", "simulate/assessment", "radarcoding/fields/opening.py", "__main__.py"},
    r"\bjson\.loads\(": {"application", "simulate"},
}
ROOM_AROUND = {
    r"\bpyogrio\.(?:raw\.)?(?:read\w*|list_layers|open_arrow)\(": "reading_vectors",
    r"\bzarr\.open_\w+\(": 'check_array|mode="r\\+?"|mode="w"',
}


def sources():
    return {path.relative_to(TOP).as_posix(): path.read_text() for path in TOP.rglob("*.py")}


def test_who_opens():
    for pattern, allowed in OPENERS.items():
        found = {name for name, text in sources().items() if re.search(pattern, text)}
        beyond = {name for name in found if not name.startswith(("opening/", *allowed))}
        assert not beyond, pattern


def test_what_is_around():
    for pattern, around in ROOM_AROUND.items():
        names = {name for name, text in sources().items() if re.search(pattern, text)}
        names -= {"radarcoding/vectors/formats/geoparquet.py"}  # a table of its own, in memory
        assert names
        assert not {name for name in names if not re.search(around, sources()[name])}, pattern

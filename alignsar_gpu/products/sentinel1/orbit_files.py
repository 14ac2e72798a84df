"""Sentinel-1 orbit files (EOF), precise (POEORB) or restituted (RESORB): find them in a folder and read them."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.time_scale import MICROSECOND, parse_utc, seconds_since, utc
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.products.xml import Xml, parse_xml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KINDS = ("POEORB", "RESORB")  # the better one first
NAME = re.compile(
    r"(?P<stem>S1(?P<unit>[A-Z])_OPER_AUX_(?P<kind>POEORB|RESORB)_OPOD_(?P<created>\d{8}T\d{6})"
    r"_V(?P<start>\d{8}T\d{6})_(?P<stop>\d{8}T\d{6}))\.EOF(?:\.zip)?",
    re.IGNORECASE,
)
KEPT = np.timedelta64(180, "s")  # vectors kept on either side of the acquisition
SPARE = np.timedelta64(30, "s")  # what a file must cover on either side: three vectors
SPARE_VECTORS = 2
CLOCKS_AGREE = np.timedelta64(2, "us")  # rounding of TAI and UTC
LARGEST_FILE = 32 << 20  # a precise orbit file of a day has 4.4 MB
LISTED = 6  # files that a message lists


@dataclass(frozen=True, kw_only=True)
class OrbitFile:
    """Satellite, type and validity of an orbit file, from its name.

    Attributes
    ----------
    platform : for example "Sentinel-1A".
    kind : "POEORB" or "RESORB".
    created, start, stop : continuous times: when it was made, and the time that it covers.
    """

    path: Path
    platform: str
    kind: str
    created: np.datetime64
    start: np.datetime64
    stop: np.datetime64

    def margin(self, first: np.datetime64, last: np.datetime64) -> np.timedelta64:
        """Return the time covered beyond ``first`` to ``last``, on the side with less of it."""
        return min(first - self.start, self.stop - last)

    def __str__(self) -> str:
        return f"{self.kind} {_utc(self.start)} to {_utc(self.stop)}"


def _utc(time: np.datetime64) -> str:
    return str(utc(time).astype("datetime64[s]")).replace("T", " ")


def _name_time(text: str) -> np.datetime64 | None:
    year, month, day, clock = text[:4], text[4:6], text[6:8], text[9:]
    return parse_utc(f"{year}-{month}-{day}T{clock[:2]}:{clock[2:4]}:{clock[4:]}")


def orbit_file_of(path: Path) -> OrbitFile | None:
    """Parse the name of an orbit file; None if it is not the name of a Sentinel-1 orbit file."""
    match = NAME.fullmatch(path.name)
    if match is None:
        return None
    created, start, stop = (_name_time(match[name].upper()) for name in ("created", "start", "stop"))
    if created is None or start is None or stop is None:  # no such day
        return None
    return OrbitFile(
        path=path,
        platform=f"Sentinel-1{match['unit'].upper()}",
        kind=match["kind"].upper(),
        created=created,
        start=start,
        stop=stop,
    )


def _unzipped(path: Path) -> bytes:
    """The one EOF file inside a zip, as ASF delivers them; read in place."""
    with zipfile.ZipFile(path) as archive:
        members = [name for name in without_clutter(archive.namelist()) if name.upper().endswith(".EOF")]
        if len(members) != 1:
            raise AlignsarError(f"{path}: expected one .EOF file in the archive, found {len(members)}")
        if (size := archive.getinfo(members[0]).file_size) > LARGEST_FILE:
            raise AlignsarError(f"{path}: unpacks to {size} bytes, too many for an orbit file")
        return archive.read(members[0])


def _content(path: Path) -> bytes:
    try:
        if path.suffix.lower() == ".zip":
            refuse_web_page(path, str(path))
            return _unzipped(path)
        if path.stat().st_size > LARGEST_FILE:
            raise AlignsarError(f"{path}: {path.stat().st_size} bytes are too many for an orbit file")
        return path.read_bytes()
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise AlignsarError(f"{path}: damaged archive ({error}); fetch the orbit file again") from None
    except RuntimeError as error:  # encrypted, or packed in a way that zipfile cannot read
        raise AlignsarError(f"{path}: cannot be unpacked ({error})") from None
    except OSError as error:
        raise AlignsarError(f"{path}: cannot be read ({error.strerror})") from None


def _check_header(document: Xml, platform: str | None) -> str:
    """The kind of orbit in a file whose header says what we rely on; AlignsarError when it does not."""
    header = document.require("{*}Earth_Explorer_Header")
    for name, expected in (("Ref_Frame", "EARTH_FIXED"), ("Time_Reference", "UTC")):
        found = header.text(f"{{*}}Variable_Header/{{*}}{name}")
        if found != expected:
            raise AlignsarError(f"{document.where}: {name} is {found!r}, only {expected!r} can be used")
    kind = header.text("{*}Fixed_Header/{*}File_Type").removeprefix("AUX_")
    if kind not in KINDS:
        raise AlignsarError(f"{document.where}: holds {kind!r}, not one of {', '.join(KINDS)}")
    mission = header.text("{*}Fixed_Header/{*}Mission")
    if platform is not None and mission.upper() != platform.upper():
        raise AlignsarError(
            f"{document.where}: the orbit of {mission}, but the acquisition is of {platform}: give its own orbit"
        )
    return kind


def _check_validity(document: Xml, first: np.datetime64, last: np.datetime64) -> None:
    period = document.require("{*}Earth_Explorer_Header/{*}Fixed_Header/{*}Validity_Period")
    start, stop = period.time("{*}Validity_Start"), period.time("{*}Validity_Stop")
    if first < start or last > stop:
        raise AlignsarError(
            f"{document.where}: valid from {_utc(start)} to {_utc(stop)}, but the acquisition is from "
            f"{_utc(first)} to {_utc(last)}: give the orbit of that time"
        )


def _vectors(document: Xml, first: np.datetime64, last: np.datetime64) -> list[tuple[np.datetime64, Xml]]:
    """The state vectors from `KEPT` before ``first`` to `KEPT` after ``last``, each with its time."""
    table = document.require("{*}Data_Block/{*}List_of_OSVs")
    vectors = list(table.all("{*}OSV"))
    count = table.element.get("count", "")
    if not count.isdecimal() or int(count) != len(vectors):
        raise AlignsarError(
            f"{table.where}: {len(vectors)} state vectors, but it announces {count!r}; the file is damaged"
        )
    timed = [(vector.time("{*}UTC"), vector) for vector in vectors]
    kept = [(time, vector) for time, vector in timed if first - KEPT <= time <= last + KEPT]
    steps = np.diff([time for time, _ in kept])
    if len(kept) > 2 and steps.max() > 1.5 * np.median(steps):
        at = kept[int(steps.argmax())][0]
        raise AlignsarError(
            f"{table.where}: no state vectors for {steps.max() / np.timedelta64(1, 's'):.0f} s after {_utc(at)}; "
            "the file is damaged or incomplete"
        )
    _check_tai(kept, table.where)
    if not kept:
        raise AlignsarError(
            f"{table.where}: no state vector within {KEPT / np.timedelta64(1, 's'):.0f} s of {_utc(first)} to "
            f"{_utc(last)}, against its header; the file is damaged"
        )
    return kept


def _check_tai(kept: Sequence[tuple[np.datetime64, Xml]], where: str) -> None:
    """Raise AlignsarError unless the vectors' TAI, where a file has it, goes on as their UTC does.

    A UTC that is damaged does not, nor one with a leap second that this version does not know.
    """
    stated = [(time, tai) for time, vector in kept if (tai := _tai(vector)) is not None]
    ahead = np.array([tai - time for time, tai in stated], dtype="timedelta64[us]")
    if len(ahead) and (apart := np.abs(ahead - np.median(ahead)).max()) > CLOCKS_AGREE:
        at = stated[int(np.abs(ahead - np.median(ahead)).argmax())][0]
        raise AlignsarError(
            f"{where}: UTC and TAI of its state vectors do not go together: {apart / MICROSECOND / 1e6:g} s apart at "
            f"{_utc(at)}; the file is damaged, or has a leap second that this version does not know"
        )


def _tai(vector: Xml) -> np.datetime64 | None:
    """The TAI of a state vector, None where there is none."""
    if vector.find("{*}TAI") is None:
        return None
    time = parse_utc(vector.text("{*}TAI").removeprefix("TAI="))
    if time is None:
        raise AlignsarError(f"{vector.where}: its TAI is not a time; the file is damaged, fetch it again")
    result: np.datetime64 = utc(time)  # TAI has no leap seconds: the clock as it is written
    return result


def read_orbit_file(
    path: Path,
    epoch: np.datetime64,
    first: np.datetime64,
    last: np.datetime64,
    *,
    platform: str | None = None,
) -> Orbit:
    """Read the orbit around ``first`` to ``last`` (continuous times) from an EOF file, or from a zip with one.

    Vectors up to three minutes away on either side are kept. ``epoch`` is the midnight that the orbit's times
    count from. ``platform`` ("Sentinel-1A", ...), where given, must be that of the file.
    Raises AlignsarError when the file is damaged, is not an Earth-fixed orbit in UTC, is of another platform,
    or does not cover the time with two vectors to spare.
    """
    document = parse_xml(_content(path), path.name)
    kind = _check_header(document, platform)
    _check_validity(document, first, last)
    vectors = _vectors(document, first, last)
    name = document.text("{*}Earth_Explorer_Header/{*}Fixed_Header/{*}File_Name").removesuffix(".EOF")
    degraded = sum(vector.text("{*}Quality") != "NOMINAL" for _, vector in vectors)
    note = f" ({degraded} of {len(vectors)} vectors not of nominal quality)" if degraded else ""
    orbit = Orbit(
        epoch=epoch,
        time=seconds_since(epoch, np.array([time for time, _ in vectors])),
        position=np.array([[vector.number(f"{{*}}{axis}") for axis in "XYZ"] for _, vector in vectors]),
        velocity=np.array([[vector.number(f"{{*}}V{axis}") for axis in "XYZ"] for _, vector in vectors]),
        source=f"{kind} {name}{note}",
    )
    orbit.require(seconds_since(epoch, first), seconds_since(epoch, last), margin=SPARE_VECTORS)
    return orbit


def _orbit_files(folder: Path) -> list[OrbitFile]:
    """Orbit files in a folder and in the folders in it, or the one file that ``folder`` is."""
    if folder.is_file():
        paths = [folder]
    elif folder.is_dir():
        listed = without_clutter(path for level in ("*", "*/*") for path in folder.glob(level))
        paths = sorted(path for path in listed if path.is_file())
    else:
        raise AlignsarError(f"{folder}: no such folder of orbit files; correct its path or create it")
    return [file for path in paths if (file := orbit_file_of(path)) is not None]


def _listed(files: Sequence[OrbitFile], first: np.datetime64) -> str:
    """What the files that come nearest to ``first`` cover."""
    near = sorted(files, key=lambda file: abs(file.start + (file.stop - file.start) / 2 - first))
    more = f" and {len(files) - LISTED} more" if len(files) > LISTED else ""
    return "; ".join(str(file) for file in near[:LISTED]) + more


def find_orbit(
    folder: Path, platform: str, first: np.datetime64, last: np.datetime64, epoch: np.datetime64
) -> Orbit:
    """Find and read the best orbit in ``folder`` (recursively) for ``platform`` at ``first`` to ``last``.

    Files are chosen by their names, ESA's own (``S1A_OPER_AUX_POEORB_OPOD_..._V..._....EOF``, also zipped): a
    precise orbit before a restituted one, then the one that covers the time with most to spare, then the
    newest. What the file says itself must agree with its name. `Orbit.source` records the choice.
    Raises AlignsarError when there is no such folder, no file of this platform, none that covers the time
    with 30 s to spare, or the file chosen cannot be used.
    """
    files = _orbit_files(folder)
    if not files:
        raise AlignsarError(
            f"{folder}: no orbit files there (S1?_OPER_AUX_POEORB_... or RESORB, .EOF or .EOF.zip)"
        )
    own = [file for file in files if file.platform.upper() == platform.upper()]
    if not own:
        there = ", ".join(sorted({file.platform for file in files}))
        raise AlignsarError(f"{folder}: no orbit files of {platform} there, only of {there}")
    covering = [file for file in own if file.margin(first, last) >= SPARE]
    if not covering:
        raise AlignsarError(
            f"{folder}: no orbit file of {platform} covers {_utc(first)} to {_utc(last)} with "
            f"{SPARE / np.timedelta64(1, 's'):.0f} s to spare; there: {_listed(own, first)}"
        )
    best = max(covering, key=lambda f: (-KINDS.index(f.kind), f.margin(first, last), f.created))
    orbit = read_orbit_file(best.path, epoch, first, last, platform=platform)
    if not orbit.source.startswith(best.kind):
        raise AlignsarError(f"{best.path}: its name says {best.kind}, its header {orbit.source.split()[0]}")
    return orbit

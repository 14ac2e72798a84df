"""Vector files of users for GDAL: of the kind that their ending says, off the network, without endless views."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.files import check_archive
from alignsar_gpu.opening.network import is_remote, vectors_offline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEAD = 1 << 14  # bytes
XML = re.compile(rb"\s*<(?:\?xml|!--|[a-z])", re.IGNORECASE)
JSON = re.compile(rb"[\s\x1e]*[{\[]")
SQLITE = re.compile(rb"SQLite format 3\0")
TEXT = re.compile(rb"\s*[^\s<{\x00]")
GZIP = re.compile(rb"\x1f\x8b")
ANY = re.compile(rb"")
# How a file of each ending begins.
STARTS = {
    **dict.fromkeys((".shp", ".shx"), re.compile(rb"\x00\x00\x27\x0a")),
    **dict.fromkeys((".gpkg", ".sqlite", ".db"), SQLITE),
    **dict.fromkeys((".json", ".geojson", ".geojsonl", ".geojsons", ".topojson", ".jsonl"), JSON),
    **dict.fromkeys((".gml", ".xml", ".kml", ".gpx", ".osm", ".gfs"), XML),
    **dict.fromkeys((".csv", ".tsv", ".txt", ".dxf", ".gmt", ".mif", ".tab"), TEXT),
    **dict.fromkeys((".kmz", ".shz", ".ods", ".xlsx"), re.compile(rb"PK\x03\x04")),
    ".fgb": re.compile(rb"fgb"),
    ".pbf": ANY,
    ".dgn": ANY,
    ".dbf": ANY,
    ".000": ANY,
}
# Texts that make GDAL open other files, URLs and commands, whatever the ending.
REFERRING = re.compile(rb"<\s*(?:OGR\w*DataSource|VRTDataset|GDAL_)|\"?gdal_streamed_alg", re.IGNORECASE)
IN_ZIP = re.compile(r"/vsizip/\{?(?P<archive>[^{}]+?\.(?:zip|kmz|shz))\}?(?:/(?P<member>.+))?", re.IGNORECASE)
LARGEST_DATABASE = 1 << 30  # bytes of one in an archive
NOT_UTF8 = (
    "its texts are not UTF-8, as it says they are; name their encoding in a file beside it (NAME.cpg with, for "
    "example, ISO-8859-1), or convert it (ogr2ogr -oo ENCODING=ISO-8859-1 OUT.gpkg IN.shp)"
)
WHAT_TO_DO = "convert it to GeoPackage (ogr2ogr OUT.gpkg IN)"


@contextmanager
def reading_vectors(path: str | Path | bytes, where: str) -> Iterator[None]:
    """Surround calls of pyogrio: check that a file is what its ending says, and take the network from GDAL.

    ``path`` is a file, a folder, a path of GDAL, or the bytes of GeoJSON; ``where`` begins messages. Raises
    AlignsarError for endings that are not known, and for files that would make GDAL open others or URLs.
    """
    name = "" if isinstance(path, bytes) else str(path)
    if isinstance(path, bytes):
        _check_head(path[:HEAD], ".geojson", where)
    elif not is_remote(name):
        _check_path(name, where)
    with vectors_offline(name):
        yield


def refuse_views(path: str | Path, layers: Sequence[str], where: str) -> None:
    """Raise AlignsarError if a layer of a GeoPackage or SQLite file is a view: its rows may have no end."""
    with _database(str(path), where) as file:
        if file is None:
            return
        try:
            with closing(
                sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            ) as opened:
                rows = opened.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
        except (sqlite3.Error, UnicodeDecodeError):  # damaged: GDAL says how
            return
    views = {str(row[0]).casefold() for row in rows}
    for layer in layers:
        if layer.casefold() in views:
            raise AlignsarError(
                f"{where}: its layer {layer!r} is a view, whose rows are computed and may have no end; make it a table "
                f"(ogr2ogr OUT.gpkg IN.gpkg {layer})"
            )


@contextmanager
def _database(path: str, where: str) -> Iterator[Path | None]:
    """Give an SQLite file that Python can open, a copy where it lies in an archive; None for other files."""
    inside = IN_ZIP.fullmatch(path)
    if inside and inside["member"]:
        with zipfile.ZipFile(inside["archive"]) as archive, tempfile.TemporaryDirectory() as folder:
            if inside["member"] not in archive.namelist():
                yield None
                return
            with archive.open(inside["member"]) as stream:
                if SQLITE.match(stream.read(16)) is None:
                    yield None
                    return
            if archive.getinfo(inside["member"]).file_size > LARGEST_DATABASE:
                raise AlignsarError(f"{where}: is too large a database to be read in its archive; unpack it")
            copy = Path(folder) / "copy.gpkg"
            with archive.open(inside["member"]) as stream, copy.open("wb") as written:
                shutil.copyfileobj(stream, written)
            yield copy
        return
    file = Path(path)
    with file.open("rb") if file.is_file() else _nothing() as stream:
        found = stream is not None and SQLITE.match(stream.read(16)) is not None
    yield file if found else None


@contextmanager
def _nothing() -> Iterator[IO[bytes] | None]:
    yield None


def _check_path(name: str, where: str) -> None:
    inside = IN_ZIP.fullmatch(name.removeprefix("/vsisubfile/0,"))
    path = Path(name.removeprefix("/vsisubfile/0,"))
    if inside and Path(inside["archive"]).is_file():
        _check_in_archive(Path(inside["archive"]), inside["member"] or "", where)
    elif path.is_file() and path.suffix.lower() == ".zip":
        _check_in_archive(path, "", where)
    elif path.is_file():
        with path.open("rb") as stream:
            _check_head(stream.read(HEAD), path.suffix, where, path)


def _check_in_archive(archive: Path, member: str, where: str) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            check_archive(opened, where)
            names = [name for name in opened.namelist() if not name.endswith("/")]
            member = names[0] if len(names) == 1 and not member else member
            if member in names:
                with opened.open(member) as stream:
                    _check_head(stream.read(HEAD), Path(member).suffix, where)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        raise AlignsarError(f"{where}: cannot be read ({error}); fetch the archive again") from None


def _check_head(head: bytes, suffix: str, where: str, path: Path | None = None) -> None:
    """Check how a file begins."""
    ending = suffix.lower()
    if ending == ".gz" and path is not None:
        _check_packed(path, where)
        return
    if ending not in STARTS:
        raise AlignsarError(
            f"{where}: cannot be read as a vector file: the ending {ending!r} is not known; {WHAT_TO_DO}"
        )
    text = head.removeprefix(b"\xef\xbb\xbf")
    if REFERRING.search(head) is not None:
        raise AlignsarError(
            f"{where}: refers to other files, services or commands, which are not opened; {WHAT_TO_DO}, and name that"
        )
    if STARTS[ending].match(text) is None:
        raise AlignsarError(
            f"{where}: cannot be read as a vector file: it does not begin as a file {ending} does; {WHAT_TO_DO}, or "
            "correct its ending"
        )


def _check_packed(path: Path, where: str) -> None:
    import gzip  # noqa: PLC0415  (rarely needed)

    try:
        with gzip.open(path) as stream:
            head = cast("IO[bytes]", stream).read(HEAD)
    except (zlib.error, OSError, EOFError) as error:
        raise AlignsarError(f"{where}: cannot be unpacked ({error}); fetch it again") from None
    _check_head(head, Path(path.stem).suffix, where)

"""Vector files of users for GDAL: of the kind that their ending says, off the network, without endless views."""

from __future__ import annotations

import re
import sqlite3
import tempfile
import zipfile
import zlib
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.files import check_archive
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.network import is_remote, vectors_offline
from alignsar_gpu.opening.web_pages import refuse_web_page

if TYPE_CHECKING:
    from collections.abc import Iterator

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
MOST_STEPS = 20_000_000  # of SQLite's machine, about a second
LARGEST_VALUE = 1 << 28  # bytes
LARGEST_DATABASE = 1 << 30  # bytes of one in an archive
NOT_UTF8 = (
    "its texts are not UTF-8, as it says they are; name their encoding in a file beside it (NAME.cpg with, for "
    "example, ISO-8859-1), or convert it (ogr2ogr -oo ENCODING=ISO-8859-1 OUT.gpkg IN.shp)"
)
WHAT_TO_DO = "convert it to GeoPackage (ogr2ogr OUT.gpkg IN)"


@contextmanager
def reading_vectors(path: str | Path | bytes, where: str, layer: str | None = None) -> Iterator[None]:
    """Surround calls of pyogrio: check that a file is what its ending says, and take the network from GDAL.

    ``path`` is a file, a folder, a path of GDAL, or the bytes of GeoJSON; ``where`` begins messages. Raises
    AlignsarError for endings that are not known, for files that would make GDAL open others or URLs, and where the
    ``layer`` that is read is a view of a database, or any view has no end: GDAL looks at all of them.
    """
    name = "" if isinstance(path, bytes) else str(path)
    if isinstance(path, bytes):
        _check_head(path[:HEAD], ".geojson", where)
    elif not is_remote(name):
        _check_path(name, where, layer)
    with vectors_offline(name):
        try:
            yield
        except UnboundLocalError as error:  # in pyogrio, of systems that are not UTF-8
            from pyogrio.errors import DataSourceError  # noqa: PLC0415  (heavy)

            raise DataSourceError(str(error)) from None


def _check_path(name: str, where: str, layer: str | None) -> None:
    plain = name.removeprefix("/vsisubfile/0,")
    inside, path = IN_ZIP.fullmatch(plain), Path(plain)
    if inside and Path(inside["archive"]).is_file():
        archive, member = Path(inside["archive"]), inside["member"] or ""
        head = _check_in_archive(archive, member, where)
    elif path.is_file() and path.suffix.lower() == ".zip":
        archive, member = path, ""
        head = _check_in_archive(path, "", where)
    elif path.is_file():
        archive, member = path, ""
        with path.open("rb") as stream:
            head = stream.read(HEAD)
        _check_head(head, path.suffix, where, path)
    else:
        return
    if SQLITE.match(head):
        about = archive.stat()
        views = _views(archive, member, about.st_mtime_ns, about.st_size, where)
        if layer is not None and layer.casefold() in views:
            raise AlignsarError(
                f"{where}: its layer {layer!r} is a view, whose rows are computed and may have no end; make it a table "
                f"(ogr2ogr OUT.gpkg IN.gpkg {layer})"
            )


@lru_cache(maxsize=64)
def _views(file: Path, member: str, _changed: int, _size: int, where: str) -> frozenset[str]:
    """List the views of a database, in lower case. Raises AlignsarError where one does not come to its first row."""
    with _unpacked(file, member, where) as plain:
        address = f"{plain.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True)) as opened:
                opened.text_factory = bytes
                opened.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_VALUE)
                rows = opened.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall()
                names = [bytes(row[0]).decode("utf-8", "replace") for row in rows]
                for name in names:
                    _require_first_row(opened, name, where)
        except sqlite3.DatabaseError:  # damaged, which GDAL says
            return frozenset()
    return frozenset(name.casefold() for name in names)


def _require_first_row(opened: sqlite3.Connection, view: str, where: str) -> None:
    opened.set_progress_handler(lambda: 1, MOST_STEPS)  # then it is interrupted
    quoted = view.replace('"', '""')
    try:
        opened.execute(f'SELECT * FROM "{quoted}" LIMIT 1').fetchall()  # noqa: S608  (quoted)
    except sqlite3.Error as error:
        raise AlignsarError(
            f"{where}: its view {view!r} cannot be computed, or has no end ({error}); copy the layers that you need "
            "to another file (ogr2ogr OUT.gpkg IN.gpkg LAYER)"
        ) from None


@contextmanager
def _unpacked(file: Path, member: str, where: str) -> Iterator[Path]:
    """Give a file that is one, a copy where it lies in an archive."""
    if not zipfile.is_zipfile(file):
        yield file
        return
    with zipfile.ZipFile(file) as archive, tempfile.TemporaryDirectory() as folder:
        names = archive.namelist()
        member = member or (without_clutter(names) or names)[0]
        if archive.getinfo(member).file_size > LARGEST_DATABASE:
            raise AlignsarError(f"{where}: is too large a database to be read in its archive; unpack it")
        yield Path(archive.extract(member, folder))


def _check_in_archive(archive: Path, member: str, where: str) -> bytes:
    """Check a member of an archive, or the only one, and return how it begins."""
    refuse_web_page(archive, where)
    try:
        with zipfile.ZipFile(archive) as opened:
            check_archive(opened, where)
            every = [name for name in opened.namelist() if not name.endswith("/")]
            names = without_clutter(every)
            member = names[0] if len(names) == 1 and not member else member
            if member in every:
                with opened.open(member) as stream:
                    head = stream.read(HEAD)
                _check_head(head, Path(member).suffix, where)
                return head
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        raise AlignsarError(f"{where}: cannot be read ({error}); fetch the archive again") from None
    return b""


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
    refuse_web_page(head, where)
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

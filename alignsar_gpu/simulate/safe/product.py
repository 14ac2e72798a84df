"""Write simulated products to disk: metadata written or copied, measurements named, sizes and checksums filled in."""

from __future__ import annotations

import hashlib
import re
import shutil
import warnings
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import rasterio
from rasterio.control import GroundControlPoint
from rasterio.errors import NotGeoreferencedWarning

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.products.sentinel1.safe import LARGEST_XML, MANIFEST, SIMULATED, open_safe
from alignsar_gpu.products.sentinel1.verify import remember_files
from alignsar_gpu.products.xml import parse_xml
from alignsar_gpu.simulate.safe.annotation import annotation
from alignsar_gpu.simulate.safe.calibration import calibration, noise
from alignsar_gpu.simulate.safe.cut import cut_bursts
from alignsar_gpu.simulate.safe.manifest import channels, manifest, stem
from alignsar_gpu.simulate.safe.measurement_writer import MeasurementWriter
from alignsar_gpu.simulate.safe.part import part_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.products.xml import Xml
    from alignsar_gpu.simulate.safe.plan.product import ProductPlan

METADATA = re.compile(r"manifest\.safe|annotation/(?:calibration/|rfi/)?[\w-]+\.xml")
FOLDERS = (MANIFEST, "annotation/*.xml", "annotation/calibration/*.xml", "annotation/rfi/*.xml")

# A file in a manifest: size, path and checksum.
DATA_OBJECT = re.compile(
    r'(?P<before><byteStream\b[^>]*\bsize=")\d+(?P<place>"[^>]*>\s*<fileLocation\b[^>]*\bhref="\./(?P<path>[^"]+)"\s*/>'
    r'\s*<checksum\b[^>]*\bchecksumName="MD5"[^>]*>)[0-9a-fA-F]*(?=</checksum>)'
)
BYTE_OFFSET = re.compile(r"(?<=<byteOffset>)\d+(?=</byteOffset>)")

NOTE = """The pixels of this product are simulated by alignsar_gpu.
They were not acquired by a satellite, and this is not an ESA product.
{metadata}
"""
PLANNED = "Its metadata are simulated, too: orbit, timing, calibration and noise are those of a planned pass."
COPIED = "Its metadata are a copy of those of the product that it is named after."


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A folder that is filled beside its place and renamed; nothing is left when that fails."""
    if path.exists():
        raise AlignsarError(f"{path}: exists already; remove it or choose another folder")
    unfinished = path.with_name(f"{path.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        unfinished.rename(path)
    except OSError as error:
        raise AlignsarError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_metadata(plan: ProductPlan, parent: Path) -> Path:
    """Write ``<parent>/<product_id>.SAFE`` with everything but pixels, and return its path.

    The manifest lists the measurements already; `finish_product` says how large they are. The same plan gives the
    same bytes. Raises AlignsarError when the folder exists or cannot be written.
    """
    path = parent / f"{plan.product_id}.SAFE"
    files = {MANIFEST: manifest(plan), SIMULATED: NOTE.format(metadata=PLANNED).encode()}
    for swath, name in channels(plan):
        own = stem(plan, swath, name)
        files[f"annotation/{own}.xml"] = annotation(plan, swath, name)
        files[f"annotation/calibration/calibration-{own}.xml"] = calibration(plan, swath, name)
        files[f"annotation/calibration/noise-{own}.xml"] = noise(plan, swath, name)
    with _new_folder(path) as folder:
        _fill(folder, files)
        _write_sums(folder)
    return path


def _zipped(source: Path, root: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = {
                name.removeprefix(root): archive.getinfo(name)
                for name in without_clutter(archive.namelist())
                if name.startswith(root) and METADATA.fullmatch(name.removeprefix(root))
            }
            for name, item in members.items():
                _check_size(source, name, item.file_size)
            return {name: archive.read(item) for name, item in sorted(members.items())}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise AlignsarError(f"{source}: cannot be unpacked ({error}); fetch the product again") from None


def _unzipped(source: Path) -> dict[str, bytes]:
    listed = without_clutter(file for pattern in FOLDERS for file in source.glob(pattern))
    files = sorted(file for file in listed if file.is_file())
    for file in files:
        _check_size(source, file.name, file.stat().st_size)
    return {file.relative_to(source).as_posix(): file.read_bytes() for file in files}


def _check_size(source: Path, name: str, size: int) -> None:
    if size > LARGEST_XML:
        raise AlignsarError(f"{source}: {name}: {size} bytes are too many for metadata; not read")


def copy_metadata(
    source: Path,
    parent: Path,
    swaths: Sequence[str] | None = None,
    polarizations: Sequence[str] | None = None,
    bursts: Sequence[str] = (),
) -> Path:
    """Copy the metadata of a product into ``<parent>/<its name>.SAFE``, and return that path.

    ``source`` is a SAFE folder or a zip of one. Manifest and annotations are copied as they are, pixels never;
    SIMULATED.txt says that those which come are simulated. Of some ``swaths`` ("IW1", ...) and ``polarizations``
    ("vv", ...) alone where these are given: then the manifest lists no others. ``bursts`` are ids as of `cut_bursts`;
    empty: all.
    Raises AlignsarError when the source is no whole product, or the copy exists or cannot be written.
    """
    safe = open_safe(source)
    if safe.kind == "annotation":
        raise AlignsarError(
            f"{source}: one annotation is no product to copy; give its SAFE folder or a zip of it"
        )
    files = _zipped(safe.path, safe.root) if safe.kind == "zip" else _unzipped(safe.path)
    if MANIFEST not in files or not any(name.startswith("annotation/") for name in files):
        raise AlignsarError(f"{source}: no manifest.safe or no annotation inside: not a whole SAFE product")
    if swaths is not None and polarizations is not None:
        files = part_of(files, swaths, polarizations, str(source))
    with _new_folder(parent / f"{safe.product_id}.SAFE") as folder:
        _fill(folder, files)
        (folder / SIMULATED).write_text(NOTE.format(metadata=COPIED))
        if bursts:
            cut_bursts(folder, bursts, safe.product_id)
            _write_sums(folder)
    return parent / f"{safe.product_id}.SAFE"


def _annotation_path(safe: Path, swath: str, polarization: str) -> Path:
    """The product annotation of a subswath and polarization; AlignsarError unless there is one."""
    pattern = f"s1?-{swath.lower()}-slc-{polarization.lower()}-*.xml"
    found = sorted((safe / "annotation").glob(pattern))
    if len(found) != 1:
        raise AlignsarError(
            f"{safe}: {len(found)} annotations of {swath.upper()} {polarization.upper()}, not one; choose subswath and "
            "polarization of the product"
        )
    return found[0]


def measurement_path(safe: Path, swath: str, polarization: str) -> Path:
    """Return the path of the pixels of a subswath and polarization in a SAFE folder.

    Raises AlignsarError when the product has no such subswath and polarization.
    """
    return safe / "measurement" / f"{_annotation_path(safe, swath, polarization).stem}.tiff"


def measurement_writer(safe: Path, swath: str, polarization: str) -> MeasurementWriter:
    """Make a writer of the pixels of a subswath and polarization, of the size in its annotation.

    The points of the annotation's geolocation grid become ground control points, as in ESA's files.
    """
    path = _annotation_path(safe, swath, polarization)
    document = parse_xml(path.read_bytes(), str(path))
    image = document.require("imageAnnotation/imageInformation")
    return MeasurementWriter(
        measurement_path(safe, swath, polarization),
        int(image.number("numberOfLines")),
        int(image.number("numberOfSamples")),
        [_control_point(point) for point in document.all(".//geolocationGridPoint")],
    )


def _control_point(point: Xml) -> GroundControlPoint:
    names = ("line", "pixel", "longitude", "latitude", "height")
    row, column, x, y, z = (point.number(name) for name in names)
    return GroundControlPoint(row=row, col=column, x=x, y=y, z=z)


def _strip_offset(tiff: Path, line: int) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(tiff, driver="GTiff") as raster:
            return int(raster.get_tag_item(f"BLOCK_OFFSET_0_{line}", "TIFF", bidx=1))


def _note_offsets(path: Path, tiff: Path, lines: int) -> None:
    """Write into an annotation where in its TIFF the bursts of ``lines`` begin."""
    count = 0

    def offset(_: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return str(_strip_offset(tiff, (count - 1) * lines))

    _replace_text(path, BYTE_OFFSET.sub(offset, path.read_text(encoding="utf-8")))


def _replace_text(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def finish_product(safe: Path) -> None:
    """Record the finished measurements of a SAFE folder in its manifest and annotations.

    The annotations get the places in the TIFFs where bursts begin, the manifest sizes and MD5 checksums of all
    files that are there; of a file that is not it keeps what it says. Doing it twice changes nothing.
    Raises AlignsarError when there is no measurement of those that the manifest lists.
    """
    text = (safe / MANIFEST).read_text(encoding="utf-8")
    names = [match["path"] for match in DATA_OBJECT.finditer(text)]
    tiffs = [name for name in names if name.startswith("measurement/") and (safe / name).is_file()]
    if not tiffs:
        raise AlignsarError(
            f"{safe}: none of the measurements in its manifest is there; write the pixels first"
        )
    for name in tiffs:
        tiff = safe / name
        path = safe / "annotation" / f"{tiff.stem}.xml"
        lines = int(parse_xml(path.read_bytes(), str(path)).number("swathTiming/linesPerBurst"))
        _note_offsets(path, tiff, lines)

    remember_files(_write_sums(safe))


def _write_sums(safe: Path) -> dict[Path, str]:
    """Write sizes and MD5 sums of all files that are there into the manifest, and return the sums."""
    sums: dict[Path, str] = {}

    def described(match: re.Match[str]) -> str:
        file = safe / match["path"]
        if not file.is_file():
            return match[0]
        with file.open("rb") as stream:
            sums[file] = hashlib.file_digest(stream, _md5).hexdigest()
        return f"{match['before']}{file.stat().st_size}{match['place']}{sums[file]}"

    listing = safe / MANIFEST
    _replace_text(listing, DATA_OBJECT.sub(described, listing.read_text(encoding="utf-8")))
    return sums


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)

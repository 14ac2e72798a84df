"""Single bursts as the Alaska Satellite Facility (ASF) distributes them: ``S1_*-BURST.tiff`` with an XML beside it.

The XML holds the annotations (product, calibration, noise) of all subswaths in one polarization of the product that
the burst was cut from, and its manifest; the TIFF has the pixels of one burst and polarization.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.time_scale import parse_utc
from alignsar_gpu.opening.files import refuse_large
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.products.sentinel1.measurement import TiffMeasurement, check_tiff
from alignsar_gpu.products.sentinel1.safe import LARGEST_XML, MANIFEST, Safe
from alignsar_gpu.products.xml import Xml, parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.products.sentinel1.annotation import Annotation

NAME = re.compile(
    r"S1_(?P<number>\d+)_(?P<swath>[IE]W\d)_(?P<time>\d{8}T\d{6})_(?P<polarization>VV|VH|HH|HV)_(?P<product>[0-9A-F]{4})-BURST"
)
ENDINGS = (".tiff", ".tif", ".xml")
APART = np.timedelta64(60, "s")  # bursts of one product begin within less than this
NEAR = np.timedelta64(
    1500, "ms"
)  # from the time in a name to that of the burst; bursts are 2.7 s apart or more
FOLDERS = {
    "product": "annotation/",
    "calibration": "annotation/calibration/calibration-",
    "noise": "annotation/calibration/noise-",
}


@dataclass(frozen=True, kw_only=True)
class BurstFile:
    """One burst in one polarization: what its name says, and its two files."""

    name: str
    number: int
    swath: str
    time: np.datetime64
    polarization: str
    product: str
    pixels: Path
    metadata: Path


@dataclass(frozen=True, kw_only=True)
class BurstFiles(Safe):
    """The bursts of one product that were downloaded, in place of its SAFE folder.

    ``documents`` are the annotations by the names that they have in a SAFE folder, of each polarization from one of its
    bursts.
    """

    bursts: tuple[BurstFile, ...]
    documents: Mapping[str, Xml]

    @cached_property
    def sums(self) -> Mapping[str, str]:
        """None: the manifest has the sums of the product that the bursts were cut from."""
        return {}

    def where(self, name: str) -> str:
        """Return the name of a file for messages."""
        return self.documents[name].where

    def xml(self, name: str) -> Xml:
        """Return an annotation, or the manifest."""
        return self.documents[name]

    def of(self, annotation: Annotation) -> dict[int, BurstFile]:
        """Return the burst files of an annotation by the place of their bursts in the subswath.

        Raises AlignsarError for one whose burst is not in the annotation.
        """
        header = annotation.header
        return {
            _index(burst, annotation): burst
            for burst in self.bursts
            if (burst.swath, burst.polarization) == (header.swath, header.polarization)
        }

    def own_part(self, annotation: Annotation) -> Annotation | None:
        """Return an annotation with the bursts alone that are there; None if none is."""
        own = self.of(annotation)
        bursts = tuple(burst for burst in annotation.bursts if burst.index in own)
        return replace(annotation, bursts=bursts) if bursts else None

    def measurements(self, annotation: Annotation) -> dict[int, TiffMeasurement]:
        """Return the pixels of the bursts of an annotation, by their place in the subswath."""
        found = {}
        size = {"lines": annotation.lines, "samples": annotation.samples}
        for index, burst in self.of(annotation).items():
            source = str(burst.pixels)
            check_tiff(source, source, **size)
            found[index] = TiffMeasurement(path=source, source=source, first_line=0, **size)
        return found

    def require_polarizations(self, polarizations: Iterable[str]) -> None:
        """Raise AlignsarError unless all bursts are there in all these polarizations."""
        there: dict[tuple[int, str], set[str]] = {}
        for burst in self.bursts:
            there.setdefault((burst.number, burst.swath), set()).add(burst.polarization)
        for (number, swath), own in sorted(there.items()):
            if lacking := set(polarizations) - own:
                raise AlignsarError(
                    f"{self.path}: burst {number} {swath} is there in {', '.join(sorted(own)).upper()}, without "
                    f"{', '.join(sorted(lacking)).upper()}; fetch that too, or choose by products.polarizations"
                )


def _index(burst: BurstFile, annotation: Annotation) -> int:
    """The place of a burst in its subswath: by its number, or by its time where the annotation has no numbers."""
    numbered = [own for own in annotation.bursts if own.number == burst.number]
    candidates = numbered or [own for own in annotation.bursts if own.number is None]
    best = min(candidates, key=lambda own: abs(own.azimuth_time - burst.time), default=None)
    if best is None or abs(best.azimuth_time - burst.time) > NEAR:
        raise AlignsarError(
            f"{burst.pixels}: its burst is not in {annotation.source}: the XML is of another burst; fetch both again"
        )
    return best.index


def _annotations(path: Path) -> Iterator[tuple[str, Xml]]:
    """All annotations of an XML file by their names in a SAFE folder, and the manifest."""
    refuse_large(path, LARGEST_XML)
    try:
        document = parse_xml(path.read_bytes(), str(path))
    except OSError as error:
        raise AlignsarError(f"{path}: cannot be read ({error.strerror or error})") from None
    if (manifest := document.find("manifest/*")) is not None:
        yield MANIFEST, manifest
    metadata = document.require("metadata")
    for kind, folder in FOLDERS.items():
        for record in metadata.all(kind):
            root = Element(kind)
            root.extend(record.require("content").element)
            swath, polarization = record.text("swath").lower(), record.text("polarisation").lower()
            yield f"{folder}{swath}-{polarization}.xml", Xml(root, record.where)


def burst_files_at(path: Path) -> list[tuple[BurstFile, ...]]:
    """Find ASF's burst files: that which ``path`` is or belongs to, or all in a folder; those of a product together.

    Raises AlignsarError for a burst of which one of the two files is missing.
    """
    files = without_clutter(path.iterdir()) if path.is_dir() else [path.with_suffix(e) for e in ENDINGS]
    stems = sorted(
        {f.stem for f in files if f.suffix.lower() in ENDINGS and NAME.fullmatch(f.stem) and f.is_file()}
    )
    folder = path if path.is_dir() else path.parent
    bursts = sorted((_burst_file(folder, stem) for stem in stems), key=lambda b: (b.product, b.time, b.name))
    return list(_by_product(bursts))


def _burst_file(folder: Path, stem: str) -> BurstFile:
    match = NAME.fullmatch(stem)
    time = None if match is None else parse_utc(_with_dashes(match["time"]))
    if match is None or time is None:
        raise AlignsarError(
            f"{folder / stem}: its name has no time that can be; restore the name that ASF gave it"
        )
    pixels = next((file for ending in ENDINGS[:2] if (file := folder / (stem + ending)).is_file()), None)
    metadata = folder / f"{stem}.xml"
    if pixels is None or not metadata.is_file():
        lacking = f"{stem}.tiff" if pixels is None else metadata.name
        raise AlignsarError(
            f"{folder / stem}: {lacking} is missing, which belongs to this burst of ASF; fetch it too"
        )
    return BurstFile(
        name=stem,
        number=int(match["number"]),
        swath=match["swath"],
        time=time + np.timedelta64(500, "ms"),
        polarization=match["polarization"].lower(),
        product=match["product"],
        pixels=pixels,
        metadata=metadata,
    )


def _with_dashes(time: str) -> str:
    day, clock = time.split("T")
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}.000000"


def _by_product(bursts: Sequence[BurstFile]) -> Iterator[tuple[BurstFile, ...]]:
    """Bursts (by product and time) that were cut from one product, of which names have four digits of a checksum."""
    begins = [0] + [
        place
        for place, (earlier, later) in enumerate(pairwise(bursts), 1)
        if earlier.product != later.product or later.time - earlier.time > APART
    ]
    for first, last in pairwise([*begins, len(bursts)]):
        if first < last:
            yield tuple(bursts[first:last])


def open_bursts(bursts: tuple[BurstFile, ...]) -> BurstFiles:
    """Open the bursts of one product. Raises AlignsarError for annotations that cannot be read."""
    first = bursts[0]
    one = len({burst.number for burst in bursts}) == 1
    time = first.name.split("_")[3]
    name = f"S1_{f'{first.number}_{first.swath}_' if one else ''}{time}_{first.product}-BURST"
    files = {burst.polarization: burst.metadata for burst in reversed(bursts)}
    documents = dict(part for path in files.values() for part in _annotations(path))
    return BurstFiles(
        path=first.pixels.with_name(name),
        kind="bursts",
        product_id=name,
        root="",
        names=tuple(sorted(documents)),
        has_measurement=True,
        bursts=bursts,
        documents=documents,
    )

"""Cut the metadata of a product to some bursts: annotations, calibration and noise of the lines that are left."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from defusedxml.ElementTree import fromstring

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.reader import open_sentinel1

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignsar_gpu.products.slc import Burst


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The bursts of a subswath that stay: ``count`` from ``first`` on, of ``lines`` lines each."""

    first: int
    count: int
    lines: int

    @property
    def top(self) -> int:
        """First line of the image that stays."""
        return self.first * self.lines

    @property
    def height(self) -> int:
        """Lines that stay."""
        return self.count * self.lines


def cut_bursts(safe: Path, names: Sequence[str], source: str) -> None:
    """Cut a SAFE folder without pixels to bursts: of each subswath from the first to the last of those named.

    Raises AlignsarError for a burst that is not there, with those that are.
    """
    bursts = open_sentinel1(safe).bursts
    there = [burst.name for burst in bursts]
    if lacking := [name for name in names if name.lower() not in there]:
        raise AlignsarError(
            f"simulate.template_bursts: {source} has no burst {', '.join(lacking)}; there are {', '.join(there)}"
        )
    cuts = _cuts([burst for burst in bursts if burst.name in {name.lower() for name in names}])
    for file in sorted((safe / "annotation").rglob("*.xml")):
        cut = cuts[next(part for part in file.name.upper().split("-") if part in cuts)]
        root = fromstring(file.read_bytes())
        _CUTTERS.get(root.tag, _cut_times)(root, cut)
        file.write_bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True))


def _cuts(chosen: Sequence[Burst]) -> dict[str, Cut]:
    places: dict[str, list[Burst]] = {}
    for burst in chosen:
        places.setdefault(burst.swath, []).append(burst)
    return {
        swath: Cut(first=own[0].index, count=own[-1].index + 1 - own[0].index, lines=own[0].grid.lines)
        for swath, own in places.items()
    }


def _cut_annotation(root: ET.Element, cut: Cut) -> None:
    _keep(root, "swathTiming/burstList", range(cut.first, cut.first + cut.count))
    points = "geolocationGrid/geolocationGridPointList"
    lines = [int(point.findtext("line", "0")) - cut.top for point in root.iterfind(f"{points}/*")]
    _keep(root, points, [number for number, line in enumerate(lines) if 0 <= line <= cut.height])
    _cut_times(root, cut)
    times = [
        datetime.fromisoformat(burst.findtext("azimuthTime", ""))
        for burst in root.iterfind("swathTiming/burstList/burst")
    ]
    image = "imageAnnotation/imageInformation"
    interval = float(root.findtext(f"{image}/azimuthTimeInterval", "0"))
    ends = times[0], times[-1] + timedelta(seconds=(cut.lines - 1) * interval)
    for time, *paths in zip(
        ends,
        ("adsHeader/startTime", "adsHeader/stopTime"),
        (f"{image}/productFirstLineUtcTime", f"{image}/productLastLineUtcTime"),
        strict=True,
    ):
        for path in paths:
            _set(root, path, time.isoformat(timespec="microseconds"))
    _set(root, f"{image}/numberOfLines", str(cut.height))


def _cut_noise(root: ET.Element, cut: Cut) -> None:
    _cut_times(root, cut)
    for vector in root.iterfind("noiseAzimuthVectorList/noiseAzimuthVector"):
        for name in ("firstAzimuthLine", "lastAzimuthLine"):
            line = int(vector.findtext(name, "0")) - cut.top
            _set(vector, name, str(min(max(line, 0), cut.height - 1)))
        lines = [int(text) - cut.top for text in vector.findtext("line", "").split()]
        factors = vector.findtext("noiseAzimuthLut", "").split()
        kept = [pair for pair in zip(lines, factors, strict=False) if 0 <= pair[0] < cut.height]
        for name, values in zip(("line", "noiseAzimuthLut"), zip(*kept, strict=True), strict=False):
            _set(vector, name, " ".join(map(str, values)), count=len(kept))


def _cut_times(root: ET.Element, cut: Cut) -> None:
    """Count the lines of records of points and vectors from the first line that is left."""
    for line in root.iterfind(".//line"):
        if line.get("count") is None and line.text:
            line.text = str(int(line.text) - cut.top)


_CUTTERS = {"product": _cut_annotation, "noise": _cut_noise}


def _keep(root: ET.Element, path: str, places: Sequence[int]) -> None:
    """Keep some members of a list."""
    found = root.find(path)
    if found is not None:
        found[:] = [member for place, member in enumerate(found) if place in set(places)]
        found.set("count", str(len(found)))


def _set(root: ET.Element, path: str, text: str, count: int | None = None) -> None:
    found = root.find(path)
    if found is None:
        return
    found.text = text
    if count is not None:
        found.set("count", str(count))

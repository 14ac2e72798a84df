"""Find SNAP products and the bands of their dates and polarizations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.products.snap.metadata import MONTHS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignsar_gpu.products.snap.raster import SnapRaster

BAND = re.compile(
    r"i_(?:(?P<swath>[A-Z]+\d*)_)??(?P<polarization>VV|VH|HH|HV)(?:_(?:mst|slv\d*|ref|sec\d*))?"
    r"_(?P<date>\d{2}[A-Z][a-z]{2}\d{4})"
)


@dataclass(frozen=True, kw_only=True)
class SnapBand:
    """The raster bands of one date and polarization."""

    raster: SnapRaster
    real: str
    swath: str
    polarization: str
    date: np.datetime64

    @property
    def imaginary(self) -> str:
        """Name of the imaginary band; ``real`` names the real one."""
        return "q" + self.real[1:]


def _snap_date(text: str) -> np.datetime64:
    return np.datetime64(f"{text[5:]}-{MONTHS[text[2:5].upper()]:02d}-{text[:2]}", "D")


def date_suffix(date: np.datetime64) -> str:
    """Format a day as in SNAP's band names: 31Mar2023."""
    year, month, day = str(date).split("-")
    name = next(m for m, i in MONTHS.items() if i == int(month))
    return f"{day}{name.capitalize()}{year}"


def find_products(folder: Path) -> list[Path]:
    """List the SNAP products at ``folder`` (itself one, or a folder of them), by name.

    Raises AlignsarError when there is none.
    """
    if not folder.exists():
        raise AlignsarError(
            f"products.path={folder}: no such file or folder; give the folder of a SNAP stack"
        )
    if folder.suffix in {".znap", ".dim"} or folder.name.endswith(".znap.zip"):
        return [folder]
    listed = [*folder.glob("*.znap"), *folder.glob("*.znap.zip"), *folder.glob("*.dim")]
    found = sorted(without_clutter(listed))
    if not found:
        raise AlignsarError(f"products.path={folder}: holds no .znap, .znap.zip or .dim product")
    return found


def input_files(path: Path) -> list[Path]:
    """List every file of the stack at ``path``, without opening any."""
    files: list[Path] = []
    for product in find_products(path):
        folders = (
            [product]
            if product.is_dir()
            else [product.with_suffix(".data")]
            if product.suffix == ".dim"
            else []
        )
        files += [product] if product.is_file() else []
        inside = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
        files += without_clutter(inside)
    return sorted(files)


def find_bands(rasters: Sequence[SnapRaster], polarizations: Sequence[str] = ()) -> list[SnapBand]:
    """Find the complex bands of all dates, by date and polarization.

    ``polarizations`` are those to read; empty: all. Raises AlignsarError if there is none, or one of these is missing.
    """
    bands: dict[tuple[np.datetime64, str], SnapBand] = {}
    for raster in rasters:
        for name in raster.bands:
            match = BAND.fullmatch(name)
            if match is None:
                continue
            band = SnapBand(
                raster=raster,
                real=name,
                swath=match["swath"] or "",
                polarization=match["polarization"].lower(),
                date=_snap_date(match["date"]),
            )
            if band.imaginary not in raster.bands:
                raise AlignsarError(f"{raster.path}: band {name!r} has no imaginary part {band.imaginary!r}")
            key = (band.date, band.polarization)
            if key in bands:
                raise AlignsarError(
                    f"{raster.path}: {name!r} is here and, as {bands[key].real!r}, in {bands[key].raster.path.name}: "
                    "merge subswaths first (TOPSAR-Merge), and give each date once"
                )
            bands[key] = band
    if not bands:
        names = ", ".join(raster.path.name for raster in rasters)
        raise AlignsarError(
            f"{names}: no complex bands of a coregistered stack, which SNAP names like i_VV_31Mar2023 and "
            "q_VV_31Mar2023 (with the date); run Back-Geocoding or CreateStack first"
        )
    there = sorted({polarization for _, polarization in bands})
    if not set(polarizations) <= set(there):
        raise AlignsarError(
            f"products.polarizations=[{','.join(polarizations)}]: {rasters[0].path.parent} has bands of "
            f"{', '.join(there).upper()}; choose from these"
        )
    return [bands[key] for key in sorted(bands) if key[1] in polarizations or not polarizations]


def check_one_grid(rasters: Sequence[SnapRaster]) -> None:
    """Raise AlignsarError unless all products have the same size and reference grid."""
    first = rasters[0]
    for other in rasters[1:]:
        if (other.lines, other.samples) != (first.lines, first.samples):
            raise AlignsarError(
                f"{other.path.name} has {other.lines} x {other.samples} pixels (lines x samples), {first.path.name} "
                f"{first.lines} x {first.samples}: not one coregistered stack; cut them to the same area"
            )
        for name in ("first_line_time", "slant_range_to_first_pixel", "PRODUCT"):
            values = [r.metadata.require("Abstracted_Metadata").text(name) for r in (first, other)]
            if values[0] != values[1]:
                raise AlignsarError(
                    f"{other.path.name} and {first.path.name} do not lie on one reference grid: {name} is "
                    f"{values[1]} and {values[0]}; coregister them together"
                )

"""Rasters of several dates: which of them each image of a stack is given, and how far apart in time they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.dates import Validity, time_in_name
from alignsar_gpu.radarcoding.rasters.describing import describe
from alignsar_gpu.radarcoding.rasters.items import rasters_of_items
from alignsar_gpu.radarcoding.rasters.opening import described, name_of, numbers_of, raster_of, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
    from alignsar_gpu.radarcoding.rasters.describing import Described
    from alignsar_gpu.radarcoding.rasters.files import LabelRaster

NONE = "none"
TAGS = ("datetime", "date", "time")  # of bands
GRIB_TIME = "GRIB_VALID_TIME"  # seconds since 1970
LATEST = 1 << 32  # of these
TOGETHER = np.timedelta64(600, "s")


@dataclass(frozen=True, kw_only=True)
class Match:
    """What an image is given: the rasters, by number, with their shares, and the days to the farthest of them."""

    shares: dict[int, float]
    days: float


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterSeries:
    """Rasters of several dates, in order of the middles of their times.

    Attributes
    ----------
    rasters, validities, names : each with its time, and what it is called.
    items : files of the STAC items that they were found by.
    limit : days that a raster may be from an image.
    interpolate : linearly between the rasters before and after each image.
    """

    key: str
    rasters: tuple[LabelRaster, ...]
    validities: tuple[Validity, ...]
    names: tuple[str, ...]
    limit: float
    interpolate: bool
    items: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path | str, ...]:
        """Files that are read, for a fingerprint."""
        return tuple(
            dict.fromkeys((*(file for raster in self.rasters for file in raster.files), *self.items))
        )

    def matches(self, times: NDArray[np.datetime64], usable: Sequence[int] | None = None) -> list[Match]:
        """Find the rasters for all images, among those that are usable. Raises AlignsarError where none has any."""
        numbers = list(range(len(self.rasters)) if usable is None else usable)
        found = [self._match(time, numbers) for time in times]
        if not any(match.shares for match in found):
            first, last = (self.validities[numbers[end]].attributes() for end in (0, -1))
            raise AlignsarError(
                f"{self.key}.nearest_days={self.limit:g}: no image has a raster {self.within}; the rasters are of "
                f"{first['valid_start']} to {last['valid_end']}, the images of {_day(times.min())} to "
                f"{_day(times.max())}; give rasters of these dates, or allow for more days"
            )
        return found

    def _match(self, time: np.datetime64, numbers: Sequence[int]) -> Match:
        """Find the rasters for an image: none beyond the limit, the earlier of two that are as near.

        Between two rasters the middles of their times count.
        """
        days = {number: float(self.validities[number].days_from(np.array([time]))[0]) for number in numbers}
        nearest = min(numbers, key=lambda number: days[number])
        shares = {nearest: 1.0}
        if self.interpolate and days[nearest] > 0.0:
            middles = np.array([self.validities[number].middle for number in numbers])
            after = int(np.searchsorted(middles, time))
            if after in {0, len(numbers)}:
                return Match(shares={}, days=days[nearest])
            share = float((time - middles[after - 1]) / (middles[after] - middles[after - 1]))
            shares = {numbers[after - 1]: 1.0 - share, numbers[after]: share}
        farthest = max(days[number] for number in shares)
        return Match(shares=shares if farthest <= self.limit else {}, days=farthest)

    @property
    def within(self) -> str:
        """Where rasters may be for an image to have them, in words."""
        return f"{'before and after it ' if self.interpolate else ''}within {self.limit:g} days"

    @property
    def how(self) -> str:
        """What an image is given, in words."""
        form = "linearly between the rasters" if self.interpolate else "the raster nearest in time,"
        return f"{form} {self.within}; unknown where there is none"

    def named(self, match: Match) -> str:
        """Return the names of the rasters that an image is given."""
        return " + ".join(self.names[number].replace(", ", ",") for number in match.shares) or NONE


def _day(time: np.datetime64) -> str:
    return str(time.astype("datetime64[D]"))


def open_series(config: RasterLayerConfig, key: str) -> RasterSeries:
    """Open the rasters of several dates; every message begins with ``key``.

    Raises AlignsarError for rasters without a date, with several, or of the same date and place, for bands that differ,
    and as `opening.open_raster` does.
    """
    config.check(key)
    items: tuple[Path, ...] = ()
    if config.dates == "bands":
        dated = _by_bands(config, key)
    elif config.dates == "names":
        named = described(config.path, key)
        times = [
            time_in_name(Path(file.name).stem, config.date_pattern, f"{key}: {file.name}") for file in named
        ]
        dated = _by_files(config, times, named, key)
    else:
        found, paths, items = zip(*rasters_of_items(config, key), strict=True)
        dated = _by_files(config, found, [describe(name, key) for name in paths], key)
    validities, names, rasters = zip(*sorted(dated, key=lambda one: (one[0].middle, one[0])), strict=True)
    for raster in rasters:
        if raster.bands != rasters[0].bands:
            raise AlignsarError(
                f"{key}: {raster.name} has the bands {', '.join(raster.bands)}, and {rasters[0].name} has "
                f"{', '.join(rasters[0].bands)}; name those that all have (bands)"
            )
    return RasterSeries(
        key=key,
        rasters=rasters,
        validities=validities,
        names=names,
        limit=config.nearest_days,
        interpolate=config.interpolate,
        items=tuple(dict.fromkeys(items)),
    )


def _by_files(
    config: RasterLayerConfig, times: Sequence[Validity], files: Sequence[Described], key: str
) -> list[tuple[Validity, str, LabelRaster]]:
    """Open the files of each date, which are tiles of one grid; name the date by the first.

    Tiles of one pass may be some minutes apart; files of the same place are of different dates.
    """
    groups: list[tuple[Validity, list[Described]]] = []
    for time, file in sorted(zip(times, files, strict=True), key=lambda one: one[0]):
        known, group = groups[-1] if groups else (time, [])
        same = [other for other in group if _is_same_place(file, other)]
        if same and time == known:
            raise AlignsarError(
                f"{key}: {file.name} and {same[0].name} are of the same date and place; leave one out"
                f"{'' if config.dates == 'stac' else ', or tell them apart (date_pattern)'}"
            )
        if group and not same and time.start - known.start <= TOGETHER and time.end - known.end <= TOGETHER:
            groups[-1] = Validity(known.start, max(known.end, time.end)), [*group, file]
        else:
            groups.append((time, [file]))
    table = table_of(config, files, [numbers_of(config, files[0], key)], key)
    return [(time, Path(name_of(group)).name, raster_of(config, group, table, key)) for time, group in groups]


def _is_same_place(one: Described, other: Described) -> bool:
    return (one.crs, one.affine, one.shape) == (other.crs, other.affine, other.shape)


def _by_bands(config: RasterLayerConfig, key: str) -> list[tuple[Validity, str, LabelRaster]]:
    """Open a raster with a band for each date."""
    files = described(config.path, key)
    numbers = numbers_of(config, files[0], key)
    table = table_of(config, files, [(number,) for number in numbers], key)
    found: dict[Validity, tuple[Validity, str, LabelRaster]] = {}
    for number in numbers:
        name = files[0].descriptions[number - 1] or f"band {number}"
        where = f"{key}: {files[0].name}, {name}"
        time = _time_of_band(name, files[0].tags[number - 1], config.date_pattern, where)
        if time in found:
            raise AlignsarError(
                f"{where} and {found[time][1]} are of the same date; name one of them (bands)"
            )
        raster = raster_of(replace(config, bands=[number]), files, table, key)
        found[time] = time, name, raster if config.derivatives else replace(raster, bands=("",))
    return list(found.values())


def _time_of_band(name: str, tags: Mapping[str, str], pattern: str | None, where: str) -> Validity:
    """Return the time of a band: that of GRIB, or the date in a tag or in its name."""
    seconds = tags.get(GRIB_TIME, "").split()
    if seconds and seconds[0].isdigit() and int(seconds[0]) < LATEST:
        moment = datetime.fromtimestamp(int(seconds[0]), UTC)
        return Validity.between(moment, moment)
    return time_in_name(next((tags[tag] for tag in TAGS if tag in tags), name), pattern, where)

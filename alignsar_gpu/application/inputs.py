"""What a run reads: found and checked before any work, and opened when the work begins."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from alignsar_gpu.coregistration.assemble import CoregistrationOptions, coregistered_stack
from alignsar_gpu.coregistration.corrections.corrections import Corrections
from alignsar_gpu.coregistration.reference import best_reference
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.dem.raster import files_of
from alignsar_gpu.opening.sources import local_file
from alignsar_gpu.products.area import read_area
from alignsar_gpu.products.readers import reader_of
from alignsar_gpu.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from alignsar_gpu.config import Config, DemConfig, SlcProductsConfig
    from alignsar_gpu.coregistration.corrections.corrections import Troposphere
    from alignsar_gpu.device import Device
    from alignsar_gpu.geometry.dem.dem import Dem, VerticalDatum
    from alignsar_gpu.products.choice import SlcChoice
    from alignsar_gpu.products.readers import Reader
    from alignsar_gpu.products.selection import Keep, Selection
    from alignsar_gpu.stack.product import StackProduct


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a stack is made of.

    Attributes
    ----------
    open : opens the stack, to be worked on on a device.
    settings : how it is to be read, without where it lies.
    files : what it is read from; those that belong together (a product, a DEM) in one sequence. Texts name what lies on
        servers.
    """

    open: Callable[[Device], StackProduct]
    settings: dict[str, Any]
    files: Sequence[Sequence[Path | str]] = field(default=())


def find_inputs(config: Config) -> Inputs:
    """Find what ``config`` names. Raises AlignsarError when it is not there or cannot be used."""
    reader = reader_of(config.products.reader)
    if reader.coregisters:
        return _coregistered(reader, config)
    source = reader.find_stack(config.products)
    return Inputs(open=lambda _: source.open(), settings=dict(source.settings), files=source.files)


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _coregistered(reader: Reader, config: Config) -> Inputs:
    """SLC products that a run coregisters on the terrain of the configuration."""
    products = cast("SlcProductsConfig", config.products)
    area = None if products.area is None else read_area(_area_text(products.area))
    orbits, dem = config.orbits.path, config.dem
    opened = reader.open_slc(products, None if orbits is None else _path(orbits))
    reference = config.coregistration.reference
    choose = partial(opened.choose, area=area, burst=products.burst, keep=cast("Keep", products.keep))
    choice = choose(reference=reference)
    if reference is None and (best := best_reference(choice.selection)) != choice.selection.reference:
        choice = choose(reference=best)
    surface = open_surface(dem)
    facts = {"dropped": list(choice.dropped)} | ({} if choice.share is None else {"area_share": choice.share})

    options = _options(config, choice.selection.dates)

    def open_bursts(device: Device) -> StackProduct:
        _verify(choice)
        return coregistered_stack(
            choice.selection,
            surface,
            device,
            area=area if products.crop else None,
            around=choice.around,
            options=options,
            facts=facts,
            advance=lambda line: LOGGER.debug("timing     %s", line),
        )

    settings = {name: value for name, value in asdict(products).items() if name not in {"path", "verify"}}
    settings["area"] = area and area.wkt
    settings["reference"] = choice.selection.reference
    settings["orbit"] = _orbit_checksum(choice.around)
    settings["vertical_datum"] = dem.vertical_datum
    names = sorted({tile.raster.name for tile in surface.mosaic.tiles})
    settings["dem"] = [_inside(name) for name in names if not Path(name).is_file()]
    return Inputs(open=open_bursts, settings=settings, files=(*choice.files, *surface_files(surface)))


def _inside(name: str) -> str:
    """Return a name of what is inside a file, without the folders that it lies in."""
    file = local_file(name)
    return name if file is None else name.replace(str(file), file.name)


def _verify(choice: SlcChoice) -> None:
    """Check the pixels that are used against the products' own sums, and say how long it took."""
    started = time.perf_counter()
    if read := choice.verify():
        seconds = time.perf_counter() - started
        LOGGER.info("verified   %.2f GB against the MD5 sums of the products in %.1f s", read / 1e9, seconds)


def _options(config: Config, dates: Sequence[str]) -> CoregistrationOptions:
    settings = config.coregistration
    delays = settings.zenith_delays
    if delays and len(delays) != len(dates):
        raise AlignsarError(
            f"coregistration.zenith_delays={delays}: there are {len(dates)} dates ({', '.join(dates)}); "
            "give one for each"
        )
    return CoregistrationOptions(
        neighbours=settings.neighbours,
        timing=settings.timing,
        range_shift=settings.range_shift,
        taps=settings.taps,
        flatten=config.interferometry.flatten == "auto",
        corrections=Corrections(
            bistatic=settings.bistatic,
            doppler_range=settings.doppler_range,
            fm_rate=settings.fm_rate,
            tide=settings.tide,
            troposphere=cast("Troposphere", settings.troposphere),
        ),
        zenith=dict(zip(dates, delays, strict=False)),
    )


def _area_text(area: Any) -> str:
    """The area as `read_area` takes it. Raises AlignsarError for what is neither text nor four numbers."""
    if isinstance(area, str):
        return area
    numbers = isinstance(area, list) and all(type(value) in {int, float} for value in area)
    if not numbers or len(area) != 4:
        raise AlignsarError(
            f"products.area={area}: give [west,south,east,north] in degrees, WKT, GeoJSON, or the path of a vector file"
        )
    return ",".join(map(repr, area))


def _orbit_checksum(selection: Selection) -> str:
    """Of the state vectors of all products that bursts are from."""
    orbits = {
        match.product.product_id: match.product.orbit
        for found in selection.bursts.values()
        for match in found.values()
    }
    checksum = hashlib.sha256()
    for _, orbit in sorted(orbits.items()):
        for vector in (orbit.time, orbit.position, orbit.velocity):
            checksum.update(vector.tobytes())
    return checksum.hexdigest()


def surface_files(surface: Dem) -> list[list[Path | str]]:
    """List what a terrain is read from: heights, geoid."""
    names = sorted({tile.raster.name for tile in surface.mosaic.tiles})
    heights = list(dict.fromkeys(file for name in names for file in files_of(name)))
    return [heights, [] if surface.geoid is None else [Path(surface.geoid.source)]]


def open_surface(config: DemConfig) -> Dem:
    """The terrain that ``config`` names. Raises AlignsarError where it is none."""
    named = config.path if isinstance(config.path, list) else [config.path]
    if not named or not all(isinstance(item, str) for item in named):
        raise AlignsarError(
            f"dem.path={config.path}: give a raster of heights, a folder of tiles, or a list of them"
        )
    paths = [str(_path(item)) if item.startswith("~") else item for item in named]  # zip://... is no path
    geoid = None if config.geoid is None else _path(config.geoid)
    return open_dem(paths, cast("VerticalDatum", config.vertical_datum), geoid)

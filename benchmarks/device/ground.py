"""Cases of the kernels that know the ground: geometry, terrain and its area, resampling, sampling of images."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

from .case import Case, Size
from .pixels import speckle
from .scene import MIDDLE, RANGE_STEP, TIME_STEP, drawn, orbit, terrain

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

POST_BYTES = 8 * 8 + 6 * 4  # quantities and bends
PIXEL_BYTES = 3 * 8 + 2 * 4 + 1  # longitude, latitude, height; two angles; flags
DOPPLER = kernels.DopplerTable(np.array([[200.0, 30.0]]), MIDDLE, 820e3, 1.0, 20e3, 0.028)


def ground_to_radar(doppler: kernels.DopplerTable, size: Size) -> Case:
    """The pixels of the image, seen from the orbit."""
    table = orbit()
    seed = MIDDLE + TIME_STEP * np.arange(size.lines)
    return Case(
        function="ground_to_radar",
        arrays=(*drawn(size)[:3], seed),
        run=lambda *arrays: kernels.ground_to_radar(*arrays, table, doppler),
        pixels=size.pixels,
        bytes_per_pixel=3 * 8 + 2 * 8,
        bound=1e-11,
    )


def viewing_angles(size: Size) -> Case:
    land, table = terrain(size), orbit()
    return Case(
        function="viewing_angles",
        arrays=(*land.ground, land.time, *land.slopes),
        run=lambda *arrays: kernels.viewing_angles(*arrays, table),
        pixels=land.time.size,
        bytes_per_pixel=6 * 8 + 3 * 8,
        bound=1e-11,
    )


def rasterize_terrain(size: Size) -> Case:
    land = terrain(size)

    def run(posts: Any, bends: Any) -> Any:
        return kernels.rasterize_terrain(
            posts, bends, first=0, lines=size.lines, samples=size.samples, margin=size.margin
        )

    return Case(
        function="rasterize_terrain",
        arrays=(land.posts, land.bends),
        run=run,
        pixels=size.pixels,
        bytes_per_pixel=PIXEL_BYTES + POST_BYTES * land.time.size / size.pixels,
        strays=1e-5,  # of facets that a pixel lies between, rounding chooses
    )


def sight_points(size: Size) -> Case:
    land, table = terrain(size), orbit()
    return Case(
        function="sight_points",
        arrays=(*land.ground, land.time),
        run=lambda *arrays: (kernels.sight_points(*arrays, table, pixel=TIME_STEP * RANGE_STEP),),
        pixels=land.time.size,
        bytes_per_pixel=4 * 8 + 6 * 8,
        bound=1e-10,
    )


def facet_areas(size: Size) -> Case:
    land = terrain(size)
    points = kernels.sight_points(*land.ground, land.time, orbit(), pixel=TIME_STEP * RANGE_STEP)
    height = land.ground[2]
    return Case(
        function="facet_areas",
        arrays=(points, height),
        run=lambda *arrays: (kernels.facet_areas(*arrays, float(height.max())),),
        pixels=land.time.size,
        bytes_per_pixel=6 * 8 + 8 + 2 * 8,
        bound=1e-8,
        strays=1e-4,  # a facet is in the shadow or not: rounding chooses
    )


def spread_areas(size: Size) -> Case:
    land = terrain(size)
    shape = (land.time.shape[0] - 1, land.time.shape[1] - 1, 2)
    areas = np.random.default_rng(1).uniform(10.0, 20.0, shape)

    def run(places: Any, areas: Any) -> tuple[Any]:
        return (kernels.spread_areas(places, areas, first=0, lines=size.lines, samples=size.samples),)

    return Case(
        function="spread_areas",
        arrays=(land.posts[..., :2].copy(), areas),
        run=run,
        pixels=size.pixels,
        bytes_per_pixel=4 + 4 * 8 * land.time.size / size.pixels,
        strays=1e-4,
    )


def carrier(size: Size) -> kernels.CarrierTable:
    slope, centroid = np.linspace(-1560.0, -1520.0, size.samples), np.linspace(-50.0, 30.0, size.samples)
    return kernels.CarrierTable(slope, centroid, -0.5 * size.lines * TIME_STEP, TIME_STEP)


def stored(size: Size) -> NDArray[np.int16]:
    """Speckle as products store it."""
    image = 100.0 * speckle(size.lines, size.samples)
    return np.stack([image.real, image.imag], axis=-1).astype(np.int16)


def ramp(kind: str, size: Size) -> Case:
    table = carrier(size)
    time = table.first_time + TIME_STEP * np.arange(size.lines)
    image = stored(size) if kind == "int16" else speckle(size.lines, size.samples)
    return Case(
        function="ramp",
        arrays=(image, table.slope, table.centroid, time),
        run=lambda *arrays: (kernels.ramp(*arrays, -1),),
        pixels=size.pixels,
        bytes_per_pixel=image.nbytes // size.pixels + 8,
    )


def decode(size: Size) -> Case:
    return Case(
        function="decode",
        arrays=(stored(size), np.ones(size.lines, dtype=bool)),
        run=kernels.decode,
        pixels=size.pixels,
        bytes_per_pixel=4 + 8 + 1,
    )


def extents(size: Size) -> Case:
    line, sample = np.mgrid[0.0 : size.lines, 0.0 : size.samples]
    line[0, 0] = np.nan
    return Case(
        function="extents",
        arrays=(line, sample),
        run=lambda *arrays: (np.array(kernels.extents(*arrays)),),
        pixels=size.pixels,
        bytes_per_pixel=8 + 8,
    )


def move_places(size: Size) -> Case:
    ground = drawn(size)
    down, across = (np.full(ground.height.shape, offset) for offset in (0.3, -0.2))
    return Case(
        function="move_places",
        arrays=(*ground[:3], ground.flags, down, across),
        run=kernels.move_places,
        pixels=size.pixels,
        bytes_per_pixel=3 * 8 + 1 + 2 * 8 + 3 * 8,
        bound=1e-11,
    )


def move_image(size: Size) -> Case:
    image = np.abs(speckle(size.lines, size.samples))
    down, across = (np.full(image.shape, offset) for offset in (0.3, -0.2))
    return Case(
        function="move_image",
        arrays=(image, down, across),
        run=lambda *arrays: (kernels.move_image(*arrays),),
        pixels=size.pixels,
        bytes_per_pixel=4 + 2 * 8 + 4,
    )


def evaluate_polynomials(size: Size) -> Case:
    """Of location corrections: two, which all powers are in."""
    coefficients = np.random.default_rng(1).normal(size=(2, 4, 6, 6))
    line, sample = (np.linspace(-1.0, 1.0, count) for count in (size.lines, size.samples))
    height = drawn(size).height / 9000.0
    return Case(
        function="evaluate_polynomials",
        arrays=(height,),
        run=lambda height: (kernels.evaluate_polynomials(coefficients, line, sample, height),),
        pixels=size.pixels,
        bytes_per_pixel=8 + 2 * 8,
        bound=1e-11,
    )


def interpolate_rows(size: Size) -> Case:
    table = 300.0 + np.abs(speckle(4, size.samples))
    row = np.linspace(0.0, 3.0, size.lines)
    return Case(
        function="interpolate_rows",
        arrays=(table,),
        run=lambda table: (kernels.interpolate_rows(table, row, as_gain=True),),
        pixels=size.pixels,
        bytes_per_pixel=4,
    )


def calibrate_powers(size: Size) -> Case:
    gain, power, floor = (np.abs(speckle(size.lines, size.samples)) for _ in range(3))
    return Case(
        function="calibrate_powers",
        arrays=(gain, power, floor),
        run=lambda *arrays: (kernels.calibrate_powers(*arrays),),
        pixels=size.pixels,
        bytes_per_pixel=4 * 4,
    )


def resample(down: int, across: int, size: Size) -> Case:
    """An image at the positions of a second pass, its carrier put on, flattened; tables are where the image is."""
    line, sample = np.mgrid[0.0 : size.lines, 0.0 : size.samples]
    line += 2.3 + sample * 1e-5
    sample += 31.7 * size.samples / 21_000 + sample * 1e-4
    table = carrier(size)
    tables = (kernels.weights(down, 0.68), kernels.weights(across, 0.75), table.slope, table.centroid)

    def run(
        image: Any, line: Any, sample: Any, turns: Any, down: Any, across: Any, slope: Any, centroid: Any
    ) -> tuple[Any, ...]:
        own = table._replace(slope=slope, centroid=centroid)
        return kernels.resample(image, line, sample, down=down, across=across, carrier=own, turns=turns)

    return Case(
        function="resample",
        arrays=(speckle(size.lines, size.samples), line, sample, 1e5 + 0.01 * sample, *tables),
        run=run,
        pixels=size.pixels,
        bytes_per_pixel=3 * 8 + 8 + 8 + 1,
    )


def gather(method: kernels.GatherMethod, kind: str, size: Size) -> Case:
    """An image on a map that is turned against it."""
    image = speckle(size.lines, size.samples)
    pixels = {"complex64": image, "float32": image.real.copy()}.get(kind)
    if pixels is None:
        pixels = (np.arange(image.size) % 9).astype(np.uint8).reshape(image.shape)
    line, sample = np.mgrid[0.0 : size.lines, 0.0 : size.samples]
    line, sample = 0.98 * line + 1e-3 * sample - 0.3, 0.99 * sample - 0.01 * line + 0.4
    return Case(
        function="gather",
        arrays=(pixels, line, sample),
        run=lambda *arrays: (kernels.gather(*arrays, method),),
        pixels=size.pixels,
        bytes_per_pixel=2 * 8 + 2 * pixels.itemsize,
        strays=1e-5,
    )


def parabolas(size: Size) -> Case:
    """Positions from those of a lattice, 32 columns a cell."""
    cells = size.samples // 32
    p, q, b = np.random.default_rng(1).normal(size=(3, size.lines, cells))
    along = np.arange(32) / 32
    return Case(
        function="spread_parabolas",
        arrays=(p, q, b),
        run=lambda *arrays: (kernels.spread_parabolas(*arrays, along, slice(0, 32 * cells)),),
        pixels=size.lines * 32 * cells,
        bytes_per_pixel=8,
    )


FAMILIES: dict[str, dict[str, Callable[[Size], Case]]] = {
    "geometry": {
        "ground to radar": partial(ground_to_radar, kernels.ZERO_DOPPLER),
        "ground to radar, Doppler": partial(ground_to_radar, DOPPLER),
        "viewing angles": viewing_angles,
    },
    "terrain": {"draw terrain": rasterize_terrain},
    "terrain_area": {
        "sight points": sight_points,
        "facet areas": facet_areas,
        "spread areas": spread_areas,
    },
    "resampling": {
        "ramp": partial(ramp, "complex64"),
        "ramp, int16": partial(ramp, "int16"),
        "decode": decode,
        "extents": extents,
        "resample 8 x 8": partial(resample, 8, 8),
        "resample 12 x 12": partial(resample, 12, 12),
        "resample 8 x 16": partial(resample, 8, 16),
        "resample 16 x 16": partial(resample, 16, 16),
    },
    "calibration": {
        "interpolate rows": interpolate_rows,
        "calibrate powers": calibrate_powers,
    },
    "placement": {
        "move places": move_places,
        "move image": move_image,
        "evaluate polynomials": evaluate_polynomials,
    },
    "gathering": {
        f"gather {method}, {kind}": partial(gather, method, kind)
        for kind, methods in kernels.GATHER_METHODS.items()
        for method in methods
    }
    | {"spread parabolas": parabolas},
}

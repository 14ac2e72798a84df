"""Surfaces from the heights of a cube's own pixels, where no DEM was used."""

import numpy as np
import pytest
import zarr
from geocoding_scene import Scene
from scipy.ndimage import binary_dilation

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ground_to_radar import height_of
from alignsar_gpu.geometry.stored.geometry import read_geometry, write_geometry
from alignsar_gpu.geometry.stored.surface import PixelHeights, root_between

EXACT = 2e-3  # lines and samples, at the pixels' own coordinates
ALIKE = 0.06  # and between them, where heights are linear in the image, not on the ground
SMALL = 5000.0  # m, half of the DEM


def keep(folder, scene, drawing, **nodes):
    """A cube with nothing but heights and geometry, read again."""
    root = zarr.create_group(folder / "cube.zarr", zarr_format=3)
    root.create_array("height", data=drawing.height.astype(np.float32))
    low, high = float(np.nanmin(drawing.height)), float(np.nanmax(drawing.height))
    surface = PixelHeights(lowest=low, highest=high, **nodes)
    write_geometry(folder / "cube.zarr", surface, grid=scene.radar, orbit=scene.orbit)
    return read_geometry(folder / "cube.zarr")


def away(scene, drawing, kept):
    """Lines and samples between each pixel and where its longitude and latitude are seen."""
    longitude = np.where(drawing.longitude > 180.0, drawing.longitude - 360.0, drawing.longitude)
    height = kept.dem.height_at(longitude, drawing.latitude)
    line, sample = scene.terrain.to_radar(longitude, drawing.latitude, height)
    lines, samples = np.mgrid[0 : scene.radar.lines, 0 : scene.radar.samples]
    return np.hypot(line - lines, sample - samples)


@pytest.mark.parametrize(
    "place",
    [{"side": "left", "descending": True}, {"latitude": 81.7}, {"longitude": 180.0, "latitude": -17.0}],
    ids=["left", "pole", "antimeridian"],
)
def test_coordinates_of_pixels_come_back(tmp_path, place):
    scene = Scene(tmp_path, half=SMALL, steepness=0.06, **place)
    drawing = scene.terrain.lines(0, scene.radar.lines)
    kept = keep(tmp_path, scene, drawing)
    assert away(scene, drawing, kept).max() < EXACT
    map_grid = scene.map_grid(40.0)
    wanted = scene.geocoding(map_grid).positions(0, map_grid.shape[0])
    found = scene.geocoding(map_grid, **vars(kept)).positions(0, map_grid.shape[0])
    inside = np.all(
        [(p > 0) & (p < count - 1) for p, count in zip(wanted, scene.radar.shape, strict=True)], axis=0
    )
    assert inside.sum() > 500
    assert np.abs(np.subtract(found, wanted))[:, inside].max() < ALIKE


def test_steep_slopes_towards_the_antenna(tmp_path):
    """Steeper than half the incidence angle, where iterating between height and pixel would not stand still."""
    scene = Scene(tmp_path, half=SMALL, steepness=0.6)
    drawing = scene.terrain.lines(0, scene.radar.lines)
    clear = ~binary_dilation(drawing.flags > 0, np.ones((5, 5)))
    apart = away(scene, drawing, keep(tmp_path, scene, drawing))[clear]
    assert clear.mean() > 0.8
    assert apart.max() < EXACT


def test_heights_that_coordinates_imply(tmp_path):
    """Of some pixels, linear between them: on the ellipsoid there is no other height."""
    scene = Scene(tmp_path, half=SMALL, steepness=0.0)
    lines, samples = np.arange(0, scene.radar.lines, 8), np.arange(0, scene.radar.samples, 8)
    drawing = scene.terrain.lines(0, scene.radar.lines)
    place = drawing.longitude[::8, ::8], drawing.latitude[::8, ::8]
    times = scene.radar.azimuth_time(lines)[:, np.newaxis]
    nodes = height_of(scene.orbit, *place, scene.radar.slant_range(samples), times)
    np.testing.assert_allclose(nodes, 700.0, atol=1e-4)
    kept = keep(tmp_path, scene, drawing, nodes=nodes.astype(np.float32), step=8)
    assert away(scene, drawing, kept).max() < 1e-3


def test_rows_have_the_same_bits_in_any_block(tmp_path):
    scene = Scene(tmp_path, half=SMALL, steepness=0.3)
    kept = keep(tmp_path, scene, scene.terrain.lines(0, scene.radar.lines))
    map_grid = scene.map_grid(10.0)
    geocoding = scene.geocoding(map_grid, **vars(kept))
    rows = map_grid.shape[0]
    whole = geocoding.positions(0, rows)
    assert np.isfinite(whole[0]).mean() > 0.9
    for part, all_of_it in zip(geocoding.positions(37, rows - 60), whole, strict=True):
        assert part.tobytes() == all_of_it[37 : rows - 60].tobytes()


def test_a_damaged_layer_of_heights_is_named(tmp_path):
    scene = Scene(tmp_path, half=SMALL)
    kept = keep(tmp_path, scene, scene.terrain.lines(0, scene.radar.lines))
    for file in (tmp_path / "cube.zarr" / "height" / "c").rglob("*"):
        if file.is_file():
            file.write_bytes(b"damaged")
    with pytest.raises(AlignsarError, match=r"height: the geometry of the cube cannot be read"):
        kept.dem.height_at(*scene.centre)


def test_a_cube_that_cannot_be_geocoded_says_why(tmp_path):
    scene = Scene(tmp_path, half=SMALL)
    zarr.create_group(tmp_path / "cube.zarr", zarr_format=3)
    write_geometry(tmp_path / "cube.zarr", "it has no pixels", grid=scene.radar, orbit=scene.orbit)
    with pytest.raises(AlignsarError, match=r"cannot be geocoded: it has no pixels"):
        read_geometry(tmp_path / "cube.zarr")


def test_roots():
    """Of lines, of a kinked function, at an end, and where a function is not known."""
    wanted = np.array([0.3, -0.9, 0.5, 1.0, np.nan])

    def function(u, index):
        kinked = np.where(u < 0.5, 50.0 * (0.5 - u), 0.01 * (0.5 - u))
        return np.stack([0.3 - u, 4.0 * (-0.9 - u), kinked, 1.0 - u, np.full_like(u, np.nan)])[
            index, np.arange(len(u))
        ]

    found = root_between(function, 5, 1e-9)
    np.testing.assert_allclose(found, wanted, atol=1e-6)

"""The area of a terrain as a radar sees it: closed forms, brute force, shadow by marching, blocks, and CUDA."""

from __future__ import annotations

import subprocess
import sys

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.terrain_area import cpu as cpu_area
from alignsar_gpu.kernels.terrain_area import launch as launch_area
from facets import brute_force, closed_form, hidden, normals, seen_areas, unit
from radar_scene import CIRCLE, MIDDLE, TURNING, Grid, ecef, mesh, place, slopes
from simulated_kernels import SCRIPTS

from alignsar_gpu import kernels

SCRIPT = SCRIPTS / "run_area.py"
METRES = 1.0 / 111e3  # degrees
GRID = Grid(time_step=0.004, range_step=12.0)
CLOSED, SLOPE, CONSERVED, BRUTE = 1e-4, 1e-3, 1e-4, 1e-2
SQUINT = kernels.DopplerTable(np.array([[900.0, 40.0], [300.0, 0.0]]), MIDDLE, 850e3, 1.0, 50e3, 0.028)


class Surface:
    """Posts around a pixel of the grid, and what the kernels make of them."""

    def __init__(
        self,
        height=lambda x, y: 0.0 * x,
        *,
        path=TURNING,
        grid=GRID,
        middle=(12, 30),
        spacing=40.0,
        shape=(40, 44),
        side=1.0,
        doppler=kernels.ZERO_DOPPLER,
    ):
        self.path, self.grid, self.doppler = path, grid, doppler
        self.centre = place(path, grid.times(middle[0]), grid.ranges(middle[1]), side)
        self.lon, self.lat = mesh(self.centre, spacing * METRES, shape)
        east = (self.lon - self.centre[0]) / METRES * np.cos(np.radians(self.centre[1]))
        self.h = np.ascontiguousarray(
            np.broadcast_to(height(east, (self.lat - self.centre[1]) / METRES), self.lon.shape)
        )
        self.orbit = path.table()
        seed = np.full(len(self.lon), grid.time)
        self.time, slant_range = kernels.ground_to_radar(
            self.lon, self.lat, self.h, seed, self.orbit, doppler
        )
        self.places = np.stack([grid.sample(slant_range), grid.line(self.time)], axis=-1)
        pixel = grid.time_step * grid.range_step
        self.points = kernels.sight_points(
            self.lon, self.lat, self.h, self.time, self.orbit, doppler, pixel=pixel
        )
        self.areas = kernels.facet_areas(self.points, self.h, float(np.nanmax(self.h)))

    @property
    def corners(self):
        return self.lon, self.lat, self.h

    def ratio(self, first=0, lines=24, samples=60, areas=None):
        given = self.areas if areas is None else areas
        return kernels.spread_areas(self.places, given, first=first, lines=lines, samples=samples)

    def at_pixels(self, values, first=0, lines=24, samples=60):
        """Values at posts, of smooth quantities over smooth ground, at the pixels: by a polynomial through them."""

        def powers(sample, line):
            return np.polynomial.polynomial.polyvander2d(sample / samples, (line - first) / lines, [3, 3])

        at_posts = powers(self.places[..., 0].ravel(), self.places[..., 1].ravel())
        line, sample = np.mgrid[first : first + lines, 0:samples]
        return powers(sample, line) @ np.linalg.lstsq(at_posts, values.ravel(), rcond=None)[0]


def relief(x, y):
    """Slopes up to 65 degrees, with layover and shadow, that end 600 m from the middle."""
    rough = 230.0 * np.sin(x / 110.0) * np.cos(y / 190.0) + 40.0 * np.cos(x / 45.0)
    return rough * np.exp(-(((x**2 + y**2) / 480.0**2) ** 4))


@pytest.fixture(scope="module")
def rough():
    return Surface(relief, shape=(50, 54))


@pytest.fixture(scope="module")
def ridge():
    """Steep towards the antenna, which is in the west or east of it: a ridge that leans over what lies before it."""
    return Surface(lambda x, y: 420.0 * np.exp(-((x / 190.0) ** 2)), shape=(52, 76), middle=(24, 45))


class TestClosedForms:
    @pytest.mark.parametrize(
        ("path", "side", "doppler", "height"),
        [
            (CIRCLE, 1.0, kernels.ZERO_DOPPLER, 0.0),
            (TURNING, 1.0, kernels.ZERO_DOPPLER, 0.0),
            (TURNING, -1.0, kernels.ZERO_DOPPLER, 0.0),
            (TURNING, 1.0, kernels.ZERO_DOPPLER, 3000.0),
            (TURNING, 1.0, SQUINT, 0.0),
        ],
        ids=["circle", "right", "left", "high", "squint"],
    )
    def test_level_ground_has_the_cotangent_of_the_incidence_angle(self, path, side, doppler, height):
        """gamma0 = beta0 tan(incidence), to which sigma0 / cos(incidence) and sigma0 = beta0 sin(incidence) lead."""
        found = Surface(
            lambda x, y: 0.0 * x + height,
            path=path,
            side=side,
            doppler=doppler,
            middle=(12, 30 + height / 16),
        )
        up = normals(found.lon, found.lat)[2]
        points = ecef(*found.corners)
        sight = unit(points - path.position(found.time))
        incidence = np.arccos(-np.sum(sight * up, axis=-1))
        first, samples = int(found.places[..., 1].mean()) - 12, int(found.places[..., 0].mean()) + 20
        ratio = found.ratio(first, 24, samples)
        expected = 1.0 / np.tan(found.at_pixels(incidence, first, 24, samples))
        known = np.isfinite(ratio)
        assert known.sum() > 600
        assert np.abs(ratio / expected - 1.0)[known].max() < CLOSED

    @pytest.mark.parametrize("angle", [-30.0, -8.0, 8.0, 25.0])
    @pytest.mark.parametrize("turned", [0.0, 40.0, 90.0])
    def test_a_uniform_slope(self, angle, turned):
        """Towards (positive angles) and away from the antenna, and along the track: the general closed form.

        Straight towards it, that is the cotangent of the local incidence angle.
        """
        flat = Surface()
        east, north, up = normals(*flat.centre)
        sight = unit(ecef(*flat.centre, 0.0) - flat.path.position(flat.grid.times(12)))
        across = np.array([sight @ east, sight @ north])
        across /= np.linalg.norm(across)
        turn = np.radians(turned)
        x, y = (
            np.cos(turn) * across[0] - np.sin(turn) * across[1],
            np.sin(turn) * across[0] + np.cos(turn) * across[1],
        )
        found = Surface(lambda e, n: np.tan(np.radians(angle)) * (x * e + y * n), shape=(60, 60))
        by_east, by_north = slopes(*found.corners)
        easts, norths, ups = normals(found.lon, found.lat)
        normal = unit(ups - by_east[..., np.newaxis] * easts - by_north[..., np.newaxis] * norths)
        exact = closed_form(found.path, *found.corners, normal)
        expected = found.at_pixels(exact)
        ratio = found.ratio()
        known = np.isfinite(ratio)
        assert known.mean() > 0.3
        assert np.abs(ratio / expected - 1.0)[known].max() < SLOPE
        if turned == 0.0:
            middle = tuple(n // 2 for n in exact.shape)
            local = np.arccos(-(normal[middle] @ sight))
            assert exact[middle] == pytest.approx(1.0 / np.tan(local), rel=2e-3)
            level = np.arccos(-(up @ sight))
            assert np.degrees(level - local) == pytest.approx(angle, abs=0.2)

    def test_areas_of_facets_are_those_of_their_definition(self, rough):
        expected = seen_areas(rough.path, rough.grid, *rough.corners)
        lit = rough.areas > 0
        assert 0.5 < lit.mean() < 0.98
        np.testing.assert_allclose(rough.areas[lit], expected[lit], rtol=1e-5, atol=1e-6 * expected.max())
        assert (rough.areas[expected <= 0] == 0).all()


class TestShadow:
    def test_against_marching_over_the_ground(self):
        found = Surface(lambda x, y: 3.0 * relief(x / 2.0, y / 2.0), shape=(50, 60))
        turned = seen_areas(found.path, found.grid, *found.corners) <= 0
        behind, above = hidden(found.path, *found.corners)
        cast = behind & ~turned
        assert cast.mean() > 0.03
        dark = found.areas == 0
        wrong = (dark != (turned | behind)) & ~turned
        assert wrong.mean() < 0.005
        # what is decided otherwise is so by a hair of the 1000 m of relief
        assert np.abs(above[wrong]).max(initial=0.0) < 6.0

    def test_a_wall_casts_as_long_a_shadow_as_it_must(self):
        """Behind a wall of height h the ground is dark for h tan(incidence)."""
        wall = 200.0
        found = Surface(
            lambda x, y: np.where(np.abs(x) < 21.0, wall, 0.0), spacing=20.0, shape=(30, 90), path=CIRCLE
        )
        up = normals(*found.centre)[2]
        sight = unit(ecef(*found.centre, 0.0) - found.path.position(found.grid.times(12)))
        incidence = np.arccos(-(sight @ up))
        east = sight @ normals(*found.centre)[0] / np.sin(incidence)  # of the way the shadow falls
        dark = (found.areas[10:20] == 0).all(axis=-1)
        flat = (found.h[10:20, :-1] == 0) & (found.h[10:20, 1:] == 0)
        length = (dark & flat).sum(axis=1).mean() * 20.0 * np.cos(np.radians(found.centre[1]))
        step = 20.0 * np.cos(np.radians(found.centre[1]))  # of the slope at the foot of the wall
        assert length == pytest.approx(wall * np.tan(incidence) * abs(east) - step, abs=step)

    def test_without_relief_there_is_none(self):
        assert (Surface().areas > 0).all()


class TestSpreading:
    @pytest.mark.parametrize("name", ["rough", "ridge"])
    def test_areas_are_conserved(self, name, request):
        """What is lit of all facets away from the edge is in the pixels, in layover and elsewhere."""
        found = request.getfixturevalue(name)
        inner = np.zeros(found.areas.shape)
        inner[4:-4, 4:-4] = found.areas[4:-4, 4:-4]
        low, high = (np.floor(found.places.min(axis=(0, 1))), np.ceil(found.places.max(axis=(0, 1))))
        moved = found.places - [low[0] - 1.0, 0.0]
        ratio = kernels.spread_areas(
            moved,
            inner,
            first=int(low[1]) - 1,
            lines=int(high[1] - low[1]) + 3,
            samples=int(high[0] - low[0]) + 3,
        )
        assert np.nanmax(ratio) > 3.0
        assert np.nansum(ratio, dtype=np.float64) == pytest.approx(inner.sum(), rel=CONSERVED)

    @pytest.mark.parametrize("name", ["rough", "ridge"])
    def test_pixels_are_those_of_brute_force(self, name, request):
        found = request.getfixturevalue(name)
        first, shape = (8, (7, 60)) if name == "rough" else (16, (7, 90))
        ratio = found.ratio(first, *shape)
        exact = brute_force(
            found.path, found.grid, *found.corners, found.areas > 0, first=first, shape=shape, parts=200
        )
        known = np.isfinite(ratio)
        assert known.mean() > 0.5
        error = (ratio - exact)[known] / np.maximum(exact[known], 0.3)
        assert np.abs(error).max() < BRUTE
        assert np.sqrt(np.mean(error**2)) < 0.2 * BRUTE
        assert ratio[known].max() > 3.0 * np.median(ratio[known])

    def test_facets_seen_edge_on_keep_their_area(self):
        """Between places on one line through the radar grid, where a density would be infinite."""
        places = np.array([[[2.0, 1.0], [3.25, 2.5]], [[4.5, 4.0], [7.0, 7.0]]])
        outer = np.array([[[-9.0, -9.0], [30.0, -9.0]], [[-9.0, 30.0], [30.0, 30.0]]])
        areas = np.array([[[5.0, 7.0]]])
        sheet = kernels.spread_areas(outer, np.ones((1, 1, 2)), first=0, lines=10, samples=10)
        together = np.full((2, 5, 2), np.nan)
        together[:, :2], together[:, 3:] = places, outer
        all_areas = np.zeros((1, 4, 2))
        all_areas[0, 0], all_areas[0, 3] = areas[0, 0], 1.0
        ratio = kernels.spread_areas(together, all_areas, first=0, lines=10, samples=10)
        assert ratio.sum() - sheet.sum() == pytest.approx(12.0, rel=1e-5)

    def test_a_facet_of_a_pixel_and_one_of_many(self):
        """Exact shares: a right triangle over the pixels of a grid."""
        places = np.array([[[-0.5, -0.5], [3.5, -0.5]], [[-0.5, 3.5], [3.5, 3.5]]])
        ratio = kernels.spread_areas(places, np.array([[[8.0, 16.0]]]), first=0, lines=4, samples=4)
        expected = np.where(np.add.outer(range(4), range(4)) < 3, 1.0, 2.0)
        expected[np.add.outer(range(4), range(4)) == 3] = 1.5
        np.testing.assert_allclose(ratio, expected, rtol=1e-6)

    def test_what_is_not_covered_is_not_a_number(self, rough):
        places = rough.places.copy()
        places[18:20, 20:22] = np.nan
        drawn = kernels.spread_areas(places, rough.areas, first=0, lines=24, samples=60)
        whole = rough.ratio()
        lost = np.isnan(drawn) & np.isfinite(whole)
        assert 0 < lost.sum() < 60
        kept = np.isfinite(drawn)
        np.testing.assert_array_equal(drawn[kept], whole[kept])
        assert np.isnan(kernels.spread_areas(places, rough.areas, first=900, lines=3, samples=60)).all()

    def test_what_is_not_lit_is_not_a_number(self, rough):
        assert np.isnan(rough.ratio(areas=np.zeros_like(rough.areas))).all()


class TestBlocks:
    def test_any_lines_posts_and_threads_have_the_same_bits(self, rough):
        whole = rough.ratio(0, 80)
        assert len(whole) > 2 * cpu_area.STRIP_LINES
        for first, lines in [(0, 1), (13, 40), (31, 2), (50, 30)]:
            np.testing.assert_array_equal(rough.ratio(first, lines), whole[first : first + lines])
        rows = slice(6, 46)
        inside = kernels.spread_areas(
            np.ascontiguousarray(rough.places[rows]),
            np.ascontiguousarray(rough.areas[6:45]),
            first=0,
            lines=80,
            samples=60,
        )
        ends = sorted((found.max(), found.min()) for found in rough.places[[6, 45], :, 1])
        between = slice(int(ends[0][0]) + 2, int(ends[1][1]) - 1)
        assert between.stop - between.start > 15
        np.testing.assert_array_equal(inside[between], whole[between])
        threads = numba.get_num_threads()
        try:
            numba.set_num_threads(1)
            np.testing.assert_array_equal(rough.ratio(0, 80), whole)
            alone = kernels.facet_areas(rough.points, rough.h, rough.h.max())
        finally:
            numba.set_num_threads(threads)
        np.testing.assert_array_equal(alone, rough.areas)

    def test_a_higher_ceiling_changes_nothing(self, rough):
        np.testing.assert_array_equal(
            kernels.facet_areas(rough.points, rough.h, rough.h.max() + 3000.0), rough.areas
        )


class TestRefused:
    def test_by_name(self, rough):
        with pytest.raises(ValueError, match="longitude: expected two dimensions"):
            kernels.sight_points(*(np.zeros(3),) * 4, rough.orbit, pixel=1.0)
        with pytest.raises(TypeError, match="time: expected dtype float64"):
            kernels.sight_points(*rough.corners, rough.time.astype(np.float32), rough.orbit, pixel=1.0)
        with pytest.raises(ValueError, match=r"points: expected \[row, column, 6\]"):
            kernels.facet_areas(rough.places, rough.h, 0.0)
        with pytest.raises(ValueError, match="heights: expected the shape"):
            kernels.facet_areas(rough.points, np.ascontiguousarray(rough.h[1:]), 0.0)
        with pytest.raises(ValueError, match=r"areas: expected the shape \(49, 53, 2\)"):
            kernels.spread_areas(rough.places, np.zeros((2, 2, 2)), first=0, lines=1, samples=1)
        with pytest.raises(ValueError, match="lines, samples: expected 1 or more"):
            rough.ratio(lines=0)


def arguments():
    """The arguments of every case of the simulator, by case."""
    fold = Surface(lambda x, y: relief(2.0 * x, 2.0 * y), shape=(26, 28))
    hole = fold.places.copy()
    hole[12:14, 15] = np.nan
    ground = dict(zip(("longitude", "latitude", "height", "time"), (*fold.corners, fold.time), strict=True))
    ground = {name: np.ascontiguousarray(values[:3, :9]) for name, values in ground.items()}
    ground["time"][0, 3] = np.nan
    ground |= {"orbit_time": fold.orbit.time, "orbit_coefficients": fold.orbit.coefficients, "pixel": 0.048}
    numbers = {"doppler_coefficients": SQUINT.coefficients, "doppler_numbers": np.array(SQUINT[1:])}
    size = {"first": 3, "lines": 20, "samples": 40}
    coarse = Surface(spacing=900.0, shape=(4, 4))
    cases = {
        "sight_points-zero": ground,
        "sight_points-doppler": ground | numbers,
        "facet_areas-rough": {"points": fold.points, "heights": fold.h, "ceiling": float(fold.h.max())},
        "spread_areas-rough": {"places": hole, "areas": fold.areas} | size,
        "spread_areas-coarse": {"places": coarse.places, "areas": coarse.areas} | size,
        "spread_areas-elsewhere": {"places": hole, "areas": fold.areas} | size | {"first": 900, "lines": 2},
    }
    return {case: {name: np.asarray(value) for name, value in given.items()} for case, given in cases.items()}


@pytest.fixture(scope="module")
def cases():
    return arguments()


@pytest.fixture(scope="module")
def simulated(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulator")
    flat = {f"{case}/{name}": array for case, given in cases.items() for name, array in given.items()}
    np.savez(folder / "cases.npz", **flat)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder / "cases.npz"), str(folder / "results.npz")],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "results.npz"))


def on_cpu(case, given):
    values = {
        name: value.item() if not value.ndim else value
        for name, value in given.items()
        if not name.startswith(("orbit_", "doppler_"))
    }
    if "orbit_time" in given:
        values["orbit"] = kernels.OrbitTable(given["orbit_time"], given["orbit_coefficients"])
    if "doppler_numbers" in given:
        values["doppler"] = SQUINT
    return getattr(kernels, case.split("-")[0])(**values)


class TestCudaSimulator:
    def test_gives_what_the_cpu_gives(self, cases, simulated):
        """To the bit, but that sums are taken in another order."""
        assert simulated.keys() == cases.keys()
        for case, given in cases.items():
            wanted, got = on_cpu(case, given), simulated[case]
            assert got.dtype == wanted.dtype
            np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
            bound = 2e-7 if case.startswith("spread") else 0.0
            np.testing.assert_allclose(got, wanted, rtol=bound, atol=0.0, equal_nan=True)

    def test_cases_reach_every_way(self, cases):
        lit = on_cpu("facet_areas-rough", cases["facet_areas-rough"]) > 0
        assert 0.5 < lit.mean() < 0.97
        lost = {
            case: np.isnan(on_cpu(case, given)).mean() for case, given in cases.items() if "spread" in case
        }
        assert 0.01 < lost["spread_areas-rough"] < 0.6
        assert lost["spread_areas-coarse"] == 0.0
        assert lost["spread_areas-elsewhere"] == 1.0
        assert 32 * cases["spread_areas-coarse"]["areas"].size <= 20 * 40  # so that threads share facets
        assert launch_area.MOST_SHARES > 1

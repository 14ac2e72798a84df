"""One burst with its terrain as a stack: which burst, which part of it, its pixels and where they lie."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import shapely
from fake_burst import BURSTS, EAST, FAKE, NORTH, SOUTH, WEST, FakeBursts, relief, write_dem, write_scene
from fake_safe import FakeSafe, rewrite, write_safe, zip_of

from alignsar_gpu.config import DeviceConfig
from alignsar_gpu.coregistration.assemble import coregistered_stack
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, incidence_angle
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.products.area import read_area
from alignsar_gpu.products.crop import FEWEST
from alignsar_gpu.products.selection import Selection, share_of
from alignsar_gpu.products.sentinel1.products import find_products, open_products

INSIDE = "-8.5,31.66,-8.3,31.74"  # of the first burst
LATER = {"absolute_orbit": 50349, "node": "2023-09-16T05:56:47.112390"}  # the next pass of the same track
OTHER_TRACK = {"absolute_orbit": 50175, "node": "2023-09-04T07:35:30.000000", "first_number": 112600}


def choose_burst(path, *, area=None, burst=None, **options):
    return open_products(path, **options).choose(area=area, burst=burst)


def burst_stack(match, dem, area=None):
    """One burst of one date as a stack."""
    date = match.product.date
    selection = Selection(reference=date, dates=(date,), bursts={match.burst.name: {date: match}}, dropped=())
    return coregistered_stack(selection, dem, choose_device(DeviceConfig(kind="cpu")), area=area)


def window_of(stack):
    """Lines and samples of the burst that the grid of a stack of one has."""
    crop = stack.facts["crop"]
    first, near = crop["first_line"], crop["first_sample"]
    return slice(first, first + crop["lines"]), slice(near, near + crop["samples"])


def match_of(stack):
    return next(iter(stack.matches.values()))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    safe, dem = write_scene(folder)
    return safe, open_dem(dem, "ellipsoid")


@pytest.fixture(scope="module")
def stack(scene):
    return burst_stack(choose_burst(scene[0], burst=BURSTS[0]).match, scene[1])


def indices(grid):
    return np.arange(grid.lines)[:, None], np.arange(grid.samples)[None, :]


class TestStack:
    def test_grid_is_the_valid_part_of_the_burst(self, stack):
        burst, (lines, samples) = match_of(stack).burst, FAKE.valid(1)
        assert window_of(stack) == (lines, samples)
        assert stack.grid.shape == (lines.stop - lines.start, samples.stop - samples.start)
        assert stack.grid.azimuth_time(0) == burst.grid.azimuth_time(lines.start)
        assert stack.grid.slant_range(0) == burst.grid.slant_range(samples.start)
        assert stack.grid.epoch == burst.grid.epoch

    @pytest.mark.parametrize("name", BURSTS)
    def test_pixels_are_the_files(self, scene, name):
        """Of every burst: a wrong offset in the TIFF would take another's."""
        own = burst_stack(choose_burst(scene[0], burst=name).match, scene[1])
        swath, index = int(name[-1]), BURSTS.index(name) % 2
        lines, samples = FAKE.valid(swath)
        first = index * FAKE.lines
        assert own.polarizations == ("vv", "vh")
        pixels, valid = own.read_pixels(0, own.grid.lines)
        assert pixels.shape == (1, 2, *own.grid.shape)
        assert pixels.dtype == np.complex64
        for p, polarization in enumerate(own.polarizations):
            image = FAKE.pixels_of(swath, polarization)[first + lines.start : first + lines.stop, samples]
            np.testing.assert_array_equal(pixels[0, p], image)
            np.testing.assert_array_equal(valid[0, p], image != 0)
        assert valid[0, 1].all() == (index > 0)
        parts = [own.read_pixels(a, b)[0] for a, b in ((0, 50), (50, own.grid.lines))]
        np.testing.assert_array_equal(np.concatenate(parts, axis=2), pixels)

    def test_a_line_that_is_not_valid_inside_the_burst(self, stack):
        channel = match_of(stack).burst.channels["vv"]
        first, last = channel.first_valid_sample.copy(), channel.last_valid_sample.copy()
        first[77] = last[77] = -1
        channels = {
            **match_of(stack).burst.channels,
            "vv": replace(channel, first_valid_sample=first, last_valid_sample=last),
        }
        match = replace(match_of(stack), burst=replace(match_of(stack).burst, channels=channels))
        pixels, valid = burst_stack(match, stack.terrain.dem).read_pixels(70, 80)
        row = 77 - 70 - window_of(stack)[0].start
        assert not valid[0, 0, row].any()
        assert not pixels[0, 0, row].any()
        assert valid[0, 1, row].all()
        assert valid[0, 0, row + 1].all()

    def test_ground_is_where_radar_and_terrain_meet(self, stack):
        """Against the converged equations with the DEM's own heights, every pixel."""
        ground, orbit = stack.read_ground(0, stack.grid.lines), stack.acquisitions[0].orbit
        line, sample = indices(stack.grid)
        times, ranges = stack.grid.azimuth_time(line), stack.grid.slant_range(sample)
        height = stack.terrain.dem.height_at(ground.longitude, ground.latitude)
        np.testing.assert_allclose(ground.height, height, rtol=0, atol=1e-3)
        longitude, latitude = radar_to_ground(orbit, times, ranges, height, "right")
        metres = 111_195.0 * np.array(
            [(ground.longitude - longitude) * np.cos(np.radians(31.6)), ground.latitude - latitude]
        )
        assert np.abs(metres).max() < 1e-3
        seen = ground_to_radar(orbit, ground.longitude, ground.latitude, ground.height, times[:, :1])
        assert np.abs(stack.grid.line(seen[0]) - line).max() < 1e-5
        assert np.abs(stack.grid.sample(seen[1]) - sample).max() < 1e-5
        angle = incidence_angle(orbit, ground.longitude, ground.latitude, ground.height, times)
        assert np.abs(ground.viewing.incidence_angle - angle).max() < 1e-4

    def test_layover_on_the_slopes_that_face_the_radar(self, stack):
        """It looks to the west: there the height falls eastwards, and the local incidence angle is small."""
        ground = stack.read_ground(0, stack.grid.lines)
        flags = ground.viewing.layover_shadow
        assert flags.dtype == np.uint8
        assert set(np.unique(flags)) <= {0, 1, 2, 3}
        folded = flags & 1 > 0
        assert 0.005 < folded.mean() < 0.3
        eastwards = relief(ground.longitude + 1e-4, ground.latitude) - ground.height
        steep = np.abs(eastwards / (1e-4 * 111_195.0 * np.cos(np.radians(31.6))))
        away = (eastwards > 0) & (steep > 0.6)
        facing = (eastwards < 0) & (steep > 0.6)
        local = ground.viewing.local_incidence_angle
        assert np.median(local[facing]) < np.median(ground.viewing.incidence_angle) < np.median(local[away])
        assert folded[facing].mean() > 2 * folded[away].mean()

    def test_blocks_give_the_same_bits(self, stack):
        whole = stack.read_ground(0, stack.grid.lines)
        for first, stop in ((0, 1), (60, 97), (stack.grid.lines - 3, stack.grid.lines)):
            part = stack.read_ground(first, stop)
            for name in ("longitude", "latitude", "height"):
                np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[first:stop])
            for name in ("incidence_angle", "local_incidence_angle", "layover_shadow"):
                expected = getattr(whole.viewing, name)[first:stop]
                np.testing.assert_array_equal(getattr(part.viewing, name), expected)

    def test_memory_of_the_ground_is_the_terrains(self, stack):
        whole, some = stack.ground_bytes(stack.grid.lines), stack.ground_bytes(10)
        assert stack.ground_bytes(10_000) == whole == stack.terrain.bytes_of(0, stack.grid.lines)
        assert 10 * stack.grid.samples * 64 < some < whole
        assert some == max(stack.terrain.bytes_of(first, 10) for first in (0, 73))

    def test_what_is_said_of_it(self, stack):
        (acquisition,) = stack.acquisitions
        assert acquisition.product_id == FAKE.product_id
        assert acquisition.date == "20230904"
        assert acquisition.swath == "IW1"
        assert acquisition.flattened  # nothing to take away from the reference
        assert set(acquisition.calibration) == {"vv", "vh"}
        assert (stack.reference, stack.has_heights, stack.has_viewing) == (0, True, True)
        assert stack.source == f"burst {BURSTS[0]} of {FAKE.product_id}"
        facts = stack.facts
        assert facts["burst"]["id"] == BURSTS[0]
        assert facts["product"]["ipf_version"] == "003.61"
        assert facts["orbit"] == {"source": f"annotation of {FAKE.product_id}", "kind": "annotation"}
        assert facts["crop"] == {"first_line": 1, "lines": 157, "first_sample": 3, "samples": 214}
        assert facts["dem"]["vertical_datum"] == "ellipsoid"

    def test_calibration_lies_where_the_pixels_are(self, stack):
        """At the first line of the burst and the middle sample: a node of the made records."""
        grid, (lines, samples) = stack.grid, window_of(stack)
        calibration = stack.acquisitions[0].calibration["vh"]
        amplitude = calibration.amplitude(
            "sigma_nought",
            grid.azimuth_time(np.array([-lines.start])),
            grid.slant_range(np.array([FAKE.samples // 2 - samples.start])),
            np,
        )
        assert amplitude[0, 0] == pytest.approx(300.0 + 1 + FAKE.samples // 2 / 10, rel=1e-6)


class TestCrop:
    def cropped(self, scene, text, **options):
        area = read_area(text)
        return burst_stack(
            choose_burst(scene[0], area=area, burst=BURSTS[0], **options).match, scene[1], area
        )

    @pytest.mark.parametrize(
        "text", [INSIDE, "POLYGON ((-8.5 31.62, -8.3 31.6, -8.35 31.75, -8.5 31.62))", "-8.95,31.5,-8.6,31.9"]
    )
    def test_every_pixel_in_the_area_and_few_others(self, scene, stack, text):
        own = self.cropped(scene, text)
        whole = stack.read_ground(0, stack.grid.lines)
        inside = shapely.contains_xy(read_area(text), whole.longitude, whole.latitude)
        line, sample = np.nonzero(inside)
        (lines, samples), (top, left) = window_of(own), (w.start for w in window_of(stack))
        assert lines.start <= line.min() + top <= line.max() + top < lines.stop
        assert samples.start <= sample.min() + left <= sample.max() + left < samples.stop
        held = inside.sum() / (own.grid.lines * own.grid.samples)
        assert held > 0.25  # of a turned box, with room for heights from 200 to 1600 m
        pixels, _ = own.read_pixels(0, own.grid.lines)
        expected, _ = stack.read_pixels(lines.start - top, lines.stop - top)
        np.testing.assert_array_equal(pixels, expected[..., samples.start - left : samples.stop - left])
        ground = own.read_ground(0, own.grid.lines)
        rows, columns = (
            slice(lines.start - top, lines.stop - top),
            slice(samples.start - left, samples.stop - left),
        )
        np.testing.assert_allclose(ground.longitude, whole.longitude[rows, columns], rtol=0, atol=1e-9)

    def test_the_area_turned_once_around_the_earth_is_the_same(self, scene):
        turned = shapely.affinity.translate(read_area(INSIDE), 360.0)
        own = burst_stack(choose_burst(scene[0], burst=BURSTS[0]).match, scene[1], turned)
        assert window_of(own) == window_of(self.cropped(scene, INSIDE))
        assert share_of(turned, match_of(own).burst) == pytest.approx(1.0)

    def test_an_area_larger_than_the_burst_cuts_nothing(self, scene, stack):
        assert window_of(self.cropped(scene, "-20,20,0,50")) == window_of(stack)

    @pytest.mark.parametrize("text", ["POINT (-8.4 31.7)", "-8.4001,31.7,-8.4,31.7001"])
    def test_a_small_area_leaves_some_pixels(self, scene, text):
        own = self.cropped(scene, text)
        assert min(own.grid.shape) >= FEWEST
        assert max(own.grid.shape) < 40
        ground = own.read_ground(0, own.grid.lines)
        assert ground.longitude.min() < -8.4 < ground.longitude.max()
        assert ground.latitude.min() < 31.7 < ground.latitude.max()

    def test_a_corner_of_the_burst_leaves_some_pixels(self, scene, stack):
        ground = stack.read_ground(0, 1)
        corner = shapely.Point(ground.longitude[0, 0], ground.latitude[0, 0])
        own = burst_stack(match_of(stack), scene[1], corner)
        assert min(own.grid.shape) >= FEWEST
        assert window_of(own)[0].start == window_of(stack)[0].start
        assert window_of(own)[1].start == window_of(stack)[1].start

    def test_a_high_plateau(self, scene, tmp_path):
        """At 6000 m the far range lies kilometres beyond the footprint on the ground."""

        def plateau(longitude, latitude):
            return np.full(np.broadcast(longitude, latitude).shape, 6000.0)

        match = choose_burst(scene[0], burst=BURSTS[0]).match
        dem = open_dem(write_dem(tmp_path / "high.tif", height=plateau), "ellipsoid")
        whole = burst_stack(match, dem)
        ground = whole.read_ground(80, 81)
        far = shapely.Point(ground.longitude[0, -1], ground.latitude[0, -1])
        assert share_of(far, match.burst) == 0.0
        own = burst_stack(match, dem, far)
        assert window_of(own)[1].stop == window_of(whole)[1].stop
        assert window_of(own)[0].start <= 80 + window_of(whole)[0].start < window_of(own)[0].stop

    def test_lines_that_are_straight_on_a_map_are_bent_in_the_image(self, tmp_path):
        """Lines 14 m apart: along 90 km they leave a straight line on the map by several of them."""

        def level(longitude, latitude):
            return np.zeros(np.broadcast(longitude, latitude).shape)

        safe = write_safe(tmp_path, FakeBursts(lines=1500, bursts=1, swaths=(1,), polarizations=("vv",)))
        match = choose_burst(safe).match
        dem = open_dem(write_dem(tmp_path / "level.tif", step=0.01, height=level), "ellipsoid")
        whole = burst_stack(match, dem)
        ground = whole.read_ground(0, whole.grid.lines)
        corners = [(500, 0), (500, -1), (900, -1), (900, 0)]
        area = shapely.Polygon([(ground.longitude[c], ground.latitude[c]) for c in corners])
        line, _ = np.nonzero(shapely.contains_xy(area, ground.longitude, ground.latitude))
        assert line.min() < 497 or line.max() > 903
        lines, _ = window_of(burst_stack(match, dem, area))
        top = window_of(whole)[0].start
        assert line.min() + top - 4 <= lines.start <= line.min() + top
        assert line.max() + top < lines.stop <= line.max() + top + 5

    def test_the_dem_need_not_reach_beyond_the_area(self, scene, tmp_path):
        small = open_dem(write_dem(tmp_path / "small.tif", (-8.56, 31.6, -8.22, 31.8)), "ellipsoid")
        match, area = choose_burst(scene[0], burst=BURSTS[0]).match, read_area(INSIDE)
        own = burst_stack(match, small, area)
        assert np.isfinite(own.read_ground(0, own.grid.lines).height).all()
        with pytest.raises(AlignsarError, match=r"does not cover the image: .* km\) beyond its \w+ edge"):
            burst_stack(match, small)

    def test_an_area_that_the_burst_does_not_see(self, scene):
        match = choose_burst(scene[0], burst=BURSTS[0]).match
        with pytest.raises(AlignsarError, match=r"no valid pixel of the burst lies in it"):
            burst_stack(match, scene[1], read_area("10,50,11,51"))

    def test_a_dem_without_heights_there(self, scene, tmp_path):
        def holes(longitude, latitude):
            return np.full(np.broadcast(longitude, latitude).shape, np.nan)

        dem = open_dem(write_dem(tmp_path / "holes.tif", height=holes), "ellipsoid")
        with pytest.raises(AlignsarError, match=r"nothing but holes where products\.area lies"):
            burst_stack(choose_burst(scene[0], burst=BURSTS[0]).match, dem, read_area(INSIDE))


class TestChoice:
    def refused(self, path, words, **options):
        with pytest.raises(AlignsarError) as caught:
            choose_burst(path, **options)
        assert re.search(words, str(caught.value)), str(caught.value)
        assert "\n" not in str(caught.value)

    def test_products_in_a_folder(self, scene, tmp_path):
        assert find_products(scene[0]) == [scene[0]]
        assert find_products(scene[0].parent) == [scene[0]]
        archive = zip_of(shutil.copytree(scene[0], tmp_path / scene[0].name))
        assert find_products(tmp_path) == [tmp_path / scene[0].name, archive]
        bare = tmp_path / "renamed"
        (tmp_path / scene[0].name).rename(bare)
        assert find_products(bare) == [bare]
        with pytest.raises(AlignsarError, match=r"products\.path=.*nowhere: no such file or folder"):
            find_products(tmp_path / "nowhere")
        with pytest.raises(AlignsarError, match=r"holds no SAFE folder, no zip"):
            find_products(bare / "annotation" / "calibration")

    def test_the_burst_that_an_area_leaves(self, scene):
        """A place that only the last burst reaches."""
        choice = choose_burst(scene[0], area=read_area("POINT (-8.2 31.4)"))
        assert choice.match.burst.name == BURSTS[3]
        assert choice.share == 1.0
        assert choice.dropped == ()

    def test_the_bursts_that_subswaths_leave(self, tmp_path):
        safe = write_safe(tmp_path, FakeBursts(bursts=1))
        assert list(choose_burst(safe, swaths=["iw2"]).selection.bursts) == [BURSTS[2]]
        assert list(choose_burst(safe).selection.bursts) == [BURSTS[0], BURSTS[2]]

    def test_several_bursts_share_an_area(self, scene):
        area = read_area("-8.7,31.45,-8.6,31.62")
        choice = choose_burst(scene[0], area=area)
        bursts = [choose_burst(scene[0], burst=name).match.burst for name in BURSTS]
        shares = [share_of(area, burst) for burst in bursts]
        assert list(choice.selection.bursts) == [name for name, s in zip(BURSTS, shares, strict=True) if s]
        assert len(choice.selection.bursts) == 3
        assert max(shares) <= choice.share < sum(shares)

    def test_no_such_burst(self, scene):
        self.refused(
            scene[0],
            rf"products\.burst=t052_1_iw1: there is no such burst; choose from {', '.join(BURSTS)}",
            burst="t052_1_iw1",
        )
        assert choose_burst(scene[0], burst=BURSTS[1].upper()).match.burst.name == BURSTS[1]

    def test_several_dates_are_matched_by_burst(self, scene, tmp_path):
        shutil.copytree(scene[0], tmp_path / scene[0].name)
        write_safe(tmp_path, replace(FAKE, **LATER))
        for reference, first in ((None, "20230904"), ("20230916", "20230916")):
            selection = open_products(tmp_path).choose(burst=BURSTS[0], reference=reference).selection
            assert selection.dates == ("20230904", "20230916")
            assert selection.reference == first
            assert list(selection.bursts) == [BURSTS[0]]
        with pytest.raises(AlignsarError, match="20200101"):
            open_products(tmp_path).choose(reference="20200101")

    def test_neighbours_of_a_burst_are_there_for_its_timing(self, scene, tmp_path):
        shutil.copytree(scene[0], tmp_path / scene[0].name)
        write_safe(tmp_path, replace(FAKE, **LATER))
        assert list(choose_burst(tmp_path, burst=BURSTS[1]).around.bursts) == [BURSTS[0], BURSTS[1]]
        assert list(choose_burst(scene[0], burst=BURSTS[1]).around.bursts) == [BURSTS[1]]

    def test_only_one_of_two_dates_has_the_burst(self, scene, tmp_path):
        shutil.copytree(scene[0], tmp_path / scene[0].name)
        later = write_safe(tmp_path, replace(FAKE, first_number=110432, **LATER))
        choice = choose_burst(tmp_path, burst="t052_110433_iw1")
        assert choice.paths[choice.match.product.product_id] == later
        assert choice.match.product.date == "20230916"

    def test_dates_of_different_tracks_are_refused(self, scene, tmp_path):
        shutil.copytree(scene[0], tmp_path / scene[0].name)
        write_safe(tmp_path, FakeBursts(**OTHER_TRACK))
        write_safe(tmp_path, replace(FAKE, first_number=110800, **LATER))
        self.refused(
            tmp_path, r"no other date than 20230904 has any of its 4 bursts, of .*20230916 \(tracks 52\b"
        )

    def test_the_same_product_twice_is_refused(self, scene, tmp_path):
        shutil.copytree(scene[0], tmp_path / scene[0].name)
        zip_of(shutil.copytree(scene[0], tmp_path / "again" / scene[0].name)).rename(tmp_path / "again.zip")
        self.refused(tmp_path, "are the same product")

    def test_an_area_that_only_the_second_track_sees(self, scene, tmp_path):
        shutil.copytree(scene[0], tmp_path / scene[0].name)
        other = write_safe(tmp_path, FakeBursts(swaths=(1,), bursts=1, **OTHER_TRACK))
        place = choose_burst(other).match.burst.footprint.mean(axis=0)
        choice = choose_burst(tmp_path, area=read_area(f"POINT ({place[0]} {place[1]})"))
        assert choice.paths[choice.match.product.product_id] == other
        assert choice.dropped == (f"{FAKE.product_id}: outside the area",)

    def test_a_burst_in_two_slices_is_taken_once(self, scene, tmp_path):
        shutil.copytree(scene[0], tmp_path / scene[0].name)
        write_safe(tmp_path, replace(FAKE, first_number=110432))
        choice = choose_burst(tmp_path, burst=BURSTS[1])
        assert choice.paths[choice.match.product.product_id].name == scene[0].name
        (note,) = choice.dropped
        assert note.startswith(f"{BURSTS[1]} on 20230904: again in ")

    def test_refused_by_the_reader(self, scene):
        self.refused(scene[0], r"polarizations HH were asked for: IW1 has VV, VH", polarizations=["hh"])
        self.refused(scene[0], r"swaths IW3 were asked for; the product has IW1, IW2", swaths=["iw3"])
        self.refused(
            scene[0], r"the area lies outside all 4 bursts .* km away", area=read_area("4.8,52.3,5.0,52.5")
        )
        self.refused(scene[0], r"no orbit files there", orbits=scene[0].parent)
        self.refused(scene[0].parent / "dem.tif", r"not a Sentinel-1 product")

    def test_a_product_without_pixels(self, scene, tmp_path):
        safe = write_safe(tmp_path, replace(FAKE, pixels=False))
        with pytest.raises(AlignsarError, match=r"has no pixels of VV, VH, only annotation"):
            burst_stack(choose_burst(safe, burst=BURSTS[0]).match, scene[1])

    def test_files_are_what_the_burst_is_read_from(self, scene, tmp_path):
        files = choose_burst(scene[0], burst=BURSTS[2], polarizations=["vh"]).files[0]
        names = [str(file.relative_to(scene[0])) for file in files]
        pixels = [name for name in names if name.startswith("measurement/")]
        assert pixels == [f"measurement/{FAKE.stem(2, 'vh')}.tiff"]
        assert "manifest.safe" in names
        assert len([name for name in names if name.startswith("annotation/")]) == 3 * 4
        archive = zip_of(shutil.copytree(scene[0], tmp_path / scene[0].name))
        assert choose_burst(archive, burst=BURSTS[2]).files == [[archive]]

    def test_stripmap_is_one_burst(self, tmp_path):
        fake = FakeSafe(mode="SM", swaths=(3,), polarizations=("hh",), lines=60, samples=240)
        choice = choose_burst(write_safe(tmp_path, fake))
        (west, south), (east, north) = (f(choice.match.burst.footprint, axis=0) for f in (np.min, np.max))
        box = (west - 0.3, south - 0.3, east + 0.3, north + 0.3)
        dem = open_dem(write_dem(tmp_path / "dem.tif", box, step=0.01), "ellipsoid")
        own = burst_stack(choice.match, dem)
        assert own.facts["burst"]["id"] == "s3"
        assert own.grid.shape == (60, 240)
        assert np.isfinite(own.read_ground(0, 60).height).all()

    def test_without_calibration_records(self, scene, tmp_path):
        safe = shutil.copytree(scene[0], tmp_path / scene[0].name)
        for file in (safe / "annotation" / "calibration").iterdir():
            file.unlink()
        own = burst_stack(choose_burst(safe, burst=BURSTS[0]).match, scene[1])
        assert own.acquisitions[0].calibration == {}

    def test_the_platform_is_not_guessed(self, scene, tmp_path):
        """A damaged annotation is refused here as by the reader alone."""
        safe = shutil.copytree(scene[0], tmp_path / scene[0].name)
        rewrite(
            next((safe / "annotation").glob("*.xml")),
            "<missionId>S1A</missionId>",
            "<missionId>S1B</missionId>",
        )
        self.refused(safe, r"of more than one platform")


def test_the_scene_is_inside_its_dem(stack):
    ground = stack.read_ground(0, stack.grid.lines)
    assert WEST < ground.longitude.min() < ground.longitude.max() < EAST
    assert SOUTH < ground.latitude.min() < ground.latitude.max() < NORTH

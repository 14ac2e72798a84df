"""Dates that are brought together although something is amiss, and what is refused."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from fake_safe import write_tiff
from simulated_stack import CPU, Interferogram, Products

from alignsar_gpu.coregistration.assemble import CoregistrationOptions, coregistered_stack
from alignsar_gpu.coregistration.mosaic import mosaic_of
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.products.selection import select_bursts
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.simulate.ground.backscatter import URBAN, WATER


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return Products(
        tmp_path_factory.mktemp("pair"),
        kind=URBAN,
        subswaths=("IW2",),
        bursts=3,
        lines=240,
        samples=500,
        baselines=(0.0, 50.0),
    )


def stack_of(products, selection, **options):
    return coregistered_stack(selection, products.dem, CPU, options=CoregistrationOptions(**options))


def without(selection, name, date):
    bursts = {
        burst: {day: match for day, match in found.items() if (burst, day) != (name, date)}
        for burst, found in selection.bursts.items()
    }
    return replace(selection, bursts=bursts)


def with_pixels(selection, date, made):
    """The selection with other pixels of a date: ``made`` makes them from its own."""

    class Changed:
        def __init__(self, own):
            self.own, self.source = own, own.source

        def read(self, lines, samples):
            return made(self.own.read(lines, samples))

        def read_stored(self, lines, samples, _):
            return self.read(lines, samples)

    def changed(match):
        channels = {
            name: replace(channel, measurement=Changed(channel.measurement))
            for name, channel in match.burst.channels.items()
        }
        return replace(match, burst=replace(match.burst, channels=channels))

    bursts = {
        name: {day: changed(match) if day == date else match for day, match in found.items()}
        for name, found in selection.bursts.items()
    }
    return replace(selection, bursts=bursts)


def test_a_burst_that_a_date_lacks_is_not_valid_there(pair):
    selection = pair.choose().selection
    name, date = list(selection.bursts)[1], selection.dates[1]
    stack = stack_of(pair, without(selection, name, date))
    _, valid = stack.read_pixels(0, stack.grid.lines)
    for piece in stack.mosaic.pieces:
        there = valid[1, 0, piece.lines, piece.samples].mean()
        assert there == 0.0 if piece.name == name else there > 0.9
    assert valid[0].mean() > 0.9
    assert stack.facts["bursts"][name]["dates"] == [selection.dates[0]]
    facts = stack.facts["timing"]["dates"][date]
    assert facts["azimuth_from"] == "orbit"
    assert not stack.facts["timing"]["overlaps"]


def test_pixels_that_are_all_zero_are_no_data(pair):
    selection = pair.choose().selection
    stack = stack_of(pair, with_pixels(selection, selection.dates[1], np.zeros_like))
    pixels, valid = stack.read_pixels(0, stack.grid.lines)
    assert not valid[1].any()
    assert not pixels[1].any()
    assert valid[0].mean() > 0.9
    facts = stack.facts["timing"]["dates"][selection.dates[1]]
    assert facts["azimuth_from"] == "orbit"
    assert not facts["range_put_right"]
    assert facts["azimuth_lines"] == 0.0


def test_a_secondary_that_is_the_reference_again(pair):
    """The same pixels and orbit on another day: coherence 1, no phase, no shift."""
    selection = pair.choose().selection
    first, second = selection.dates
    bursts = {name: {first: found[first], second: found[first]} for name, found in selection.bursts.items()}
    stack = stack_of(pair, replace(selection, bursts=bursts, reference=first))
    interferogram = Interferogram(stack)
    assert np.abs(np.angle(interferogram.product[interferogram.valid])).max() < 0.01
    assert interferogram.coherence[interferogram.whole].min() > 0.9999
    facts = stack.facts["timing"]["dates"][second]
    assert abs(facts["azimuth_lines"]) < 1e-5
    assert abs(facts["range_samples"]) < 1e-3


def test_overlaps_of_water_say_nothing(tmp_path):
    products = Products(
        tmp_path,
        kind=WATER,
        subswaths=("IW2",),
        lines=240,
        samples=500,
        errors=[(0.0, 0.0), (0.03, 0.0)],
        scene={"temporal_decorrelation": True},
    )
    stack = products.stack()
    timing = stack.facts["timing"]
    (facts,) = timing["dates"].values()
    assert facts["azimuth_from"] == "orbit"
    assert facts["azimuth_lines"] == 0.0
    for overlap in timing["overlaps"]:
        assert overlap["deviation_lines"] > 0.01
        assert overlap["coherence"] < 0.2
        assert overlap["share_of_pixels"] > 0.5
    _, valid = stack.read_pixels(0, stack.grid.lines)
    assert valid.mean() > 0.8


def test_a_hole_in_the_dem_is_masked(pair, tmp_path):
    path = tmp_path / "dem.tif"
    with rasterio.open(pair.folder / "scene" / "dem.tif") as file:
        height, profile = file.read(1), file.profile
    rows, columns = (slice(int(0.45 * n), int(0.55 * n)) for n in height.shape)
    height[rows, columns] = np.nan
    with rasterio.open(path, "w", **(profile | {"nodata": np.nan})) as file:
        file.write(height, 1)
    stack = pair.stack(dem=open_dem([path], "ellipsoid"))
    lost = np.isnan(stack.read_ground(0, stack.grid.lines).height)
    pixels, valid = stack.read_pixels(0, stack.grid.lines)
    assert 0.001 < lost.mean() < 0.5
    assert not valid[1, 0][lost].any()
    assert not pixels[1, 0][lost].any()
    assert valid[0, 0][lost].any()  # the reference needs no ground
    assert abs(Interferogram(stack).mean_phase()) < 0.02


def test_a_dem_that_does_not_reach_the_image(pair, tmp_path):
    with rasterio.open(pair.folder / "scene" / "dem.tif") as file:
        height, profile = file.read(1), file.profile
    with rasterio.open(tmp_path / "dem.tif", "w", **(profile | {"height": height.shape[0] // 2})) as file:
        file.write(height[: height.shape[0] // 2], 1)
    with pytest.raises(AlignsarError, match=r"does not cover the image.*km"):
        pair.stack(dem=open_dem([tmp_path / "dem.tif"], "ellipsoid"))


def test_timing_can_be_left_to_the_orbits(pair):
    stack = pair.stack(timing=False)
    assert "timing" not in stack.facts
    assert abs(Interferogram(stack).mean_phase()) < 0.02


def test_bursts_that_do_not_lie_on_one_grid(pair):
    first, second, *_ = open_sentinel1(pair.small.safes[0]).bursts
    moved = replace(second.grid, first_azimuth_time=second.grid.first_azimuth_time + 5e-4)
    with pytest.raises(AlignsarError, match="not a whole number: they do not lie on one grid"):
        mosaic_of([first, replace(second, grid=moved)])
    other = replace(second.grid, range_spacing=2.0)
    with pytest.raises(AlignsarError, match=r"its range spacing is 2\.0"):
        mosaic_of([first, replace(second, grid=other)])
    later = replace(second.grid, epoch=second.grid.epoch + np.timedelta64(1, "D"))
    with pytest.raises(AlignsarError, match="midnight"):
        mosaic_of([first, replace(second, grid=later)])


def test_no_polarization_in_common(pair):
    selection = pair.choose().selection
    bursts = {
        name: {
            date: match
            if date == selection.dates[0]
            else replace(match, burst=replace(match.burst, channels={"vh": match.burst.channels["vv"]}))
            for date, match in found.items()
        }
        for name, found in selection.bursts.items()
    }
    with pytest.raises(AlignsarError, match=r"no polarization is common to all dates \(.*: VV, .*: VH\)"):
        stack_of(pair, replace(selection, bursts=bursts))


def test_a_date_without_pixels(pair):
    selection = pair.choose().selection
    bursts = {
        name: {
            date: replace(
                match,
                burst=replace(
                    match.burst,
                    channels={
                        key: replace(channel, measurement=None)
                        for key, channel in match.burst.channels.items()
                    },
                ),
            )
            for date, match in found.items()
        }
        for name, found in selection.bursts.items()
    }
    with pytest.raises(AlignsarError, match="has no pixels of VV, only annotation"):
        stack_of(pair, replace(selection, bursts=bursts))


@pytest.fixture
def copied(pair, tmp_path):
    """Products that a test may damage, and the measurement of the second date."""
    folder = shutil.copytree(pair.folder / "products", tmp_path / "products")
    return folder, next(sorted(folder.glob("*.SAFE"))[1].glob("measurement/*.tiff"))


def test_a_measurement_that_is_cut_short(pair, copied):
    folder, file = copied
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(AlignsarError, match=rf"{file.name}: cannot be read .*: damaged or incomplete"):
        coregistered_stack(open_products(folder).choose().selection, pair.dem, CPU)


def test_a_measurement_of_other_dimensions(copied):
    folder, file = copied
    write_tiff(file, np.ones((710, 500), dtype=np.complex64))
    with pytest.raises(AlignsarError, match=r"710 lines of 500 samples, but its annotation says 720 lines"):
        open_products(folder)


def test_slices_of_a_pass_are_joined_as_if_they_were_one_product(pair):
    """The same bits, whichever product a burst comes in."""
    products = [open_sentinel1(safe) for safe in pair.small.safes]
    slices = []
    for product in products:
        later = product.start + np.timedelta64(2, "s")
        slices += [
            replace(product, bursts=product.bursts[:2]),
            replace(product, product_id=f"{product.product_id}_2", start=later, bursts=product.bursts[2:]),
        ]
    whole, joined = (stack_of(pair, select_bursts(found)) for found in (products, slices))
    assert joined.grid == whole.grid
    for one, other in zip(
        whole.read_pixels(0, whole.grid.lines), joined.read_pixels(0, whole.grid.lines), strict=True
    ):
        assert one.tobytes() == other.tobytes()
    for date, acquisition in enumerate(joined.acquisitions):
        name = products[date].product_id
        assert acquisition.product_id == f"{name}, {name}_2"
        where = (whole.grid.azimuth_time(np.arange(9)), whole.grid.slant_range(np.arange(9)), np)
        one, other = (
            stack.acquisitions[date].calibration["vv"].amplitude("sigma_nought", *where)
            for stack in (whole, joined)
        )
        np.testing.assert_array_equal(one, other)

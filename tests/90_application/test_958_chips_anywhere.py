"""Chips of scenes across 180 degrees and near a pole, of complex layers, and with halos beyond the image."""

import json

import numpy as np
import pytest
import shapely
from chipped_cube import cube_of, facts_of, make_chips
from pyproj import Geod

import alignsar_gpu
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples

GEOD = Geod(ellps="WGS84")


def moved(longitude, latitude):
    """A cube whose middle lies at a place."""
    cube = cube_of()
    lon, lat = cube["longitude"].values, cube["latitude"].values
    lon += longitude - np.nanmean(lon)
    lat += latitude - np.nanmean(lat)
    lon[:] = (lon + 180.0) % 360.0 - 180.0
    return cube


class TestPlaces:
    @pytest.mark.parametrize(
        ("place", "crs"),
        [
            ((180.0, -17.0), {"EPSG:32701", "EPSG:32760"}),
            ((-100.0, -88.0), {"EPSG:5042"}),
            ((0.0, 89.99), {"EPSG:5041"}),
        ],
        ids=["across", "south", "pole"],
    )  # fmt: skip
    def test_footprints_and_blocks_are_where_the_chips_are(self, tmp_path, place, crs):
        cube = moved(*place)
        chips, index = make_chips(tmp_path / "run", cube)
        report = check_dataset(chips)
        assert report.is_sound, report.failures
        assert facts_of(chips)["crs"] in crs
        blocks = json.loads((chips / "splits.geojson").read_text())["features"]
        rings = [block["geometry"]["coordinates"][0] for block in blocks]
        assert all(ring[0] == ring[-1] for ring in rings)
        across = 0
        for row in index.iloc[::9].itertuples():
            middle = row.first_line + 4, row.first_sample + 6
            lon, lat = (float(cube[name].values[middle]) for name in ("longitude", "latitude"))
            assert row.geometry.contains(shapely.Point(lon, lat))
            assert row.geometry.is_valid
            assert abs(GEOD.geometry_area_perimeter(row.geometry)[0]) == pytest.approx(
                row.footprint.area, rel=0.02
            )
            across += row.geometry.geom_type == "MultiPolygon"
        assert (across > 0) == (place[0] == 180.0)


class TestComplex:
    def test_two_planes_that_are_one_again(self, tmp_path):
        cube = cube_of(dates=2, complex_slc=True)
        chips, index = make_chips(tmp_path / "run", cube, layers=["slc"])
        opened = alignsar_gpu.open_dataset(chips)
        assert opened["layer"].values.tolist() == ["slc_vv_real", "slc_vv_imag"]
        assert facts_of(chips)["layers"]["slc_vv_imag"]["part"] == "imag"
        samples = Samples(chips, "train", SampleOptions(complex_images=True))
        sample = samples[7]
        row = index.set_index("id").loc[sample["id"]]
        part = slice(row.first_line, row.first_line + 8), slice(row.first_sample, row.first_sample + 12)
        date = ["20220104", "20220110"].index(row.date)
        np.testing.assert_array_equal(sample["complex"][0], np.nan_to_num(cube["slc_vv"].values[date][part]))
        assert sample["complex"].dtype == np.complex64


class TestHalo:
    def test_beyond_the_image_nothing_is_known(self, tmp_path):
        chips, index = make_chips(tmp_path / "run", cube_of(24, 600), halo=30, size=[8, 8], least_valid=0.9)
        opened = alignsar_gpu.open_dataset(chips)
        assert opened["images"].shape[2:] == (68, 68)
        first = index["first_line"].values
        for chip in (0, len(index) - 1):
            outside = np.abs(np.arange(68) - 30 + first[chip] - 11.5) > 12
            assert outside.sum() == 44
            assert not opened["valid"].values[chip][outside].any()
            assert np.isnan(opened["images"].values[chip][:, outside]).all()
            assert opened["valid"].values[chip][~outside].any()
        assert facts_of(chips)["chip_m"] > 68 * 3.4

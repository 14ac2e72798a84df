"""The run on a real pair over Amsterdam, coregistered by SNAP: README's figures."""

import json
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
import zarr
from command_line import run
from geocoding_scene import CPU
from kept_geometry import away
from small_runs import NO_REPORT

import alignsar_gpu
from alignsar_gpu.application.geocoding.grids import grid_of
from alignsar_gpu.geocoding.positions import Geocoding
from alignsar_gpu.geocoding.tiles import MapTiles
from alignsar_gpu.geometry.stored.geometry import read_geometry
from alignsar_gpu.products.snap.raster import open_raster

LAYERS = ["amplitude", "intensity", "sigma0", "beta0", "slc_phase", "interferometric_phase", "coherence"]


@pytest.fixture(scope="module")
def amsterdam(tmp_path_factory, real_data):
    data = real_data("s1_amsterdam_snap_stack")
    output = tmp_path_factory.mktemp("amsterdam") / "out"
    on_map = ["geocoding.resolution=5", "geocoding.layers=[height,sigma0_vv]"]
    run(
        "+experiment=amsterdam", f"products.path={data}", "device=cpu", NO_REPORT, *on_map, f"output={output}"
    )
    return output, data


class TestAmsterdam:
    def test_coherence(self, amsterdam):
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr", chunks=None)
        assert cube["coherence_vv"][0].median() == pytest.approx(0.82, abs=0.01)
        valid = cube["valid"][1].values
        assert valid.mean() > 0.999
        assert (cube["coherence_vv"][1].values[valid] == 1).all()
        assert (cube["interferometric_phase_vv"][1].values[valid] == 0).all()

    def test_coherence_against_plain_numpy(self, amsterdam):
        def snap(date, name):
            group = zarr.open_group(amsterdam[1] / f"{date}-coreg.znap", mode="r", zarr_format=2)
            return (group[f"i_VV_{name}"][:] + 1j * group[f"q_VV_{name}"][:]).astype(np.complex128)

        def windows(image):
            total = np.lib.stride_tricks.sliding_window_view(image, (3, 11))
            return total.sum(axis=(2, 3))

        r, s = snap("20230331", "31Mar2023"), snap("20230319", "19Mar2023")
        with np.errstate(invalid="ignore"):
            expected = np.abs(windows(r * s.conj())) / np.sqrt(
                windows(np.abs(r) ** 2) * windows(np.abs(s) ** 2)
            )
        assert np.median(expected) == pytest.approx(0.82, abs=0.01)
        found = xr.open_zarr(amsterdam[0] / "cube.zarr")["coherence_vv"][0].values[1:-1, 5:-5]
        whole = (
            windows(((r != 0) & (s != 0)).astype(int)) == 33
        )  # elsewhere ours leaves the no-data pixel out
        assert whole.mean() > 0.99
        np.testing.assert_allclose(found[whole], expected[whole], atol=1e-6)

    def test_baseline_and_height_of_ambiguity(self, amsterdam):
        quality = json.loads((amsterdam[0] / "quality.json").read_text())
        secondary = quality["baselines"]["dates"]["20230319"]
        assert secondary["perpendicular_m"] == pytest.approx(33.75, abs=0.05)
        assert secondary["height_of_ambiguity_m"] == pytest.approx(518, rel=0.01)
        assert secondary["temporal_days"] == pytest.approx(-12, abs=1e-3)
        # SNAP's own numbers, for the middle of its burst, stand beside ours
        stated = quality["source"]["baselines_stated_by_snap"]["2023-03-19"]
        assert stated["perpendicular_m"] == pytest.approx(33.8997, abs=1e-4)
        assert abs(stated["height_of_ambiguity_m"]) == pytest.approx(526.36, abs=0.01)

    def test_incidence_against_tie_points(self, amsterdam):
        raster = open_raster(amsterdam[1] / "20230331-coreg.znap")
        theirs = raster.tie_points["incident_angle"].at(0, 84, 338)
        ours = zarr.open_array(amsterdam[0] / "cube.zarr", path="incidence_angle", mode="r")[:]
        assert np.abs(ours - theirs).max() < 0.05

    def test_not_flattened_twice(self, amsterdam):
        """The cube's phase is that of the product's own pixels."""

        def pixels(date, name):
            group = zarr.open_group(amsterdam[1] / f"{date}-coreg.znap", mode="r", zarr_format=2)
            return group[f"i_VV_{name}"][:] + 1j * group[f"q_VV_{name}"][:]

        interferogram = pixels("20230331", "31Mar2023") * np.conj(pixels("20230319", "19Mar2023"))
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr")
        phase = cube["interferometric_phase_vv"][0].values
        valid = np.isfinite(phase)
        assert valid.mean() > 0.999
        error = np.angle(np.exp(1j * phase[valid]) * np.conj(interferogram[valid]))
        assert np.abs(error).max() < 1e-5
        assert cube.attrs["flattened"] == "true"

    def test_calibration_is_in_a_plausible_range_and_its_source_said(self, amsterdam):
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr")
        ratio = (cube["sigma0_vv"] / cube["beta0_vv"]).values
        sine = np.sin(np.radians(cube["incidence_angle"].values))
        valid = cube["valid"][1].values
        np.testing.assert_allclose(ratio[1][valid], sine[valid], rtol=2e-3)
        quality = json.loads((amsterdam[0] / "quality.json").read_text())
        assert any("calibrated with the records of" in warning for warning in quality["warnings"])

    def test_geocoding_agrees_with_coordinates(self, amsterdam):
        """SNAP's are rounded to float32: 0.2 m of latitude are 0.016 lines."""
        apart, _ = away(amsterdam[0])
        assert np.abs(apart).max() < 0.025
        assert np.abs(apart.mean(axis=1)).max() < 1e-3

    def test_the_map_agrees_with_coordinates(self, amsterdam):
        """Of SNAP, on pixels of 5 m, but for the rounding of its latitudes to 0.2 m, up and down."""
        with rasterio.open(amsterdam[0] / "cogs" / "height.tif") as raster:
            map_grid = grid_of(str(amsterdam[0] / "cogs" / "height.tif"))
            assert raster.crs.to_epsg() == 32631
            known = np.isfinite(raster.read(1))
        assert known.mean() > 0.75
        geometry = read_geometry(amsterdam[0] / "cube.zarr")
        geocoding = Geocoding(**vars(geometry), map_grid=map_grid, device=CPU, partial=True)
        (tile,) = MapTiles.over(geocoding).row(0)
        cube = alignsar_gpu.open(amsterdam[0])
        place = map_grid.position(cube["longitude"].values, cube["latitude"].values)
        inner = np.full(cube["longitude"].shape, np.nan, dtype=np.float32)
        inner[1:-1, 1:-1] = 1.0
        inside = np.isfinite(tile.sampled(inner, "nearest"))
        assert inside.mean() > 0.7
        for layer, wanted in zip(place, np.indices(map_grid.shape), strict=True):
            apart = (tile.sampled(layer, "bilinear") - wanted)[inside]
            assert np.abs(apart).max() < 0.05
            assert abs(apart.mean()) < 1e-3

    def test_the_picture_of_the_map(self, amsterdam):
        with rasterio.open(amsterdam[0] / "cogs" / "visual_20230331.tif") as raster:
            *colours, opacity = raster.read()
        with rasterio.open(amsterdam[0] / "cogs" / "sigma0_vv_20230331.tif") as raster:
            sigma0 = raster.read(1)
        np.testing.assert_array_equal(opacity == 255, np.isfinite(sigma0))
        assert 60 < np.mean(colours[0][opacity == 255]) < 190
        assert np.mean(np.isin(colours[0][opacity == 255], (0, 255))) < 0.3

    def test_netcdf_opens_in_xarray_and_in_gdal(self, amsterdam):
        cube = xr.open_zarr(amsterdam[0] / "cube.zarr")
        for index, date in enumerate(("20230319", "20230331")):
            path = amsterdam[0] / "netcdf" / f"{date}.nc"
            with xr.open_dataset(path, decode_cf=True) as file:
                for name in LAYERS:
                    np.testing.assert_array_equal(
                        file[f"{name}_vv"].values[0], cube[f"{name}_vv"][index].values
                    )
                software = file.attrs["sar_processing_software"]
            assert software.startswith("ESA Sentinel-1 IPF 003.")
            assert (
                "; SNAP 12.0.0 (Read 1.2, TOPSAR-Split 1.0, Apply-Orbit-File 1.0, Back-Geocoding 1.0"
                in software
            )
            assert software.rpartition("; ")[2].startswith("alignsar_gpu ")
            with rasterio.open(f'NETCDF:"{path}":intensity_vv') as raster:
                np.testing.assert_array_equal(raster.read(1), cube["intensity_vv"][index].values)

    def test_catalogue_is_valid(self, amsterdam):
        catalogue = pystac.Catalog.from_file(str(amsterdam[0] / "stac" / "catalog.json"))
        items = list(catalogue.get_items(recursive=True))
        assert len(items) == 2
        west, south, east, north = items[0].bbox
        assert 4.88 < west < 4.896 < east < 4.91
        assert 52.36 < south < 52.372 < north < 52.38
        for item in items:
            for asset in item.assets.values():
                assert (Path(item.get_self_href()).parent / asset.href).resolve().exists()

"""Runs on one burst of a made Sentinel-1 product: values, places, files, areas, orbits, heights."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
from command_line import burst_of, checksums, refuse, run
from fake_burst import BURSTS, FAKE, write_orbit, write_scene
from fake_safe import write_safe, write_tiff, zip_of
from small_runs import CUBE_ALONE, NO_REPORT, kill_after_rows

from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.products.sentinel1.reader import open_sentinel1

AREA = "products.area=[-8.5,31.66,-8.3,31.74]"


@pytest.fixture(scope="module")
def mountains(tmp_path_factory):
    """A product with a DEM below it: their paths, and a folder with its precise orbit."""
    folder = tmp_path_factory.mktemp("mountains")
    safe, dem = write_scene(folder)
    write_orbit(folder / "orbits", open_sentinel1(safe).orbit)
    return safe, dem, folder / "orbits"


@pytest.fixture(scope="module")
def burst(tmp_path_factory, mountains):
    safe, dem, _ = mountains
    output = tmp_path_factory.mktemp("burst") / "out"
    return output, run(*burst_of(safe, dem, f"output={output}", "dataset.chunk_lines=64"))


class TestSentinel1:
    def test_backscatter_is_that_of_the_pixels_and_the_calibration_vectors(self, burst):
        """The made vectors grow by 0.1 a sample from 301 on, the same on all lines."""
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        lines, samples = FAKE.valid(1)
        assert dict(cube.sizes) == {"time": 1, "azimuth": 157, "range": 214}
        amplitude = 301.0 + 0.1 * np.arange(samples.start, samples.stop)
        for polarization in ("vv", "vh"):
            image = FAKE.pixels_of(1, polarization)[lines, samples]
            power = np.where(image == 0, np.nan, np.abs(image.astype(np.complex128)) ** 2)
            sigma0 = cube[f"sigma0_{polarization}"][0].values
            np.testing.assert_allclose(sigma0, power / amplitude**2, rtol=1e-5)
            np.testing.assert_allclose(cube[f"intensity_{polarization}"][0].values, power, rtol=1e-6)
        valid = cube["valid"][0].values
        assert (~valid).sum() == 4
        assert not valid[39:41, 47:49].any()

    def test_every_pixel_is_where_its_coordinates_say(self, burst, mountains):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        orbit = open_sentinel1(mountains[0]).orbit
        longitude, latitude = cube["longitude"].values, cube["latitude"].values
        height = open_dem(mountains[1], "ellipsoid").height_at(longitude, latitude)
        np.testing.assert_allclose(cube["height"].values, height, rtol=0, atol=2e-3)
        azimuth, slant_range = cube["azimuth"].values, cube["range"].values
        times, ranges = ground_to_radar(orbit, longitude, latitude, height, azimuth[:, np.newaxis])
        assert np.abs(times - azimuth[:, np.newaxis]).max() < 1e-5 * np.diff(azimuth).min()
        assert np.abs(ranges - slant_range).max() < 1e-5 * np.diff(slant_range).min()
        assert 25.0 < cube["incidence_angle"].min() < cube["incidence_angle"].max() < 45.0

    def test_layover_and_shadow(self, burst):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        flags = cube["layover_shadow"]
        assert flags.dtype == np.uint8
        assert flags.dims == ("azimuth", "range")
        assert flags.attrs["flag_masks"] == [1, 2]
        assert flags.attrs["flag_meanings"] == "layover shadow"
        quality = json.loads((burst[0] / "quality.json").read_text())
        assert quality["layover_fraction"] == np.mean(flags.values & 1 > 0) > 0.005
        assert quality["shadow_fraction"] == np.mean(flags.values & 2 > 0)
        local = cube["local_incidence_angle"]
        assert local.dtype == np.float32
        assert np.abs(local - cube["incidence_angle"]).max() > 20.0
        page = (burst[0] / "report" / "index.html").read_text()
        assert {"layover_shadow.svg", "local_incidence_angle.svg"} <= {
            path.name for path in (burst[0] / "report").iterdir()
        }
        assert "of the pixels in layover" in page

    def test_a_single_date_has_nothing_to_compare(self, burst):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        assert not [name for name in cube.data_vars if name.startswith(("coherence", "interferometric"))]
        assert "no reference to take phase away from" in cube["slc_phase_vv"].attrs["comment"]
        assert "2023-09-04." in cube.attrs["summary"]
        assert (
            "left out, because there is no second date: interferometric_phase, coherence" in burst[1].stdout
        )

    def test_what_was_used_is_said(self, burst):
        quality = json.loads((burst[0] / "quality.json").read_text())
        source = quality["source"]
        assert source["burst"]["id"] == BURSTS[0]
        assert source["product"]["ipf_version"] == "003.61"
        assert source["crop"] == {"first_line": 1, "lines": 157, "first_sample": 3, "samples": 214}
        assert source["orbit"]["kind"] == "annotation"
        assert source["dem"]["vertical_datum"] == "ellipsoid"
        assert source["dropped"] == []
        (warning,) = [text for text in quality["warnings"] if "orbit" in text]
        assert "the geometry is that of the state vectors in the product" in warning
        assert warning in burst[1].stdout
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        assert cube.attrs["burst_id"] == BURSTS[0]
        assert cube.attrs["swath"] == "IW1"
        assert "Copernicus Sentinel data 2023" in cube.attrs["acknowledgement"]
        assert cube.attrs["crop_first_sample"] == 3

    def test_netcdf_and_catalogue(self, burst):
        cube = xr.open_zarr(burst[0] / "cube.zarr")
        path = burst[0] / "netcdf" / "20230904.nc"
        with xr.open_dataset(path) as file:
            flags = file["layover_shadow"]
            np.testing.assert_array_equal(flags.values, cube["layover_shadow"].values)
            np.testing.assert_array_equal(flags.attrs["flag_masks"], [1, 2])
            assert flags.attrs["flag_masks"].dtype == flags.dtype == np.uint8
            assert "units" not in flags.attrs
            assert flags.attrs["coverage_content_type"] == "qualityInformation"
            assert file.attrs["sar_SLC_crop"].tolist() == [1, 157, 3, 216]
            np.testing.assert_array_equal(
                file["local_incidence_angle"].values, cube["local_incidence_angle"].values
            )
        with rasterio.open(f'NETCDF:"{path}":layover_shadow') as raster:
            np.testing.assert_array_equal(raster.read(1), cube["layover_shadow"].values)
            assert raster.nodata is None
        (item,) = pystac.Catalog.from_file(str(burst[0] / "stac" / "catalog.json")).get_items(recursive=True)
        variables = item.properties["cube:variables"]
        assert variables["layover_shadow"]["dimensions"] == ["azimuth", "range"]
        assert variables["local_incidence_angle"]["unit"] == "degree"
        west, south, east, north = item.bbox
        assert -9.0 < west < -8.8 < -7.95 < east < -7.8
        assert 31.5 < south < 31.6 < 31.8 < north < 31.95
        for asset in item.assets.values():
            assert (Path(item.get_self_href()).parent / asset.href).resolve().exists()

    def test_a_zip_gives_the_same(self, burst, mountains, tmp_path):
        safe = shutil.copytree(mountains[0], tmp_path / "safe" / mountains[0].name)
        archive = zip_of(safe)
        shutil.rmtree(safe)
        more = [*CUBE_ALONE, "dataset.chunk_lines=64", f"output={tmp_path / 'out'}"]
        run(*burst_of(archive, mountains[1], *more))
        ours, theirs = (xr.open_zarr(output / "cube.zarr") for output in (tmp_path / "out", burst[0]))
        assert set(ours.variables) == set(theirs.variables)
        for name in ours.variables:
            np.testing.assert_array_equal(ours[name].values, theirs[name].values)
        assert ours.attrs["fingerprint"] != theirs.attrs["fingerprint"]

    def test_an_area_and_a_precise_orbit(self, burst, mountains, tmp_path):
        safe, dem, orbits = mountains
        output = tmp_path / "out"
        result = run(*burst_of(safe, dem, AREA, *CUBE_ALONE, f"orbits.path={orbits}", f"output={output}"))
        quality = json.loads((output / "quality.json").read_text())
        assert quality["source"]["orbit"]["kind"] == "POEORB"
        assert not [text for text in quality["warnings"] if "orbit" in text]
        assert "POEORB" not in result.stdout
        crop = quality["source"]["crop"]
        whole, part = (xr.open_zarr(path / "cube.zarr") for path in (burst[0], output))
        assert part.sizes["range"] == crop["samples"] < 100
        first = {"azimuth": crop["first_line"] - 1, "range": crop["first_sample"] - 3}
        same = whole.isel({name: slice(start, start + part.sizes[name]) for name, start in first.items()})
        np.testing.assert_array_equal(part["sigma0_vh"].values, same["sigma0_vh"].values)
        np.testing.assert_allclose(part["longitude"].values, same["longitude"].values, rtol=0, atol=1e-9)
        assert float(part["longitude"].min()) < -8.5 < -8.3 < float(part["longitude"].max())

    def test_the_experiment_and_a_geoid(self, mountains, tmp_path):
        """The Copernicus DEM's heights count from EGM2008: here from a grid of 50 m everywhere."""
        safe, dem, _ = mountains
        geoid = tmp_path / "geoid.tif"
        with rasterio.open(
            geoid, "w", driver="GTiff", width=8, height=8, count=1, dtype="float32", crs="EPSG:4326",
            transform=rasterio.Affine(1.0, 0.0, -12.0, 0.0, -1.0, 36.0),
        ) as file:  # fmt: skip
            file.write(np.full((1, 8, 8), 50.0, np.float32))
        output, place = tmp_path / "out", [f"products.path={safe}", f"products.burst={BURSTS[0]}", AREA]
        heights = [f"dem.path={dem}", f"dem.geoid={geoid}"]
        run("+experiment=burst", *place, *heights, *CUBE_ALONE, f"output={output}")
        cube = xr.open_zarr(output / "cube.zarr")
        height = open_dem(dem, "ellipsoid").height_at(cube["longitude"].values, cube["latitude"].values)
        np.testing.assert_allclose(cube["height"].values, height + 50.0, rtol=0, atol=2e-3)
        assert cube.attrs["title"] == "One burst of Sentinel-1"

    def test_other_inputs_on_the_same_output(self, burst, mountains, tmp_path):
        arguments = [f"output={burst[0]}", "dataset.chunk_lines=64"]
        assert "nothing to do" in run(*burst_of(*mountains[:2], *arguments)).stdout
        safe = shutil.copytree(mountains[0], tmp_path / mountains[0].name)
        assert "nothing to do" in run(*burst_of(safe, mountains[1], *arguments)).stdout
        refuse(
            "products.crop: true there, false now",
            *burst_of(*mountains[:2], "products.crop=false", *arguments),
        )
        write_tiff(safe / "measurement" / f"{FAKE.stem(1, 'vh')}.tiff", FAKE.pixels_of(1, "vh") * 2)
        refuse("holds another run with other settings", *burst_of(safe, mountains[1], *arguments))

    def test_memory_and_threads_do_not_change_a_bit(self, mountains, tmp_path):
        options = {"large": ["device.memory_gib=2"], "small": ["device.memory_gib=0.05", "device.threads=1"]}
        for name, more in options.items():
            budget = [*more, NO_REPORT, "dataset.chunk_lines=32", f"output={tmp_path / name}"]
            run(*burst_of(*mountains[:2], *budget))
        tops = ("cube.zarr", "netcdf", "stac")
        assert checksums(tmp_path / "large", *tops) == checksums(tmp_path / "small", *tops)
        refuse(
            "device.memory_gib=0.03: one row of chunks of 1 date needs 0.0",
            *burst_of(*mountains[:2], "device.memory_gib=0.03", f"output={tmp_path / 'none'}"),
        )

    def test_killed_and_continued_is_the_same_bits(self, mountains, tmp_path):
        safe = write_safe(tmp_path, replace(FAKE, lines=1000, bursts=1, swaths=(1,)))
        more = [NO_REPORT, "dataset.chunk_lines=32", "device.memory_gib=0.05"]
        kept = kill_after_rows(burst_of(safe, mountains[1], *more), tmp_path / "killed")
        assert 3 <= kept < 32
        result = run(*burst_of(safe, mountains[1], *more, f"output={tmp_path / 'killed'}"))
        assert "continues" in result.stderr
        run(*burst_of(safe, mountains[1], *more, f"output={tmp_path / 'whole'}"))
        tops = ("cube.zarr", "netcdf")
        assert checksums(tmp_path / "killed", *tops) == checksums(tmp_path / "whole", *tops)

    def test_refused(self, mountains, tmp_path):
        """Each by name, before anything is written."""
        safe, dem, _ = mountains
        output = f"output={tmp_path / 'out'}"
        small = write_scene(tmp_path / "small", replace(FAKE, bursts=1))[1]
        with rasterio.open(dem) as file:
            profile, heights = file.profile, file.read()
        with rasterio.open(small, "w", **{**profile, "crs": "EPSG:9518"}) as file:
            file.write(heights)
        first = burst_of(safe, dem, output)
        named = f"products.burst={BURSTS[0]}"
        for words, arguments in (
            ("says that its heights count from 'egm2008'", burst_of(safe, small, output)),
            ("dem.vertical_datum: must be given", [*first, "dem.vertical_datum=null"]),
            ("they do not lie on one grid", [a for a in first if a != named]),
            ("the area lies outside all 1 bursts", [*first, "products.area=[4.8,52.3,5.0,52.5]"]),
            ("polarizations HH were asked for", [*first, "products.polarizations=[hh]"]),
            ("no orbit files there", [*first, f"orbits.path={safe}"]),
            (
                "the stack has heights of its own",
                ["products=synthetic", "device=cpu", "dem=ellipsoid", f"dem.path={dem}", output],
            ),
        ):
            refuse(words, *arguments)
            assert not (tmp_path / "out").exists(), words

    def test_a_dem_that_ends_too_early(self, mountains, tmp_path):
        with rasterio.open(mountains[1]) as file:
            profile, heights = file.profile, file.read()
        with rasterio.open(tmp_path / "dem.tif", "w", **{**profile, "width": 400}) as file:
            file.write(heights[:, :, :400])
        arguments = burst_of(mountains[0], tmp_path / "dem.tif", f"output={tmp_path / 'out'}")
        refuse("beyond its eastern edge", *arguments)
        assert not (tmp_path / "out").exists()

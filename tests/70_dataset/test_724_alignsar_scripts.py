"""Files of dataset.alignsar_layout: what AlignSAR's scripts do to a file, in our own words.

Read in its repository at 9b31d0c: the random-forest demo, the land-cover notebooks, the oil-spill (India) notebooks
and stac.py. The sizes that they hard-code (2350 x 940 and 5000 x 10000 pixels) are those of the file here.
"""

import netCDF4
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from fake_cube import fake_cube

from alignsar_gpu.dataset.netcdf.alignsar import (
    alignsar_files,
    choose_layers,
    write_alignsar_date,
)
from alignsar_gpu.errors import AlignsarError

LINES, SAMPLES = 7, 13
FEATURES = {
    "VV amplitude (linear)": "amplitude_vv",
    "VH amplitude (linear)": "amplitude_vh",
    "VV interferometric phase (radians)": "interferometric_phase_vv",
    "VV coherence": "coherence_vv",
    "Intensity summation": "intensity_sum",
    "Intensity difference (dual-pol difference)": "intensity_difference",
    "Intensity ratio (dual-pol power ratio)": "intensity_ratio",
    "Cross-pol correlation coefficient": "cross_correlation",
    "Cross-pol cross product": "cross_product",
    "Entropy": "entropy",
}
CLASSES = {"Buildings": "building", "Railways": "cover_railway", "Water": "water", "Roads": "roads"}


def labelled_cube():
    """The fake cube with the signatures and labels that AlignSAR's format names, and one label of our own."""
    cube = fake_cube(LINES, SAMPLES)
    line, sample = np.mgrid[0:LINES, 0:SAMPLES]
    for number, name in enumerate(list(FEATURES.values())[4:]):
        values = cube.intensity_vv.values / (number + 2) + number
        cube[name] = (cube.intensity_vv.dims, values.astype(np.float32), {"units": "1", "long_name": name})
    cube.cross_product.attrs["comment"] = "AlignSAR's layer of this name holds |c11 - c22|"
    for number, name in enumerate([*CLASSES.values(), "cover_water", "oil_region"]):
        share = np.where((line + sample) % 6 == number, 1.0, 0.0).astype(np.float32)
        share[0, 0] = np.nan
        attributes = {"units": "1", "inherited_from": "top10.gpkg", "valid_range": [0.0, 1.0]}
        cube[name] = (("azimuth", "range"), share, attributes)
    cube["labelled_water"] = (("azimuth", "range"), np.ones((LINES, SAMPLES), bool), {"inherited_from": "a"})
    return cube


@pytest.fixture(scope="module")
def cube():
    return labelled_cube()


@pytest.fixture(scope="module")
def paths(cube, tmp_path_factory):
    paths = alignsar_files(cube, tmp_path_factory.mktemp("run") / "alignsar")
    for index, path in enumerate(paths):
        write_alignsar_date(cube, index, path, other=paths[0] if index else None, workers=2)
    return paths


def of_cube(cube, name, date):
    return cube[name].values[date] if "time" in cube[name].dims else cube[name].values


def test_files_are_named_and_found_by_their_date(paths):
    assert [path.name for path in paths] == [
        f"netcdf_{date}_full_attributes.nc" for date in ("20220104", "20220110", "20220116")
    ]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == [path.name for path in paths]


def test_the_random_forest_takes_layers_by_their_order(cube, paths):
    """All variables, whatever they are, are put below each other; the first 14 are cut out again by the lines."""
    for date, path in enumerate(paths):
        with netCDF4.Dataset(path) as file:
            below = np.concatenate([np.array(variable[:]) for variable in file.variables.values()], axis=0)
        assert below.shape[1] == SAMPLES
        table = np.array([below[n * LINES : (n + 1) * LINES].ravel() for n in range(14)]).T
        table = np.where(np.isnan(table), 0, table)
        features, classes = table[:, :10], table[:, 10:] != 0
        for column, name in enumerate(FEATURES.values()):
            expected = np.nan_to_num(of_cube(cube, name, date)).ravel()
            np.testing.assert_array_equal(features[:, column], expected, err_msg=name)
        for column, name in enumerate(CLASSES.values()):
            np.testing.assert_array_equal(classes[:, column], np.nan_to_num(cube[name].values).ravel() != 0)


def test_the_land_cover_notebooks_make_a_table_of_named_columns(cube, paths):
    """A column a layer, a row a pixel; a class from a share of 0.5 on, and none where all shares are zero."""
    with xr.open_dataset(paths[1]) as file:
        assert file["VV coherence"].dims == ("lines (azimuth)", "pixels (range)")
        images = file.to_dataarray("signatures").transpose("lines (azimuth)", "pixels (range)", "signatures")
        names = images.signatures.to_numpy()
        values = images.to_numpy()
    table = pd.DataFrame(values.reshape(-1, values.shape[2]), columns=names)
    assert list(table.columns[:14]) == [*FEATURES, *CLASSES]
    assert len(table) == LINES * SAMPLES
    chosen = [(table[name] >= 0.5).sum() for name in CLASSES]
    assert all(count > 5 for count in chosen)
    none = (table[list(CLASSES)] == 0).all(axis=1).sum()
    assert sum(chosen) + none == len(table) - 1  # the pixel whose shares are unknown
    decibels = 10 * np.log10(table["VH amplitude (linear)"])
    assert np.isfinite(decibels).sum() == np.isfinite(of_cube(cube, "amplitude_vh", 1)).sum()
    for name in ("Entropy", "Cross-pol correlation coefficient"):
        filled = table[name].fillna(np.nanmedian(table[name]))
        assert filled.notna().all()


def test_the_india_notebooks_take_an_image_and_a_mask_by_name(cube, paths):
    with xr.open_dataset(paths[0]) as file:
        image, mask = file.variables["VV amplitude (linear)"], file.variables["Oil region"]
        entropy = file.variables["Entropy"].values
        every = np.array(file.to_array()).ravel()
        count = len(file.data_vars)
    assert image.shape == mask.shape == entropy.shape == (LINES, SAMPLES)
    np.testing.assert_array_equal(mask, cube.oil_region)
    np.testing.assert_array_equal(entropy, cube.entropy.values[0])
    np.testing.assert_array_equal(every.reshape(count, LINES, SAMPLES)[0], image)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_stac_py_exports_every_variable_by_gdal(paths):
    """Each with two dimensions; longitude and latitude are found by their names, and lie as the images do."""
    with netCDF4.Dataset(paths[0]) as file:
        assert all(len(variable.dimensions) == 2 for variable in file.variables.values())
        assert {"Lon", "Lat"} <= set(file.variables)
        expected = {name: file[name][:].filled() for name in ("VV amplitude (linear)", "Lon", "Lat")}
    turned = set()
    for name, values in expected.items():
        with rasterio.open(f'NETCDF:"{paths[0]}":{name}') as raster:
            read = raster.read(1)
        turned |= {step for step in (1, -1) if np.array_equal(read[::step], values, equal_nan=True)}
    assert len(turned) == 1


def test_attributes_have_the_tables_names_and_the_codes(cube, paths):
    with netCDF4.Dataset(paths[2]) as file:
        for crop in ("sar_slc_crop", "sar_SLC_crop[azimuth,range]"):
            assert file.getncattr(crop).tolist() == [421, 427, 9876, 9888]
        assert file.sar_master_date_time == file.sar_reference_date_time == "2022-01-10T17:25:41.500000Z"
        assert file.sar_view_azimuth == 347.5
        assert file.Conventions == "ACDD-1.3"
        for name in (
            "processing_level", "creator_name", "creator_email", "creator_url", "institution", "project",
            "publisher_name", "publisher_email", "publisher_url", "geospatial_lat_min", "geospatial_lat_max",
            "geospatial_lon_min", "geospatial_lon_max", "sar_date_time", "sar_UTC_time", "sar_instrument_mode",
            "sar_looks_range", "sar_looks_azimuth", "sar_pixel_spacing_range", "sar_pixel_spacing_azimuth",
            "sar_processing_software", "sar_absolute_orbit", "sar_relative_orbit", "sar_view_incidence_angle",
        ):  # fmt: skip
            assert name in file.ncattrs()
        phase, water = file["VV interferometric phase (radians)"], file["Water"]
        assert (phase.unit, phase.range, phase.format) == ("radians", "between -pi and +pi", "float32")
        assert (water.unit, water.Units) == ("unitless", "unitless")
        assert (water.Range, water.Source, file["Lat"].unit) == ("between 0 and 1", "top10.gpkg", "degree")
        assert phase.Reference == phase.reference == cube.interferometric_phase_vv.attrs["references"]
        for variable in file.variables.values():
            assert {"unit", "format", "Units", "Format"} <= set(variable.ncattrs())


def test_a_layer_that_holds_another_quantity_says_so(paths):
    with netCDF4.Dataset(paths[0]) as file:
        assert (
            "AlignSAR's layer of this name holds |c11 - c22|" in file["Cross-pol cross product"].description
        )


def test_what_the_dataset_lacks_is_left_out_by_name(cube):
    poor = choose_layers(cube.drop_vars(["entropy", "water", "cover_water", "coherence_vv"]))
    assert poor.absent == ("VV coherence", "Entropy", "Water")
    assert list(choose_layers(cube).layers)[-2:] == ["Cover water", "Oil region"]
    assert choose_layers(cube).layers["Water"] == "water"
    assert choose_layers(cube.drop_vars("water")).layers["Water"] == "cover_water"


def test_the_same_cube_gives_the_same_bytes(paths, tmp_path):
    again = labelled_cube()
    for index, path in enumerate(alignsar_files(again, tmp_path)):
        write_alignsar_date(again, index, path)
        assert path.read_bytes() == paths[index].read_bytes()


def test_two_acquisitions_of_a_day_are_refused(cube, tmp_path):
    times = cube.time.values.copy()
    times[2] = times[1] + np.timedelta64(25, "s")
    with pytest.raises(AlignsarError, match="more than one acquisition on 20220110"):
        alignsar_files(cube.assign_coords(time=times), tmp_path)

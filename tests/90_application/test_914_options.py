"""Runs with other keys: signatures, networks, polarizations, the metadata of the dataset."""

import numpy as np
import pystac
import xarray as xr
from command_line import refuse, run
from small_runs import CUBE_ALONE, NETWORK, NO_REPORT, SMALL


def test_a_choice_of_signatures_with_complex_pixels(tmp_path):
    output = tmp_path / "out"
    choice = ["signatures.names=[coherence,amplitude]", "signatures.slc=true"]
    run(*SMALL, *choice, NO_REPORT, f"output={output}")
    cube = xr.open_zarr(output / "cube.zarr")
    layers = {name for name in cube.data_vars if name.endswith(("_vv", "_vh"))}
    assert layers == {f"{n}_{p}" for n in ("coherence", "amplitude", "slc") for p in ("vv", "vh")}
    assert cube["slc_vv"].dtype == np.complex64
    assert "phase are removed" in cube["slc_vv"].attrs["comment"]
    np.testing.assert_allclose(np.abs(cube["slc_vv"].values), cube["amplitude_vv"].values, rtol=1e-6)
    file = next((output / "netcdf").glob("*.nc"))
    with xr.open_dataset(file) as date:
        assert {"slc_vv_real", "slc_vv_imag"} <= set(date.data_vars)


def test_a_network_of_interferograms(tmp_path):
    output = tmp_path / "out"
    run(*SMALL, *NETWORK, *CUBE_ALONE, f"output={output}")
    cube, pairs = (xr.open_zarr(output / name) for name in ("cube.zarr", "interferograms.zarr"))
    assert dict(pairs.sizes) == {"pair": 2, "azimuth": 40, "range": 20}
    assert pairs["reference_date"].values.tolist() == cube["time"].values[:2].tolist()
    assert pairs["secondary_date"].values.tolist() == cube["time"].values[1:].tolist()
    assert pairs.attrs["network"] == "every date with its next 1"
    for name in ("interferogram_phase", "filtered_interferogram_phase", "interferogram_coherence"):
        assert np.isfinite(pairs[f"{name}_vh"].values).mean() > 0.9
    rough, smooth = (
        np.nanstd(np.diff(np.exp(1j * pairs[f"{name}interferogram_phase_vv"].values), axis=2))
        for name in ("", "filtered_")
    )
    assert smooth < 0.8 * rough
    (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
    assert collection.assets["interferograms"].href.endswith("interferograms.zarr")
    refuse(
        "5 lines that are averaged do not divide dataset.chunk_lines=256",
        *[*SMALL, *NETWORK, "interferometry.looks_lines=5", f"output={tmp_path / 'other'}"],
    )


def test_one_polarization(tmp_path):
    run(*SMALL, "products.polarizations=[vv]", *CUBE_ALONE, f"output={tmp_path / 'out'}")
    layers = set(xr.open_zarr(tmp_path / "out" / "cube.zarr").data_vars)
    assert "coherence_vv" in layers
    assert not {name for name in layers if name.endswith("_vh")}


def test_dataset_metadata_comes_from_the_configuration(tmp_path):
    output = tmp_path / "out"
    people = ["dataset.creator_name=A Person", "dataset.institution=A University"]
    run(*SMALL, *people, "signatures.names=[amplitude]", NO_REPORT, f"output={output}")
    file = next((output / "netcdf").glob("*.nc"))
    with xr.open_dataset(file) as date:
        assert date.attrs["creator_name"] == "A Person"
        assert date.attrs["institution"] == "A University"
        assert "publisher_name" not in date.attrs

"""Quality levels: each pixel against the layers that it is told by, and what cannot be told."""

import json

import numpy as np
import pytest
from command_line import refuse, run
from small_runs import CUBE_ALONE
from small_runs import SMALL as SYNTHETIC

import alignsar_gpu

# Small bursts, two dates, with maps of the scene.
DEMO = [
    "+experiment=demo", "device=cpu", "simulate.dates=2", "simulate.azimuth_errors=[0.0,0.0]",
    "simulate.range_errors=[0.0,0.0]", "simulate.lines=100", "simulate.samples=300", "simulate.bursts=2",
    "coregistration.timing=false", "geocoding.layers=[land_cover]", "chips.layers=[sigma0]", "chips.size=[8,24]",
    "objects.layers=[]", *CUBE_ALONE,
]  # fmt: skip
STATISTICS = [
    "signatures.names=[sigma0,coherence,amplitude_dispersion,coherence_mean]",
    "quality.levels=true",
]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A dataset with statistics over the dates and labels."""
    output = tmp_path_factory.mktemp("levels") / "out"
    keys = ["quality.dates=2", "quality.looks=10", "quality.amplitude_dispersion=0.2"]
    run(*DEMO, STATISTICS[0], *keys, f"output={output}")
    return output


def test_levels_are_told_by_the_layers_beside_them(both):
    cube = alignsar_gpu.open(both).load()
    valid = cube["valid"].all("time").values
    steady = (cube["amplitude_dispersion_vv"] <= 0.2).values | (cube["coherence_mean_vv"] >= 0.5).values
    shares = [
        cube[name].values
        for name in cube.data_vars
        if "area fraction" in cube[name].attrs.get("long_name", "")
    ]
    known = np.nanmax(shares, axis=0) >= 0.9
    known &= (cube["position_uncertainty"].values <= 1.0) & (cube["layover_shadow"].values == 0)
    wanted = 1 * (valid & steady) + 2 * known
    np.testing.assert_array_equal(cube["quality_level"].values, wanted)
    assert set(np.unique(wanted)) == {0, 1, 2, 3}
    assert cube.attrs["processing_level"] == "L3"
    told = json.loads((both / "quality.json").read_text())["quality_levels"]
    assert told == {str(level): pytest.approx(float(np.mean(wanted == level))) for level in range(4)}


def test_statistics_alone(tmp_path):
    """Of few dates and looks coherence alone counts, and the dataset says so."""
    output = tmp_path / "out"
    run(*SYNTHETIC, *CUBE_ALONE, *STATISTICS, "quality.looks=5", "dataset.chunk_lines=64", f"output={output}")
    cube = alignsar_gpu.open(output).load()
    wanted = cube["valid"].all("time").values & (cube["coherence_mean_vv"] >= 0.5).values
    np.testing.assert_array_equal(cube["quality_level"].values, wanted)
    assert cube.attrs["processing_level"] == "L1"
    assert "amplitude dispersion" not in cube["quality_level"].attrs["description"]


def test_what_no_level_can_be_told_by_is_refused(tmp_path):
    output = f"output={tmp_path / 'out'}"
    for keys in (["signatures.names=[sigma0]"], ["quality.looks=500", STATISTICS[0]]):
        refuse(
            "quality.levels=true: needs amplitude_dispersion or coherence_mean",
            *SYNTHETIC,
            *keys,
            STATISTICS[1],
            output,
        )
    refuse("quality.coherence=1.5: must be at most 1", *SYNTHETIC, "quality.coherence=1.5", output)
    assert not (tmp_path / "out" / "cube.zarr").exists()

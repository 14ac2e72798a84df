"""The configuration of a test, composed of files that were put together before, is what Hydra makes."""

import composing
import pytest
from hydra import compose, initialize_config_module
from hydra.errors import HydraException
from omegaconf import OmegaConf, open_dict

from alignsar_gpu.frontend.composing import register

DEMO = "+experiment=demo"
PATHS = ["products.path=x", "dem.path=y"]


@pytest.fixture(autouse=True)
def _hydra():
    register()
    with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
        yield


@pytest.mark.parametrize(
    "overrides",
    [
        ["products=synthetic"],
        [DEMO],
        [DEMO, "device=cpu", "simulate.lines=99", "chips.size=[8,24]", "name=x"],
        [DEMO, "~radarcoding.layers.changed", "radarcoding.layers.cover.path=x"],
        [DEMO, "+radarcoding.layers.b={path: z}", "++products.swaths=[iw2]"],
        [DEMO, "netcdf=none", "report=none", "geocoding.resolution=null"],
        [DEMO, "hydra.job.name=y", "hydra/job_logging=none", "hydra.output_subdir=null", "hydra.run.dir=."],
        ["products=sentinel1", "dem=copernicus", *PATHS],
        ["products=sentinel1", "dem=srtm", "simulate=default", *PATHS, "simulate.seed=3"],
    ],
)
def test_it_is_what_hydra_makes(overrides, monkeypatch):
    twice = [compose("config", overrides, return_hydra_config=True) for _ in range(2)]
    monkeypatch.setattr(composing.ConfigLoaderImpl, "_load_configuration_impl", composing.by_hydra)
    wanted = compose("config", overrides, return_hydra_config=True)
    for found in twice:
        assert found == wanted
        assert OmegaConf.to_yaml(found) == OmegaConf.to_yaml(wanted)
        assert OmegaConf.get_type(found.products) is OmegaConf.get_type(wanted.products)
        assert OmegaConf.is_struct(found)
        with open_dict(found):  # of this test alone
            found.name = "other"


@pytest.mark.parametrize(
    "overrides",
    [
        ["device=magic"],
        ["products.nothing=1"],
        [DEMO, "simulate.lines=many"],
        [DEMO, "+experiment=snap"],
        [DEMO, "simulate.lines=1,2"],
        ["+experiment=demo,snap"],
        ["~experiment"],
        ["+device=cpu"],
        ["dem=[a]"],
        ["dem={a: 1}"],
        ["a=b=[c"],
    ],
)
def test_it_is_refused_as_hydra_does(overrides, monkeypatch):
    with pytest.raises(HydraException) as found:
        compose("config", overrides)
    monkeypatch.setattr(composing.ConfigLoaderImpl, "_load_configuration_impl", composing.by_hydra)
    with pytest.raises(HydraException) as wanted:
        compose("config", overrides)
    assert (type(found.value), str(found.value)) == (type(wanted.value), str(wanted.value))

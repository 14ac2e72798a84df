"""The configuration: every file composes, and every wrong key, type or value is refused by name."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import alignsar_gpu.configs
import pytest
from hydra import compose, initialize_config_module
from hydra.errors import HydraException
from omegaconf import OmegaConf
from synthetic_stack import SyntheticProductsConfig

from alignsar_gpu import config, kernels
from alignsar_gpu.config import (
    Config,
    NoProductsConfig,
    SimulateConfig,
    validate,
)
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.frontend.composing import one_line, register, typed
from alignsar_gpu.products.readers import readers

FOLDER = Path(alignsar_gpu.configs.__path__[0])
EXPERIMENTS = sorted(path.stem for path in (FOLDER / "experiment").glob("*.yaml"))
NEEDED = {
    "demo": ["device=cpu"],
    **{name: [] for name in ("demo_landcover", "demo_detection", "demo_change")},
    "groningen": [
        "products.path=x",
        "dem.path=y",
        "~radarcoding.layers.map.set",
        "+radarcoding.layers.map.path=z",
    ],
    "oil_spills": ["products.path=x", "dem.path=y", "+radarcoding.layers.oil_slick.path=z"],
    "subsidence": ["products.path=x", "dem.path=y", "+radarcoding.layers.subsiding.path=z"],
    "amsterdam": ["products.path=x"],
    "burst": ["products.path=x", "dem.path=y"],
    "snap": ["products.path=x"],
    "synthetic": [],
    "sentinel1": ["products.path=x", "dem=copernicus", "dem.path=y"],
    "simulate": [],
    "none": ["simulate=default"],
    "nisar": ["products.path=x"],
}
SENTINEL1 = ["products=sentinel1", *NEEDED["sentinel1"]]
GROUPS = sorted(
    [
        *((p.parent.name, p.stem) for p in FOLDER.glob("*/*.yaml") if p.parent.name != "experiment"),
        *(("products", name) for name in ("none", *readers())),
    ]
)


@pytest.fixture(autouse=True)
def hydra():
    register()
    with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
        yield


def make(*overrides):
    return typed(compose("config", [*overrides]))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_composes(name):
    config = make(f"+experiment={name}", *NEEDED[name])
    assert isinstance(config, Config)
    assert config.name == name
    assert config.output == f"outputs/{name}"


@pytest.mark.parametrize(("group", "option"), GROUPS)
def test_every_option_of_every_group_composes(group, option):
    needed = NEEDED[option] if group == "products" else ["products=synthetic"]
    if group in {"dem", "orbits"}:
        needed = ["products=sentinel1", "products.path=x", "dem.path=y"]
    if option == "default" and group in {"dem", "orbits"}:
        needed += ["dem.vertical_datum=egm96"]
    assert isinstance(make(f"{group}={option}", *needed), Config)


def test_the_demo_reads_what_it_simulates_wherever_it_is_written():
    config = make("+experiment=demo", "output=/x/y")
    assert config.simulate.path == "/x/y/simulated"
    assert config.products.path == "/x/y/simulated/products"
    assert config.orbits.path == "/x/y/simulated/orbits"
    assert config.dem.path == "/x/y/simulated/scene/dem.tif"
    assert len(config.simulate.azimuth_errors) == len(config.simulate.range_errors) == config.simulate.dates


def test_experiments_and_groups_are_there():
    assert {"demo", "amsterdam", "burst"} <= set(EXPERIMENTS)
    assert readers()["synthetic"].schema is SyntheticProductsConfig
    assert {("device", "cuda"), ("products", "snap"), ("products", "sentinel1")} <= set(GROUPS)
    assert {("products", "sentinel1"), ("orbits", "default"), ("dem", "default")} <= set(GROUPS)


@pytest.mark.parametrize(
    ("option", "datum"), [("copernicus", "egm2008"), ("srtm", "egm96"), ("ellipsoid", "ellipsoid")]
)
def test_dems_say_what_their_heights_count_from(option, datum):
    config = make("products=sentinel1", "products.path=x", f"dem={option}", "dem.path=y")
    assert config.dem.vertical_datum == datum
    assert config.dem.path == "y"


def test_an_area_may_be_a_list_and_a_dem_several_files():
    config = make(*SENTINEL1, "products.area=[-1.5,-1.5,3,3]", "dem.path=[y,z]", "products.swaths=[iw1]")
    assert config.products.area == [-1.5, -1.5, 3, 3]
    assert config.dem.path == ["y", "z"]
    assert config.products.polarizations == []
    quoted = make(*SENTINEL1, 'products.area="POLYGON((1 2,2 3,4 4,1 2))"')
    assert quoted.products.area == "POLYGON((1 2,2 3,4 4,1 2))"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["products=sentinel1"], "products.path: must be given"),
        (["products=sentinel1", "products.path=x"], "dem.path: must be given with products=sentinel1"),
        (
            ["products=sentinel1", "products.path=x", "dem.path=y"],
            "dem.vertical_datum: must be given: egm2008 for the Copernicus DEM, egm96 for SRTM",
        ),
        ([*SENTINEL1, "dem.vertical_datum=egm84"], "dem.vertical_datum=egm84: choose from egm96, egm2008"),
        (
            [*SENTINEL1, "products.polarizations=[VX]"],
            "products.polarizations=VX: choose from vv, vh, hh, hv",
        ),
        ([*SENTINEL1, "products.swaths=[iw1,iw1]"], "twice; give it once"),
        ([*SENTINEL1, "dem.path=[y,y]"], "twice; give it once"),
        (
            ["products=snap", "products.path=x", "dem.path=y"],
            "dem.vertical_datum: must be given: egm2008 for the Copernicus DEM, egm96 for SRTM",
        ),
        (
            ["products=snap", "products.path=x", "orbits.path=z", "dem=srtm"],
            "orbits.path, dem.vertical_datum: products=snap takes no orbits, and heights only by dem.path",
        ),
    ],
)
def test_keys_that_need_each_other(overrides, words):
    with pytest.raises(AlignsarError) as caught:
        make(*overrides)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+experiment=nope", "no 'nope'; choose from amsterdam, burst, demo"),
        ("device=tpu", "no 'tpu'; choose from auto, cpu, cuda"),
        ("products.colour=red", "products.colour"),
        ("products.lines=abc", "products.lines=abc"),
        ("device.memory_gib=lots", "device.memory_gib=lots"),
        ("signatures.slc=perhaps", "signatures.slc=perhaps"),
    ],
)
def test_wrong_keys_and_types_are_refused_while_composing(override, words):
    with pytest.raises(HydraException) as caught:
        compose("config", ["products=synthetic", override] if "experiment" not in override else [override])
    message = one_line(caught.value)
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("+products.colour=red", "products.colour: no such key"),
        ("+colour=red", "colour: no such key"),
        ("products.lines=7", "products.lines=7: must be at least 64"),
        ("products.dates=31", "products.dates=31: must be at most 30"),
        ("products.polarizations=[hh]", "products.polarizations=hh: choose from vv, vh"),
        ("products.polarizations=[]", "products.polarizations"),
        ("products.polarizations=[vv,vv]", "twice"),
        ("interferometry.coherence_window_lines=4", "interferometry.coherence_window_lines=4: must be odd"),
        ("signatures.window_lines=4", "signatures.window_lines=4: must be odd"),
        ("signatures.filter=median", "signatures.filter=median: choose from none, boxcar, lee, refined_lee"),
        ("signatures.noise=less", "signatures.noise=less: choose from kept, removed"),
        ("signatures.radiometry=delta0", "signatures.radiometry=delta0: choose from auto, sigma0"),
        (
            "signatures.filter=refined_lee",
            "signatures.filter=refined_lee: its window is 3 x 3; it needs a square one",
        ),
        ("interferometry.flatten=maybe", "interferometry.flatten=maybe: choose from auto, never"),
        ("dataset.chunk_lines=100", "dataset.chunk_lines=100: must be a multiple of 32"),
        ("device.memory_gib=0", "device.memory_gib=0.0: must be at least"),
        ("device.threads=0", "device.threads=0: must be at least 1"),
        ("products.reader=snap", "products.reader=snap: choose from synthetic"),
    ],
)
def test_wrong_values_are_refused_by_the_name_of_the_key(override, words):
    with pytest.raises(AlignsarError) as caught:
        make("products=synthetic", override)
    assert words in str(caught.value)


def test_a_reader_and_its_path_must_be_given():
    with pytest.raises(AlignsarError, match=r"choose an experiment"):
        make()
    with pytest.raises(AlignsarError, match=r"products\.path: must be given"):
        make("products=snap")


def test_every_key_says_what_it_means():
    def check(kind):
        for item in fields(kind):
            if isinstance(item.default_factory, type) and is_dataclass(item.default_factory):
                check(item.default_factory)
            elif item.name not in {"products", "simulate"}:
                assert item.metadata["help"], item.name

    formats = (reader.schema for reader in readers().values())
    for kind in (Config, *formats, NoProductsConfig, SimulateConfig):
        check(kind)


def test_the_defaults_are_valid():
    validate(OmegaConf.to_object(compose("config", ["products=synthetic"])))


def test_nothing_to_do_is_refused():
    with pytest.raises(AlignsarError, match=r"products=none: nothing to do"):
        make("products=none")


def test_the_terrain_of_a_simulation_needs_its_datum():
    with pytest.raises(AlignsarError, match=r"simulate\.dem\.vertical_datum: must be given"):
        make("+experiment=simulate", "simulate.dem.path=x")
    make("+experiment=simulate", "simulate.dem.path=x", "simulate.dem.vertical_datum=egm96")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("simulate.lines=40", "simulate.lines=40: must be at least 80"),
        ("simulate.swaths=[iw4]", "simulate.swaths=iw4: choose from"),
        ("simulate.scene.roughness=2", "simulate.scene.roughness=2.0: must be at most 1.0"),
    ],
)
def test_wrong_values_of_a_simulation_are_refused(key, words):
    with pytest.raises(AlignsarError, match=words):
        make("+experiment=simulate", key)


LAYER = "+radarcoding.layers.road"


class TestRadarcoding:
    def test_a_layer_is_its_keys(self):
        config = make(*SENTINEL1, f"{LAYER}.path=x.gpkg", f"{LAYER}.width=6", "radarcoding.overlaps=last")
        layer = config.radarcoding.layers["road"]
        assert (layer.kind, layer.path, layer.width, layer.where) == ("vector", "x.gpkg", 6.0, None)
        inline = make(
            *SENTINEL1,
            f"{LAYER}={{kind: raster, path: [a.tif, b.tif], classes: {{tree: [10, 20]}}, method: fraction}}",
        )
        layer = inline.radarcoding.layers["road"]
        assert (layer.path, layer.classes) == (["a.tif", "b.tif"], {"tree": [10, 20]})
        assert make(*SENTINEL1).radarcoding.layers == {}

    def test_other_readers_take_a_dem_for_labels_and_maps(self):
        keys = ["products=snap", "products.path=x", "dem=srtm", "dem.path=y"]
        assert make(*keys, f"{LAYER}.path=x.gpkg").dem.standard_deviation == 5.5
        assert make(*keys).dem.path == "y"

    @pytest.mark.parametrize(
        ("layer", "words"),
        [
            ("{layer: a}", "radarcoding.layers.road.path: must be given"),
            (
                "{path: x, widht: 3}",
                "radarcoding.layers.road.widht: no such key; did you mean width?",
            ),
            ("{path: x, width: wide}", "radarcoding.layers.road.width=wide: must be a number"),
            ("{path: x, width: 0}", "radarcoding.layers.road.width=0.0: must be at least 0.01"),
            (
                "{path: x, kind: raster, method: majority, derivatives: true}",
                "radarcoding.layers.road.derivatives: are of heights",
            ),
            ("{path: [x, y]}", "radarcoding.layers.road.path: must be one path; only rasters"),
            ("{path: x, kind: map}", "radarcoding.layers.road.kind=map: choose from vector, raster"),
            ("{path: x, kind: raster, width: 3}", "radarcoding.layers.road.width: is for kind=vector"),
            (
                "{path: x, kind: raster, classes: {a: [1]}}",
                "classes are not averaged; choose method=fraction",
            ),
            (
                "{path: x, values: {a: [b]}}",
                "radarcoding.layers.road.values: needs radarcoding.layers.road.attribute",
            ),
            (
                "{path: x, height: a, elevation: b}",
                "radarcoding.layers.road.height, radarcoding.layers.road.elevation",
            ),
            ("7", "radarcoding.layers.road=7: a layer has keys"),
        ],
    )
    def test_what_cannot_be_is_refused_by_name(self, layer, words):
        with pytest.raises(AlignsarError) as caught:
            make(*SENTINEL1, f"{LAYER}={layer}")
        assert words in str(caught.value)

    def test_names(self):
        with pytest.raises(AlignsarError, match="has letters, digits and _"):
            make(*SENTINEL1, "+radarcoding.layers={a-b: {path: x}}")
        with pytest.raises(AlignsarError, match="is the name of a layer too"):
            make(*SENTINEL1, f"{LAYER}.path=x", "radarcoding.label=road")
        with pytest.raises(AlignsarError, match="must be at least 2"):
            make(*SENTINEL1, "radarcoding.offset_lines=1")


def test_chunks_are_whole_strips_of_the_kernels():
    assert config.STRIP == kernels.STRIP

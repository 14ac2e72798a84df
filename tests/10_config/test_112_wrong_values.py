"""Wrong values: the message names the key, the value, what to choose from, and the choice that is nearest."""

import pytest
from command_line import refuse

from alignsar_gpu import config
from alignsar_gpu import run as run_from_python
from alignsar_gpu.config.products import FileProductsConfig
from alignsar_gpu.config.simulation import LAND_COVERS
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.frontend.arguments import prepare
from alignsar_gpu.radarcoding.kinds import layers_of
from alignsar_gpu.simulate.ground.backscatter import NAMES

HERE = ["products=sentinel1", "products.path=.", "dem=copernicus", "dem.path=."]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            config.InterferometryConfig(network="smal_baseline"),
            (
                "network=smal_baseline: choose from none, single_reference, sequential, small_baseline (did you mean "
                "small_baseline?)"
            ),
        ),
        (
            config.DatasetConfig(derived="compute"),
            "derived=compute: choose from stored, computed (did you mean computed?)",
        ),
        (
            config.DemConfig(vertical_datum="EGM2008"),
            "vertical_datum=EGM2008: choose from egm96, egm2008, ellipsoid (did you mean egm2008?)",
        ),
        (config.DeviceConfig(kind="gpu"), "kind=gpu: choose from auto, cpu, cuda"),
        (
            FileProductsConfig(reader="x", path="x", polarizations=["vv", "HV"]),
            "polarizations=HV: choose from vv, vh, hh, hv (did you mean hv?)",
        ),
        (
            FileProductsConfig(reader="x", path="x", polarizations=["vv", "vh", "vv"]),
            "polarizations=[vv,vh,vv]: names vv twice; give it once",
        ),
    ],
)
def test_a_misspelt_choice_gets_the_nearest(settings, said):
    with pytest.raises(AlignsarError) as caught:
        config.validate(settings)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("kind", "rastr", "rastr: choose from vector, raster, points, field (did you mean raster?)"),
        ("width", "wide", "wide: must be a number of at least 0.01"),
        ("values", ["x"], "[x]: must be of the form {NAME: [texts]}"),
        ("values", {"a": 5}, "{a: 5}: must be of the form {NAME: [texts]}"),
    ],
)
def test_of_a_layer(key, value, said):
    with pytest.raises(AlignsarError) as caught:
        layers_of({"b": {"path": "x", key: value}})
    assert str(caught.value) == f"radarcoding.layers.b.{key}={said}"


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("device=null", "device=null: choose from auto, cpu, cuda"),
        ("dem=[a]", "dem=[a]: choose from copernicus, default"),
        ("simulate.dates=3", "simulate.dates=3: nothing is simulated here; add simulate=default"),
        ("radarcoding.layers.2b.path=x", "radarcoding.layers.2b: the name of a layer has letters, digits"),
        ("radarcoding.layers.données.path=x", "on the command line the letters of a layer's name are a to z"),
        ("products.path", "products.path: an argument has the form KEY=VALUE; give both"),
    ],
)
def test_what_is_told_before_anything_is_composed(argument, words):
    with pytest.raises(AlignsarError) as caught:
        prepare([*HERE, argument])
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["doctor", "more"], "doctor: takes no other arguments; leave them out"),
        (["doctr"], "doctr: an argument has the form KEY=VALUE; did you mean doctor?"),
        (["help"], "help: an argument has the form KEY=VALUE; did you mean --help"),
        (["version"], "version: an argument has the form KEY=VALUE; did you mean --version?"),
    ],
)
def test_words_that_are_nearly_commands(words, said):
    with pytest.raises(AlignsarError) as caught:
        prepare(words)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("device=cpu,cuda", "device=cpu,cuda: takes one value; --multirun runs once for each"),
        ("signatures.names=a,b", "signatures.names=a,b: must be a list; write signatures.names=[a,b]"),
        ("coregistration.zenith_delays=[x]", "zenith_delays=[x]: must be a list of numbers\n"),
        ("dataset.title=[a]", "must be a text; quote it for that: 'dataset.title=\"[a]\"'"),
        ("dataset=x", "dataset: holds keys; set these, such as dataset.title=... (--help-keys dataset"),
        ("radarcoding.layers.b=x", "a layer has a name and keys, as in radarcoding.layers.NAME.path=FILE"),
        ("radarcoding.layer.b.path=x", "no such key; did you mean radarcoding.layers.NAME.path"),
        ("+products.path=", "products.path=: is empty; name a file or folder"),
    ],
)
def test_one_line_says_what_to_write(argument, words):
    assert words in refuse("", *HERE, argument).stderr


def test_what_must_be_given_is_said_with_what_it_is():
    words = "products.path: must be given, a SAFE folder, a zip of one, a burst of ASF"
    assert words in refuse("", "products=sentinel1").stderr


def test_an_experiment_that_is_given_twice():
    told = refuse("", "+experiment=demo", "+experiment=simulate").stderr
    assert "experiment: is given more than once; choose one" in told


def test_from_python_too():
    with pytest.raises(AlignsarError, match=r"simulate\.dates: nothing is simulated here; add"):
        run_from_python(**{"products.path": "x", "products": "snap", "simulate.dates": 3})
    for value in (None, ["cpu"]):
        with pytest.raises(AlignsarError, match=r"device=.*: choose from auto, cpu, cuda"):
            run_from_python(device=value)


def test_what_is_there_may_have_a_sign():
    assert prepare(["products=snap", "+products.path=x"])[-1] == 'products.path="x"'
    assert prepare(["+products=sentinel1"]) == ["products=sentinel1"]
    assert prepare(["+experiment=demo"]) == ["+experiment=demo"]


def test_long_lists_are_not_shown_whole():
    days = [f"202301{day:02}" for day in range(1, 32)]
    assert choose_from("20230132", days).startswith("did you mean 202301")
    assert choose_from("x", days).endswith("20230112, ... (31 in all)")


def test_the_land_covers_are_those_of_the_simulator():
    assert LAND_COVERS == NAMES

"""Arguments of the command line: text comes through as typed, and what is misspelt is named with what is near."""

import pytest
from command_line import refuse, run
from hydra import compose, initialize_config_module
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import assume, example, given
from hypothesis import strategies as st

from alignsar_gpu.errors import AlignsarError, did_you_mean
from alignsar_gpu.frontend.arguments import prepare, quoted, unquoted
from alignsar_gpu.frontend.composing import register, typed
from alignsar_gpu.products.readers import reader_at
from alignsar_gpu.signatures import select

PARSER = OverridesParser.create()
SENTINEL1 = ["products=sentinel1", "products.path=x", "dem=copernicus", "dem.path=y"]
TEXTS = [
    "~/data",
    "/data/My Data (2024)",
    "données",
    "a=b",
    "x#1",
    "My data, v1",
    "status = 'built'",
    "\"name\" = 'a'",
    "ZIP.zip!MEMBER",
    "20230904",
    "1.0",
    "true",
    "C:\\data\\",
    "it's",
    "",
    " ",
    "POLYGON((1 2,2 3,4 4,1 2))",
    "1,2,3,4",
]
KEYS = [
    "products.path",
    "products.area",
    "dataset.title",
    "dem.path",
    "radarcoding.layers.b.path",
    "radarcoding.layers.b.where",
    "simulate.templates",
]


@pytest.fixture
def hydra():
    register()
    with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
        yield


def values(*arguments):
    return {
        override.key_or_group: override.value() for override in PARSER.parse_overrides(prepare(arguments))
    }


def make(*arguments):
    return typed(compose("config", prepare(arguments)))


class TestText:
    @pytest.mark.parametrize("text", TEXTS)
    @pytest.mark.parametrize("key", KEYS)
    def test_it_comes_through_as_typed(self, key, text):
        assert values("products=sentinel1", "simulate=default", f"{key}={text}")[key] == text

    @given(st.sampled_from(KEYS), st.text())
    @example("products.path", "a\udce9")  # a byte of another encoding, as Python gives it
    @example("products.path", "\\\\'\"")
    def test_any_text_comes_through_as_typed(self, key, text):
        assume(not text.startswith(("'", '"', "[", "{", "${")) and text != "null")
        assert values("products=sentinel1", "simulate=default", f"{key}={text}")[key] == text

    @given(st.text())
    def test_quotes_are_taken_off_as_hydra_does(self, text):
        assert unquoted(quoted(text)) == text == values(f"dataset.title={quoted(text)}")["dataset.title"]

    def test_it_reaches_the_configuration(self, hydra):
        config = make(
            *SENTINEL1,
            "dataset.title=My data, v1",
            "coregistration.reference=20230904",
            "radarcoding.layers.b.path=~/My Maps (2024).zip!données.gpkg",
            "radarcoding.layers.b.where=status = 'built'",
            "name=mine",
            "output=/x y/${name}",
        )
        assert config.dataset.title == "My data, v1"
        assert config.coregistration.reference == "20230904"
        assert config.output == "/x y/mine"
        layer = config.radarcoding.layers["b"]
        assert layer.path == "~/My Maps (2024).zip!données.gpkg"
        assert layer.where == "status = 'built'"

    def test_lists_numbers_and_nothing_stay_what_they_are(self, hydra):
        config = make(
            *SENTINEL1, "products.area=[1,2,3,4]", "dem.path=[y,z]", "products.burst=null", "device.threads=2"
        )
        assert config.products.area == [1, 2, 3, 4]
        assert config.dem.path == ["y", "z"]
        assert config.products.burst is None
        assert config.device.threads == 2

    def test_commas_split_with_multirun_alone(self):
        argument = 'dataset.title=/a (1, 2)/b,c d,"e,f"'
        assert prepare([argument]) == [f"dataset.title={quoted(argument.partition('=')[2])}"]
        (sweep,) = PARSER.parse_overrides(prepare(["--multirun", argument])[:1])
        assert sweep.is_choice_sweep()
        assert [str(choice) for choice in sweep.sweep_string_iterator()] == [
            '"/a (1, 2)/b"',
            '"c d"',
            '"e,f"',
        ]
        assert prepare(["-m", "dataset.title=choice(a,b)"])[0] == "dataset.title=choice(a,b)"

    @given(st.lists(st.text(st.characters(exclude_characters=",()[]{}'\"$"), min_size=1), min_size=2))
    def test_every_part_of_a_sweep_comes_through_as_typed(self, parts):
        (sweep,) = PARSER.parse_overrides(prepare(["-m", f"dataset.title={','.join(parts)}"])[:1])
        assert [unquoted(str(part)) for part in sweep.sweep_string_iterator()] == parts

    def test_values_of_options_are_no_arguments(self):
        options = ["--cfg", "job", "--config-dir", "here", "-p", "products"]
        assert prepare([*options, "products=snap"]) == ["products=snap", *options]
        assert prepare(["products=snap", "--info", "device=cpu"]) == ["products=snap", "device=cpu", "--info"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["dataset.title=[a b"],
            "dataset.title=[a b: cannot be read; quote texts in it: 'dataset.title=\"[a b\"'",
        ),
        (
            ["signatures.names=~a"],
            "signatures.names=~a: cannot be read; quote texts in it: 'signatures.names=[\"~a\"]'",
        ),
        (
            ["signatures.names=sigma0"],
            "signatures.names=sigma0: must be a list; write signatures.names=[sigma0]",
        ),
        (["device.threads=(4)"], "device.threads=(4): must be a whole number of at least 1"),
        (["device.threads=two"], "device.threads=two: must be a whole number of at least 1"),
        (
            ["products.path=/data/My", "Data", "2"],
            "quote a value with spaces: 'products.path=/data/My Data 2'",
        ),
        (["x" * 300], "an argument has the form KEY=VALUE"),
        (["experiment=demo"], "experiment=demo: did you mean +experiment=demo?"),
        (["demo"], "demo: did you mean +experiment=demo?"),
        (["+experiment=dem"], "choose from amsterdam, burst, demo, demo_change, demo_detection"),
        (["simulate=nope"], "simulate=nope: there is no 'nope'; choose from default"),
        (["products=snapp"], "products=snapp: there is no 'snapp'; choose from auto, nisar"),
        (["signatures.filtr=lee"], "signatures.filtr: no such key; did you mean signatures.filter"),
        (
            ["producs=snap"],
            "producs: no such key; did you mean products, chips.products or geocoding.products?",
        ),
        (["+colour=red"], "colour: no such key"),
        (["coherence_window_lines=3"], "did you mean interferometry.coherence_window_lines"),
        (["products=snap", "products.path=x", "products.swaths=[iw1]"], "it is one of products=sentinel1"),
        (["products.path=nowhere"], "products.path=nowhere: no such file or folder"),
        ([*SENTINEL1, "products.path=."], "dem.path=y: no such file or folder"),
        ([*SENTINEL1, "products.path=.", "dem.path=[., q]"], "dem.path=q: no such file or folder"),
        (
            [*SENTINEL1, "products.path=.", "dem.path=zip://a", "orbits.path=z"],
            "orbits.path=z: no such file or folder",
        ),
        (
            ["products=snap", "products.path=~nobody_at_all/x"],
            "products.path=~nobody_at_all/x: cannot be read",
        ),
        ([f"products.path={'x' * 300}"], ": cannot be read ("),
        (["+experiment=simulate", "output=~nobody_at_all/x"], "output=~nobody_at_all/x: "),
        (["products=auto"], "products=auto: finds the reader by the files at products.path=FOLDER"),
        (
            [*SENTINEL1, "radarcoding.layers.b.pth=x"],
            "radarcoding.layers.b.pth: no such key; did you mean path?",
        ),
        (["--helpp"], "--helpp: no such option; did you mean --help"),
        (["-q", "+experiment=demo"], "-q: no such option; --help shows them"),
        (["-m", "--cfg", "job"], "-m --cfg: one excludes the other"),
        (["--help-keys", "radarcodin"], "--help-keys radarcodin: no such group; did you mean radarcoding"),
    ],
)
def test_what_cannot_be_is_named_with_what_to_write(arguments, words):
    refuse(words, *arguments)


def test_a_misspelt_signature_gets_the_nearest_names():
    with pytest.raises(AlignsarError) as caught:
        select(["coherense"])
    assert "did you mean coherence or coherence_mean?" in str(caught.value)
    with pytest.raises(AlignsarError, match="groups are category1, category2"):
        select(["magic"])


def test_names_are_near_by_letters():
    names = ["signatures.filter", "dataset.title", "products"]
    assert did_you_mean("producs", names) == "did you mean products?"
    assert did_you_mean("filter", names) == "did you mean signatures.filter?"
    assert did_you_mean("xyz", names) == did_you_mean("x", []) == ""


class TestTheReader:
    @pytest.mark.parametrize(
        ("names", "reader"),
        [
            (["S1A_x.SAFE/"], "sentinel1"),
            (["s1a_x.zip", "._s1a_x.dim", "notes.txt"], "sentinel1"),
            (["annotation/", "manifest.safe"], "sentinel1"),
            (["20230331.znap/", "20230319.znap.zip"], "snap"),
            (["stack.dim", "stack.data/"], "snap"),
            (["NISAR_L1.h5"], "nisar"),
            (["S1_136231_IW2_20200604T022312_VV_7C85-BURST.tiff"], "sentinel1"),
        ],
    )
    def test_it_is_found_by_the_names_of_files(self, tmp_path, names, reader):
        for name in names:
            path = tmp_path / name
            path.mkdir() if name.endswith("/") else path.touch()
        assert reader_at(str(tmp_path)).name == reader
        if len(names) == 1:
            assert reader_at(str(tmp_path / names[0])).name == reader
        expected = [f"products.path={quoted(str(tmp_path))}", f"products={reader}"]
        assert prepare([f"products.path={tmp_path}"]) == expected
        assert prepare(["products=auto", f"products.path={tmp_path}"]) == expected
        own = ["--config-dir", "here"]
        assert prepare(["products=auto", f"products.path={tmp_path}", *own]) == [*expected, *own]
        assert prepare([f"products.path={tmp_path}", *own]) == [expected[0], *own]
        assert prepare(["+experiment=burst", f"products.path={tmp_path}"])[-1] == expected[0]
        assert prepare(["-m", f"products.path={tmp_path}"]) == [*expected, "-m"]

    def test_two_that_fit_and_none(self, tmp_path):
        (tmp_path / "a.dim").touch()
        (tmp_path / "b.h5").touch()
        with pytest.raises(
            AlignsarError, match=r"several readers fit: b\.h5 \(nisar\) and a\.dim \(snap\); choose "
        ):
            reader_at(str(tmp_path))
        (tmp_path / "empty").mkdir()
        with pytest.raises(AlignsarError, match="no reader fits the names of the files there"):
            reader_at(str(tmp_path / "empty"))

    def test_a_path_that_is_nearly_there(self, tmp_path):
        (tmp_path / "stack_2023").mkdir()
        refuse("did you mean stack_2023?", "products=snap", f"products.path={tmp_path / 'stack_203'}")


def test_a_composed_configuration_is_printed():
    shown = run(*SENTINEL1, "--cfg", "job", "dataset.title=My data, v1").stdout
    assert "title: My data, v1" in shown

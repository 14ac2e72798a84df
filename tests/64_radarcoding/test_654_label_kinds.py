"""Kinds of labels: the keys of each, and a kind that is added as CONTRIBUTING.md says."""

import subprocess
import sys

import numpy as np
import pytest
from gauge_labels.kind import GAUGE
from hydra import compose, initialize_config_module

from alignsar_gpu.application.labels.sources import label_settings, open_labels
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.frontend.composing import register, typed
from alignsar_gpu.radarcoding import kinds
from alignsar_gpu.radarcoding.layers import LabelScene, Strip

PRODUCTS = ["products=sentinel1", "products.path=x", "dem=copernicus", "dem.path=y"]
LAYER = "+radarcoding.layers.tide"
HEAVY = {"geopandas", "laspy", "numba", "pyogrio", "pyproj", "rasterio", "scipy", "shapely", "xarray"}


@pytest.fixture(autouse=True)
def hydra():
    register()
    with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
        yield


@pytest.fixture
def gauge(tmp_path, monkeypatch):
    """A file of readings, and their kind registered."""
    monkeypatch.setattr(kinds, "_KINDS", dict(kinds._KINDS))
    kinds.register(GAUGE)
    path = tmp_path / "readings.txt"
    path.write_text("2022-01-02 35\n2022-01-14 -12\n")
    return path


def make(*overrides):
    return typed(compose("config", [*PRODUCTS, *overrides]))


def refused(words, layer):
    with pytest.raises(AlignsarError) as caught:
        make(f"{LAYER}={layer}")
    assert words in str(caught.value)


class TestAKindOfItsOwn:
    def test_its_layer_is_among_the_labels(self, gauge):
        config = make(f"{LAYER}={{kind: gauge, path: {gauge}, unit: m, factor: 0.01, source: the port}}")
        labels = open_labels(config, 1 << 28)
        assert [layer.name for layer in labels.layers] == ["ground_area", "position_uncertainty", "tide"]
        layer = labels.layers[-1]
        assert layer.dated
        assert layer.attributes == {"units": "m", "inherited_from": "readings.txt", "source": "the port"}
        assert labels.files == [[gauge]]
        assert labels.facts(np.zeros(0, "datetime64[ns]")) == {"tide": {"readings": 2}}
        scene = LabelScene(
            level_ground=None,
            device=None,
            times=np.array(["2022-01-14T05:30", "2022-01-02T05:30"], dtype="datetime64[ns]"),
            reference=0,
        )
        (source,) = labels.strips
        source.require_inside(scene)
        nothing = np.zeros((3, 4))
        strip = Strip(lines=slice(0, 3), samples=4, longitude=nothing, latitude=nothing, incidence=nothing)
        got = {(name, date): values for name, date, values in source.strip(scene, strip)}
        assert set(got) == {("tide", 0), ("tide", 1)}
        assert (got["tide", 0] == np.float32(-0.12)).all()
        assert (got["tide", 1] == np.float32(0.35)).all()

    def test_its_keys_are_checked_as_those_of_other_kinds(self, gauge):
        where = "radarcoding.layers.tide"
        refused(f"{where}.factor=-1.0: must be at least 0", f"{{kind: gauge, path: {gauge}, factor: -1}}")
        refused(
            f"{where}.width: is for kind=vector, and this layer has kind=gauge",
            "{kind: gauge, path: x, width: 3}",
        )
        refused(f"{where}.unit: is for kind=gauge, and this layer has kind=vector", "{path: x, unit: m}")
        refused(
            f"{where}.tide: no such key; a layer of kind=gauge has kind, path", "{kind: gauge, tide: red}"
        )
        refused(
            f"{where}.kind=buoy: choose from vector, raster, points, field, gauge", "{kind: buoy, path: x}"
        )
        config = make(f"{LAYER}={{kind: gauge, path: none.txt}}")
        with pytest.raises(
            AlignsarError, match=r"radarcoding\.layers\.tide\.path: none\.txt: there is no such"
        ):
            open_labels(config, 1 << 28)

    def test_it_counts_with_its_own_keys_in_the_fingerprint(self, gauge):
        first, other = (
            label_settings(make(f"{LAYER}={{kind: gauge, path: {path}}}"))
            for path in (gauge, "elsewhere.txt")
        )
        assert first == other  # files count by their content
        assert set(first["layers"]["tide"]) == {
            *(
                "kind",
                "crs",
                "date",
                "description",
                "source",
                "license",
                "attribution",
                "references",
                "colors",
            ),
            *("unit", "factor"),
        }
        assert label_settings(make(f"{LAYER}={{kind: gauge, path: x, unit: cm}}")) != first

    def test_a_name_can_be_taken_once(self, gauge):
        with pytest.raises(ValueError, match="label kind 'gauge' is registered twice"):
            kinds.register(GAUGE)


class TestKeys:
    def test_a_key_of_another_kind_may_be_there_unset(self):
        layer = make(f"{LAYER}={{kind: raster, path: x, width: null, above: ellipsoid}}").radarcoding.layers[
            "tide"
        ]
        assert layer.kind == "raster"
        assert not hasattr(layer, "width")

    def test_keys_of_several_kinds(self):
        refused(
            "radarcoding.layers.tide.layer: is for kind=vector and kind=points, and this layer has kind=field",
            "{kind: field, path: x, layer: a}",
        )

    @pytest.mark.parametrize("kind", ["[raster]", "null", "7"])
    def test_a_kind_is_a_name(self, kind):
        refused("choose from vector, raster, points, field", f"{{kind: {kind}, path: x}}")

    def test_keys_are_known_without_loading_what_reads_files(self):
        code = f"import sys, alignsar_gpu.radarcoding; print(sorted({HEAVY!r} & set(sys.modules)))"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "[]"

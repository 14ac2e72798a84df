"""Samples of chips against what stands in chips.zarr, pixel by pixel."""

import json
import pickle
from dataclasses import replace

import geopandas
import numpy as np
import pytest
import zarr
from fake_chips import ARRAYS as WITHOUT_SLC
from fake_chips import DATES, PLACES, SIZE, make_chips

from alignsar_gpu.dataset.chips.opening import open_chips
from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples
from alignsar_gpu.errors import AlignsarError

SLC = ("slc_vv_real", "slc_vv_imag")
ARRAYS = [
    replace(array, layers=(*array.layers, *SLC)) if array.name == "images" else array for array in WITHOUT_SLC
]
LAYERS = {array.name: array.layers for array in ARRAYS}
PLAIN = {"decibel": False, "normalize": False, "fill": -1.0}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples") / "chips"
    make_chips(folder, ARRAYS, holes=True)
    return folder


@pytest.fixture(scope="module")
def stored(made):
    group = zarr.open_group(made / "chips.zarr", mode="r")
    return {name: group[name][:] for name in LAYERS}


@pytest.fixture(scope="module")
def index(made):
    return geopandas.read_parquet(made / "index.parquet").set_index("id")


def samples(made, split="train", **options):
    return Samples(made, split, SampleOptions(**options))


def layer(stored, row, name):
    """The values of a layer of a chip, as they are stored."""
    array = next(array for array, layers in LAYERS.items() if name in layers)
    number = row.place if array in {"ground", "classes", "targets"} else row.chip
    return stored[array][number, LAYERS[array].index(name)].astype(np.float64)


class TestInputs:
    def test_are_the_chips_of_the_split_but_of_the_reference_date(self, made, index):
        found = samples(made)
        wanted = index.query("split == 'train' and date != '20220101'")
        assert [found[number]["id"] for number in range(len(found))] == wanted.index.tolist()
        assert len(samples(made, ["train", "test"])) == 2 * len(found)
        assert len(samples(made, layers=["entropy"])) == len(index.query("split == 'train'"))

    def test_layers_stand_in_the_order_of_arrays_and_then_of_their_names(self, made, stored, index):
        found = samples(made, layers=["height", "entropy", "coherence_vv", "sigma0_vv"], **PLAIN)
        assert found.channels == ["entropy", "sigma0_vv", "coherence_vv", "height"]
        one = found[3]
        expected = [layer(stored, index.loc[one["id"]], name) for name in found.channels]
        assert one["image"].dtype == np.float32
        np.testing.assert_array_equal(one["image"], np.where(np.isfinite(expected), expected, -1.0))
        np.testing.assert_array_equal(one["valid"], stored["valid"][index.loc[one["id"]].chip])
        assert samples(made).channels == [name for n in ("images", "pairs", "ground") for name in LAYERS[n]]

    def test_powers_are_in_decibels_and_all_normalised_by_the_training_split(self, made, stored, index):
        training = index.query("split == 'train'")
        names = ["sigma0_vv", "entropy", "coherence_vv"]
        found = samples(made, "test", layers=names)
        one = found[0]
        for channel, name in enumerate(names):
            every = np.stack([layer(stored, row, name) for row in training.itertuples()])
            values = layer(stored, index.loc[one["id"]], name)
            if name == "sigma0_vv":
                every, values = (10.0 * np.log10(np.where(v > 0.0, v, np.nan)) for v in (every, values))
            expected = (values - np.nanmean(every)) / np.nanstd(every)
            expected = np.where(np.isfinite(expected), expected, 0.0)
            np.testing.assert_allclose(one["image"][channel], expected, atol=2e-6)
            assert expected[0, 0] == 0.0
        plain = samples(made, "test", layers=names, decibel=False)[0]["image"]
        every = np.stack([layer(stored, row, "sigma0_vv") for row in training.itertuples()])
        assert plain[0, 0, 1] == pytest.approx(-np.nanmean(every) / np.nanstd(every), rel=1e-5)

    def test_complex_pixels(self, made, stored, index):
        found = samples(made, complex_images=True)
        assert "slc_vv_real" not in found.channels
        one = found[5]
        row = index.loc[one["id"]]
        expected = layer(stored, row, "slc_vv_real") + 1j * layer(stored, row, "slc_vv_imag")
        assert one["complex"].dtype == np.complex64
        assert one["complex"].shape == (1, SIZE, SIZE)
        np.testing.assert_array_equal(one["complex"][0], np.nan_to_num(expected))
        alone = samples(made, layers=["slc_vv_real", "slc_vv_imag"], complex_images=True)
        assert set(alone[0]) == {"complex", "valid", "id"}
        assert len(alone) == len(index.query("split == 'train'"))
        with pytest.raises(AlignsarError, match=r"complex_images: .* signatures\.slc=true"):
            samples(made, layers=["entropy"], complex_images=True)


class TestLabels:
    def test_keep_what_is_not_known(self, made, stored, index):
        one = samples(made, label=["land_cover", "cover_water"])[2]
        row = index.loc[one["id"]]
        assert one["mask"].dtype == np.int64
        np.testing.assert_array_equal(one["mask"], layer(stored, row, "land_cover"))
        assert one["mask"][0, 0] == 255
        np.testing.assert_array_equal(one["target"], [layer(stored, row, "cover_water")])
        assert np.isnan(one["target"][0, 0, 0])

    def test_of_a_layer_by_its_name(self, made):
        found = samples(made, label="land_cover")
        assert found.classes == {"water": 1, "field": 2, "forest": 3}
        assert set(found[0]) == {"image", "mask", "valid", "id"}
        assert samples(made, label="cover_water").classes == {}


class TestDates:
    def test_together(self, made, stored, index):
        names = ["entropy", "coherence_vv", "height"]
        found = samples(made, "validation", layers=names, label="land_cover", dates="together", **PLAIN)
        assert len(found) == 4
        assert found.channels == ["entropy", "height"]
        one = found[1]
        rows = index[index["place_id"] == one["id"]].sort_values("date")
        assert one["image"].shape == (len(DATES), 2, SIZE, SIZE)
        assert one["mask"].shape == (SIZE, SIZE)
        for number, row in enumerate(rows.itertuples()):
            expected = [layer(stored, row, name) for name in found.channels]
            np.testing.assert_array_equal(one["image"][number], np.nan_to_num(expected, nan=-1.0))
            np.testing.assert_array_equal(one["valid"][number], stored["valid"][row.chip])
        expected = [layer(stored, row, "coherence_vv") for row in rows.iloc[1:].itertuples()]
        np.testing.assert_array_equal(one["pairs"][:, 0], np.nan_to_num(expected, nan=-1.0))

    def test_together_of_places_that_have_all(self, made, index):
        lacking = index.index[(index["split"] == "train") & (index["date"] == DATES[1])][0]
        found = samples(made, dates="together", query=f"id != '{lacking}'")
        assert [found[number]["id"] for number in range(len(found))] == sorted(
            set(index.query("split == 'train'")["place_id"]) - {index.loc[lacking].place_id}
        )

    def test_labels_and_names_without_images(self, made):
        for dates in ("each", "together"):
            found = samples(made, dates=dates, label="cover_water")
            for number in (0, len(found) - 1):
                one = found[number]
                assert found.name(number) == one["id"]
                np.testing.assert_array_equal(found.read_labels(number)["target"], one["target"])

    def test_of_the_reference_alone(self, made):
        found = samples(made, dates="together", query="is_reference")
        assert "pairs" not in found[0]
        assert len(samples(made, query="is_reference")) == 0


class TestChoice:
    def test_by_a_query(self, made, index):
        found = samples(made, query=f"date == '{DATES[2]}' and place > 1")
        assert [found[number]["id"] for number in range(len(found))] == [
            name for name, row in index.iterrows() if row.date == DATES[2] and 1 < row.place < PLACES // 3
        ]

    @pytest.mark.parametrize("query", ["splt == 'train'", "split ==", "place + 1", "block > 3"])
    def test_a_query_that_cannot_be_answered(self, made, query):
        words = r"query=.*: cannot be answered .* columns of the index: .*split, block"
        with pytest.raises(AlignsarError, match=words):
            samples(made, query=query)
        with pytest.raises(AlignsarError, match=words):
            open_chips(made, query)

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"split": "tests"}, r"split=tests: choose from test, train, validation \(did you mean test\?\)"),
            ({"layers": ["sigma_vv"]}, r"layers=sigma_vv: choose from sigma0_vv, entropy, .*mean sigma0_vv"),
            ({"label": "cover"}, r"label=cover: choose from land_cover, cover_water"),
            ({"label": "height"}, r"label=height: choose from"),
            ({"dates": "all"}, r"dates=all: choose from each, together"),
        ],
    )
    def test_unknown_names_are_refused_with_what_there_is(self, made, options, words):
        with pytest.raises(AlignsarError, match=words):
            samples(made, **options)

    def test_a_sample_beyond_the_last(self, made):
        found = samples(made)
        with pytest.raises(IndexError):
            found[len(found)]


def test_another_process_reads_the_same(made):
    found = samples(made, label="land_cover")
    again = pickle.loads(pickle.dumps(found))
    for name, value in found[1].items():
        np.testing.assert_array_equal(again[1][name], value)


def test_statistics_that_lack_values_scale_nothing(made, tmp_path):
    """A layer without any value in the training split has neither mean nor deviation."""
    statistics = json.loads((made / "statistics.json").read_text())
    statistics["layers"]["height"]["linear"] |= {"count": 0, "mean": None, "deviation": None}
    folder = tmp_path / "chips"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "statistics.json").unlink()
    (folder / "statistics.json").write_text(json.dumps(statistics))
    scaled, plain = (samples(folder, layers=["height"], normalize=n)[0]["image"] for n in (True, False))
    np.testing.assert_array_equal(scaled, plain)

"""Pairs of dates: images, classes and scaling, and what is wrong with chips that have none."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import zarr

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from changing_chips import DAYS, make_changing_chips  # noqa: E402
from fake_chips import DATES, PLACES, SIZE, seal  # noqa: E402

from alignsar_gpu.dataset.chips.description import DATASET, STATISTICS  # noqa: E402
from alignsar_gpu.dataset.chips.index import read_index, write_index  # noqa: E402
from alignsar_gpu.errors import AlignsarError  # noqa: E402
from alignsar_gpu.learn.change.data import training_pairs  # noqa: E402


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_changing_chips(tmp_path_factory.mktemp("change") / "chips")


@pytest.fixture(scope="module")
def pairs(made):
    return training_pairs(made, "changed_on")


def stored(made, name):
    return zarr.open_array(made / "chips.zarr" / name, mode="r")[:]


def test_a_pair_is_a_place_on_two_dates_that_follow_each_other(made, pairs):
    assert len(pairs.samples) == PLACES // 3 * (len(DATES) - 1)
    assert pairs.ids[:3] == [
        f"burst_l00000_s00000_{DATES[0]}_{DATES[1]}",
        f"burst_l00000_s00000_{DATES[1]}_{DATES[2]}",
        f"burst_l00001_s00000_{DATES[0]}_{DATES[1]}",
    ]
    assert pairs.ids == [pairs.samples[number]["id"] for number in range(len(pairs.samples))]
    assert len(set(pairs.blocks)) == 1
    images = stored(made, "images")
    np.testing.assert_array_equal(pairs.values(3), images[[PLACES + 1, 2 * PLACES + 1]])


def test_channels_are_those_of_the_first_date_then_of_the_second(pairs):
    layers = ["sigma0_vv", "slc_vv_real", "slc_vv_imag"]
    assert [(one.layer, one.date) for one in pairs.channels] == [(n, d) for d in (0, 1) for n in layers]
    assert pairs.parts == 2
    image = pairs.read(0).numpy()
    assert image.shape == (6, SIZE, SIZE)
    powers = 10.0 * np.log10(pairs.values(0)[:, 0])
    np.testing.assert_allclose(
        image[[0, 3]], (powers - pairs.scaling.mean[0]) / pairs.scaling.deviation[0], atol=1e-4
    )


def test_complex_pixels_keep_their_phase(made, pairs):
    statistics = json.loads((made / STATISTICS).read_text())["layers"]
    deviations = [statistics[name]["linear"]["deviation"] for name in ("slc_vv_real", "slc_vv_imag")]
    assert pairs.scaling.mean[1:] == [0.0, 0.0]
    assert pairs.scaling.deviation[1:] == pytest.approx([np.sqrt(np.mean(np.square(deviations)))] * 2)


def test_truth_is_the_day_of_the_event(made, pairs):
    for number in range(len(pairs.samples)):
        first, second = ((DAYS[0], DAYS[1]), (DAYS[1], DAYS[2]))[number % 2]
        event = stored(made, "targets")[number // 2, 0]
        np.testing.assert_array_equal(pairs.truth(number), (first < event) & (event <= second))
    assert pairs.counts().sum(axis=0).tolist() == [7 * SIZE * SIZE, SIZE * SIZE]


def test_several_labels_are_kinds_of_change(made):
    kinds = training_pairs(made, "gone_on, built_on")
    assert kinds.classes == {"unchanged": 0, "gone_on": 1, "built_on": 2}
    assert kinds.counts().sum(axis=0).tolist() == [7 * SIZE * SIZE, SIZE * SIZE // 2, SIZE * SIZE // 2]


def test_ground_that_sinks_does_so_between_any_two_dates(made):
    sinks = training_pairs(made, "subsiding")
    assert sinks.classes == {"unchanged": 0, "subsiding": 1}
    assert [int(sinks.truth(number).sum()) for number in range(8)] == [0, 0, 2 * SIZE, 2 * SIZE] * 2
    both = training_pairs(made, "subsiding,changed_on")
    assert both.classes == {"unchanged": 0, "subsiding": 1, "changed_on": 2}
    assert both.counts()[:, 1].tolist() == [0, 0, 2 * SIZE, 2 * SIZE] * 2
    assert both.counts()[:, 2].sum() == SIZE * SIZE


def test_pixels_of_which_one_label_is_not_known_are_unknown(made, tmp_path):
    chips = shutil.copytree(made, tmp_path / "chips")
    targets = zarr.open_array(chips / "chips.zarr" / "targets", mode="r+")
    values = targets[:]
    values[0, 2, 0, :3] = np.nan
    targets[:] = values
    for label, unknown in (("gone_on,built_on", 3), ("built_on", 3), ("gone_on", 0)):
        assert int((training_pairs(chips, label).truth(0) == -1).sum()) == unknown


def test_as_a_control_each_pair_has_the_change_of_another(made, pairs):
    moved = replace(pairs, shuffle=1)
    pixels = [int(moved.truth(number).sum()) for number in range(len(pairs.samples))]
    assert sorted(pixels) == sorted(int(pairs.truth(number).sum()) for number in range(len(pairs.samples)))
    assert all(moved.truth(number)[:, SIZE // 2 :].any() for number, count in enumerate(pixels) if count)
    np.testing.assert_array_equal(moved.truth(0), moved.truth(0))
    np.testing.assert_array_equal(moved.read(0), pairs.read(0))


class TestWrong:
    def test_one_date(self, made, tmp_path):
        chips = shutil.copytree(made, tmp_path / "chips")
        index = read_index(chips)
        write_index(chips / "index.parquet", index[index["date"] == DATES[0]])
        with pytest.raises(
            AlignsarError, match="split train has no place on two dates, so nothing can change"
        ):
            training_pairs(chips, "changed_on")

    @pytest.mark.parametrize(
        ("label", "words"),
        [
            ("", "learn.label: must be given, for several layers tell change: changed_on, gone_on, built_on"),
            ("land_cover", "label=land_cover: is the same on all dates and has no days of events"),
            ("changed", "label=changed: choose from .*changed_on"),
        ],
    )
    def test_a_label_that_tells_no_change(self, made, label, words):
        with pytest.raises(AlignsarError, match=words):
            training_pairs(made, label)

    def test_no_label_that_does(self, made, tmp_path):
        chips = shutil.copytree(made, tmp_path / "chips")
        layers = json.loads((chips / DATASET).read_text())["layers"]
        seal(chips, layers={name: {**layer, "units": "1"} for name, layer in layers.items()})
        with pytest.raises(AlignsarError, match="has no label that tells change; make one of days of events"):
            training_pairs(chips, "")

    @pytest.mark.parametrize(
        ("layers", "words"),
        [
            (["height"], r"learn.layers=height: is no layer of each date; choose from sigma0_vv"),
            (["sigma0_v"], r"learn.layers=sigma0_v: .*did you mean sigma0_vv"),
        ],
    )
    def test_inputs_that_are_no_layers_of_dates(self, made, layers, words):
        with pytest.raises(AlignsarError, match=words):
            training_pairs(made, "changed_on", layers)

    def test_chips_of_other_channels(self, pairs, tmp_path):
        others = make_changing_chips(tmp_path / "chips", images=("sigma0_vv",))
        with pytest.raises(AlignsarError, match="slc_vv_real"):
            pairs.alike(others, "test")

"""Labels of chips: several, with ignored classes, that change with the date, change between dates, numbers."""

import io
import json
import tarfile

import numpy as np
import pytest
from chipped_cube import SPLIT, cube_of, facts_of, make_chips, with_label

import alignsar_gpu
from alignsar_gpu.application.chips.classes import classes_of, require_classes
from alignsar_gpu.application.chips.layers import check_names
from alignsar_gpu.config.chips import ChipsConfig, SplitConfig
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples
from alignsar_gpu.errors import AlignsarError

LINES, SAMPLES, DATES, SIZE = 160, 240, 3, (16, 24)
LABELS = ["cover", "season", "temperature", "event", "height", "coherence"]


def labelled_cube():
    rng, cube = np.random.default_rng(0), cube_of(dates=DATES)
    cover = rng.integers(0, 4, (LINES, SAMPLES)).astype(np.uint8)
    flags = {"flag_values": [0, 1, 2, 3, 255], "flag_meanings": "none water field road unknown"}
    with_label(cube, "cover", np.where(rng.random(cover.shape) < 0.1, np.uint8(255), cover), **flags)
    label = {"units": "1", "inherited_from": "a map"}
    season = rng.integers(0, 3, (DATES, LINES, SAMPLES)).astype(np.uint8)
    seasons = {"flag_values": [0, 1, 2, 255], "flag_meanings": "none bare crop unknown"}
    cube["season"] = ("time", "azimuth", "range"), season, label | seasons
    warm = rng.normal(280.0, 5.0, (DATES, LINES, SAMPLES)).astype(np.float32)
    cube["temperature"] = ("time", "azimuth", "range"), warm, label | {"units": "K"}
    days = (cube["time"].values - np.datetime64("1970-01-01")) / np.timedelta64(1, "D")
    event = rng.uniform(days[0] - 10, days[-1] + 10, (LINES, SAMPLES)).astype(np.float32)
    event[rng.random(event.shape) < 0.5] = np.nan
    cube["event"] = ("azimuth", "range"), event, label | {"units": "days since 1970-01-01"}
    known = rng.random(event.shape) < 0.9
    cube["labelled_event"] = ("azimuth", "range"), known, {}
    cube["coherence_vv"].attrs["value_of_reference_date"] = 1.0
    return cube


@pytest.fixture(scope="module")
def cube():
    return labelled_cube()


@pytest.fixture(scope="module")
def chipped(tmp_path_factory, cube):
    split = SplitConfig(shares=SPLIT.shares, balance=["cover", "season"])
    return make_chips(
        tmp_path_factory.mktemp("labels") / "run",
        cube.copy(),
        size=list(SIZE),
        least_valid=0.0,
        labels=LABELS,
        ignore=["cover.road"],
        products=["zarr", "webdataset"],
        split=split,
    )


def window(cube, row, name):
    part = cube[name].values
    if part.ndim == 3:
        part = part[cube["time"].dt.strftime("%Y%m%d").values.tolist().index(row.date)]
    return part[row.first_line : row.first_line + SIZE[0], row.first_sample : row.first_sample + SIZE[1]]


def ignoring(cover):
    return np.where(cover == 3, 255, cover)


class TestStored:
    def test_labels_of_dates_are_those_of_their_date(self, chipped, cube):
        chips, index = chipped
        data = alignsar_gpu.open_dataset(chips)
        assert data["dated_class_layer"].values.tolist() == ["season"]
        assert data["dated_target_layer"].values.tolist() == ["coherence_vv", "temperature"]
        assert data["target_layer"].values.tolist() == ["event", "height"]
        assert "height" not in data["ground_layer"].values
        for number in range(0, len(index), 17):
            row = index.iloc[number]
            np.testing.assert_array_equal(data["dated_classes"][number, 0], window(cube, row, "season"))
            np.testing.assert_array_equal(data["dated_targets"][number, 1], window(cube, row, "temperature"))
            coherence = window(cube, row, "coherence_vv")
            expected = np.full(SIZE, np.nan) if row.is_reference else coherence
            np.testing.assert_array_equal(data["dated_targets"][number, 0], expected)
            np.testing.assert_array_equal(data["targets"][number, 1], window(cube, row, "height"))
            np.testing.assert_array_equal(data["classes"][number, 0], ignoring(window(cube, row, "cover")))
            event, known = window(cube, row, "event"), window(cube, row, "labelled_event")
            never = np.where(np.isnan(event) & known, np.inf, event)
            np.testing.assert_array_equal(data["targets"][number, 0], never)

    def test_is_described_and_proved(self, chipped, cube):
        chips, index = chipped
        facts, statistics = facts_of(chips), facts_of(chips, "statistics.json")
        assert facts["classes"]["cover"] == {"none": 0, "water": 1, "field": 2}
        assert facts["classes"]["season"] == {"none": 0, "bare": 1, "crop": 2}
        places = index.drop_duplicates("place")
        roads = sum((window(cube, row, "cover") == 3).sum() for row in places.itertuples())
        assert facts["ignored"] == {"cover": {"road": roads}}
        assert "3" not in statistics["classes"]["cover"]["train"]
        training = index[index["split"] == "train"]
        crops = sum((window(cube, row, "season") == 2).sum() for row in training.itertuples())
        assert statistics["classes"]["season"]["train"]["2"] == crops
        warm = np.stack([window(cube, row, "temperature") for row in training.itertuples()]).astype(float)
        assert statistics["layers"]["temperature"]["linear"]["mean"] == pytest.approx(warm.mean(), rel=1e-6)
        report = check_dataset(chips)
        assert report.is_sound, report.failures

    def test_shares_of_the_classes_of_all_balanced_labels(self, chipped, cube):
        _, index = chipped
        names = [name for name in index if name.startswith("fraction_")]
        expected = ["cover_none", "water", "field", "season_none", "bare", "crop"]
        assert names == [f"fraction_{name}" for name in expected]
        row = index.iloc[5]
        cover = ignoring(window(cube, row, "cover"))
        assert row.fraction_water == pytest.approx((cover == 1).sum() / (cover != 255).sum(), rel=1e-6)
        of_dates = cube["season"].values[
            :, row.first_line : row.first_line + SIZE[0], row.first_sample : row.first_sample + SIZE[1]
        ]
        assert row.fraction_crop == pytest.approx((of_dates == 2).mean(), rel=1e-6)
        known = (cover != 255) & window(cube, row, "labelled_event") | np.isfinite(window(cube, row, "event"))
        assert row.labelled_share <= known.mean()

    def test_in_tar_files(self, chipped, cube):
        chips, index = chipped
        row = index.iloc[-1]
        (path,) = (chips / "webdataset").glob(f"{row.split}-*.tar")
        with tarfile.open(path) as tar:
            content = tar.extractfile(f"{row.id}.dated_targets.npy").read()
            facts = json.loads(tar.extractfile(f"{row.id}.json").read())
        assert facts["id"] == row.id
        np.testing.assert_array_equal(np.load(io.BytesIO(content))[1], window(cube, row, "temperature"))


class TestSamples:
    def test_several_labels(self, chipped, cube):
        chips, index = chipped
        names = ["season", "cover", "height", "temperature"]
        samples = Samples(chips, "train", SampleOptions(label=names, dates="each"))
        assert samples.classes["cover"] == {"none": 0, "water": 1, "field": 2}
        assert list(samples.classes) == samples.masks == ["season", "cover"]
        assert samples.targets == ["height", "temperature"]
        one = samples[3]
        row = index.set_index("id").loc[one["id"]]
        expected = [window(cube, row, "season"), ignoring(window(cube, row, "cover"))]
        np.testing.assert_array_equal(one["mask"], expected)
        np.testing.assert_array_equal(one["target"][1], window(cube, row, "temperature"))
        together = Samples(chips, "train", SampleOptions(label=names, dates="together", layers=["sigma0_vv"]))
        assert together[0]["mask"].shape == (DATES, 2, *SIZE)
        assert together[0]["target"].shape == (DATES, 2, *SIZE)
        single = Samples(
            chips, "train", SampleOptions(label="season", dates="together", layers=["sigma0_vv"])
        )
        assert single[0]["mask"].shape == (DATES, *SIZE)

    @pytest.mark.parametrize(
        ("dates", "pairs"), [("pairs", [(0, 1), (1, 2)]), ("all_pairs", [(0, 1), (0, 2), (1, 2)])]
    )
    def test_pairs_of_dates(self, chipped, cube, dates, pairs):
        chips, index = chipped
        options = SampleOptions(label=["season", "event"], dates=dates, layers=["sigma0_vv"], normalize=False)
        samples = Samples(chips, "train", options)
        places = index[index["split"] == "train"]["place_id"].nunique()
        assert len(samples) == places * len(pairs)
        assert samples.classes == {"unchanged": 0, "changed": 1}
        for number, pair in enumerate(pairs):
            one = samples[number]
            days = np.sort(np.unique(index["date"]))[list(pair)]
            assert one["id"].endswith("_".join(days))
            assert one["image"].shape == (2, 1, *SIZE)
            place = index[index["place_id"] == one["id"].removesuffix("_" + "_".join(days))]
            rows = [place[place["date"] == day].iloc[0] for day in days]
            before, after = (window(cube, row, "season") for row in rows)
            np.testing.assert_array_equal(one["mask"][0], before != after)
            event, known = window(cube, rows[0], "event"), window(cube, rows[0], "labelled_event")
            first, second = (
                (np.datetime64(f"{d[:4]}-{d[4:6]}-{d[6:]}") - np.datetime64("1970-01-01")).astype(int)
                for d in days
            )
            changed = (np.floor(event) > first) & (np.floor(event) <= second)
            unknown = np.isnan(event) & ~known
            np.testing.assert_array_equal(one["mask"][1], np.where(unknown, 255, changed))

    def test_labels_that_tell_no_change(self, chipped):
        with pytest.raises(AlignsarError, match="label=cover: is the same on all dates"):
            Samples(chipped[0], "train", SampleOptions(label="cover", dates="pairs"))


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "keys"),
        [
            (
                "chips.ignore=cover.raod: no such class; choose from cover.none, cover.water",
                {"ignore": ["cover.raod"]},
            ),
            ("chips.ignore=height.road: height is no label", {"ignore": ["height.road"]}),
            ("chips.split.balance=soil: is no label", {"split": SplitConfig(balance=["soil"])}),
            ("chips.labels=heigth: no such layer", {"labels": ["heigth"]}),
        ],
    )
    def test_by_key(self, cube, words, keys):
        attributes = {str(name): layer.attrs for name, layer in cube.data_vars.items()}
        with pytest.raises(AlignsarError, match=words):
            check_names(ChipsConfig(**{"size": list(SIZE)} | keys), attributes)

    def test_class_tables_that_do_not_fit(self, cube):
        wrong = cube["cover"].assign_attrs(flag_values=[0, 1, 2, 255])
        with pytest.raises(AlignsarError, match=r"cover: its table has 5 classes .* for the values"):
            classes_of(wrong)
        with pytest.raises(AlignsarError, match=r"cover: has pixels of the value 4, .* \(0 none, 1 water"):
            require_classes(cube["cover"], {0, 1, 4, 255})
        require_classes(cube["cover"], {0, 3, 255})

"""The card of a dataset: what it says against the chips, Croissant as others read it, and the taster."""

import ast
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import geopandas
import numpy as np
import pytest
import yaml
from chipped_cube import cube_of, make_chips, with_label
from command_line import refuse
from PIL import Image

from alignsar_gpu.card.checks import check_card
from alignsar_gpu.card.croissant import as_text, croissant
from alignsar_gpu.card.limits import limits, unknown
from alignsar_gpu.card.pictures import write_pictures
from alignsar_gpu.card.subject import Keys, Subject
from alignsar_gpu.card.taster import write_taster
from alignsar_gpu.card.text import card_text, page_of
from alignsar_gpu.config.chips import SharesConfig, SplitConfig
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.flow import Flow

KEYS = Keys(limits=["Trees were mapped in 2019."], tasks=["image-segmentation"])
CLASSES = {"flag_values": [0, 1, 2, 3, 255], "flag_meanings": "none water field tree unknown"}
ATTRIBUTES = {
    "title": "Fields | <b>of</b> a \"test\": 'all'",
    "license": "CC-BY-4.0",
    "creator_name": "Jane Doe",
    "time_coverage_start": "2022-03-01T17:25:20Z",
    "time_coverage_end": "2022-03-07T17:25:21Z",
}


def subject_of(folder, split=None, **chips):
    """A subject on a cube with labels, whose chips are cut into ``folder``."""
    cube = cube_of(dates=2).assign_attrs(ATTRIBUTES)
    line, sample = np.mgrid[: cube.sizes["azimuth"], : cube.sizes["range"]]
    values = (1 + (line // 16 + sample // 24) % 2).astype(np.uint8)
    values[:32, :24], values[-16:, -24:] = 3, 255
    with_label(cube, "cover", values, **CLASSES)
    with_label(cube, "share", (values == 1).astype(np.float32))
    keys = chips if split is None else chips | {"split": split}
    made, _ = make_chips(folder, cube, **keys)
    return Subject(
        folder=made.parent, cube=cube, quality={"radarcoding": {"known": {"cover": 0.98}}}, keys=KEYS
    )


LOAD = """
import json, sys, mlcroissant
described = mlcroissant.Dataset(sys.argv[1])
records = {of.uuid: list(described.records(of.uuid)) for of in described.metadata.record_sets}
print(json.dumps(records, default=lambda value: value.decode() if isinstance(value, bytes) else str(value)))
"""


def loaded(file):
    """All records, loaded by mlcroissant in a process of its own: it takes hold of the logging where it is."""
    found = subprocess.run([sys.executable, "-c", LOAD, file], check=True, capture_output=True)
    return json.loads(found.stdout)


def with_licence(subject, licence):
    other = replace(subject)
    other.facts["license"] = licence
    return other


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    made = subject_of(tmp_path_factory.mktemp("card"))
    (made.folder / "croissant.json").write_text(as_text(croissant(made)))
    write_taster(made, made.folder / "taster", 24, Flow(1, 1 << 20), 1)
    return made


@pytest.fixture(scope="module")
def text(subject):
    return card_text(subject, 24)


class TestText:
    """README.md and card.html."""

    def test_header_is_what_hugging_face_reads(self, text):
        _, header, body = text.split("---\n", 2)
        fields = yaml.safe_load(header)
        assert fields["pretty_name"] == ATTRIBUTES["title"]
        assert fields["license"] == "cc-by-4.0"
        assert fields["task_categories"] == ["image-segmentation"]
        assert fields["size_categories"] == ["n<1K"]
        assert {"sar", "sentinel-1"} <= set(fields["tags"])
        assert "None" not in body
        assert "| nan |" not in body

    @pytest.mark.parametrize(
        ("given", "called"),
        [
            ("ODbL-1.0", {"license": "odbl"}),
            ("OGL-UK-3.0", {"license": "other", "license_name": "OGL-UK-3.0"}),
            ("", {"license": "other"}),
        ],
    )
    def test_licences_that_hugging_face_calls_otherwise(self, subject, given, called):
        other = with_licence(subject, given)
        header = yaml.safe_load(card_text(other, 0).split("---\n", 2)[1])
        assert {name: header[name] for name in ("license", "license_name") if name in header} == called

    def test_every_table_keeps_its_columns(self, text):
        """Names with a bar, quotes and tags stand in one cell, and are no HTML."""
        html = page_of(text, ATTRIBUTES["title"])
        assert "<b>of</b>" not in text.split("---\n", 2)[2] + html
        assert "Fields | &lt;b&gt;of&lt;/b&gt;" in html
        bars = [
            len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in text.splitlines()
        ]
        assert sum(bars) > 100
        assert all(one == next_one for one, next_one in pairwise(bars) if one and next_one)

    def test_numbers_are_those_of_the_chips(self, subject, text):
        index = subject.index
        for split in subject.splits:
            own = index[index["split"] == split]
            assert f"| {split} | {len(own)} | {own['place_id'].nunique()} | 2 | " in text
        mean = subject.statistics["layers"]["sigma0_vv"]["decibel"]["mean"]
        (row,) = [line for line in text.splitlines() if line.startswith("| `sigma0_vv` |")]
        assert f"| dB | {mean:.3g} |" in row

    def test_code_is_python(self, text):
        blocks = text.split("```python\n")[1:]
        assert len(blocks) == 2
        for block in blocks:
            ast.parse(block.split("```")[0])

    def test_limits_are_measured_and_given(self, subject):
        found = "\n".join(limits(subject))
        for words in (
            "one viewing direction",
            "lie within 7 days",
            "other seasons",
            "cover is known on 98 %",
            "How exactly labels are placed is unknown",
            "Trees were mapped in 2019.",
        ):
            assert words in found
        assert "simulated" not in found + card_text(subject, 0)

    def test_a_map_of_another_year_is_named(self, subject):
        cube = subject.cube.copy()
        cube["cover"] = cube["cover"].assign_attrs(
            days_from_images=[401.0, 407.5], valid_start="2021-01-01", valid_end="2021-01-24"
        )
        other = replace(subject, cube=cube)
        assert "cover shows another time than the images: up to 408 days from them." in limits(other)
        assert "| a map, 2021-01-01/2021-01-24 |" in card_text(other, 0)

    @pytest.mark.parametrize("simulated", ["true", "false"])
    def test_nobody_takes_simulated_images_for_real_ones_nor_the_other_way_round(self, subject, simulated):
        """The cube has the words that NetCDF has: there is no truth value in it."""
        other = replace(subject, cube=subject.cube.assign_attrs(simulated=simulated))
        assert ("simulated" in card_text(other, 0)) == (simulated == "true")

    def test_what_nobody_stated_is_named(self, subject):
        other = with_licence(replace(subject, cube=subject.cube.copy()), "")
        del other.cube.attrs["creator_name"]
        keys = unknown(other)
        assert {"dataset.license", "dataset.creator_name", "dataset.date_created"} <= set(keys.values())
        assert any("of the label file a map: who made it, its licence and its date" in text for text in keys)
        assert "**Not stated**" in card_text(other, 0)

    def test_pictures_are_the_same_for_the_same_chips(self, subject, tmp_path):
        for name in ("one", "other"):
            write_pictures(subject, tmp_path / name)
        for name in ("chips.png", "splits.png"):
            content = (tmp_path / "one" / name).read_bytes()
            assert content == (tmp_path / "other" / name).read_bytes()
            assert min(Image.open(io.BytesIO(content)).size) > 200


class TestCroissant:
    """croissant.json, read by mlcroissant and by our own check."""

    def test_mlcroissant_loads_every_record_set(self, subject):
        records = loaded(subject.folder / "croissant.json")
        assert set(records) == {"chips", "splits", "layers", "classes"}
        index = subject.index
        for name in ("id", "split"):
            assert [row[f"chips/{name}"] for row in records["chips"]] == index[name].tolist()
        shares = [float(row["chips/valid_share"]) for row in records["chips"]]
        assert shares == index["valid_share"].tolist()
        counts = {row["splits/name"]: row["splits/chips"] for row in records["splits"]}
        assert counts == subject.facts["counts"]
        assert [row["layers/name"] for row in records["layers"]] == list(subject.facts["layers"])
        named = {row["classes/name"]: row["classes/value"] for row in records["classes"]}
        assert named == subject.facts["classes"]["cover"]

    def test_is_proved(self, subject):
        report = check_card(subject.folder)
        assert report.is_sound, report.failures
        assert len(report.proofs) == 4

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda d: d.update({"geocr:spatialResolutoin": 3}), "geocr:spatialResolutoin"),
            (lambda d: d["geocr:bandConfiguration"].update({"geocr:bands": 3}), "geocr:bandConfiguration.geocr:bands"),
            (lambda d: d["geocr:bandConfiguration"].update({"geocr:totalBands": 9}), "geocr:bandConfiguration"),
            (lambda d: d.update({"geocr:coordinateReferenceSystem": "EPSG:1"}), "EPSG:1"),
            (lambda d: d["geocr:spatialResolution"].update(unitText="km"), "geocr:spatialResolution"),
            (lambda d: d["spatialCoverage"]["geo"].update(box="60 5 50 6"), "60 5 50 6"),
            (lambda d: d.update(temporalCoverage="2022-03-07/2022-03-01"), "temporalCoverage"),
            (lambda d: d.update(conformsTo="http://mlcommons.org/croissant/1.0"), "conformsTo"),
            (lambda d: d.pop("geocr:spatialResolution"), "is missing"),
            (lambda d: d["recordSet"][0]["field"][0]["source"]["extract"].update(column="idd"), "has no column idd"),
            (lambda d: d["recordSet"][1]["data"][0].update({"splits/n": 1}), "splits, row 0: splits/n"),
            (lambda d: d["distribution"][0].update(sha256="0" * 64), "have changed"),
            (lambda d: d["distribution"][0].update(contentUrl="chips/no.json"), "chips/no.json"),
            (lambda d: d["distribution"][0].update(contentUrl="../../etc/passwd"), "files that are missing"),
            (lambda d: d["distribution"][-1].update(includes="chips/no.zarr/**"), "chips/no.zarr"),
        ],
    )  # fmt: skip
    def test_each_mistake_is_named(self, subject, tmp_path, change, words):
        described = json.loads((subject.folder / "croissant.json").read_text())
        change(described)
        (tmp_path / "croissant.json").write_text(json.dumps(described))
        (tmp_path / "chips").symlink_to(subject.chips)
        failures = check_card(tmp_path).failures
        assert failures
        assert words in failures[0]

    @pytest.mark.parametrize("content", ["", "[]", "{", "null"])
    def test_a_damaged_file_is_named(self, tmp_path, content):
        (tmp_path / "croissant.json").write_text(content)
        assert "croissant.json" in check_card(tmp_path).failures[0]


class TestTaster:
    """taster/: some of the chips as a dataset of its own."""

    def test_is_sound_and_has_all_splits_and_classes(self, subject):
        taster = subject.folder / "taster"
        report = check_dataset(taster)
        assert report.is_sound, report.failures
        facts = json.loads((taster / "dataset.json").read_text())
        assert facts["taster_of"]["id"] == subject.facts["id"]
        assert facts["classes"] == subject.facts["classes"]
        assert all(count > 0 for count in facts["counts"].values())
        assert sum(facts["counts"].values()) == 24

    def test_chips_are_those_of_the_dataset(self, subject):
        index = geopandas.read_parquet(subject.folder / "taster" / "index.parquet")
        of_whole = subject.index.set_index("id").loc[index["id"]]
        small = ChipStore.open(subject.folder / "taster")
        for row, (_, whole) in zip(index.itertuples(), of_whole.iterrows(), strict=True):
            for name, along in (("images", "chip"), ("classes", "place"), ("ground", "place")):
                ours, theirs = small.read(name, getattr(row, along)), subject.store.read(name, whole[along])
                np.testing.assert_array_equal(ours, theirs)
            assert row.split == whole["split"]

    @pytest.mark.parametrize("chips", [1, 10_000])
    def test_has_one_place_a_split_or_all(self, subject, tmp_path, chips):
        count = write_taster(subject, tmp_path / "taster", chips, Flow(1, 1 << 20), 1)
        assert count == (2 * len(subject.splits) if chips == 1 else len(subject.index))
        assert check_dataset(tmp_path / "taster").is_sound

    def test_splits_by_dates(self, tmp_path):
        dates = {"train": ["20220101", "20220107"], "test": ["20220108", "20231231"]}
        days = type(SplitConfig().dates)(**dates)
        made = subject_of(tmp_path, split=SplitConfig(by="dates", dates=days, shares=SharesConfig()))
        count = write_taster(made, made.folder / "taster", 8, Flow(1, 1 << 20), 1)
        assert count == 8
        assert check_dataset(made.folder / "taster").is_sound
        assert "Splits differ by their dates" in card_text(made, count)
        write_pictures(made, tmp_path / "card")
        assert [path.name for path in Path(tmp_path / "card").iterdir()] == ["chips.png"]

    def test_chips_without_labels(self, tmp_path):
        cube = cube_of(dates=2).assign_attrs(ATTRIBUTES)
        chips, _ = make_chips(tmp_path, cube, split=SplitConfig(shares=SharesConfig(0.6, 0.0, 0.4)))
        made = Subject(folder=chips.parent, cube=cube, quality={}, keys=Keys())
        assert "### Labels" not in card_text(made, 0)
        assert not [one for one in croissant(made)["recordSet"] if one["@id"] == "classes"]
        write_taster(made, made.folder / "taster", 8, Flow(1, 1 << 20), 1)
        write_pictures(made, tmp_path / "card")
        assert check_dataset(made.folder / "taster").is_sound


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("card.taster: is for a card", ["+experiment=demo", "card.write=false", "card.taster=5"]),
        ("card.write=true: a card is of chips", ["+experiment=demo", "chips.size=[]", "device=cpu"]),
        ("card.tasks=segmentation", ["+experiment=demo", "card.tasks=[segmentation]"]),
        ("card.taster=-1", ["+experiment=demo", "card.taster=-1"]),
    ],
)
def test_keys_that_do_not_fit(tmp_path, words, keys):
    refuse(words, *keys, f"output={tmp_path}/out")

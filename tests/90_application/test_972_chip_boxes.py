"""Boxes of objects in chips against the objects of the whole image, found by brute force."""

import json
from itertools import product

import numpy as np
import pytest
import yaml
from chipped_cube import cube_of, facts_of, make_chips, with_label
from command_line import refuse
from PIL import Image
from scipy import ndimage
from small_runs import CUBE_ALONE, SYNTHETIC

from alignsar_gpu.config.chips import BoxesConfig, ChipsConfig, check_chips
from alignsar_gpu.dataset.chips.boxes.splits import split_folder
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError

LINES, SAMPLES, SIZE, HALO = 160, 240, (16, 24), 2
BOTH = ["zarr", "yolo", "coco"]


def labelled_cube():
    """A cube with classes, ids of features and counts of points."""
    rng, cube = np.random.default_rng(0), cube_of(dates=2)
    smooth = ndimage.gaussian_filter(rng.normal(size=(LINES, SAMPLES)), 2)
    cover = np.digitize(smooth, [-0.05, 0.1]).astype(np.uint8)  # 0: none, 1: water, 2: field
    cover[:2, :5] = 255
    flags = {"flag_values": [0, 1, 2, 255], "flag_meanings": "none water field unknown"}
    with_label(cube, "cover", cover, **flags)
    share = np.where(cover == 2, np.float32(0.7), np.float32(0.2))
    with_label(cube, "crop", share)
    cube["coherence_vv"].attrs["value_of_reference_date"] = 1.0
    rows, columns = np.indices((LINES, SAMPLES))
    ids = ((rows // 11) * 1_000_000 + columns // 17).astype(np.int32)
    cube["parcel"] = ("azimuth", "range"), ids, {"units": "1", "inherited_from": "a map"}
    season = rng.integers(0, 12, (2, LINES, SAMPLES)) == 0
    seasons = {"flag_values": [0, 1, 255], "flag_meanings": "none flood unknown"}
    label = {"units": "1", "inherited_from": "a map"}
    cube["season"] = ("time", "azimuth", "range"), season.astype(np.uint8), label | seasons
    counts = np.zeros((LINES, SAMPLES), np.float32)
    counts[rng.integers(0, LINES, 150), rng.integers(0, SAMPLES, 150)] = 1.0
    counts[0, 0] = np.nan
    cube["ship_count"] = ("azimuth", "range"), counts, {"units": "1", "inherited_from": "a map"}
    return cube


def made(folder, device=None, **boxes):
    how = {"layers": ["cover", "parcel", "ship"], "smallest": 3, "least_visible": 0.4, "point": [3, 5]}
    keys = {"size": list(SIZE), "halo": HALO, "products": BOTH, "boxes": BoxesConfig(**how | boxes)}
    return make_chips(
        folder / "run", labelled_cube(), **keys, **({} if device is None else {"device": device})
    )


@pytest.fixture(scope="module")
def chipped(tmp_path_factory):
    return made(tmp_path_factory.mktemp("boxes"))


def regions(mask):
    numbers, count = ndimage.label(mask, np.ones((3, 3)))
    return [numbers == number for number in range(1, count + 1)]


def objects_of(cube):
    """All objects of the image as masks (padded), with their category."""
    cover, ids, counts = (cube[name].values for name in ("cover", "parcel", "ship_count"))
    found = [(value - 1, mask) for value in (1, 2) for mask in regions(cover == value) if mask.sum() >= 3]
    found += [(2, ids == number) for number in np.unique(ids) if number]
    found = [(category, np.pad(mask, 10)) for category, mask in found]
    for mask in regions(np.nan_to_num(counts) > 0):
        (line, sample), box = np.nonzero(mask), np.zeros((LINES + 20, SAMPLES + 20), bool)
        size = max(np.ptp(line) + 1, 3), max(np.ptp(sample) + 1, 5)
        first = (
            line.min() - (size[0] - np.ptp(line) - 1) // 2 + 10,
            sample.min() - (size[1] - np.ptp(sample) - 1) // 2 + 10,
        )
        box[first[0] : first[0] + size[0], first[1] : first[1] + size[1]] = True
        found.append((3, box))
    return found


class TestBoxes:
    def test_are_those_of_objects_of_the_whole_image(self, chipped):
        chips, index = chipped
        objects = objects_of(labelled_cube())
        shape = SIZE[0] + 2 * HALO, SIZE[1] + 2 * HALO
        annotations = {}
        for split in ("train", "test"):
            content = json.loads((chips / "coco" / f"{split}.json").read_text())
            for one in content["annotations"]:
                annotations.setdefault(one["image_id"] - 1, []).append(one)
        for row in index.iloc[:: len(index) // 12].itertuples():
            first = row.first_line - HALO + 10, row.first_sample - HALO + 10
            window = tuple(slice(f, f + s) for f, s in zip(first, shape, strict=True))
            expected = []
            for category, mask in objects:
                part = mask[window]
                if part.any():
                    line, sample = np.nonzero(part)
                    box = [sample.min(), line.min(), np.ptp(sample) + 1, np.ptp(line) + 1]
                    crowd = part.sum() / mask.sum() < 0.4
                    expected.append((category + 1, *map(int, box), int(part.sum()), int(crowd)))
            found = [
                (one["category_id"], *one["bbox"], one["area"], one["iscrowd"])
                for one in annotations.get(row.chip, [])
            ]
            assert sorted(found) == sorted(expected)

    def test_label_files_have_those_that_are_no_crowds(self, chipped):
        chips, index = chipped
        for split in ("train", "test"):
            content = json.loads((chips / "coco" / f"{split}.json").read_text())
            names = {one["id"]: one["file_name"] for one in content["images"]}
            assert len(names) == (index["split"] == split).sum()
            for image, name in list(names.items())[::40]:
                with Image.open(chips / "coco" / name) as picture:
                    assert picture.size == (28, 20)
                label = (chips / "coco" / name.replace("images", "labels")).with_suffix(".txt")
                wanted = [
                    one for one in content["annotations"] if one["image_id"] == image and not one["iscrowd"]
                ]
                lines = [line.split() for line in label.read_text().splitlines()]
                assert [int(line[0]) + 1 for line in lines] == [one["category_id"] for one in wanted]
                for line, one in zip(lines, wanted, strict=True):
                    x, y, width, height = np.array(line[1:], dtype=float) * (28, 20, 28, 20)
                    assert [x - width / 2, y - height / 2, width, height] == pytest.approx(
                        one["bbox"], abs=1e-4
                    )

    def test_are_described_counted_and_proved(self, chipped):
        chips, index = chipped
        boxes = facts_of(chips)["boxes"]
        assert boxes["categories"] == ["water", "field", "parcel", "ship"]
        lines = [
            line.split()[0]
            for path in (chips / "yolo/labels/train").iterdir()
            for line in path.read_text().splitlines()
        ]
        assert boxes["counts"]["train"] == {n: lines.count(str(k)) for k, n in enumerate(boxes["categories"])}
        data = yaml.safe_load((chips / "yolo/data.yaml").read_text())
        assert data["train"] == "images/train"
        assert data["names"] == dict(enumerate(boxes["categories"]))
        (chips / "yolo/labels/train.cache").write_bytes(b"of a training")
        report = check_dataset(chips)
        assert report.is_sound, report.failures
        assert any(f"{len(index)} images are each in the folder of their split" in p for p in report.proofs)

    def test_images_show_the_layers(self, chipped):
        chips, index = chipped
        limits = facts_of(chips)["boxes"]["image"]
        assert next(iter(limits)).endswith("_vv")
        row, cube = index.iloc[7], labelled_cube()
        with Image.open(chips / f"yolo/images/{split_folder(row.split)}/{row.id}.png") as picture:
            image = np.asarray(picture)
        name, of = next(iter(limits.items()))
        date = cube["time"].dt.strftime("%Y%m%d").values.tolist().index(row.date)
        part = {
            "azimuth": slice(row.first_line, row.first_line + SIZE[0]),
            "range": slice(row.first_sample, row.first_sample + SIZE[1]),
        }
        values = cube[name].isel(time=date, **part).values.astype(float)
        level = 10 * np.log10(np.maximum(values, 0)) if of["unit"] == "dB" else values
        low, high = of["limits"]
        expected = np.rint(1 + 254 * np.clip((level - low) / (high - low), 0, 1))
        inside = image[HALO:-HALO, HALO:-HALO]
        first = inside if inside.ndim == 2 else inside[..., 0]
        np.testing.assert_array_equal(first, np.where(np.isfinite(values), expected, 0))

    def test_are_the_same_in_strips(self, chipped, tmp_path):
        cpu = Device(kind="cpu", name="a test", reason="small", memory_budget=1 << 20)
        chips, _ = made(tmp_path, device=cpu)
        for name in ("coco/train.json", "coco/test.json", "yolo/data.yaml"):
            assert (chips / name).read_bytes() == (chipped[0] / name).read_bytes()

    def test_of_labels_that_change_with_the_date(self, tmp_path):
        chips, index = made(tmp_path, layers=["season"], least_visible=0.0, smallest=2)
        cube = labelled_cube()
        days = cube["time"].dt.strftime("%Y%m%d").values.tolist()
        for row in index.iloc[::40].itertuples():
            window = (
                slice(max(row.first_line - HALO, 0), row.first_line + SIZE[0] + HALO),
                slice(max(row.first_sample - HALO, 0), row.first_sample + SIZE[1] + HALO),
            )
            numbers, _ = ndimage.label(cube["season"].values[days.index(row.date)], np.ones((3, 3)))
            there, counts = np.unique(numbers, return_counts=True)
            expected = np.intersect1d(there[counts >= 2], numbers[window][numbers[window] > 0])
            label = chips / f"yolo/labels/{split_folder(row.split)}/{row.id}.txt"
            assert len(label.read_text().splitlines()) == len(expected) > 0

    def test_oriented(self, tmp_path):
        chips, index = made(tmp_path, shape="oriented", layers=["crop"], image=["coherence_vv"])
        files = sorted((chips / "yolo/labels").rglob("*.txt"))
        assert len(files) == (~index["is_reference"]).sum()
        lines = [line.split() for path in files for line in path.read_text().splitlines()]
        assert {len(line) for line in lines} == {9}
        report = check_dataset(chips)
        assert report.is_sound, report.failures
        wrong = files[0]
        wrong.write_text("0 0.5 0.5 1.5 0.2\n")
        moved = chips / "yolo/images/test" / files[-1].with_suffix(".png").name
        (chips / "yolo/images/train" / moved.name).replace(moved)
        failures = "\n".join(check_dataset(chips).failures)
        assert f"files with other lines than of boxes in the image: 1 ({wrong.name})" in failures
        assert "files in the folder of a split that their chip is not in: 1 (test/" in failures


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "keys", "boxes"),
        [
            ("needs chips.boxes.layers", {"products": BOTH}, {}),
            ("chips.boxes.layers=\\[cover\\]: boxes are made by", {}, {"layers": ["cover"]}),
            ("all else is written from zarr", {"products": ["yolo"]}, {"layers": ["cover"]}),
            ("give one layer", {"products": BOTH}, {"layers": ["cover"], "image": ["a", "b"]}),
            ("give two numbers", {"products": BOTH}, {"layers": ["cover"], "point": [5]}),
            ("boxes are those of one run", {"products": BOTH, "onto": "x"}, {"layers": ["cover"]}),
        ],
    )
    def test_keys(self, words, keys, boxes):
        with pytest.raises(AlignsarError, match=words):
            check_chips(ChipsConfig(size=[8, 8], boxes=BoxesConfig(**boxes), **keys))

    def test_layers(self, tmp_path):
        cases = product([["sigma0_vv"], ["wind"]], [["intensity_vv"]])
        words = {"sigma0_vv": "no such layer", "wind": "has no objects"}
        cube = labelled_cube()
        attributes = {"units": "m s-1", "inherited_from": "a model"}
        cube["wind"] = ("azimuth", "range"), np.ones((LINES, SAMPLES), np.float32), attributes
        for layers, image in cases:
            keys = {"products": BOTH, "boxes": BoxesConfig(layers=layers, image=image)}
            with pytest.raises(AlignsarError, match=f"chips.boxes.layers={layers[0]}: {words[layers[0]]}"):
                make_chips(tmp_path / layers[0], cube, **keys)

    def test_before_work(self, tmp_path):
        run = [
            *SYNTHETIC, *CUBE_ALONE, "products.lines=96", "products.samples=128", "products.dates=2",
            "signatures.names=[intensity]", "chips.size=[16,16]", "chips.products=[zarr,yolo]",
        ]  # fmt: skip
        refuse(
            "chips.boxes.layers=building: no such layer; the cube has none",
            *run,
            "chips.boxes.layers=[building]",
            f"output={tmp_path / 'run'}",
        )
        assert not (tmp_path / "run" / "cube.zarr").exists()

"""Chips of a finished run: each pixel, mask, share and footprint against the cube that they are cut from."""

import io
import json
import shutil
import tarfile
from hashlib import sha256
from itertools import combinations

import geopandas
import numpy as np
import pystac
import pytest
import shapely
import xarray as xr
import yaml
from chip_lines import expected_accuracy, run_lines, shuffled_recall
from command_line import refuse, run
from pyproj import Transformer
from small_runs import CUBE_ALONE, start_and_kill

import alignsar_gpu
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.errors import AlignsarError

MADE = [
    *("+experiment=demo", "device=cpu", *CUBE_ALONE, "simulate.dates=2", "simulate.bursts=2"),
    *("simulate.azimuth_errors=[0.0,0.03]", "simulate.range_errors=[0.0,0.1]"),
    *(
        "simulate.lines=100",
        "simulate.samples=300",
        "signatures.names=[sigma0,coherence,amplitude_dispersion]",
    ),
    "geocoding.layers=[sigma0_vv,height,land_cover,valid]",
]
LAYERS = ["sigma0", "coherence", "height"]
SIZE = (8, 24)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("chips") / "run"
    run(*MADE, "chips.size=[]", "card.write=false", f"output={output}")
    return output


def add(output, **keys):
    """Add chips to a run, with keys of chips."""
    chips = {"size": list(SIZE), "layers": LAYERS, **keys}
    return alignsar_gpu.run(
        output=output, device="cpu", **{f"chips.{name}": value for name, value in chips.items()}
    )


@pytest.fixture(scope="module")
def chipped(finished, tmp_path_factory):
    output = tmp_path_factory.mktemp("chipped") / "run"
    shutil.copytree(finished, output)
    add(output)
    return output


@pytest.fixture(scope="module")
def index(chipped):
    return geopandas.read_parquet(chipped / "chips" / "index.parquet")


def files_of(output):
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in output.rglob("*")
        if path.is_file() and path.name not in {".checked.json", "run.log"}
    }


def windows(cube, name, rows, halo=0):
    """The windows of a layer that chips show, cut one by one; beyond the image there is nothing."""
    values = (
        cube[name].transpose("time", ...).values
        if "time" in cube[name].dims
        else cube[name].values[np.newaxis]
    )
    if name == "changed_on":  # a day that has not come, where the map is known and nothing happens
        values = np.where(np.isnan(values) & cube[f"labelled_{name}"].values, np.inf, values)
    dates = cube["time"].dt.strftime("%Y%m%d").values.tolist()
    for row in rows.itertuples():
        image = values[dates.index(row.date) if len(values) > 1 else 0].astype(float)
        image = np.pad(image, halo, constant_values=np.nan)
        first = row.first_line, row.first_sample
        yield image[first[0] : first[0] + SIZE[0] + 2 * halo, first[1] : first[1] + SIZE[1] + 2 * halo]


class TestPixels:
    def test_are_those_of_the_cube(self, chipped, index):
        cube, chips = alignsar_gpu.open(chipped), alignsar_gpu.open_dataset(chipped)
        assert chips.sizes["chip"] == len(index) > 100
        arrays = {
            "images": "layer",
            "ground": "ground_layer",
            "classes": "class_layer",
            "targets": "target_layer",
        }
        for array, dimension in arrays.items():
            layers = chips[array].transpose(dimension, ...).values  # of a chip, all layers are read together
            for name, found in zip(chips[dimension].values, layers, strict=True):
                np.testing.assert_array_equal(found, np.stack(list(windows(cube, name, index))), err_msg=name)
        np.testing.assert_array_equal(chips["valid"].values, np.stack(list(windows(cube, "valid", index))))

    def test_what_compares_with_the_reference_date_is_left_out_there(self, chipped, index):
        cube, chips = alignsar_gpu.open(chipped), alignsar_gpu.open_dataset(chipped)
        assert chips["pair_layer"].values.tolist() == ["coherence_vh", "coherence_vv"]
        reference = chips["date"].values == "20220114"
        assert 0 < reference.sum() < len(reference)
        assert np.isnan(chips["pairs"].values[reference]).all()
        expected = np.stack(list(windows(cube, "coherence_vv", index[~reference])))
        np.testing.assert_array_equal(
            chips["pairs"].sel(pair_layer="coherence_vv").values[~reference], expected
        )

    def test_stride_and_halo(self, finished, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        add(tmp_path / "run", stride=[4, 20], halo=3, least_valid=0.5)
        cube, chips = alignsar_gpu.open(tmp_path / "run"), alignsar_gpu.open_dataset(tmp_path / "run")
        assert chips["images"].shape[2:] == (14, 30)
        index = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")
        assert set(index["first_line"] % 4) == {0}
        assert set(index["first_sample"] % 20) == {0}
        found = chips["images"].sel(layer="sigma0_vv").values
        np.testing.assert_array_equal(found, np.stack(list(windows(cube, "sigma0_vv", index, halo=3))))
        assert not chips["valid"].values[(index["first_line"] == 0).values][:, :3].any()

    @pytest.mark.parametrize(("keys", "bound"), [({"type": "float16"}, 2**-11), ({"digits": 2}, 2**-8)])
    def test_rounding_is_measured(self, finished, tmp_path, keys, bound):
        shutil.copytree(finished, tmp_path / "run")
        add(tmp_path / "run", layers=["coherence", "height"], **keys)
        cube, chips = alignsar_gpu.open(tmp_path / "run"), alignsar_gpu.open_dataset(tmp_path / "run")
        index = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")
        layers = json.loads((tmp_path / "run/chips/dataset.json").read_text())["layers"]
        true = np.stack(list(windows(cube, "height", index)))
        off = np.abs(chips["ground"].sel(ground_layer="height").values.astype(float) - true)
        assert layers["height"]["largest_absolute_error"] == np.nanmax(off) > 0.0
        assert layers["height"]["largest_relative_error"] == pytest.approx(np.nanmax(off / true))
        assert layers["height"]["rms_error"] == pytest.approx(np.sqrt(np.nanmean(off**2)), rel=0.1)
        assert layers["coherence_vv"]["largest_relative_error"] <= bound

    def test_not_compressed_are_the_same(self, finished, chipped, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        add(tmp_path / "run", compressed=False)
        found, expected = (alignsar_gpu.open_dataset(path) for path in (tmp_path / "run", chipped))
        xr.testing.assert_identical(found.load(), expected.load())
        lengths = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")["length"]
        assert set(lengths) == {found["images"].dtype.itemsize * 2 * SIZE[0] * SIZE[1] + 16}  # and a header
        plain = xr.open_zarr(tmp_path / "run/chips/chips.zarr", consolidated=True)
        np.testing.assert_array_equal(plain["images"].values, found["images"].values)

    def test_of_a_map(self, finished, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        add(tmp_path / "run", geometry="map", size=[6, 6], layers=["sigma0", "height"])
        chips = alignsar_gpu.open_dataset(tmp_path / "run")
        index = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")
        cube = xr.open_zarr(tmp_path / "run/map.zarr", chunks=None)
        assert chips["images"].dims == ("chip", "layer", "y", "x")
        for number in (0, len(index) // 2, len(index) - 1):
            row = index.iloc[number]
            part = {
                "y": slice(row.first_line, row.first_line + 6),
                "x": slice(row.first_sample, row.first_sample + 6),
            }
            date = cube["time"].dt.strftime("%Y%m%d").values.tolist().index(row.date)
            expected = cube["sigma0_vv"].isel(time=date, **part)
            np.testing.assert_array_equal(chips["images"].values[number, 0], expected.values)
            x, y = expected["x"].values, expected["y"].values
            assert row.footprint.equals(shapely.box(x[0] - 10, y[-1] - 10, x[-1] + 10, y[0] + 10))
        assert index.geometry.union_all().within(shapely.box(5.9, 50.7, 6.2, 51.0))


class TestIndex:
    def test_shares_are_counted(self, chipped, index):
        cube = alignsar_gpu.open(chipped)
        valid = [window.mean() for window in windows(cube, "valid", index)]
        np.testing.assert_allclose(index["valid_share"], valid, atol=1e-6)
        assert index["valid_share"].min() >= 0.9
        cover = np.stack(list(windows(cube, "land_cover", index)))
        names = dict(
            zip(
                cube["land_cover"].attrs["flag_meanings"].split(),
                cube["land_cover"].attrs["flag_values"],
                strict=True,
            )
        )
        known = (cover != 255).mean(axis=(1, 2))
        fractions = [name for name in index if name.startswith("fraction_")]
        assert {"fraction_field", "fraction_forest"} <= set(fractions)
        for name in fractions:
            value = names[name.removeprefix("fraction_")]
            np.testing.assert_allclose(index[name], (cover == value).mean(axis=(1, 2)) / known, atol=1e-6)

    def test_footprints_hold_their_pixels(self, chipped, index):
        cube = alignsar_gpu.open(chipped)
        x, y = Transformer.from_crs(4326, index["footprint"].crs, always_xy=True).transform(
            cube["longitude"].values, cube["latitude"].values
        )
        for row in index.iloc[::37].itertuples():
            part = (
                slice(row.first_line, row.first_line + SIZE[0]),
                slice(row.first_sample, row.first_sample + SIZE[1]),
            )
            points = shapely.points(x[part].ravel(), y[part].ravel())
            assert (
                shapely.distance(row.footprint, points).max() < 10.0
            )  # between points of the hull terrain folds
            assert row.footprint.area == pytest.approx(np.ptp(x[part]) * np.ptp(y[part]), rel=0.5)
        apart = (
            geopandas.GeoSeries(index.geometry)
            .to_crs(index["footprint"].crs)
            .symmetric_difference(index["footprint"])
        )
        assert (apart.area < 0.01 * index["footprint"].area).all()

    def test_ids_are_unique_and_say_where(self, index):
        assert index["id"].is_unique
        row = index.iloc[-1]
        assert row.id == f"{row.burst}_l{row.first_line:05d}_s{row.first_sample:05d}_{row.date}"
        assert set(index["burst"]) == {
            f"t088_18717{number}_iw{swath}" for number in (0, 1) for swath in (1, 2)
        }
        assert set(index["track"]) == {88}

    def test_every_chip_is_where_the_index_says(self, chipped, index):
        chips = alignsar_gpu.open_dataset(chipped)
        size = int(np.prod(chips["images"].shape[1:])) * 4
        for row in index.iloc[::50].itertuples():
            content = (chipped / "chips" / row.shard).read_bytes()[row.offset : row.offset + row.length]
            assert int.from_bytes(content[4:8], "little") == size  # Blosc's header says how much is packed

    def test_opened_by_a_query(self, chipped, index):
        query = "split == 'test' and fraction_field > 0.5"
        chosen, chips = index.query(query), alignsar_gpu.open_dataset(chipped / "chips", query)
        assert chips["chip"].values.tolist() == chosen["id"].tolist()
        whole = alignsar_gpu.open_dataset(chipped)["images"].values
        np.testing.assert_array_equal(chips["images"].values, whole[chosen["chip"]])
        some = chips["images"].isel(chip=[2, 0], layer=1, line=slice(1, 5), sample=7)
        np.testing.assert_array_equal(some.values, whole[chosen["chip"].values[[2, 0]], 1, 1:5, 7])


class TestStatistics:
    def test_are_those_of_the_training_split_alone(self, chipped, index):
        statistics = json.loads((chipped / "chips/statistics.json").read_text())
        chips = alignsar_gpu.open_dataset(chipped, "split == 'train'")
        for name, array, decibel in (("sigma0_vv", "images", 1), ("coherence_vv", "pairs", 0)):
            dimension = {"images": "layer", "pairs": "pair_layer"}[array]
            values = chips[array].sel({dimension: name}).values.astype(np.float64)
            kinds = {"linear": values[np.isfinite(values)]}
            if decibel:
                kinds["decibel"] = 10 * np.log10(values[values > 0])
            assert set(statistics["layers"][name]) == set(kinds)
            for kind, of in kinds.items():
                found = statistics["layers"][name][kind]
                assert found["count"] == of.size
                assert found["mean"] == pytest.approx(of.mean(), rel=1e-6)
                assert found["deviation"] == pytest.approx(of.std(), rel=1e-6)
                assert (found["minimum"], found["maximum"]) == pytest.approx((of.min(), of.max()), rel=1e-6)
                for percent, value in found["percentiles"].items():
                    bin_width = 0.04 if kind == "decibel" else abs(value) / 2**7
                    least, most = np.mean(of < value - bin_width), np.mean(of <= value + bin_width)
                    assert least <= float(percent) / 100 <= most
                edges, counts = found["histogram"]["edges"], found["histogram"]["counts"]
                assert sum(counts) == of.size
                inner = np.histogram(of.astype(np.float32), np.asarray(edges, dtype=np.float64))[0]
                np.testing.assert_allclose(np.cumsum(counts), np.cumsum(inner), atol=0.002 * of.size)

    def test_what_all_dates_share_counts_once(self, chipped, index):
        statistics = json.loads((chipped / "chips/statistics.json").read_text())
        training = index[index["split"] == "train"]
        pixels = training["place"].nunique() * SIZE[0] * SIZE[1]
        assert statistics["layers"]["height"]["linear"]["count"] == pixels
        assert sum(statistics["classes"]["land_cover"]["train"].values()) == pixels


class TestSplits:
    def test_are_apart_by_the_buffer(self, chipped, index):
        facts = json.loads((chipped / "chips/dataset.json").read_text())
        buffer = facts["split"]["buffer_m"]
        assert buffer == pytest.approx(facts["chip_m"] + facts["window_m"])
        assert facts["window_m"] == pytest.approx(3 * 13.87, rel=0.2)
        parts = [part["footprint"].union_all() for _, part in index.groupby("split")]
        assert len(parts) == 3
        for one, other in combinations(parts, 2):
            assert one.distance(other) >= buffer - 1e-6
        assert (index.groupby("place_id")["split"].nunique() == 1).all()

    def test_folds_regions_and_dates(self, finished, index, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        add(tmp_path / "run", **{"split.by": "folds", "split.folds": 3})
        folds = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")
        assert set(folds["split"]) == {"fold_0", "fold_1", "fold_2"}
        west, south, east, north = index["footprint"].total_bounds
        middle = 0.5 * (south + north)
        areas = [shapely.box(west, south, east, middle), shapely.box(west, middle, east, north)]
        regions = geopandas.GeoDataFrame(
            {"part": ["train", "test"]}, geometry=areas, crs=index["footprint"].crs
        )
        regions.to_crs(4326).to_file(tmp_path / "regions.gpkg")
        add(
            tmp_path / "run",
            **{"split.by": "regions", "split.regions": tmp_path / "regions.gpkg", "split.field": "part"},
        )
        by_region = geopandas.read_parquet(tmp_path / "run/chips/index.parquet").set_index("split")
        assert by_region.loc["train"].set_geometry("footprint").total_bounds[3] <= middle + 1.0
        assert by_region.loc["test"].set_geometry("footprint").total_bounds[1] >= middle
        dates = {"train": ["20220101", "20220120"], "test": ["20220121", "20220301"]}
        add(tmp_path / "run", layers=[], **{"split.by": "dates", "split.dates": dates})
        by_date = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")
        assert set(zip(by_date["split"], by_date["date"], strict=True)) == {
            ("train", "20220114"),
            ("test", "20220126"),
        }
        layers = json.loads((tmp_path / "run/chips/dataset.json").read_text())["layers"]
        assert "amplitude_dispersion_vv" not in layers
        assert "height" in layers

    def test_blocks_of_another_dataset_stay_in_their_splits(self, chipped, index, tmp_path):
        shutil.copytree(chipped, tmp_path / "run")
        add(
            tmp_path / "run",
            size=[8, 20],
            **{"split.file": chipped / "chips/splits.geojson", "split.seed": 5},
        )
        again = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")
        before = dict(zip(index["block"], index["split"], strict=True))
        assert set(before) & set(again["block"])
        for block, split in zip(again["block"], again["split"], strict=True):
            assert before.get(block, split) == split

    def test_all_dates_of_a_place(self, finished, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        add(tmp_path / "run", dates="together", products=["zarr", "webdataset"])
        index = geopandas.read_parquet(tmp_path / "run/chips/index.parquet")
        assert (index.groupby("place")["date"].nunique() == 2).all()
        chips = alignsar_gpu.open_dataset(tmp_path / "run")
        names = []
        for path in sorted((tmp_path / "run/chips/webdataset").glob("*.tar")):
            with tarfile.open(path) as tar:
                names += tar.getnames()
                place = names[-1].partition(".")[0]
                rows = index.index[index["place_id"] == place]
                content = tar.extractfile(f"{place}.images.npy").read()
                np.testing.assert_array_equal(np.load(io.BytesIO(content)), chips["images"].values[rows])
                facts = json.loads(tar.extractfile(f"{place}.json").read())
                assert [one["id"] for one in facts] == index["id"][rows].tolist()
                assert path.name.startswith(facts[0]["split"])
        assert {name.partition(".")[0] for name in names} == set(index["place_id"])


@pytest.fixture(scope="module")
def grown(finished, chipped, tmp_path_factory):
    """Chips with less data are added to those that are there: both folders, and the first index."""
    output = tmp_path_factory.mktemp("growth") / "run"
    shutil.copytree(finished, output)
    add(output, onto=chipped, least_valid=0.5)
    return chipped / "chips", output / "chips", geopandas.read_parquet(chipped / "chips/index.parquet")


class TestGrowth:
    def test_shards_stay_and_a_version_is_added(self, grown):
        before, after = (files_of(folder) for folder in grown[:2])
        shards = [
            name for name in before if "/c/" in name and name.split("/")[1] in {"images", "pairs", "valid"}
        ]
        assert shards
        assert all(after[name] == before[name] for name in shards)
        facts = json.loads(after["dataset.json"])
        assert facts["version"] == 2
        assert facts["difference"]["chips_kept"] == len(grown[2])
        assert facts["difference"]["sha256_of_its_dataset.json"] == sha256(before["dataset.json"]).hexdigest()
        assert sum(facts["counts"].values()) == facts["difference"]["chips_added"] + len(grown[2])

    def test_what_was_there_keeps_its_place_and_split(self, grown):
        index = geopandas.read_parquet(grown[1] / "index.parquet")
        assert index["id"].is_unique
        assert len(index) > len(grown[2])
        columns = ["id", "split", "block", "chip", "place", "checksum"]
        assert index[columns].head(len(grown[2])).equals(grown[2][columns])
        before, after = (alignsar_gpu.open_dataset(folder) for folder in grown[:2])
        first = after.isel(chip=slice(len(grown[2])))
        np.testing.assert_array_equal(first["images"].values, before["images"].values)
        new = after.isel(chip=slice(len(grown[2]), None))
        assert np.isfinite(new["images"].values).any(axis=(1, 2, 3)).all()

    def test_it_is_proved(self, grown):
        report = check_dataset(grown[1])
        assert report.is_sound, report.failures

    def test_a_scene_is_one_split(self, finished, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        add(tmp_path / "run", **{"split.by": "scenes"})
        report = check_dataset(tmp_path / "run/chips")
        assert report.is_sound, report.failures
        shutil.copytree(tmp_path / "run", tmp_path / "other")
        with pytest.raises(AlignsarError, match="hold out a scene of other ground"):
            add(tmp_path / "other", onto=tmp_path / "run", **{"split.by": "scenes", "split.scene": "test"})

    def test_other_chips_are_refused(self, chipped, tmp_path):
        shutil.copytree(chipped, tmp_path / "run")
        for words, *keys in (
            ("has all chips of this run already", "chips.size=[8,24]"),
            ("chips.size=[8,16]: the dataset", "chips.size=[8,16]"),
            ("chips.split.by=folds: the dataset", "chips.size=[8,24]", "chips.split.by=folds"),
            ("give the same layers, labels and type", "chips.size=[8,24]", "chips.type=float16"),
            ("has classes (land_cover), and these chips", "chips.size=[8,24]", "chips.labels=[cover]"),
        ):
            layers = f"chips.layers=[{','.join(LAYERS)}]"
            refuse(words, "device=cpu", f"chips.onto={chipped}", layers, *keys, f"output={tmp_path / 'run'}")


class TestRun:
    def test_no_other_byte_changes(self, finished, chipped):
        before, after = files_of(finished), files_of(chipped)
        changed = {name.split("/")[0] for name in after if before.get(name) != after[name]}
        assert changed == {"chips", "stac", "manifest.json", "run.yaml"}
        known, there = (yaml.safe_load(files["run.yaml"]) for files in (before, after))
        assert there == known | {"chips": there["chips"]}
        (collection,) = pystac.Catalog.from_file(str(chipped / "stac" / "catalog.json")).get_children()
        assert collection.assets["chips"].href.endswith("chips/index.parquet")

    def test_any_memory_threads_and_interruption_give_the_same_bits(self, finished, chipped, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        keys = [
            "device=cpu",
            "chips.size=[8,24]",
            f"chips.layers=[{','.join(LAYERS)}]",
            f"output={tmp_path / 'run'}",
        ]
        few = ["device.memory_gib=0.01", "device.threads=1"]
        journal = tmp_path / "run" / ".unfinished" / "journal"
        start_and_kill([*keys, *few], lambda: len(list(journal.glob("chips_unit-*.json"))) > 3)
        run(*keys)
        expected, found = files_of(chipped), files_of(tmp_path / "run")
        assert {n for n in expected if n.startswith("chips/")} == {n for n in found if n.startswith("chips/")}
        assert all(found[name] == expected[name] for name in expected if name.startswith("chips/"))

    def test_the_dataset_is_proved(self, chipped):
        proved = run("check", chipped)
        assert proved.stdout.count("proved") == 6
        assert "sound" in proved.stdout

    def test_what_cannot_be(self, finished, tmp_path):
        shutil.copytree(finished, tmp_path / "run")
        before = files_of(tmp_path / "run")
        for words, *keys in (
            ("chips.size=[2000,24]: is larger than the image of", "chips.size=[2000,24]"),
            ("chips.size=[8]: give two numbers", "chips.size=[8]"),
            ("chips.layers=sigma_vv: no such layer; did you", "chips.size=[8,24]", "chips.layers=[sigma_vv]"),
            ("chips.labels=building: no such layer", "chips.size=[8,24]", "chips.labels=[building]"),
            ("chips.split.balance=building: is no label", "chips.size=[8,24]", "chips.split.balance=[building]"),
            ("chips.split.block=100", "chips.size=[8,24]", "chips.split.block=100"),
            ("chips.split.buffer=20", "chips.size=[8,24]", "chips.split.buffer=20"),
            ("chips.split.by=random", "chips.size=[8,24]", "chips.split.by=random"),
            ("chips.split.dates: must be given", "chips.size=[8,24]", "chips.split.by=dates"),
            ("chips.least_valid=1.5", "chips.size=[8,24]", "chips.least_valid=1.5"),
            ("none of", "chips.size=[100,500]", "chips.least_valid=1.0"),
            ("chips.layers: chips need chips.size too", "geocoding.resolution=30", "chips.layers=[sigma0]"),
        ):  # fmt: skip
            refuse(words, "device=cpu", *keys, f"output={tmp_path / 'run'}")
        assert files_of(tmp_path / "run") == before


class TestDocumented:
    """The lines of docs/chips.md, on these chips."""

    @pytest.fixture
    def here(self, chipped, tmp_path, monkeypatch):
        (tmp_path / "outputs").mkdir()
        (tmp_path / "outputs" / "demo").symlink_to(chipped)
        monkeypatch.chdir(tmp_path)

    def test_xarray(self, here, index, capsys):
        chosen = run_lines("xarray")["sigma0"]
        assert chosen.sizes["chip"] == ((index["split"] == "train") & (index["valid_share"] > 0.95)).sum()
        assert "nan" not in capsys.readouterr().out

    def test_scikit_learn(self, here):
        """On other blocks, as many are right as the distance of classes says; of shuffled ones, by chance."""
        lines = run_lines("sklearn")
        (values, names), (others, true) = lines["samples"]("train"), lines["samples"]("validation", "test")
        expected, deviation = expected_accuracy(values, names, true)
        assert expected > 0.9
        assert lines["classifier"].score(others, true) > expected - 3.0 * deviation
        recall, deviation = shuffled_recall(lines["classifier"], (values, names), (others, true))
        assert abs(recall - 1.0 / len(set(true))) < 3.0 * deviation
        assert recall < 0.5 * expected

    @pytest.mark.filterwarnings("default")
    @pytest.mark.parametrize("name", ["torch", "change", "torchgeo"])
    def test_for_networks(self, here, name):
        pytest.importorskip("torchgeo" if name == "torchgeo" else "torch")
        assert run_lines(name)

    @pytest.mark.filterwarnings("default")
    def test_webdataset(self, finished, tmp_path, monkeypatch):
        pytest.importorskip("webdataset")
        shutil.copytree(finished, tmp_path / "outputs" / "demo")
        add(tmp_path / "outputs" / "demo", products=["zarr", "webdataset"])
        monkeypatch.chdir(tmp_path)
        assert run_lines("webdataset")["images"].shape == (2, *SIZE)

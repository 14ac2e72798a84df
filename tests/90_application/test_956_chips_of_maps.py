"""Chips of labels whose maps end within the scene: outside of them nothing is known, nor counted."""

import json
from types import SimpleNamespace

import geopandas
import numpy as np
import pytest
from chipped_cube import SPLIT, cube_of, facts_of, make_chips, with_label
from command_line import run
from small_runs import CUBE_ALONE

import alignsar_gpu
from alignsar_gpu.config.chips import SplitConfig
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.report.sections.chips import chips_section

SIZE = (8, 24)
BUILDINGS = "geometry: geometrie2dGrondvlak, crs: 'EPSG:28992', where: 'eindRegistratie IS NULL'"


@pytest.fixture(scope="module")
def chipped(real_data, tmp_path_factory):
    """Chips of simulated products over Otterlo, of a map of its buildings that ends within the scene."""
    archive = real_data("nl_bgt_otterlo") / "bgt_otterlo.zip"
    folder = tmp_path_factory.mktemp("otterlo")
    run(
        *("+experiment=demo", "device=cpu", *CUBE_ALONE, "simulate.dates=1", "simulate.swaths=[iw2]"),
        *("simulate.bursts=1", "simulate.lines=180", "simulate.samples=600"),
        *("simulate.azimuth_errors=[0.0]", "simulate.range_errors=[0.0]", "simulate.truth_lines=16"),
        "objects.layers=[]",
        *("simulate.longitude=5.7665", "simulate.latitude=52.101", "simulate.scene.relief=20"),
        *("signatures.names=[sigma0]", "geocoding.resolution=null", "geocoding.layers=[]"),
        *(
            f"~radarcoding.layers.{name}"
            for name in ("land_cover", "cover", "changed", "changed_on", "target")
        ),
        f"+radarcoding.layers.building={{path: '{archive}!bgt_pand.gml', {BUILDINGS}}}",
        *("chips.size=[8,24]", "chips.layers=[sigma0,height]", f"output={folder / 'run'}"),
    )
    return folder / "run"


class TestOtterlo:
    def test_outside_of_the_map_nothing_is_known(self, chipped):
        cube, chips = alignsar_gpu.open(chipped), alignsar_gpu.open_dataset(chipped)
        index = geopandas.read_parquet(chipped / "chips/index.parquet")
        known, building = cube["labelled_building"].values, cube["building"].values
        assert 0.1 < known.mean() < 0.9
        cut = [
            (slice(a, a + SIZE[0]), slice(b, b + SIZE[1]))
            for a, b in zip(index["first_line"], index["first_sample"], strict=True)
        ]
        share = np.array([known[part].mean() for part in cut])
        targets = chips["targets"].sel(target_layer="building").values
        np.testing.assert_array_equal(np.isnan(targets), ~np.stack([known[part] for part in cut]))
        np.testing.assert_allclose(index["labelled_share"], share, atol=1e-6)
        assert (share == 0.0).any()
        assert (share == 1.0).any()
        sums = np.array([np.nansum(building[part]) for part in cut])
        expected = np.divide(sums, share * 192, out=np.full(len(cut), np.nan), where=share > 0.0)
        np.testing.assert_allclose(index["fraction_building"], expected, atol=1e-6)

    def test_it_is_not_counted(self, chipped):
        chips = alignsar_gpu.open_dataset(chipped, "split == 'train'")
        values = chips["targets"].sel(target_layer="building").values
        found = json.loads((chipped / "chips/statistics.json").read_text())["layers"]["building"]["linear"]
        assert found["count"] == np.isfinite(values).sum() < values.size
        assert found["mean"] == pytest.approx(np.nanmean(values.astype(float)), rel=1e-6)
        assert check_dataset(chipped / "chips").is_sound


class TestSeveralMaps:
    """Each ends elsewhere."""

    @pytest.fixture(scope="class")
    @classmethod
    def made(cls, tmp_path_factory):
        cube = cube_of()
        building, forest = (np.full((160, 240), share, dtype=np.float32) for share in (0.5, 0.25))
        building[:, 100:], forest[:30] = np.nan, np.nan
        with_label(with_label(cube, "building", building), "forest", forest)
        return make_chips(tmp_path_factory.mktemp("several") / "run", cube)

    def test_shares_are_of_the_pixels_that_their_own_map_knows(self, made):
        index = made[1]
        for name, share in (("building", 0.5), ("forest", 0.25)):
            found = index[f"fraction_{name}"]
            assert (found.isna() | np.isclose(found, share)).all()
            assert 0 < found.isna().sum() < len(found)
        assert set(index["labelled_share"].round(2)) >= {0.0, 1.0}

    def test_pixels_that_are_unknown_are_not_counted(self, made):
        chips, index = made
        training = index["split"] == "train"
        targets = alignsar_gpu.open_dataset(chips)["targets"]
        for name, of in facts_of(chips, "statistics.json")["layers"].items():
            if name in {"building", "forest"}:
                values = targets.sel(target_layer=name).values
                known = np.isfinite(values).mean(axis=(1, 2))
                np.testing.assert_array_equal(known == 0.0, index[f"fraction_{name}"].isna())
                assert of["linear"]["count"] == np.isfinite(values[training]).sum() < values[training].size
                assert of["linear"]["minimum"] == of["linear"]["maximum"] > 0.0

    def test_the_report_says_how_much_is_known(self, made):
        writer = SimpleNamespace(chips=made[0], save=lambda *_: None)
        (table,) = chips_section(writer).tables
        assert table.head == ("split", "chips", "labels known", "building", "forest")
        known = made[1].groupby("split")["labelled_share"].mean()
        assert [row[0] for row in table.rows] == ["train", "test"]
        assert [row[2] for row in table.rows] == [f"{100 * known[name]:.1f} %" for name in ("train", "test")]
        assert {row[3:] for row in table.rows} == {("50.0 %", "25.0 %")}

    def test_classes_that_are_unknown_are_no_class(self, tmp_path):
        classes = np.full((160, 240), 255, dtype=np.uint8)
        classes[:, :110] = 0
        classes[40:100, :90] = 1
        flags = {"flag_values": np.array([0, 1, 255], dtype=np.uint8), "flag_meanings": "none house unknown"}
        chips, index = make_chips(tmp_path / "run", with_label(cube_of(), "label", classes, **flags))
        nothing = index["labelled_share"] == 0.0
        assert nothing.any()
        assert index.loc[nothing, ["fraction_none", "fraction_house"]].isna().all(axis=None)
        known = index.loc[~nothing, ["fraction_none", "fraction_house"]].sum(axis=1)
        np.testing.assert_allclose(known, 1.0, atol=1e-6)
        assert facts_of(chips)["classes"] == {"label": {"none": 0, "house": 1}}


class TestNoLabels:
    def test_there_need_not_be_any(self, tmp_path):
        chips, index = make_chips(tmp_path / "run", cube_of())
        assert index["labelled_share"].isna().all()
        assert not [name for name in index if name.startswith("fraction_")]
        assert check_dataset(chips).is_sound

    @pytest.mark.parametrize(
        ("words", "keys"),
        [
            ("chips.least_labelled=0.5: there are no labels; give", {"least_labelled": 0.5}),
            (
                "chips.split.balance=label: is no label of this dataset; it has none; give",
                {"split": SplitConfig(balance=["label"], shares=SPLIT.shares)},
            ),
            ("chips.labels=label: no such layer; the cube has none; give", {"labels": ["label"]}),
        ],
    )
    def test_keys_that_need_them_are_refused(self, tmp_path, words, keys):
        with pytest.raises(AlignsarError, match=words):
            make_chips(tmp_path / "run", cube_of(lines=24, samples=48), **keys)

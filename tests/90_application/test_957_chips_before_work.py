"""Chips that cannot be made: refused in a line before any work, and what is there stays as it is."""

import shutil
import warnings

import geopandas
import numpy as np
import pytest
import shapely
from chipped_cube import cube_of, facts_of, make_chips, with_label
from command_line import refuse
from small_runs import CUBE_ALONE, SYNTHETIC

import alignsar_gpu
from alignsar_gpu.application import space
from alignsar_gpu.application.chips import places
from alignsar_gpu.config.chips import SplitConfig, SplitDatesConfig
from alignsar_gpu.dataset.chips.checker import check_dataset
from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError

PRODUCTS = [
    *SYNTHETIC, *CUBE_ALONE, "products.lines=96", "products.samples=128", "products.dates=2",
    "signatures.names=[intensity]", "chips.size=[16,16]",
]  # fmt: skip
ON_MAP, BY_DATES, BY_REGIONS = "chips.geometry=map", "chips.split.by=dates", "chips.split.by=regions"


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    return make_chips(tmp_path_factory.mktemp("chips") / "run", cube_of())[0]


@pytest.fixture(scope="module")
def files(tmp_path_factory, chips):
    """Files by which chips cannot be split, nor grow; names in messages stand for them."""
    folder = tmp_path_factory.mktemp("files")
    regions = geopandas.GeoDataFrame(
        {"split": ["train", "test"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)]
    )
    regions.set_crs(4326).rename(columns={"split": "part"}).to_file(folder / "part.gpkg")
    regions.set_crs(4326).assign(split="test").to_file(folder / "test.gpkg")
    with warnings.catch_warnings(action="ignore"):
        regions.to_file(folder / "unplaced.gpkg")
    regions.drop(columns="geometry").to_csv(folder / "table.csv")
    (folder / "pixels.tif").write_bytes(b"II*\0")
    (folder / "other").mkdir()
    (folder / "other/dataset.json").write_text('{"format": 7}')
    (folder / "damaged").mkdir()
    (folder / "damaged/dataset.json").write_text('{"format": 1}')
    (folder / "damaged/index.parquet").write_bytes((chips / "index.parquet").read_bytes())
    return folder


class TestProducts:
    """In a run that begins with products nothing is left in its place."""

    @pytest.mark.parametrize(
        ("words", "keys"),
        [
            ("chips.geometry=map: there is no map; give", [ON_MAP]),
            (
                "chips.geometry=map: the map is in WGS 84",
                [ON_MAP, "geocoding.resolution=1e-4", "geocoding.crs=EPSG:4326"],
            ),
            (
                "add cube to geocoding.products",
                [ON_MAP, "geocoding.resolution=20", "geocoding.products=[cogs]"],
            ),
            (
                "the map has no layer valid",
                [ON_MAP, "geocoding.resolution=20", "geocoding.layers=[intensity_vv]"],
            ),
            (
                "chips.layers=intensity: no such layer",
                [ON_MAP, "geocoding.resolution=20", "geocoding.layers=[valid]", "chips.layers=[intensity]"],
            ),
            ("chips.layers=slc: no such layer", ["chips.layers=[slc]", "signatures.names=[slc_phase]"]),
            ("chips.size=[200,16]: is larger than the image of 96 x 128", ["chips.size=[200,16]"]),
            ("chips.stride=[1,1]: makes 9153 places", ["chips.stride=[1,1]", "device.memory_gib=0.01"]),
            ("chips.least_labelled=0.5: there are no labels", ["chips.least_labelled=0.5"]),
            ("chips.split.balance=cover: is no label", ["chips.split.balance=[cover]"]),
            ("chips.split.block=0: a block is not larger", ["chips.split.block=0"]),
            ("chips.split.block=300: a block is not", ["chips.split.block=300", "chips.split.buffer=400"]),
            ("chips.split.shares.train=0: there must be", ["chips.split.shares={train: 0, test: 0.85}"]),
            ("overlaps train=", [
                BY_DATES, "chips.split.dates={train: [20220101,20220105], test: [20220105,20220301]}",
            ]),
            ("test=[2021-01-01, 2021-01-02]: holds none of the dates, which are", [
                BY_DATES, "chips.split.dates={train: [20220101,20221231], test: [20210101,20210102]}",
            ]),
            ("train=[march,20220105]: give its first", [BY_DATES, "chips.split.dates.train=[march,20220105]"]),
        ],
    )  # fmt: skip
    def test_keys(self, tmp_path, words, keys):
        refuse(words, *PRODUCTS, *keys, f"output={tmp_path / 'out'}")
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("words", "key", "name"),
        [
            ("choose from part", "split.regions", "part.gpkg"),
            ("no region has the split 'train'", "split.regions", "test.gpkg"),
            ("does not say its coordinate reference system", "split.regions", "unplaced.gpkg"),
            ("has no polygons", "split.regions", "table.csv"),
            ("the ending '.tif' is not known", "split.regions", "pixels.tif"),
            ("cannot be read as a vector file", "split.regions", "other"),
            ("is not a GeoJSON file of polygons", "split.file", "other/dataset.json"),
            ("name the folder", "onto", "pixels.tif"),
            ("holds chips of format 7", "onto", "other"),
            ("dataset.json is damaged (size); copy", "onto", "damaged"),
        ],
    )
    def test_files(self, tmp_path, files, words, key, name):
        keys = [f"chips.{key}={files / name}", *([BY_REGIONS] if key == "split.regions" else [])]
        result = refuse(words, *PRODUCTS, *keys, f"output={tmp_path / 'out'}")
        assert (
            f"error: chips.{key}={files / name}" in result.stderr
            or "chips.split.field=split: " in result.stderr
        )
        assert not (tmp_path / "out").exists()

    def test_chips_of_another_kind_do_not_grow(self, tmp_path, chips):
        refuse(
            f"chips.size=[16,16]: the dataset chips.onto={chips} has [8,12]",
            *PRODUCTS,
            f"chips.onto={chips}",
            f"output={tmp_path / 'out'}",
        )
        assert not (tmp_path / "out").exists()


class TestGrowth:
    """Of chips that are damaged; another date of the same ground is added."""

    @pytest.fixture
    def damaged(self, tmp_path, chips):
        shutil.copytree(chips, tmp_path / "chips")
        return tmp_path / "chips", tmp_path / "chips/chips.zarr/images/c/0/0/0/0"

    def grow(self, folder, onto):
        later = cube_of().assign_coords(time=cube_of()["time"] + np.timedelta64(12, "D"))
        return make_chips(folder / "run", later.assign_attrs(reference_date="2022-01-22"), onto=str(onto))

    def test_sound_ones_grow(self, tmp_path, chips):
        grown, index = self.grow(tmp_path, chips)
        assert set(index["date"]) == {"20220110", "20220122"}
        assert check_dataset(grown).is_sound

    def test_a_shard_that_is_cut_short(self, tmp_path, damaged):
        damaged[1].write_bytes(damaged[1].read_bytes()[:-1])
        with pytest.raises(
            AlignsarError, match="images/c/0/0/0/0 is missing or not what it was; copy it again"
        ):
            self.grow(tmp_path, damaged[0])

    def test_a_shard_with_another_byte(self, tmp_path, damaged):
        content = bytearray(damaged[1].read_bytes())
        content[100] ^= 1
        damaged[1].write_bytes(content)
        with pytest.raises(
            AlignsarError, match="images/c/0/0/0/0 is missing or not what it was; copy it again"
        ):
            self.grow(tmp_path, damaged[0])

    def test_classes_with_other_numbers(self, tmp_path):
        values = np.repeat(np.array([0, 1], dtype=np.uint8), 120)[np.newaxis].repeat(160, axis=0)
        flags = {
            "flag_values": np.array([0, 1, 255], dtype=np.uint8),
            "flag_meanings": "field forest unknown",
        }
        first = make_chips(tmp_path / "first", with_label(cube_of(), "cover", values, **flags))[0]
        other = with_label(cube_of(), "cover", values, **flags | {"flag_meanings": "forest field unknown"})
        with pytest.raises(
            AlignsarError, match="field of cover is 0 there, and 0 is forest here; give the label"
        ):
            make_chips(tmp_path / "run", other, onto=str(first))


class TestOneDate:
    def test_nothing_is_compared(self, tmp_path):
        chips, index = make_chips(tmp_path / "run", cube_of(dates=1), dates="together")
        assert "pairs" not in alignsar_gpu.open_dataset(chips)
        assert index["is_reference"].all()
        assert not [name for name, of in facts_of(chips)["layers"].items() if of["array"] == "pairs"]
        assert check_dataset(chips).is_sound

    def test_it_is_not_split_by_dates(self, tmp_path):
        days = SplitDatesConfig(train=["20220101", "20220131"], test=["20220201", "20220228"])
        with pytest.raises(
            AlignsarError, match=r"test=.* holds none of the dates, which are 2022-01-10; correct"
        ):
            make_chips(tmp_path / "run", cube_of(24, 48), split=SplitConfig(by="dates", dates=days))


class TestDisk:
    def test_what_the_run_has_made_besides_takes_room_of_its_own(self, tmp_path, monkeypatch):
        """The cube, which is larger than its chips, once counted as some of them."""
        monkeypatch.setattr(space, "_free", lambda _: 100_000)
        with pytest.raises(
            AlignsarError, match=r"will take about .* MB, and under 1 MB are free there; fewer chips.lay"
        ):
            make_chips(tmp_path / "run", cube_of())


class TestValues:
    def test_without_coordinates(self, tmp_path):
        cube = cube_of(24, 48)
        cube["longitude"].values[:] = np.nan
        with pytest.raises(
            AlignsarError, match=r"chips.size: the dataset has no longitude and latitude, by which"
        ):
            make_chips(tmp_path / "run", cube)

    def test_too_large_for_the_type(self, tmp_path):
        """Without NumPy's warning besides, which is an error here."""
        with pytest.raises(
            AlignsarError, match=r"chips.type=float16: intensity_vv has values up to .*, and float16 ends"
        ):
            make_chips(tmp_path / "run", cube_of(), layers=["intensity"], type="float16")


class TestMemory:
    def test_footprints_are_made_row_by_row(self, tmp_path, monkeypatch):
        """Those of all places at a time took 10 kB each: 6 GB for half a million."""
        hulls, counts = places._hulls, []
        monkeypatch.setattr(places, "_hulls", lambda points: counts.append(len(points)) or hulls(points))
        make_chips(tmp_path / "run", cube_of())
        assert counts == [20] * 20

    def test_more_places_than_there_is_room_for(self, tmp_path):
        few = Device("cpu", "", "", 1 << 20)
        with pytest.raises(
            AlignsarError,
            match=r"chips.stride=\[4,4\]: makes 2262 places, and .*=0.00 has room for 512; give",
        ):
            make_chips(tmp_path / "run", cube_of(), stride=[4, 4], device=few)

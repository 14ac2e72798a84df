"""Ready label sets: one word makes the layers of well-known maps; classes, codes, colours, licences, wrong files."""

import fake_maps
import pytest
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.kinds import kind_of, layers_of
from alignsar_gpu.radarcoding.sets import SETS
from alignsar_gpu.radarcoding.sets.corine import LEGEND
from alignsar_gpu.radarcoding.sets.expanding import expand_sets
from alignsar_gpu.radarcoding.vectors.rings import Counts

HERE = shapely.box(5.6, 52.0, 6.0, 52.2)


def expanded(word, path, **keys):
    made, notes = expand_sets({"map": {"set": word, "path": str(path), **keys}})
    return made, notes


def opened(made):
    """The sources of all layers, by name: what a run opens."""
    layers = layers_of(made)
    return {name: kind_of(one).open_layer(name, one, name, {}) for name, one in layers.items()}


def features(source):
    counts = Counts()
    list(source.file.rings(HERE, counts))
    return counts.features


def refused(words, *arguments, **keys):
    with pytest.raises(AlignsarError) as caught:
        expanded(*arguments, **keys)
    assert str(caught.value).startswith("radarcoding.layers.map")
    assert words in str(caught.value)


class TestTables:
    def test_worldcover_is_that_of_its_manual(self):
        table = {one.values: (one.name, one.colour) for one in SETS["worldcover"].raster}
        assert len(table) == 11
        assert table[(10,)] == ("tree_cover", "#006400")
        assert table[(50,)] == ("built_up", "#fa0000")
        assert table[(95,)] == ("mangroves", "#00cf75")
        assert table[(100,)] == ("moss_and_lichen", "#fae6a0")
        assert [one.raster for one in (SETS["worldcover_2020"], SETS["worldcover"])] == [
            SETS["worldcover"].raster
        ] * 2
        assert "2020) processed" in SETS["worldcover_2020"].about["attribution"]

    def test_corine_counts_its_classes_in_the_order_of_their_codes(self):
        codes = [code for code, _, _ in LEGEND]
        assert len(codes) == 44
        assert codes == sorted(codes)
        table = {one.name: one.values for one in SETS["corine"].raster}
        assert table["continuous_urban_fabric"] == (1, 111)
        assert table["broad_leaved_forest"] == (23, 311)
        assert table["sea_and_ocean"] == (44, 523)
        levels = [len(SETS[name].raster) for name in ("corine_level1", "corine_level2", "corine")]
        assert levels == [5, 15, 44]
        water = {one.name: one.values for one in SETS["corine_level1"].raster}["water_bodies"]
        assert water == (40, 41, 42, 43, 44, 511, 512, 521, 522, 523)

    @pytest.mark.parametrize("name", SETS)
    def test_each_says_whom_to_credit(self, name):
        about = SETS[name].about
        assert set(about) - {"date"} == {"source", "license", "attribution", "references"}
        assert ("date" in about) == name.startswith(
            ("worldcover", "corine")
        )  # others are of the day of the extract
        assert all(about.values())

    @pytest.mark.parametrize("name", SETS)
    def test_no_value_is_in_two_classes(self, name):
        one = SETS[name]
        tables = [one.raster, *(part.categories for form in one.forms for part in form)]
        for table in tables:
            values = [value for category in table for value in category.values]
            assert len(values) == len(set(values))
            assert all(category.name.isidentifier() for category in table)


class TestRasters:
    def test_one_word_and_the_file(self, tmp_path):
        made, _ = expanded("worldcover", fake_maps.raster(tmp_path / "w.tif", [0, 10, 50, 80], nodata=0))
        (source,) = opened(made).values()
        (layer, _) = source.layers
        names = [one.name for one in SETS["worldcover"].raster]
        assert layer.attributes["flag_meanings"].split() == ["none", *names, "unknown"]
        assert layer.attributes["flag_values"] == [0, *range(1, 12), 255]
        assert layer.attributes["flag_colors"].split()[1:3] == ["#006400", "#ffbb22"]
        assert made["map"]["license"] == "CC-BY-4.0"

    def test_keys_of_the_user_count_more(self, tmp_path):
        path = fake_maps.raster(tmp_path / "w.tif", [10, 7])
        made, _ = expanded(
            "worldcover", path, method="fraction", classes={"tree": [10], "odd": [7]}, license="own"
        )
        assert opened(made)["map"].names == ("map_tree", "map_odd")
        assert made["map"]["license"] == "own"

    @pytest.mark.parametrize("codes", [[1, 24, 44, 48], [111, 312, 523]])
    def test_corine_by_number_and_by_code(self, tmp_path, codes):
        path = fake_maps.raster(tmp_path / "c.tif", codes, dtype="int16")
        (source,) = opened(expanded("corine_level1", path)[0]).values()
        assert source.file.class_names[0] == "artificial_surfaces"
        assert source.file.read_classes(slice(0, 1), slice(0, 3)).tolist() == [[0, 2, 4]]
        assert source.file.nodata == 48

    def test_codes_of_another_product_are_named(self, tmp_path):
        path = fake_maps.raster(tmp_path / "x.tif", [3, 7])
        refused("has none of the codes of the set, but 3, 7; take ESA WorldCover 2021", "worldcover", path)
        path = fake_maps.raster(tmp_path / "y.tif", [10, 20, 110])
        refused("has codes that the set does not know: 110", "worldcover", path)
        made, _ = expanded("worldcover", path, nodata=110)
        assert made["map"]["nodata"] == 110

    def test_files_of_another_year(self, tmp_path):
        path = fake_maps.raster(tmp_path / "ESA_WorldCover_10m_2020_v100_N51E003_Map.tif", [10])
        refused(
            "map.set=worldcover: ESA_WorldCover_10m_2020_v100_N51E003_Map.tif is of another year",
            "worldcover",
            path,
        )
        assert expanded("worldcover", path, source="our own")[0]["map"]["source"] == "our own"
        assert "2020" in expanded("worldcover_2020", path)[0]["map"]["attribution"]
        refused("_Map.tif is of another year", "worldcover", tmp_path)
        for name in ("U2018_CLC2012_V2020_20u1.tif", "U2018_CLC2012_V2020_20u1.gpkg"):
            file = fake_maps.raster(tmp_path / name, [1]) if name.endswith("tif") else tmp_path / name
            refused("is of another year; take CORINE Land Cover 2018", "corine", file)

    def test_another_kind_than_it_has(self, tmp_path):
        path = fake_maps.raster(tmp_path / "x.tif", [10])
        refused("w.gpkg: there is no such file", "corine", tmp_path / "w.gpkg")
        refused("w.tif: there is no such file", "worldcover", tmp_path / "w.tif")
        refused("x.tif: has none of the layers of set=bgt", "bgt", path)


class TestVectors:
    def test_corine(self, tmp_path):
        made, _ = expanded("corine_level2", fake_maps.corine_vectors(tmp_path / "c.gpkg"))
        (source,) = opened(made).values()
        assert made["map"]["attribute"] == "Code_18"
        assert source.names[0] == "map_urban_fabric"
        assert features(source) == 3
        other = fake_maps.corine_vectors(tmp_path / "d.gpkg", attribute="code_12")
        refused("lacks the attribute code_18, which set=corine needs", "corine", other)
        made, _ = expanded("corine", other, attribute="code_12")
        assert features(opened(made)["map"]) == 3

    @pytest.mark.parametrize("form", ["package", "folder", "archive"])
    def test_extracts_of_geofabrik(self, tmp_path, form):
        if form == "package":
            path = fake_maps.geofabrik_package(tmp_path / "x.gpkg")
        else:
            path = fake_maps.geofabrik_shapes(tmp_path / "x-free.shp")
            path = fake_maps.zipped(tmp_path / "x-free.shp.zip", path) if form == "archive" else path
        made, notes = expanded("osm", path)
        found = {name: features(source) for name, source in opened(made).items()}
        assert found == {
            "map_building": 1,
            "map_motorway": 1,
            "map_street": 1,
            "map_path": 1,
            "map_water": 1,
            "map_landuse": 2,
        }
        assert made["map_motorway"]["width"] == 15.0
        assert "the file has nothing of road, link, railway, river, stream" in notes[0]
        files = {source.file.files for source in opened(made).values()}
        assert len(files) == 1  # so that they have one extent

    def test_openstreetmap_itself(self, tmp_path):
        made, _ = expanded("osm", fake_maps.openstreetmap(tmp_path / "x.osm"), parts=["street", "landuse"])
        assert [one["layer"] for one in made.values()] == ["lines", "multipolygons"]
        assert features(opened({"street": made["map_street"]})["street"]) == 1

    def test_layers_that_are_divided_are_not_taken_in_part(self, tmp_path):
        folder = fake_maps.geofabrik_shapes(tmp_path / "x")
        fake_maps.GEOFABRIK["buildings_a"].to_file(folder / "gis_osm_buildings_a_free_2.shp")
        refused("gis_osm_buildings_a_free_2: the layer is divided over several files", "osm", folder)

    def test_bgt_without_what_is_ended_or_below_the_ground(self, tmp_path):
        made, notes = expanded("bgt", fake_maps.bgt(tmp_path / "b.zip"))
        sources = opened(made)
        found = {name: features(source) for name, source in sources.items()}
        assert found == {"map_building": 1, "map_road": 1, "map_vegetation": 2}
        assert {"map_vegetation_heath", "map_vegetation_arable_land"} <= set(sources["map_vegetation"].names)
        assert "railway" in notes[0]

    def test_top10nl(self, tmp_path):
        made, _ = expanded("top10nl", fake_maps.top10nl(tmp_path / "t.gpkg"))
        found = {name: features(source) for name, source in opened(made).items()}
        assert found == {"map_building": 1, "map_road": 1, "map_ditch": 1, "map_canal": 1, "map_terrain": 2}

    def test_some_of_its_parts(self, tmp_path):
        path = fake_maps.top10nl(tmp_path / "t.gpkg")
        made, notes = expanded("top10nl", path, parts=["terrain", "building"])
        assert list(made) == ["map_building", "map_terrain"]
        assert [note.partition(": ")[0] for note in notes] == ["radarcoding.layers.map.coverage=extent"]
        assert expanded("top10nl", path, parts=["terrain"], coverage="everywhere")[1] == []
        refused("map.parts=[railway,road]: ", "top10nl", path, parts=["railway", "road"])
        refused("has nothing of railway; write parts=[road]", "top10nl", path, parts=["railway", "road"])
        refused("map.parts=buildng: choose from building", "top10nl", path, parts=["buildng"])
        refused("map.parts=road: must be a list", "top10nl", path, parts="road")
        refused("map.parts=7: must be a list", "top10nl", path, parts=7)
        refused("has none of the layers of set=bgt (bgt_pand, bgt_wegdeel", "bgt", path)

    def test_keys_for_all_layers_and_for_one(self, tmp_path):
        layers = {
            "map_ditch": {"width": 1.0},
            "map": {
                "set": "top10nl",
                "path": str(fake_maps.top10nl(tmp_path / "t.gpkg")),
                "coverage": "everywhere",
            },
            "other": {"path": "x.gpkg"},
        }
        made, _ = expand_sets(layers)
        assert {one["coverage"] for name, one in made.items() if name != "other"} == {"everywhere"}
        assert (made["map_ditch"]["width"], made["map_canal"]["width"]) == (1.0, 4.5)
        assert made["other"] == {"path": "x.gpkg"}


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"set": "worldcovr", "path": "x"}, "map.set=worldcovr: choose from worldcover, "),
        ({"set": "worldcovr", "path": "x"}, "did you mean worldcover"),
        ({"set": "osm"}, "map.path: must be given; take an extract of download.geofabrik.de"),
        ({"set": "osm", "path": ["a", "b"]}, "map.path: must be one path"),
        ({"set": "worldcover", "path": "x", "parts": ["a"]}, "map.parts: set=worldcover has no parts"),
        ({"set": ["osm"], "path": "x"}, "map.set=[osm]: choose from"),
    ],
)
def test_wrong_words(layer, words):
    with pytest.raises(AlignsarError) as caught:
        expand_sets({"map": layer})
    assert words in str(caught.value)

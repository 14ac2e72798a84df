"""Attributes of vector files: classes, conditions, heights."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
from fake_vectors import HOLED, SQUARE, frame, opened, read, refused, write

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.classes import safe_name
from alignsar_gpu.radarcoding.vectors.layers import VectorLayers, VectorSource


class TestClasses:
    @pytest.fixture(params=["gpkg", "shp", "geojson", "gml", "fgb", "parquet"])
    def path(self, request, tmp_path):
        content = frame(
            [shapely.affinity.translate(SQUARE, 200.0 * n) for n in range(5)],
            kind=["Wide road", "water", None, "Wide road", "2nd"],
            code=[10, 20, 30, 10, 50],
            share=[0.5, 1.0, 2.0, 0.5, np.nan],
        )
        return write(tmp_path / f"x.{request.param}", content.to_crs(4326))

    def test_each_value(self, path):
        file, rings, counts = read(path, attribute="kind")
        assert file.classes == ("class_2nd", "wide_road", "water")
        assert sorted(rings.class_index) == [0, 1, 1, 2]
        assert counts.other_values == 1

    def test_named_values(self, path):
        values = {"wet": ["water", "ice"], "way": ["Wide road"]}
        file, rings, counts = read(path, attribute="kind", values=values)
        assert file.classes == ("wet", "way")
        assert file.unmatched == ("ice",)
        assert sorted(rings.class_index) == [0, 1, 1]
        assert counts.other_values == 2
        assert opened(path, attribute="kind", values={"wet": "water"}).classes == ("wet",)

    def test_numbers(self, path):
        _, rings, _ = read(path, attribute="code", values={"a": ["10"], "b": [20, "50"]})
        assert sorted(rings.class_index) == [0, 0, 1, 1]
        _, rings, _ = read(path, attribute="share", values={"a": ["0.5"], "b": ["1"]})
        assert sorted(rings.class_index) == [0, 0, 1]

    def test_where(self, path):
        assert read(path, where="kind = 'water' OR code = 50")[2].features == 2
        assert read(path, where="kind IS NULL")[2].features == 1
        assert read(path, where="\"kind\" LIKE 'Wide%'", attribute="code")[0].classes == ("class_10",)

    def test_refused(self, path):
        names = "kind, code, share"
        refused(f"has no attribute 'sort'; there are (gml_id, )?{names}", path, attribute="sort")
        refused(f"has no attribute 'roof'; there are (gml_id, )?{names}", path, height="roof")
        refused(f"names 'sort', which is no attribute .*{names}", path, where="\"sort\" = 'x'")
        refused(f"cannot be read with where=.*{names}", path, where="sort = 'x'")
        refused(f"cannot be read with where=.*{names}", path, where="kind = ")
        refused("no feature meets where=", path, where="kind = 'lake'")
        refused(
            "has none of the values lake; it has 2nd, Wide road, water",
            path,
            attribute="kind",
            values={"a": ["lake"]},
        )
        refused("holds texts, not heights", path, height="kind")

    def test_refused_choice(self, tmp_path):
        path = write(
            tmp_path / "x.gpkg",
            frame([SQUARE, HOLED], kind=["a b", "a-b"], nothing=[None, None], mark=["?", "?"]),
        )
        refused("both of which would be the class 'a_b'", path, attribute="kind")
        refused("is empty in all features", path, attribute="nothing")
        refused("'\\?', from which no name can be made", path, attribute="mark")
        refused("cannot be the name of a variable", path, attribute="kind", values={"a b": ["a b"]})
        refused("differ in case alone", path, attribute="kind", values={"a": ["a b"], "A": ["a-b"]})
        refused("is in the classes 'a' and 'b'", path, attribute="kind", values={"a": ["a b"], "b": ["a b"]})
        refused("has no values", path, attribute="kind", values={"a": []})
        refused("names no class", path, attribute="kind", values={})
        refused("values: needs .*attribute, whose values they are", path, values={"a": ["a b"]})
        many = frame([SQUARE] * 300, kind=[f"k{n}" for n in range(300)])
        refused("has 300 values, more than the 254", write(tmp_path / "m.gpkg", many), attribute="kind")

    def test_safe_names(self):
        assert safe_name("Grasland, agrarisch (é)") == "grasland_agrarisch_e"
        assert safe_name("5") == "class_5"
        assert not safe_name("?!")


class TestLayers:
    def test_more_classes_than_a_label_tells(self, tmp_path):
        many = frame([SQUARE] * 200, kind=[f"k{n}" for n in range(200)])
        file = opened(write(tmp_path / "x.gpkg", many), attribute="kind")
        sources = [VectorSource(name=name, file=file) for name in ("a", "b")]
        layers = VectorLayers(sources=sources, overlaps="keep", label="", least=0.5, limit=0)
        assert len(layers.layers) == 400 + 2
        with pytest.raises(
            AlignsarError, match=r"radarcoding.label: .* 400 classes together, more than the 254"
        ):
            replace(layers, label="label")
        assert len(replace(layers, sources=sources[:1], label="label").layers) == 200 + 2

    def test_values_that_no_feature_has(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([SQUARE], kind=["lake"]))
        said = [
            VectorSource(
                name="water", file=opened(path, attribute="kind", values={"wet": values})
            ).sentences()
            for values in (["lake"], ["lake", "pond", "ice"])
        ]
        assert said[1][len(said[0]) :] == [f"{path}: no feature has the values pond, ice"]

    def test_text_of_another_encoding(self, tmp_path):
        """Texts of a Shapefile are what they are, whatever they are written in."""
        for encoding in ("UTF-8", "ISO-8859-1"):
            path = tmp_path / encoding / "x.shp"
            path.parent.mkdir()
            write(path, frame([SQUARE, HOLED], kind=["größe", "è"]), encoding=encoding)
            file, rings, _ = read(path, attribute="kind", values={"a": ["größe"], "b": ["è"]})
            assert rings.class_index.tolist() == [0, 1]
            assert not file.unmatched

    @pytest.mark.parametrize("ending", ["gpkg", "fgb", "geojson", "parquet"])
    def test_dates_and_flags(self, tmp_path, ending):
        days = np.array(["2020-01-01", "2021-06-01"], dtype="datetime64[ms]")
        content = frame([SQUARE, HOLED], day=days, flag=[True, False]).to_crs(4326)
        path = write(tmp_path / f"x.{ending}", content)
        for attribute, names in (
            ("flag", ["false", "true"]),
            ("day", ["class_2020_01_01", "class_2021_06_01"]),
        ):
            file, rings, _ = read(path, attribute=attribute)
            assert sorted(rings.class_index) == [0, 1]
            assert [one.startswith(name) for one, name in zip(file.classes, names, strict=True)] == [
                True,
                True,
            ]


class TestHeights:
    def test_attributes(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([SQUARE, HOLED], tall=[12.5, np.nan], top=[60, 70]))
        file, rings, _ = read(path, height="tall")
        assert file.above_terrain
        assert rings.height[0] == 12.5
        assert np.isnan(rings.height[1])
        file, rings, _ = read(path, elevation="top")
        assert not file.above_terrain
        assert rings.height.tolist() == [60.0, 70.0]

    def test_z(self, tmp_path):
        roof = shapely.Polygon(
            [(180000, 457000, 10), (180100, 457000, 12), (180100, 457100, 14), (180000, 457000, 10)]
        )
        path = write(tmp_path / "x.gpkg", frame([shapely.force_3d(HOLED, -3.0), roof]))
        assert read(path, elevation="z")[1].height.tolist() == [-3.0, 14.0]

    def test_refused(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([SQUARE, HOLED], tall=[-9999.0, 3.0]))
        refused("'tall' has the value -9999, which is not a height", path, height="tall")
        assert read(path, height="tall", where="tall > 0")[1].height.tolist() == [3.0]
        refused("its shapes have no heights", path, elevation="z")
        refused("give one, above the terrain or above WGS84", path, elevation="z", height="tall")

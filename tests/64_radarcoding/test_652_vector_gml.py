"""GML without a schema, and the map of Otterlo in it."""

import numpy as np
import pyogrio
import pytest
import shapely
from fake_vectors import area_of, read, refused, shapes_of

GML = """<?xml version="1.0"?>{doctype}
<c:City xmlns:c="urn:city" xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:xlink="http://www.w3.org/1999/xlink">
{objects}</c:City>"""
BUILDING = """<c:member><c:House gml:id="h{n}"><c:name>h{n}</c:name><c:part><c:floors>{n}</c:floors></c:part>
<c:plan>{surface}</c:plan><c:wall>{curve}</c:wall>
<c:labels><c:Label><c:text>a</c:text><c:at>{point}</c:at></c:Label><c:Label><c:text>b</c:text></c:Label></c:labels>
</c:House></c:member>"""
CURVE = "<gml:LineString><gml:posList>180000 457000 180000 457100</gml:posList></gml:LineString>"
POINT = "<gml:Point><gml:pos>180005 457005</gml:pos></gml:Point>"
RD = ' srsName="urn:ogc:def:crs:EPSG::28992"'


def surface(n, srs=RD, ring=None):
    west, east = 180000 + 20 * n, 180010 + 20 * n
    ring = ring or f"{west} 457000 {west} 457010 {east} 457010 {east} 457000 {west} 457000"
    return (
        f'<gml:Polygon{srs} gml:id="g{n}"><gml:exterior><gml:LinearRing><gml:posList>{ring}</gml:posList>'
        "</gml:LinearRing></gml:exterior></gml:Polygon>"
    )


def member(n, *properties):
    return f'<c:member><c:House gml:id="h{n}">{"".join(properties)}</c:House></c:member>'


def houses(path, srs=RD, extra="", doctype=""):
    objects = "".join(
        BUILDING.format(n=n, surface=surface(n, srs), curve=CURVE, point=POINT) for n in range(1, 4)
    )
    path.write_text(GML.format(objects=objects + extra, doctype=doctype))
    return path


class TestGml:
    """Objects with several geometries and no schema, which GDAL alone gets wrong."""

    def test_gdal_alone_gets_it_wrong(self, tmp_path):
        shapes = pyogrio.read_dataframe(houses(tmp_path / "x.gml"), WRITE_GFS="NO").geometry
        assert set(shapes.geom_type) == {"Point"}

    def test_surfaces(self, tmp_path):
        file, rings, _ = read(houses(tmp_path / "x.gml"), attribute="name", height="floors")
        assert file.classes == ("h1", "h2", "h3")
        assert file.crs.to_epsg() == 28992
        assert area_of(rings) == pytest.approx(300.0)
        assert rings.height.tolist() == [1.0, 2.0, 3.0]
        assert read(tmp_path / "x.gml", where="floors > 1")[2].features == 2
        assert [one.name for one in tmp_path.iterdir()] == ["x.gml"]  # nothing is left beside it

    def test_lines_where_a_width_is_given(self, tmp_path):
        _, rings, _ = read(houses(tmp_path / "x.gml", ""), width=2.0, crs="EPSG:28992")
        assert area_of(rings) == pytest.approx(3 * 200.0)

    def test_named(self, tmp_path):
        path = houses(tmp_path / "x.gml")
        assert read(path, geometry="at", buffer=1.0, crs="EPSG:28992")[2].features == 3
        assert read(path, geometry="labels|Label|at", buffer=1.0, crs="EPSG:28992")[2].features == 3
        refused(
            r"name one .*: plan \(3 of 3 objects\), wall \(3 of 3 objects\), labels\|Label\|at \(3",
            path,
            geometry="roof",
        )

    def test_a_file_left_by_gdal_does_not_matter(self, tmp_path):
        path = houses(tmp_path / "x.gml")
        pyogrio.list_layers(path)  # as a viewer would
        assert path.with_suffix(".gfs").exists()
        assert area_of(read(path)[1]) == pytest.approx(300.0)

    def test_several_surfaces(self, tmp_path):
        more = member(9, f"<c:plan>{surface(9)}</c:plan><c:roof>{surface(9)}</c:roof>")
        path = houses(tmp_path / "x.gml", extra=more)
        refused(r"several geometries: name one \(key geometry\): plan \(4 of 4 objects\)", path)
        assert read(path, geometry="roof")[2].features == 1

    def test_a_rare_geometry(self, tmp_path):
        """GDAL stops, or reads a crest for a slope, where one object in many has a second geometry."""
        crests = [f"<c:crest>{CURVE}</c:crest>" if n == 7 else "" for n in range(20)]
        objects = "".join(
            member(n, f"<c:area>{surface(n)}</c:area>", crest) for n, crest in enumerate(crests)
        )
        (tmp_path / "x.gml").write_text(GML.format(objects=objects, doctype=""))
        assert area_of(read(tmp_path / "x.gml")[1]) == pytest.approx(2000.0)

    def test_a_rare_attribute(self, tmp_path):
        objects = [member(n, f"<c:area>{surface(n)}</c:area><c:wall>{CURVE}</c:wall>") for n in range(500)]
        objects.append(member(500, f"<c:area>{surface(500)}</c:area><c:floors>3</c:floors>"))
        (tmp_path / "x.gml").write_text(GML.format(objects="".join(objects), doctype=""))
        assert read(tmp_path / "x.gml", height="floors")[1].height[-1] == 3.0
        assert read(tmp_path / "x.gml", where="floors = 3")[2].features == 1

    def test_latitude_first(self, tmp_path):
        srs = ' srsName="urn:ogc:def:crs:EPSG::4326"'
        plan = surface(1, srs, "52 5.7 52 5.8 52.1 5.8 52.1 5.7 52 5.7")
        objects = member(1, f"<c:plan>{plan}</c:plan><c:at>{POINT}</c:at>")
        (tmp_path / "x.gml").write_text(GML.format(objects=objects, doctype=""))
        file, rings, _ = read(tmp_path / "x.gml")
        assert file.crs.to_epsg() == 4326
        assert shapely.bounds(shapes_of(rings, file)[0]) == pytest.approx([5.7, 52.0, 5.8, 52.1])

    def test_entities(self, tmp_path):
        doctype = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        refused("has XML entities", houses(tmp_path / "x.gml", doctype=doctype))

    def test_no_objects(self, tmp_path):
        (tmp_path / "x.gml").write_text(GML.format(objects="", doctype=""))
        refused("has no layer with geometry|cannot be read", tmp_path / "x.gml")


class TestBgt:
    """The map of Otterlo as its users get it: a zip of GML, all versions of every object, arcs and house numbers."""

    @pytest.fixture
    def archive(self, real_data):
        return real_data("nl_bgt_otterlo") / "bgt_otterlo.zip"

    @pytest.mark.parametrize(
        ("member", "features", "area", "choice"),
        [
            ("pand", 1711, 191521.0, {"crs": "EPSG:28992"}),
            ("wegdeel", 1252, 348700.0, {}),
            ("waterdeel", 296, 68063.2, {}),
            ("begroeidterreindeel", 638, 3776916.2, {}),
            ("vegetatieobject", 2104, 2088 * np.pi, {"buffer": 1.0}),
        ],
    )
    def test_present_objects(self, archive, member, features, area, choice):
        file, rings, counts = read(f"{archive}!bgt_{member}.gml", where="eindRegistratie IS NULL", **choice)
        assert counts.features == features
        assert (counts.repaired, counts.dropped, counts.lines, counts.points) == (0, 0, 0, 0)
        assert area_of(rings) == pytest.approx(area, rel=1e-6 if "buffer" not in choice else 0.2)
        assert file.crs.to_epsg() == 28992
        assert file.files == (archive,)

    def test_classes(self, archive):
        file, rings, counts = read(
            f"{archive}!bgt_begroeidterreindeel.gml",
            where="eindRegistratie IS NULL",
            attribute="class",
            values={
                "forest": ["naaldbos", "loofbos", "gemengd bos"],
                "field": ["bouwland"],
                "rye": ["rogge"],
            },
        )
        areas = [one.area for one in shapes_of(rings)]
        sums = np.bincount(rings.class_index, areas, minlength=3)
        assert sums == pytest.approx([1469279.5, 1040662.8, 0.0], rel=1e-6)
        assert file.unmatched == ("rogge",)
        assert counts.other_values == 638 - counts.features

    def test_without_system(self, archive):
        refused("states no coordinate reference system", f"{archive}!bgt_pand.gml")

    def test_empty_member(self, archive):
        refused("has no layer", f"{archive}!bgt_buurt.gml")
        refused("name one of its members .*bgt_bak.gml", archive)

"""Areas of interest in every form, and the bursts of all dates that they select."""

import json
import subprocess
import sys
import warnings

import geopandas
import numpy as np
import pytest
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.products.area import read_area
from alignsar_gpu.products.selection import select_bursts
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.slc import Burst, RangePolynomial, SlcProduct

SQUARE = shapely.box(4.0, 52.0, 5.0, 53.0)
COORDINATES = [[4, 52], [5, 52], [5, 53], [4, 53], [4, 52]]


def same(area, expected):
    assert area.symmetric_difference(expected).area < 1e-9 * expected.area


class TestTexts:
    @pytest.mark.parametrize(
        "text",
        [
            "4,52,5,53",
            " 4.0, 52.0, 5.0, 53.0 ",
            "POLYGON ((4 52, 5 52, 5 53, 4 53, 4 52))",
            "MultiPolygon Z (((4 52 7, 5 52 7, 5 53 7, 4 53 7, 4 52 7)))",
            json.dumps({"type": "Polygon", "coordinates": [COORDINATES]}),
            json.dumps(
                {
                    "type": "Feature",
                    "properties": {"a": 1},
                    "geometry": {"type": "Polygon", "coordinates": [COORDINATES]},
                }
            ),
        ],
    )
    def test_square(self, text):
        area = read_area(text)
        same(area, SQUARE)
        assert not area.has_z

    def test_a_point(self):
        assert read_area("POINT (4.5 52.5)").equals(shapely.Point(4.5, 52.5))

    def test_geojson_is_the_union_of_its_features(self):
        halves = [shapely.box(4, 52, 4.6, 53), shapely.box(4.4, 52, 5, 53)]
        features = [
            {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(part)}
            for part in halves
        ]
        same(read_area(json.dumps({"type": "FeatureCollection", "features": features})), SQUARE)

    def test_box_across_the_antimeridian(self):
        assert read_area("179,-17,-178,-16").bounds == (179.0, -17.0, 182.0, -16.0)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "an empty text; give a bounding box"),
            ("4,52,5,north", "expected four numbers"),
            ("4,52,5,52", "expected west,south,east,north"),
            ("4,53,5,52", "expected west,south,east,north"),
            ("200,52,190,53", "expected west,south,east,north"),
            ("4,52,nan,53", "expected west,south,east,north"),
            ("-200,52,200,53", "more than once around the Earth, from longitude -200 to 200"),
            ("52,4,53,95", r"not longitude and latitude in degrees \(longitude comes first\)"),
            ("630000,5800000,640000,5810000", "not longitude and latitude in degrees"),
            ("4,52,5", "there is no such file; give a bounding box .*, WKT, GeoJSON or the path"),
            ("SRID=4326;POINT (1 2)", "there is no such file"),
            ("x" * 5000, r"area 'x{60}\.\.\.': there is no such file"),
            ("~nobody-of-this-name/a.gpkg", "there is no such file"),
            ("a\0b", "there is no such file"),
            ("POLYGON ((4 52, 5 52", "not valid WKT"),
            ("POLYGON ((4 52, 5 52, 5 53))", "not valid WKT"),
            ("POLYGON EMPTY", "holds no geometry"),
            ("POINT (1 nan)", "holds no geometry|not finite"),
            (
                "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))",
                r"invalid geometry \(Self-intersection\[0\.5 0\.5\]\); repair it",
            ),
            ('{"type": "Polygon", "coordinates": [[[4, 52], [5, 52]', "cannot be read as vectors"),
            ('{"a": 1}', "cannot be read as vectors"),
            ('{"type": "FeatureCollection", "features": []}', "holds no geometry"),
            ('{"type": "Polygon", "coordinates": [[[4, 52], [5, 52], [5, 53]]]}', "damaged geometry"),
            (
                '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}',
                "invalid geometry .*Self-intersection",
            ),
        ],
    )
    def test_refused(self, text, message):
        with pytest.raises(AlignsarError, match=message):
            read_area(text)


class TestFiles:
    def write(self, path, shapes, crs=4326, **options):
        frame = geopandas.GeoDataFrame(
            {"name": [str(i) for i in range(len(shapes))]}, geometry=shapes, crs=crs
        )
        with warnings.catch_warnings():  # pyogrio's, that a file without CRS may not be what one wants
            warnings.simplefilter("ignore", UserWarning)
            frame.to_file(path, **options)
        return str(path)

    @pytest.mark.parametrize("name", ["a.gpkg", "a.shp", "a.geojson", "a.fgb"])
    def test_formats(self, tmp_path, name):
        halves = [shapely.box(4, 52, 4.6, 53), shapely.box(4.4, 52, 5, 53)]
        same(read_area(self.write(tmp_path / name, halves)), SQUARE)

    def test_projected(self, tmp_path):
        """The Dutch grid: rotated against the meridians, and on another ellipsoid."""
        turned = geopandas.GeoSeries([SQUARE.segmentize(0.01)], crs=4326).to_crs(28992)
        area = read_area(self.write(tmp_path / "a.gpkg", list(turned), crs=28992))
        assert area.symmetric_difference(SQUARE).area < 1e-6 * SQUARE.area

    def test_long_sides_of_a_projected_area_stay_curved(self, tmp_path):
        """A side along a parallel of a polar stereographic grid is no parallel of latitude."""
        path = self.write(tmp_path / "a.gpkg", [shapely.box(-2e6, -2e6, 2e6, -1e6)], crs=3413)
        area = read_area(path)
        middle = geopandas.GeoSeries([shapely.Point(0.0, -1.05e6)], crs=3413).to_crs(4326).iloc[0]
        assert area.buffer(1e-6).contains(middle)

    def test_projected_across_the_antimeridian(self, tmp_path):
        fiji = shapely.box(179.0, -17.0, 182.0, -16.0)
        projected = geopandas.GeoSeries([fiji], crs="+proj=longlat +lon_wrap=180").to_crs(3832)
        area = read_area(self.write(tmp_path / "a.gpkg", list(projected), crs=3832))
        west, south, east, north = area.bounds
        assert (west % 360.0, south, east % 360.0, north) == pytest.approx(
            (179.0, -17.0, 182.0, -16.0), abs=1e-6
        )
        assert east - west == pytest.approx(3.0, abs=1e-6)

    def test_several_layers_and_a_table(self, tmp_path):
        path = tmp_path / "a.gpkg"
        self.write(path, [shapely.box(4, 52, 4.6, 53)], layer="one")
        self.write(path, [shapely.box(4.4, 52, 5, 53)], layer="two")
        import pyogrio  # noqa: PLC0415

        pyogrio.write_dataframe(geopandas.pd.DataFrame({"a": [1]}), path, layer="table")
        same(read_area(str(path)), SQUARE)

    def test_missing_geometries_are_left_out(self, tmp_path):
        same(read_area(self.write(tmp_path / "a.gpkg", [None, SQUARE, shapely.Polygon()])), SQUARE)

    def test_no_crs(self, tmp_path):
        path = self.write(tmp_path / "a.gpkg", [SQUARE], crs=None)
        with pytest.raises(
            AlignsarError, match=r"a\.gpkg: layer 'a' has no coordinate reference system: set it"
        ):
            read_area(path)

    def test_nothing_in_it(self, tmp_path):
        path = self.write(tmp_path / "a.gpkg", [None])
        with pytest.raises(AlignsarError, match=r"a\.gpkg: holds no geometry"):
            read_area(path)

    def test_invalid(self, tmp_path):
        path = self.write(tmp_path / "a.gpkg", [shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])])
        with pytest.raises(AlignsarError, match=r"a\.gpkg: invalid geometry \(Self-intersection"):
            read_area(path)

    def test_not_a_vector_file(self, tmp_path):
        path = tmp_path / "a.gpkg"
        path.write_bytes(b"nothing of the kind")
        with pytest.raises(AlignsarError, match=r"a\.gpkg: cannot be read as a vector file"):
            read_area(str(path))


def burst(swath, index, burst_id, west, south, width=1.0, height=0.2):
    """A burst that covers a box, without channels: selection looks at names and places alone."""
    polynomial = RangePolynomial(azimuth_time=0.0, slant_range_time=5e-3, coefficients=np.zeros(1))
    return Burst(
        swath=swath,
        index=index,
        burst_id=burst_id,
        anx_time=0.0,
        grid=RadarGrid(
            epoch=np.datetime64("2023-09-04"),
            first_azimuth_time=0.0,
            azimuth_interval=2e-3,
            first_slant_range=8e5,
            range_spacing=2.3,
            wavelength=0.0555,
            look_side="right",
            lines=1500,
            samples=21000,
        ),
        azimuth_fm_rate=polynomial,
        steering_rate=0.0,
        channels={},
        footprint=np.array(shapely.box(west, south, west + width, south + height).exterior.coords)[:-1],
    )


def product(
    start, bursts, *, platform="Sentinel-1A", track=52, product_id=None, polarizations=("vv",), processed=None
):
    start = np.datetime64(start, "us")
    return SlcProduct(
        product_id=product_id or f"S1_{str(start).replace('-', '').replace(':', '')[:15]}",
        platform=platform,
        start=start,
        orbit=Orbit(
            epoch=start.astype("datetime64[D]"),
            time=np.array([0.0, 10.0]),
            position=np.array([[7e6, 0.0, 0.0], [7e6, 7e4, 0.0]]),
            velocity=np.array([[0.0, 7e3, 0.0], [0.0, 7e3, 0.0]]),
            source="made up",
        ),
        pass_direction="descending",
        absolute_orbit=50174,
        relative_orbit=track,
        instrument_mode="IW",
        processor="none",
        polarizations=polarizations,
        bursts=tuple(bursts),
        facts={},
        processed=None if processed is None else np.datetime64(processed, "us"),
    )


def rows(indices, west=4.0, south=52.0, track=52):
    """Bursts of IW1 and, a degree further east, IW2; each row 0.2 degrees south of the one before."""
    return [
        burst(f"IW{swath}", k, f"t{track:03d}_{100 + k:06d}_iw{swath}", west + swath - 1, south - 0.2 * k)
        for swath in (1, 2)
        for k in indices
    ]


def ids(*pairs):
    return {f"t052_{100 + k:06d}_iw{swath}" for swath, k in pairs}


class TestSelection:
    FIRST, SECOND = "2023-09-04T06:37:30", "2023-09-16T06:37:30"

    def test_the_area_picks_subswaths_and_bursts(self):
        products = [product(self.SECOND, rows(range(5))), product(self.FIRST, rows(range(5)))]
        found = select_bursts(products, read_area("4.2,51.7,4.8,51.9"))
        assert found.reference == "20230904"
        assert found.dates == ("20230904", "20230916")
        assert found.swaths == ("IW1",)
        assert set(found.bursts) == ids((1, 1), (1, 2))
        assert found.dropped == ()
        for name, matches in found.bursts.items():
            assert list(matches) == ["20230904", "20230916"]
            for date, match in matches.items():
                assert match.burst.burst_id == name
                assert match.product.date == date
                assert any(match.burst is one for one in match.product.bursts)

    def test_everything_without_an_area(self):
        found = select_bursts([product(self.FIRST, rows(range(3)))])
        assert list(found.bursts) == [b.burst_id for b in rows(range(3))]
        assert found.dates == ("20230904",)
        assert found.swaths == ("IW1", "IW2")

    def test_what_is_missing_is_named(self):
        """Cut differently: matched by id, never by index."""
        products = [product(self.FIRST, rows(range(4))), product(self.SECOND, rows(range(1, 6)))]
        found = select_bursts(products)
        assert found.dropped == (
            "t052_000100_iw1 on 20230916: not in the product",
            "t052_000100_iw2 on 20230916: not in the product",
            "t052_000104_iw1 on 20230916: not on the reference date 20230904",
            "t052_000105_iw1 on 20230916: not on the reference date 20230904",
            "t052_000104_iw2 on 20230916: not on the reference date 20230904",
            "t052_000105_iw2 on 20230916: not on the reference date 20230904",
        )
        assert list(found.bursts["t052_000100_iw1"]) == ["20230904"]
        assert found.bursts["t052_000102_iw2"]["20230904"].burst.index == 2
        assert found.bursts["t052_000102_iw2"]["20230916"].burst.burst_id == "t052_000102_iw2"

    def test_what_lies_outside_the_area_is_not_missed(self):
        products = [product(self.FIRST, rows(range(4))), product(self.SECOND, rows(range(1, 6)))]
        assert select_bursts(products, read_area("4.2,51.65,4.8,51.75")).dropped == ()

    def test_a_date_of_another_track(self):
        other = product("2023-09-05T06:29:30", rows(range(4), track=125), track=125, product_id="OTHER")
        found = select_bursts(
            [product(self.FIRST, rows(range(4))), other, product(self.SECOND, rows(range(4)))]
        )
        assert found.dates == ("20230904", "20230916")
        assert found.dropped == ("20230905 (OTHER, track 125): has none of the 8 bursts",)

    def test_slices_are_one_date(self):
        """Also when midnight lies between them, and in any order."""
        products = [
            product("2023-09-05T00:00:14", rows(range(3, 6)), product_id="B"),
            product("2023-09-04T23:59:49", rows(range(3)), product_id="A"),
            product("2023-09-16T23:59:49", rows(range(6)), product_id="C"),
        ]
        found = select_bursts(products)
        assert found.dates == ("20230904", "20230916")
        assert len(found.bursts) == 12
        assert found.dropped == ()
        assert {m["20230904"].product.product_id for m in found.bursts.values()} == {"A", "B"}
        assert select_bursts(products, reference="20230905").reference == "20230904"

    def test_a_burst_in_two_slices(self):
        products = [
            product("2023-09-04T06:37:30", rows(range(3)), product_id="A"),
            product("2023-09-04T06:37:55", rows(range(2, 5)), product_id="B"),
        ]
        found = select_bursts(products, read_area("4.2,51.65,4.8,51.75"))
        assert found.dropped == ("t052_000102_iw1 on 20230904: again in B, taken from A",)
        assert found.bursts["t052_000102_iw1"]["20230904"].product.product_id == "A"

    @pytest.mark.parametrize("names", [("A", "B"), ("B", "A")])
    def test_of_two_processings_the_newer_is_taken_whatever_they_are_called(self, names):
        """Their first lines differ by what the processors make of the same echoes."""
        old, new = names
        products = [
            product("2023-09-04T06:37:30.1", rows(range(2)), product_id=new, processed="2024-02-01T10:00:00"),
            product("2023-09-04T06:37:30.0", rows(range(2)), product_id=old, processed="2023-09-04T09:00:00"),
        ]
        for given in (products, products[::-1]):
            found = select_bursts(given, read_area("4.2,52.1,4.8,52.15"))
            assert found.bursts["t052_000100_iw1"]["20230904"].product.product_id == new
            (note,) = found.dropped
            assert note == (
                f"t052_000100_iw1 on 20230904: again in {old} (made 2023-09-04T09:00:00), "
                f"taken from {new} (made 2024-02-01T10:00:00)"
            )

    def test_a_date_of_one_polarization_takes_the_other_from_all_and_that_is_said(self):
        both = {"polarizations": ("vv", "vh")}
        products = [
            product(self.FIRST, rows(range(1)), **both),
            product(self.SECOND, rows(range(1))),
            product("2023-09-28T06:37:30", rows(range(1)), **both),
        ]
        found = select_bursts(products)
        assert found.dates == ("20230904", "20230916", "20230928")
        assert found.dropped == (
            "VH on all dates: 20230916 has none (products.keep=polarizations leaves out the date)",
        )
        assert select_bursts([products[0], products[2]]).dropped == ()

    @pytest.mark.parametrize("lacking", [0, 1, 2])
    def test_or_the_date_is_left_out_the_first_too(self, lacking):
        starts = [self.FIRST, self.SECOND, "2023-09-28T06:37:30"]
        products = [
            product(start, rows(range(1)), polarizations=("vv",) if k == lacking else ("vv", "vh"))
            for k, start in enumerate(starts)
        ]
        found = select_bursts(products, keep="polarizations")
        days = [start[:10].replace("-", "") for start in starts]
        assert found.dates == tuple(day for k, day in enumerate(days) if k != lacking)
        (note,) = found.dropped
        assert note == (
            f"{days[lacking]} ({products[lacking].product_id}): has no VH "
            "(products.keep=dates keeps it, and leaves out the polarization)"
        )

    def test_another_reference(self):
        products = [product(self.FIRST, rows(range(3))), product(self.SECOND, rows(range(1, 4)))]
        found = select_bursts(products, reference="20230916")
        assert found.reference == "20230916"
        assert found.dates == ("20230904", "20230916")
        assert set(found.bursts) == {b.burst_id for b in rows(range(1, 4))}
        assert found.dropped[0] == "t052_000103_iw1 on 20230904: not in the product"

    def test_other_satellites_match(self):
        """Sentinel-1A and C on the same day on the same track cannot be told apart by date."""
        products = [
            product(self.FIRST, rows(range(3))),
            product("2023-09-10T06:37:30", rows(range(3)), platform="Sentinel-1C"),
        ]
        assert select_bursts(products).dates == ("20230904", "20230910")
        products.append(product("2023-09-10T06:37:31", rows(range(3))))
        with pytest.raises(AlignsarError, match="two passes on 20230910 have the same bursts"):
            select_bursts(products)
        with pytest.raises(AlignsarError, match="2 passes on the reference date 20230910"):
            select_bursts(products, reference="20230910")

    @pytest.mark.parametrize("west", [178.5, -181.5])
    @pytest.mark.parametrize(
        "text", ["179.7,51.7,-179.9,51.9", "-179.95,51.7,-179.9,51.9", "180.05,51.7,180.1,51.9"]
    )
    def test_across_the_antimeridian(self, west, text):
        """Footprints go on beyond 180 (or below -180); areas may be written either way."""
        found = select_bursts([product(self.FIRST, rows(range(4), west=west))], read_area(text))
        assert set(found.bursts) == ids((2, 1), (2, 2))

    def test_outside(self):
        products = [product(self.FIRST, rows(range(4)))]
        with pytest.raises(
            AlignsarError,
            match=r"outside all 8 bursts of 20230904, which cover longitude 4\.000 to 6\.000, latitude 51\.400 to "
            r"52\.200: the nearest, t052_000100_iw2, is about 89 km away",
        ):
            select_bursts(products, read_area("5.2,53,5.8,53.5"))
        with pytest.raises(AlignsarError, match=r"the nearest, t052_000103_iw1, is about \d+ km away"):
            select_bursts(products, read_area("4.2,-52,4.8,-51"))

    def test_refused(self):
        with pytest.raises(AlignsarError, match="no products to select bursts from"):
            select_bursts([])
        with pytest.raises(AlignsarError, match="products of the reference date 20230904 have no bursts"):
            select_bursts([product(self.FIRST, [])])
        with pytest.raises(
            AlignsarError, match="reference=20230905: no product of that date; choose from 20230904"
        ):
            select_bursts([product(self.FIRST, rows(range(3)))], reference="20230905")


class TestStripmap:
    def scene(self, start, south, **options):
        return product(start, [burst("S4", 0, None, 4.0, south, height=1.5)], **options)

    def test_matched_by_swath_and_place(self):
        """Of two scenes of a date, the one over the reference's ground, although it comes second."""
        products = [
            self.scene("2023-09-04T06:37:30", 52.0),
            self.scene("2023-09-16T06:37:10", 53.4),
            self.scene("2023-09-16T06:37:30", 52.1, product_id="WANTED"),
            self.scene("2023-09-28T06:37:30", 56.0, product_id="FAR"),
            self.scene("2023-10-10T18:37:30", 52.0, track=125, product_id="ASCENDING"),
        ]
        found = select_bursts(products)
        assert list(found.bursts) == ["s4"]
        assert found.bursts["s4"]["20230916"].product.product_id == "WANTED"
        assert found.dropped == (
            "20230928 (FAR, track 52): has none of the 1 bursts",
            "20231010 (ASCENDING, track 125): has none of the 1 bursts",
        )

    def test_two_reference_scenes(self):
        products = [
            self.scene("2023-09-04T06:37:30", 52.0, product_id="A"),
            self.scene("2023-09-04T06:37:10", 53.4, product_id="B"),
        ]
        assert (
            select_bursts(products, read_area("4.2,52.2,4.4,52.4"))
            .bursts["s4"]["20230904"]
            .product.product_id
            == "A"
        )
        with pytest.raises(
            AlignsarError, match=r"s4 on 20230904: 2 scenes in the area \(B, A\); give one of them"
        ):
            select_bursts(products)

    def test_two_processings_of_a_scene(self):
        products = [
            self.scene("2023-09-04T06:37:30", 52.0, product_id="A", processed="2023-09-04T09:00:00"),
            self.scene("2023-09-04T06:37:30", 52.0, product_id="B", processed="2024-02-01T10:00:00"),
            self.scene("2023-09-16T06:37:30", 52.0, product_id="C", processed="2024-02-01T10:00:00"),
            self.scene("2023-09-16T06:37:30", 52.0, product_id="D", processed="2023-09-16T09:00:00"),
        ]
        found = select_bursts(products)
        assert [match.product.product_id for match in found.bursts["s4"].values()] == ["B", "C"]
        assert [text.split(" (")[0] for text in found.dropped] == [
            "s4 on 20230904: again in A",
            "s4 on 20230916: again in D",
        ]


@pytest.fixture(scope="module")
def morocco(real_data):
    folder = real_data("s1_pair_morocco_20230904_20230916")
    return folder, [open_sentinel1(path) for path in sorted(folder.glob("*.SAFE"))]


class TestMorocco:
    def test_the_area_of_the_data(self, morocco):
        """It lies where IW1 and IW2 overlap, in the first burst of either, as the data's DEM crops say."""
        folder, products = morocco
        found = select_bursts(products, read_area(str(folder / "Morocco_tiny.geojson")))
        assert list(found.bursts) == ["t052_110431_iw1", "t052_110431_iw2"]
        assert found.dates == ("20230904", "20230916")
        assert found.dropped == ()
        assert all(matches[date].burst.index == 0 for matches in found.bursts.values() for date in matches)

    def test_all_bursts_match(self, morocco):
        found = select_bursts(morocco[1])
        assert len(found.bursts) == 27
        assert found.dropped == ()

    def test_amsterdam_is_not_in_morocco(self, morocco):
        with pytest.raises(AlignsarError, match=r"outside all 27 bursts .* is about 24\d\d km away"):
            select_bursts(morocco[1], read_area("4,52,5,53"))


def test_geospatial_libraries_are_loaded_only_where_needed():
    code = (
        "import sys, alignsar_gpu.products.area, alignsar_gpu.products.selection\n"
        "print([m for m in ('geopandas', 'shapely', 'pyogrio', 'pyproj') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

"""Little files in the form of well-known maps, on a place near Otterlo."""

import zipfile

import geopandas
import numpy as np
import shapely
from raster_maps import write as write_raster
from rasterio.transform import Affine

WEST, SOUTH = 180000, 457000  # m, of the Dutch grid
CORNER = 5.75, 52.11  # degrees, of rasters
PIXEL = 1e-3


def box(column, row=0):
    """A square of 100 m."""
    west, south = WEST + 200 * column, SOUTH + 200 * row
    return shapely.box(west, south, west + 100, south + 100)


def line(column, row=0):
    return shapely.LineString(
        [(WEST + 200 * column, SOUTH + 200 * row), (WEST + 200 * column, SOUTH + 200 * row + 500)]
    )


def layer(shapes, crs="EPSG:28992", **columns):
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs="EPSG:28992").to_crs(crs)


def raster(path, codes, **profile):
    """A raster of degrees whose rows repeat some codes."""
    values = np.tile(np.asarray(codes, dtype=profile.pop("dtype", "uint8")), (4, 1))
    return write_raster(path, values, Affine(PIXEL, 0, CORNER[0], 0, -PIXEL, CORNER[1]), **profile)


GEOFABRIK = {
    "buildings_a": layer([box(0)], "EPSG:4326", fclass=["building"]),
    "roads": layer(
        [line(0), line(1), line(2)], "EPSG:4326", fclass=["motorway", "residential", "track_grade2"]
    ),
    "water_a": layer([box(1), box(2)], "EPSG:4326", fclass=["water", "wetland"]),
    "landuse_a": layer([box(3), box(4), box(5)], "EPSG:4326", fclass=["forest", "farmland", "prison"]),
}


def geofabrik_package(path):
    for name, frame in GEOFABRIK.items():
        frame.to_file(path, layer=f"gis_osm_{name}_free", driver="GPKG")
    return path


def geofabrik_shapes(folder):
    folder.mkdir()
    for name, frame in GEOFABRIK.items():
        frame.to_file(folder / f"gis_osm_{name}_free_1.shp")
    return folder


def zipped(archive, folder):
    with zipfile.ZipFile(archive, "w") as file:
        for member in sorted(folder.iterdir()):
            file.write(member, member.name)
    return archive


def openstreetmap(path):
    """A building, a street and a forest, as OpenStreetMap's editors write them."""
    nodes, ways = [], []
    for number, (column, tags, closed) in enumerate(
        [
            (0, {"building": "yes"}, True),
            (1, {"highway": "residential"}, False),
            (2, {"landuse": "forest"}, True),
            (3, {"natural": "water"}, True),
        ]
    ):
        west, south = 5.766 + 0.002 * column, 52.101
        corners = [(west, south), (west + 0.001, south), (west + 0.001, south + 0.001), (west, south + 0.001)]
        ids = [10 * (number + 1) + k for k in range(4)]
        nodes += [
            f'<node id="{i}" lon="{x}" lat="{y}" version="1"/>'
            for i, (x, y) in zip(ids, corners, strict=True)
        ]
        refs = "".join(f'<nd ref="{i}"/>' for i in [*ids, *(ids[:1] if closed else [])])
        tag = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        ways.append(f'<way id="{number + 1}" version="1">{refs}{tag}</way>')
    path.write_text(f'<?xml version="1.0"?>\n<osm version="0.6">{"".join(nodes + ways)}</osm>')
    return path


def corine_vectors(path, attribute="Code_18"):
    frame = layer([box(0), box(1), box(2)], "EPSG:3035", **{attribute: ["111", "312", "512"]})
    frame.to_file(path, layer="U2018_CLC2018_V2020_20u1", driver="GPKG")
    return path


def top10nl(path):
    layers = {
        "gebouw_vlak": layer([box(0)], typegebouw=["overig"]),
        "wegdeel_vlak": layer([box(1)], typeweg=["straat"]),
        "waterdeel_lijn": layer([line(2), line(3)], breedteklasse=["0,5 - 3 meter", "3 - 6 meter"]),
        "terrein_vlak": layer([box(4), box(5)], typelandgebruik=["bos: naaldbos", "grasland"]),
    }
    for name, frame in layers.items():
        frame.to_file(path, layer=f"top10nl_{name}", driver="GPKG")
    return path


CITY = """<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns:gml="http://www.opengis.net/gml" xmlns:imgeo="http://www.geostandaarden.nl/imgeo/2.1"
xmlns="http://www.opengis.net/citygml/2.0">{objects}</CityModel>"""
OBJECT = """<cityObjectMember><imgeo:{kind} gml:id="o{n}">
<imgeo:relatieveHoogteligging>{level}</imgeo:relatieveHoogteligging>
<imgeo:bgt-status>bestaand</imgeo:bgt-status>{more}<imgeo:{geometry}>
<gml:Polygon srsName="urn:ogc:def:crs:EPSG::28992"><gml:exterior><gml:LinearRing><gml:posList srsDimension="2">{ring}
</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>
</imgeo:{geometry}></imgeo:{kind}></cityObjectMember>"""
ENDED = "<imgeo:eindRegistratie>2019-01-01T00:00:00</imgeo:eindRegistratie>"


def _objects(kind, geometry, *rows):
    """Objects, each of a column, a level and further elements."""
    texts = []
    for n, (column, level, more) in enumerate(rows):
        ring = " ".join(f"{x:.0f} {y:.0f}" for x, y in box(column).exterior.coords)
        texts.append(OBJECT.format(kind=kind, geometry=geometry, n=n, level=level, more=more, ring=ring))
    return CITY.format(objects="".join(texts))


def bgt(path):
    """Two buildings, one of them ended; a road, and another in a tunnel; plants; no railway."""
    plants = "<imgeo:class>{}</imgeo:class>".format
    members = {
        "pand": _objects("BuildingPart", "geometrie2dGrondvlak", (0, 0, ""), (1, 0, ENDED)),
        "wegdeel": _objects("TrafficArea", "geometrie2dWegdeel", (2, 0, ""), (3, -1, "")),
        "begroeidterreindeel": _objects(
            "PlantCover",
            "geometrie2dBegroeidTerreindeel",
            (4, 0, plants("heide")),
            (5, 0, plants("bouwland")),
        ),
        "spoor": CITY.format(objects=""),
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, text in members.items():
            file.writestr(f"bgt_{name}.gml", text)
    return path

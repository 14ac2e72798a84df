"""Vector files for tests, written by other libraries than those under test read them with where there are any."""

import geopandas
import numpy as np
import pytest
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.files import open_vectors
from alignsar_gpu.radarcoding.vectors.rings import Counts

KEY = "radarcoding.layers.test"
OTTERLO = 5.765, 52.1  # degrees
SQUARE = shapely.box(180000, 457000, 180100, 457100)
HOLED = shapely.Polygon(
    [(180200, 457000), (180300, 457000), (180300, 457100), (180200, 457100)],
    [[(180220, 457020), (180240, 457020), (180240, 457040), (180220, 457040)]],
)
EVERYWHERE = shapely.box(5.5, 51.9, 6.0, 52.3)


def frame(shapes, crs="EPSG:28992", **columns):
    return geopandas.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


def write(path, content, **options):
    """By the suffix of the path."""
    if path.suffix == ".parquet":
        content.to_parquet(path, **options)
    else:
        content.to_file(path, engine="pyogrio", **options)
    return path


def opened(path, **keys):
    return open_vectors(VectorLayerConfig(path=str(path), **keys), KEY)


def read(path, area=EVERYWHERE, **keys):
    """(file, its only batch of rings or none, counts)."""
    file, counts = opened(path, **keys), Counts()
    batches = list(file.rings(area, counts))
    assert len(batches) <= 1
    return file, batches[0] if batches else None, counts


def refused(match, path, **keys):
    with pytest.raises(AlignsarError, match=match) as error:
        opened(path, **keys)
    assert str(error.value).startswith(KEY)


def signed_areas(rings):
    """Of each ring, positive where it turns left."""
    assert rings.start[0] == 0
    assert rings.start[-1] == len(rings.x)
    found = []
    for first, last in zip(rings.start[:-1], rings.start[1:], strict=True):
        x, y = (one[first:last] - one[first] for one in (rings.x, rings.y))
        assert x[-1] == 0.0 == y[-1], "a ring is not closed"
        found.append(0.5 * np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return np.array(found)


def area_of(rings):
    """Of all features together: outer rings less holes."""
    areas = np.abs(signed_areas(rings))
    return float(areas[~rings.hole].sum() - areas[rings.hole].sum())


def shapes_of(rings, file=None):
    """Shapely polygons again, in degrees where the file is given: one geometry a feature."""
    x, y = (rings.x, rings.y) if file is None else file.to_geodetic(rings.x, rings.y)
    polygons = [[] for _ in rings.class_index]
    for number, owner in enumerate(rings.owner):
        ring = np.stack([x, y], axis=1)[rings.start[number] : rings.start[number + 1]]
        if rings.hole[number]:
            polygons[owner][-1][1].append(ring)
        else:
            polygons[owner].append((ring, []))
    shapes = [shapely.MultiPolygon([shapely.Polygon(*one) for one in parts]) for parts in polygons]
    return list(shapely.normalize(shapes))

"""Places of made-up scenes: footprints in rows and columns, turned as a track is, with smooth fields of classes."""

import geopandas as gpd
import numpy as np
import shapely

from alignsar_gpu.dataset.chips.splits import Places

UTM = "EPSG:32631"
ORIGIN = np.array([600_123.0, 5_800_456.0])  # the lower left corner
PIXELS = 4096  # of a place


def squares(middles, size, angle=0.0):
    """Squares of ``size`` metres around their middles [place, 2], turned by an angle in degrees."""
    turn = np.radians(angle)
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) * size
    turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return shapely.polygons(np.asarray(middles, dtype=float)[:, None] + turned)


def places_at(middles, size, classes=None, angle=0.0):
    """Places around their middles, all of one class unless counts are given."""
    counts = np.full((len(middles), 1), PIXELS) if classes is None else np.asarray(classes)
    footprints = gpd.GeoSeries(squares(middles, size, angle), crs=UTM)
    return Places(footprints=footprints, classes=counts, names=[f"class_{k}" for k in range(counts.shape[1])])


def scene(rows, columns, *, pitch, size, classes=5, angle=12.0, seed=0):
    """Places in rows and columns ``pitch`` metres apart, with classes that cover more or less of the scene."""
    rng = np.random.default_rng(seed)
    row, column = (values.ravel() for values in np.mgrid[:rows, :columns])
    turn = np.radians(angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middles = ORIGIN + np.stack([column, row], axis=1) * pitch @ axes
    counts = []
    for number in range(classes):
        spots, reach = rng.uniform(0, 1, (8, 2)) * [rows, columns], max(rows, columns) / (6 + 2 * number)
        away = np.hypot(row[:, None] - spots[:, 0], column[:, None] - spots[:, 1]) / reach
        counts.append((np.exp(-(away**2)).max(axis=1).round(2) * PIXELS).astype(np.int64))
    return places_at(middles, size, np.stack(counts, axis=1), angle)


def smallest_distance(shapes, splits):
    """Smallest distance between any two shapes of different splits, by brute force."""
    kept = np.flatnonzero(splits != "")
    one, other = (kept[index] for index in np.triu_indices(len(kept), 1))
    apart = splits[one] != splits[other]
    return shapely.distance(shapes[one[apart]], shapes[other[apart]]).min(initial=np.inf)

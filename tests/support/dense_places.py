"""Brute force for labels: dense places on the ground, and polygons all over an image."""

import numpy as np
import shapely

SUBSAMPLES = (
    24  # along each side of a pixel: 576 of level ground, and 400 or more of slopes that face the radar
)


def dense_places(level, tile):
    """Longitudes and latitudes of places on the ground, ``SUBSAMPLES`` a line and sample, line by line.

    Evenly between the corners of pixels on the level ground: where they are seen is what the exact geometry says.
    """
    down, across = level.window(tile)
    corners = np.meshgrid(
        np.arange(down.start, down.stop + 1) - 0.5,
        np.arange(across.start, across.stop + 1) - 0.5,
        indexing="ij",
    )
    ground = np.stack(level.to_ground(*corners))
    part = (np.arange(SUBSAMPLES) + 0.5) / SUBSAMPLES
    for row in range(ground.shape[1] - 1):
        above, below = ground[:, row, np.newaxis], ground[:, row + 1, np.newaxis]
        edges = above + part[:, np.newaxis] * (below - above)
        steps = np.diff(edges, axis=2)[..., np.newaxis]
        places = (edges[..., :-1, np.newaxis] + part * steps).reshape(2, SUBSAMPLES, -1)
        yield places[0], places[1]


def outline(level):
    """A box in degrees around the whole image."""
    grid = level.terrain.grid
    longitude, latitude = level.to_ground(
        np.array([-20.0, -20.0, grid.lines + 20.0, grid.lines + 20.0]),
        np.array([-150.0, grid.samples + 150.0, -150.0, grid.samples + 150.0]),
    )
    return shapely.box(longitude.min(), latitude.min(), longitude.max(), latitude.max())


def partition(level, count, seed=1):
    """Polygons that share edges and leave nothing uncovered."""
    box = outline(level)
    rng = np.random.default_rng(seed)
    seeds = shapely.MultiPoint(rng.uniform(box.bounds[:2], box.bounds[2:], (count, 2)))
    return [part.intersection(box) for part in shapely.voronoi_polygons(seeds, extend_to=box).geoms]

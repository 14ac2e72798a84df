"""Facets of a terrain and what an antenna sees of them, by definition: numpy alone, for tests of areas."""

from __future__ import annotations

import numpy as np
from radar_scene import E2, A, ecef, seen_by

from alignsar_gpu import kernels


def normals(longitude, latitude):
    """East, north and up (..., 3) at places on the ellipsoid."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    zero = np.zeros_like(lon)
    east = np.stack([-np.sin(lon), np.cos(lon), zero], axis=-1)
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    return east, np.cross(up, east), up


def unit(vector):
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def sights(path, points, doppler=lambda time, slant_range: 0.0 * time):
    """When points (..., 3) are seen, from how far, the unit vector from the antenna to them and its velocity."""
    time, slant_range = seen_by(path, points, doppler)
    return time, slant_range, unit(points - path.position(time)), path.velocity(time)


def closed_form(path, longitude, latitude, height, normal):
    """A_gamma / A_beta of a plane: the cosines of the angles of its normal to the line of sight and to the normal of
    the slant-range plane, one over the other."""
    _, _, sight, velocity = sights(path, ecef(longitude, latitude, height))
    slant_normal = unit(np.cross(sight, velocity))
    return -np.sum(normal * sight, axis=-1) / np.abs(np.sum(normal * slant_normal, axis=-1))


def pixel_area(path, grid, points, doppler=lambda time, slant_range: 0.0 * time):
    """Area (m^2) of a pixel in the slant-range plane: how far a point moves, at its range, to be seen a line later.

    By moving it 10 m along the track, and turning it back to its range.
    """
    _, _, sight, velocity = sights(path, points, doppler)
    along = unit(velocity - np.sum(velocity * sight, axis=-1, keepdims=True) * sight)
    later = seen_by(path, points + 5.0 * along, doppler)[0] - seen_by(path, points - 5.0 * along, doppler)[0]
    return grid.range_step * grid.time_step * 10.0 / later


def corners(array):
    """Values at the three corners of the facets [row, column, half] of posts [row, column, ...], as kernels divide."""
    one, right, below, last = array[:-1, :-1], array[:-1, 1:], array[1:, :-1], array[1:, 1:]
    return [np.stack(pair, axis=2) for pair in ((one, last), (right, below), (below, right))]


def seen_areas(path, grid, longitude, latitude, height):
    """Area times cosine of the local incidence angle, over that of a pixel, of every facet; negative from behind."""
    p, q, r = corners(ecef(longitude, latitude, height))
    middle = (p + q + r) / 3.0
    normal = 0.5 * np.cross(q - p, r - p)
    normal *= np.sign(np.sum(normal * middle, axis=-1, keepdims=True))
    sight = sights(path, middle)[2]
    return -np.sum(normal * sight, axis=-1) / pixel_area(path, grid, middle)


def geodetic(points):
    """Longitude, latitude and height of positions, by ten steps of the usual iteration."""
    flat = np.hypot(points[..., 0], points[..., 1])
    latitude = np.arctan2(points[..., 2], flat * (1.0 - E2))
    for _ in range(10):
        n = A / np.sqrt(1.0 - E2 * np.sin(latitude) ** 2)
        height = flat / np.cos(latitude) - n
        latitude = np.arctan2(points[..., 2], flat * (1.0 - E2 * n / (n + height)))
    return np.degrees(np.arctan2(points[..., 1], points[..., 0])), np.degrees(latitude), height


def surface(longitude, latitude, height, lon, lat):
    """Height between posts on meridians and parallels, on two triangles a cell; -inf beside them."""
    column = (lon - longitude[0, 0]) / (longitude[0, 1] - longitude[0, 0])
    row = (lat - latitude[0, 0]) / (latitude[1, 0] - latitude[0, 0])
    rows, columns = height.shape
    inside = (row >= 0) & (row <= rows - 1) & (column >= 0) & (column <= columns - 1)
    i = np.clip(row.astype(int), 0, rows - 2)
    j = np.clip(column.astype(int), 0, columns - 2)
    v, u = row - i, column - j
    a, b, d, e = height[i, j], height[i, j + 1], height[i + 1, j], height[i + 1, j + 1]
    upper = a + u * (b - a) + v * (d - a)
    lower = e + (1.0 - u) * (d - e) + (1.0 - v) * (b - e)
    return np.where(inside, np.where(u + v <= 1.0, upper, lower), -np.inf)


def hidden(path, longitude, latitude, height, step=4.0):
    """Whether terrain stands between the middle of a facet and the antenna, and by how much it reaches above, m.

    The line of sight is followed in steps of so many metres, until it is above all posts.
    """
    p, q, r = corners(ecef(longitude, latitude, height))
    middle = (p + q + r) / 3.0
    towards = -sights(path, middle)[2]
    most = np.full(middle.shape[:-1], -np.inf)
    length = step
    while True:
        lon, lat, h = geodetic(middle + length * towards)
        if h.min() > height.max():
            return most > 0.0, most
        most = np.maximum(most, surface(longitude, latitude, height, lon, lat) - h)
        length += step


def brute_force(path, grid, longitude, latitude, height, lit, *, first, shape, parts):
    """A_gamma / A_beta by cutting every lit facet into ``parts`` squared pieces, each put into one pixel."""
    total, table = np.zeros(shape), path.table()
    seen = np.where(lit, seen_areas(path, grid, longitude, latitude, height), 0.0).ravel()
    triples = [[c.ravel() for c in corners(a)] for a in (longitude, latitude, height)]

    def pixels(points):
        seed = np.full(len(points[0]), grid.time)
        time, slant_range = kernels.ground_to_radar(*map(np.ascontiguousarray, points), seed, table)
        return grid.line(time) - first + 0.5, grid.sample(slant_range) + 0.5

    at = [np.stack(triple, axis=1) for triple in triples]
    inside = [
        (place.max(axis=1) > -1) & (place.min(axis=1) < count + 1)
        for place, count in zip(pixels(at), shape, strict=True)
    ]
    used = np.flatnonzero(inside[0] & inside[1] & (seen > 0))
    for i in range(parts):
        # the middles of a row of small triangles that stand upright, and of those turned over
        upright, turned = np.arange(parts - i), np.arange(parts - i - 1)
        a = np.concatenate([np.full(upright.size, i + 1 / 3), np.full(turned.size, i + 2 / 3)]) / parts
        b = np.concatenate([upright + 1 / 3, turned + 2 / 3]) / parts
        line, sample = pixels(
            [p[used, None] + a * (q - p)[used, None] + b * (r - p)[used, None] for p, q, r in triples]
        )
        known = (line >= 0) & (line < shape[0]) & (sample >= 0) & (sample < shape[1])
        share = np.broadcast_to(seen[used, None] / parts**2, line.shape)
        np.add.at(total, (line[known].astype(int), sample[known].astype(int)), share[known])
    return total

"""Public functions on ground cells: cover by polygons, accumulation in radar pixels. Checks the arguments."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

from .scalar import FARTHEST_PIXEL, QUANTITIES
from .scalar_covers import ONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "WHOLE_CELL",
    "Cells",
    "accumulate_cells",
    "cover_cells",
    "cover_rings",
    "displace_cells",
    "lattice_cells",
    "reach_rings",
    "resolve_overlaps",
    "spread_rings",
]

WHOLE_CELL = ONE


class Cells(NamedTuple):
    """A grid of ground cells on a chart: rows run along lines, columns along samples.

    Attributes
    ----------
    start : row and column of the first cell, counted in cells from the first node of a lattice.
    steps : cells from a node of the lattice to the next, down and across.
    chart : line and sample of the first cell's first corner, counted from the first pixel that they are added to.
    cell : lines and samples of a cell.
    """

    start: tuple[int, int]
    steps: tuple[int, int]
    chart: tuple[float, float]
    cell: tuple[float, float]


def _placed(cells: Cells, shape: tuple[int, int]) -> tuple[Cells, tuple[int, int]]:
    """The same as plain numbers, checked; ``shape``: rows and columns of what is to be found on a lattice."""
    rows, columns = (operator.index(count) for count in shape)
    plain = Cells(
        start=(operator.index(cells.start[0]), operator.index(cells.start[1])),
        steps=(operator.index(cells.steps[0]), operator.index(cells.steps[1])),
        chart=(float(cells.chart[0]), float(cells.chart[1])),
        cell=(float(cells.cell[0]), float(cells.cell[1])),
    )
    if min(rows, columns) < 0:
        raise ValueError(f"shape: expected rows and columns of cells, none or more, got {shape}")
    finite = np.isfinite(plain.cell).all() and np.abs(plain.chart).max() < FARTHEST_PIXEL
    if min(plain.start) < 0 or min(plain.steps) < 1 or not min(plain.cell) > 0.0 or not finite:
        raise ValueError(
            f"cells: expected a start of 0 or more, steps of 1 or more, a chart within {FARTHEST_PIXEL:.0e} pixels, "
            f"and lines and samples of a cell above 0, got {plain}"
        )
    return plain, (rows, columns)


def _lattice(arrays: Arrays, cells: Cells, shape: tuple[int, int], planes: int) -> Any:
    lattice = arrays.checked("lattice", np.float64, "lattice")
    if lattice.ndim != 3 or lattice.shape[0] < planes:
        raise ValueError(
            f"lattice: expected {planes} planes or more [plane, row, column], got {lattice.shape}"
        )
    for axis in range(2):
        needed = (cells.start[axis] + shape[axis]) // cells.steps[axis] + 2
        if lattice.shape[axis + 1] < needed:
            raise ValueError(
                f"lattice: expected {needed} nodes or more along axis {axis + 1} for {shape[axis]} cells from "
                f"{cells.start[axis]} on, got {lattice.shape}"
            )
    return lattice


def displace_cells(
    lattice: NDArray[np.float64],
    cells: Cells,
    shape: tuple[int, int],
    posts: NDArray[np.float32],
    origin: tuple[int, int],
    shifts: NDArray[np.float32],
    nodes: tuple[int, int, int] = (0, 0, 1),
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute the displacement of the corners of ground cells, from the chart to the image.

    Parameters
    ----------
    lattice : float64 [6, node row, node column]: row and column of the DEM, then lines by metre and by metre
        squared of height above the chart's, then samples; bilinear between nodes. numpy, or on the device.
    shape : rows and columns of cells; there is a corner more along each.
    posts : float32 [row, column], heights of the DEM above the chart's, metres; NaN in holes.
    origin : row and column of the DEM that the first post is.
    shifts : float32 [2, line, node]: lines and samples to take off, per line of pixels, at some samples; linear
        between these, held at the ends; [2, 0, 0] for none.
    nodes : line and sample of the first of ``shifts``, counted as ``cells.chart``, and samples from one to the next.

    Returns
    -------
    Lines and samples, float32 [row + 1, column + 1], where the arrays are; NaN without ground.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, lattice=lattice, posts=posts, shifts=shifts)
    plain, shape = _placed(cells, shape)
    field = _lattice(arrays, plain, shape, QUANTITIES)
    heights = arrays.checked("posts", np.float32, "posts")
    if heights.ndim != 2 or min(heights.shape) < 2:
        raise ValueError(f"posts: expected two rows and columns at least, got the shape {heights.shape}")
    moved = arrays.checked("shifts", np.float32, "shifts")
    if moved.ndim != 3 or moved.shape[0] != 2 or (moved.shape[1] > 0 and moved.shape[2] < 2):
        raise ValueError(f"shifts: expected [2, line, node] with two nodes at least, got {moved.shape}")
    first = (operator.index(origin[0]), operator.index(origin[1]))
    line, sample, step = (operator.index(number) for number in nodes)
    if step < 1:
        raise ValueError(f"nodes: expected a sample or more from one to the next, got {step}")
    corners = shape[0] + 1, shape[1] + 1
    down, across = (arrays.empty(corners, np.float32) for _ in range(2))
    arrays.run(
        "displace_cells",
        field,
        plain.start,
        plain.steps,
        heights.reshape(-1),
        heights.shape,
        first,
        plain.chart,
        plain.cell,
        moved,
        (line, sample, step),
        down,
        across,
    )
    return down, across


def lattice_cells(lattice: NDArray[np.float64], cells: Cells, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Interpolate the planes of a lattice at the centres of cells, bilinear: float64 [row, plane, column].

    Parameters as in `displace_cells`. Raises TypeError or ValueError that names the argument which is wrong.
    """
    arrays = Arrays(__package__, lattice=lattice)
    plain, (rows, columns) = _placed(cells, shape)
    field = _lattice(arrays, plain, (rows, columns), 1)
    values: NDArray[np.float64] = arrays.empty((rows, field.shape[0], columns), np.float64)
    if values.size:
        arrays.run("lattice_cells", field, plain.start, plain.steps, values)
    return values


def cover_cells(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    rings: NDArray[np.int64],
    extents: NDArray[np.float64],
    cover: NDArray[np.int32],
) -> None:
    """Add polygons to the cover of cells, exactly: the signed area of each cell to the right of every edge.

    As rasterisers of fonts do, in fixed point: edges that neighbours share cancel to the last bit. Of what is added,
    the bits are the same on the CPU and on the device, in whichever order edges come.

    Parameters
    ----------
    x, y : float64 (vertices,): columns and rows, counted in cells from the upper left corner; numpy, or on the
        device.
    rings : int64 [ring, 4]: first vertex, vertex after the last (which repeats the first), plane, and sign: 1
        where what lies to the right of its edges that go down is to be added, -1 where it is to be taken away.
    extents : float64 [ring, 2]: smallest and largest y of each.
    cover : int32 [plane, row, column], changed in place; what is in it are differences along rows, see
        `resolve_overlaps`.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, x=x, y=y, rings=rings, extents=extents, cover=cover)
    columns, rows = arrays.checked("x", np.float64, "x"), arrays.checked("y", np.float64, "x")
    found = arrays.checked("rings", np.int64, "rings")
    if found.ndim != 2 or found.shape[1] != 4:
        raise ValueError(f"rings: expected [ring, 4], got {found.shape}")
    reach = arrays.checked("extents", np.float64, "extents")
    if reach.shape != (found.shape[0], 2):
        raise ValueError(f"extents: expected the shape {(found.shape[0], 2)}, got {reach.shape}")
    cells = arrays.checked("cover", np.int32, "cover")
    if cells.ndim != 3:
        raise ValueError(f"cover: expected [plane, row, column], got {cells.shape}")
    if found.size and cells.size:
        _check_rings(found, columns.size, cells.shape[0])
        arrays.run("cover_cells", columns, rows, found, reach, cells.shape[1:], cells.reshape(-1))


def _check_rings(rings: Any, vertices: int, planes: int) -> None:
    first, stop, plane = (rings[:, k] for k in range(3))
    if not ((first >= 0) & (first <= stop) & (stop <= vertices)).all():
        raise ValueError(f"rings: expected the numbers of vertices, of which there are {vertices}")
    if not ((plane >= 0) & (plane < planes)).all():
        raise ValueError(f"rings: expected the numbers of planes, of which there are {planes}")


def resolve_overlaps(cover: NDArray[np.int32], order: NDArray[np.int64]) -> None:
    """Turn the sums of `cover_cells` into covers from 0 to ``WHOLE_CELL``, in place, and resolve overlaps.

    Parameters
    ----------
    cover : int32 [plane, row, column]; numpy, or on the device.
    order : int64 (n,): planes of which the first hides the others and so on; empty: none hides another.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, cover=cover)
    cells = arrays.checked("cover", np.int32, "cover")
    if cells.ndim != 3:
        raise ValueError(f"cover: expected [plane, row, column], got {cells.shape}")
    planes = np.asarray(order)
    if planes.size and planes.dtype.kind not in "iu":
        raise TypeError(f"order: expected whole numbers, got dtype {planes.dtype}")
    planes = planes.astype(np.int64)
    if planes.ndim != 1 or len(set(planes.tolist())) < planes.size:
        raise ValueError(f"order: expected numbers of planes, each once at most, got {order}")
    if planes.size and not 0 <= planes.min() <= planes.max() < cells.shape[0]:
        raise ValueError(
            f"order: expected numbers of planes, of which there are {cells.shape[0]}, got {order}"
        )
    if cells.size:
        arrays.run("resolve_overlaps", cells, arrays.place(planes))


def accumulate_cells(
    cells: Cells,
    down: NDArray[np.float32],
    across: NDArray[np.float32],
    area: NDArray[np.float32],
    planes: NDArray[Any],
    sums: NDArray[np.float64],
) -> None:
    """Add the area of each ground cell to the pixels that it maps to.

    A cell is taken for a parallelogram whose area is spread evenly: exact along samples, and by the mean of its
    upper and lower side along lines.

    Parameters
    ----------
    down, across : float32 [row + 1, column + 1], what `displace_cells` returns; numpy, or on the device.
    area : float32 [row, column].
    planes : [plane, row, column]: int32 or float32 values, or uint8 numbers of classes [1, row, column].
    sums : float64 [plane + 1, line, sample], changed in place: area times value of each plane, the area in the last.
        Of classes: the area of each class, the whole in the last; numbers beyond are no class. Cells that are NaN
        in the first plane are left out.

    On the CPU, the bits do not depend on threads; nor on blocks, for a pixel's cells come in the same order. On the
    device they come in any order, and sums of n parts of cells may differ from one run to the next by n 2^-52 of the
    sum of the parts' magnitudes. From those of the CPU they differ by as many roundings of float32 too, of a cell's
    share each; but of a cell, all pixels together have the same.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, down=down, across=across, area=area, planes=planes, sums=sums)
    lines = arrays.checked("down", np.float32, "down")
    samples = arrays.checked("across", np.float32, "down")
    size = arrays.checked("area", np.float32, "area")
    if lines.ndim != 2 or size.shape != (lines.shape[0] - 1, lines.shape[1] - 1):
        raise ValueError(f"area: expected one less than {lines.shape} along both axes, got {size.shape}")
    dtype = np.dtype(planes.dtype)
    if dtype not in {np.dtype(np.int32), np.dtype(np.float32), np.dtype(np.uint8)}:
        raise TypeError(f"planes: expected dtype int32, float32 or uint8, got {dtype}")
    values = arrays.checked("planes", dtype, "planes")
    if values.ndim != 3 or values.shape[1:] != size.shape or values.shape[0] < 1:
        raise ValueError(
            f"planes: expected [plane, row, column] with cells of {size.shape}, got {values.shape}"
        )
    totals = arrays.checked("sums", np.float64, "sums")
    classes = dtype == np.uint8
    if classes and values.shape[0] > 1:
        raise ValueError(f"planes: expected one plane of numbers of classes, got {values.shape}")
    needed = "2 planes at least" if classes else f"{values.shape[0] + 1} planes"
    if totals.ndim != 3 or (totals.shape[0] < 2 if classes else totals.shape[0] != values.shape[0] + 1):
        raise ValueError(f"sums: expected {needed} [plane, line, sample], got {totals.shape}")
    plain, _ = _placed(cells, (0, 0))
    if size.size and totals.size:
        arrays.run("accumulate_cells", plain.chart, plain.cell, lines, samples, size, values, classes, totals)


def cover_rings(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    rings: NDArray[np.int64],
    windows: NDArray[np.int64],
    covers: NDArray[np.int32],
) -> None:
    """Cover cells with rings as `cover_cells`, each ring in a window of cells of its own.

    Parameters
    ----------
    x, y : float64 (vertices,): columns and rows, see `cover_cells`; numpy, or on the device.
    rings : int64 [ring, 3]: first vertex, vertex after the last, and sign.
    windows : int64 [ring, 5]: first row, row after the last, first column, column after the last, and the number in
        ``covers`` of the first of these cells, whose rows follow each other. What lies beyond a window is left out.
    covers : int32 (cells,), 0 in all windows, changed in place: from -``WHOLE_CELL`` to ``WHOLE_CELL``.

    The bits are the same on the CPU and on the device. Raises TypeError or ValueError that names the argument which
    is not as described.
    """
    arrays = Arrays(__package__, x=x, y=y, rings=rings, windows=windows, covers=covers)
    columns, rows = arrays.checked("x", np.float64, "x"), arrays.checked("y", np.float64, "x")
    found = arrays.checked("rings", np.int64, "rings")
    if found.ndim != 2 or found.shape[1] != 3:
        raise ValueError(f"rings: expected [ring, 3], got {found.shape}")
    cells = arrays.checked("covers", np.int32, "covers")
    parts = _windows(arrays, "windows", len(found), cells)
    if len(found):
        first, stop = found[:, 0], found[:, 1]
        if not ((first >= 0) & (first <= stop) & (stop <= columns.size)).all():
            raise ValueError(f"rings: expected the numbers of vertices, of which there are {columns.size}")
        arrays.run("cover_rings", columns, rows, found, parts, cells)


def reach_rings(
    windows: NDArray[np.int64], down: NDArray[np.float32], across: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Find how far the corners of windows of cells are displaced.

    Parameters
    ----------
    windows : int64 [ring, 5], see `cover_rings`; the places are not looked at.
    down, across : float32 [row + 1, column + 1], what `displace_cells` returns; numpy, or on the device.

    Returns
    -------
    Least and greatest displacement along lines, and along samples, float32 [ring, 4], where the arrays are; an
    infinity, positive for the least, where no corner has ground.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, windows=windows, down=down, across=across)
    lines = arrays.checked("down", np.float32, "down")
    samples = arrays.checked("across", np.float32, "down")
    if lines.ndim != 2 or min(lines.shape) < 1:
        raise ValueError(f"down: expected two dimensions, row and column, got {lines.shape}")
    found = arrays.checked("windows", np.int64, "windows")
    rows, columns = lines.shape[0] - 1, lines.shape[1] - 1
    if found.ndim != 2 or found.shape[1] != 5:
        raise ValueError(f"windows: expected [ring, 5], got {found.shape}")
    if (
        len(found)
        and not (
            (found[:, :4] >= 0) & (found[:, :4] <= arrays.place(np.array([rows, rows, columns, columns])))
        ).all()
    ):
        raise ValueError(f"windows: expected rows and columns of {(rows, columns)} cells")
    reach: NDArray[np.float32] = arrays.empty((len(found), 4), np.float32)
    reach[:, ::2] = np.inf
    reach[:, 1::2] = -np.inf
    if len(found):
        arrays.run("reach_rings", found, lines.reshape(-1), samples.reshape(-1), columns, reach)
    return reach


def spread_rings(
    cells: Cells,
    down: NDArray[np.float32],
    across: NDArray[np.float32],
    area: NDArray[np.float32],
    windows: NDArray[np.int64],
    covers: NDArray[np.int32],
    pixels: NDArray[np.int64],
    scale: float,
    areas: NDArray[np.int64],
) -> None:
    """Add the areas that rings cover to the pixels that show them, each ring in a window of pixels of its own.

    Parameters
    ----------
    cells, down, across, area : see `accumulate_cells`.
    windows, covers : of the rings, see `cover_rings`.
    pixels : int64 [ring, 5]: first line, line after the last, first sample, sample after the last, and the number in
        ``areas`` of the first of these pixels. What is seen beyond is left out.
    scale : whole steps of ``areas`` for a cover of 1 of a cell with an area of 1.
    areas : int64 (pixels,), changed in place: what each part of a cell has, in whole steps.

    What is added are integers: the bits do not depend on threads, blocks or windows, and are the same in every run
    on a device. Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(
        __package__,
        down=down,
        across=across,
        area=area,
        windows=windows,
        covers=covers,
        pixels=pixels,
        areas=areas,
    )
    lines = arrays.checked("down", np.float32, "down")
    samples = arrays.checked("across", np.float32, "down")
    size = arrays.checked("area", np.float32, "area")
    if lines.ndim != 2 or size.shape != (lines.shape[0] - 1, lines.shape[1] - 1):
        raise ValueError(f"area: expected one less than {lines.shape} along both axes, got {size.shape}")
    found = _windows(arrays, "windows", len(windows), arrays.checked("covers", np.int32, "covers"))
    totals = arrays.checked("areas", np.int64, "areas")
    seen = _windows(arrays, "pixels", len(found), totals)
    if len(found) and not ((found[:, 1] <= size.shape[0]) & (found[:, 3] <= size.shape[1])).all():
        raise ValueError(f"windows: expected rows and columns of {size.shape} cells")
    plain, _ = _placed(cells, (0, 0))
    if len(found):
        flat = [array.reshape(-1) for array in (lines, samples, size)]
        given = (plain.chart, plain.cell, *flat, size.shape[1], found, covers, seen, float(scale), totals)
        arrays.run("spread_rings", *given)


def _windows(arrays: Arrays, name: str, count: int, buffer: Any) -> Any:
    """The table of windows [ring, 5], each of which lies within a flat buffer."""
    found = arrays.checked(name, np.int64, name)
    if found.shape != (count, 5):
        raise ValueError(f"{name}: expected the shape {(count, 5)}, got {found.shape}")
    if not count:
        return found
    first, stop, left, right, place = (found[:, k] for k in range(5))
    fits = (first >= 0) & (first <= stop) & (left >= 0) & (left <= right) & (place >= 0)
    if not (fits & (place + (stop - first) * (right - left) <= buffer.size)).all():
        raise ValueError(f"{name}: expected windows that lie within {buffer.size} numbers")
    return found

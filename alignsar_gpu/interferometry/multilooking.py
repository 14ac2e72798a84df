"""Multilooked interferograms of pairs of a stack: averages over cells of its grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from alignsar_gpu.kernels import amplitude_intensity_phase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignsar_gpu.stack.block import Stack
    from alignsar_gpu.stack.ground import Ground

STRIP_PIXELS = 1 << 21  # products of so many pixels stay in a cache, and still fill a GPU


class Interferogram(NamedTuple):
    """Some lines of a multilooked interferogram of a pair; arrays [line, sample] of cells, on the device.

    Attributes
    ----------
    pair : index into the pairs asked for.
    polarization : for example "vv".
    phase : float32 radians of first * conj(second), averaged as complex numbers; NaN where there is no data.
    coherence : float32 within 0..1; NaN where there is no data.
    mean : complex64 mean of first * conj(second); NaN where there is no data.
    """

    pair: int
    polarization: str
    phase: Any
    coherence: Any
    mean: Any


def _whole_cells(stack: Stack, looks: tuple[int, int]) -> tuple[slice, slice]:
    """The lines (within the block) and samples of the stack's core that make whole cells."""
    first, stop = stack.begin + stack.first, stack.begin + stack.stop
    if first % looks[0] or (stop % looks[0] and stop != stack.grid.lines):
        raise ValueError(f"lines {first} to {stop} cut cells of {looks[0]} lines, which begin at line 0")
    height = (stop - first) // looks[0] * looks[0]
    return slice(stack.first, stack.first + height), slice(stack.grid.samples // looks[1] * looks[1])


def _cell_sums(values: Any, looks: tuple[int, int]) -> Any:
    """Sums over cells. The order of the additions is that of the pixels, whatever the extent of the array."""
    lines, samples = looks
    rows = values[::lines].copy()
    for line in range(1, lines):
        rows += values[line::lines]
    cells = rows[:, ::samples].copy()
    for sample in range(1, samples):
        cells += rows[:, sample::samples]
    return cells


def _power(pixels: Any) -> Any:
    real, imaginary = pixels.real * pixels.real, pixels.imag * pixels.imag
    real += imaginary
    return real


class _Channel:
    """One polarization of a stack's core, as whole cells; the sums of a date alone are kept for its next pair."""

    def __init__(self, stack: Stack, polarization: int, looks: tuple[int, int]) -> None:
        lines, samples = _whole_cells(stack, looks)
        self._pixels = stack.pixels[:, polarization, lines, samples]
        self._valid = stack.valid[:, polarization, lines, samples]
        self._looks, self._xp = looks, stack.device.xp
        self._own: dict[int, tuple[Any, Any]] = {}

    def _strips(self) -> Iterator[slice]:
        height, width = self._pixels.shape[-2:]
        looks = self._looks[0]
        step = max(STRIP_PIXELS // max(width * looks, 1), 1) * looks
        for first in range(0, height, step):
            yield slice(first, first + step)

    def _sums(self, of: Any) -> Any:
        """Sums over cells of the images that ``of`` gives of a strip, strip by strip."""
        parts = [_cell_sums(of(strip), self._looks) for strip in self._strips()]
        height, width = self._pixels.shape[-2] // self._looks[0], self._pixels.shape[-1] // self._looks[1]
        return self._xp.concatenate(parts) if parts else self._xp.zeros((height, width), np.float32)

    def _power_and_count(self, date: int, mask: Any) -> tuple[Any, Any]:
        """Power of a date and number of pixels, where ``mask`` and the date are valid."""
        pixels = self._pixels[date]
        power = self._sums(lambda strip: _power(pixels[strip]) * mask[strip])
        return power, self._sums(lambda strip: mask[strip].astype(np.int32))

    def _alone(self, date: int) -> tuple[Any, Any]:
        if date not in self._own:
            self._own[date] = self._power_and_count(date, self._valid[date])
        return self._own[date]

    def _powers_and_count(self, first: int, second: int) -> tuple[tuple[Any, Any], Any]:
        """Powers of both dates, and number of pixels, where both are valid."""
        if bool((self._valid[first] == self._valid[second]).all()):
            (power, count), (other, _) = self._alone(first), self._alone(second)
        else:
            both = self._valid[first] & self._valid[second]
            (power, count), (other, _) = (self._power_and_count(date, both) for date in (first, second))
        return (power, other), count

    def interferogram(self, first: int, second: int) -> tuple[Any, Any, Any]:
        """Phase, coherence and mean of first * conj(second)."""
        xp = self._xp
        with np.errstate(over="ignore", invalid="ignore"):  # pixels that are not finite end as no data
            product = self._sums(lambda s: self._pixels[first, s] * xp.conj(self._pixels[second, s]))
            powers, count = self._powers_and_count(first, second)
            scale = xp.sqrt(powers[0]) * xp.sqrt(powers[1])
        enough = 2 * count >= self._looks[0] * self._looks[1]
        known = enough & (scale > 0) & xp.isfinite(scale)
        product = xp.where(known, product, np.complex64(0))
        scale = xp.where(known, scale, np.float32(1))
        magnitude, _, phase = amplitude_intensity_phase(product / scale, known)
        count = xp.where(known, count, 1).astype(np.float32)
        mean = xp.where(known, product / count, np.complex64(complex(np.nan, np.nan)))
        return phase, xp.minimum(magnitude, np.float32(1)), mean


def multilooked(
    stack: Stack, pairs: Sequence[tuple[int, int]], looks: tuple[int, int]
) -> Iterator[Interferogram]:
    """Compute the multilooked interferograms of ``pairs`` of dates, in all polarizations, over the stack's core.

    Coherence is |sum of first * conj(second)| / sqrt(sum |first|^2 sum |second|^2) over the pixels of a cell
    that are valid on both dates (Touzi et al. 1999, IEEE TGRS 37(1)). There is data where these are at least
    half of the cell and no sum is 0 or not finite.

    Parameters
    ----------
    stack : flattened, if the interferograms are to be. Its core must begin at a cell, and end at one or at the last
        line of the grid; blocks of whatever so many cells give the same bits. No halo is needed.
    pairs : indices of dates.
    looks : lines and samples of a cell. Cells begin at line 0 and sample 0 of the grid; those that it cuts
        short are left out.
    """
    for polarization, name in enumerate(stack.polarizations):
        channel = _Channel(stack, polarization, looks)
        for index, pair in enumerate(pairs):
            yield Interferogram(index, name, *channel.interferogram(*pair))


def _at_centres(values: Any, looks: tuple[int, int]) -> list[Any]:
    """The one, two or four pixels around the centre of each cell, each an image of cells."""
    rows, columns = (size // count for size, count in zip(values.shape, looks, strict=True))
    whole = values[: rows * looks[0], : columns * looks[1]]
    lines, samples = (sorted({(count - 1) // 2, count // 2}) for count in looks)
    return [whole[line :: looks[0], sample :: looks[1]] for line in lines for sample in samples]


def cell_centres(ground: Ground, lines: slice, looks: tuple[int, int]) -> tuple[Any, Any, Any]:
    """Compute longitude, latitude (degrees) and height (m) of the centres of the cells of some lines, where they are.

    ``lines`` are those of ``ground`` (a stack's core), the first at the beginning of a cell. Between the two or four
    pixels around a centre that lies on none; NaN where one of them is.
    """
    longitudes, latitudes, heights = (
        _at_centres(values[lines], looks) for values in (ground.longitude, ground.latitude, ground.height)
    )
    # differences, for +180 and -180 degrees lie side by side
    turned = [(longitude - longitudes[0] + 180.0) % 360.0 - 180.0 for longitude in longitudes]
    longitude = longitudes[0] + _mean(turned)
    longitude = np.where(np.abs(longitude) > 180.0, longitude - np.copysign(360.0, longitude), longitude)
    return longitude, _mean(latitudes), _mean(heights)


def _mean(images: Sequence[Any]) -> Any:
    return sum(images[1:], images[0]) / len(images)

"""Public functions for polarimetric signatures. Checks the arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays, half_window, lines_between

from .cpu_rows import WIDEST
from .measures import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DUAL_OUTPUTS = KINDS["dual"].outputs
QUAD_OUTPUTS = KINDS["quad"].outputs
NO_LOWEST = -np.inf


def _slots(kind: str, outputs: Sequence[str]) -> NDArray[np.int64]:
    """For every output of a kind, its place among those that are wanted, or -1."""
    known = KINDS[kind].outputs
    unknown = [name for name in outputs if name not in known]
    if unknown or len(set(outputs)) != len(outputs):
        raise ValueError(f"outputs: expected some of {', '.join(known)}, each once, got {', '.join(outputs)}")
    slots = np.full(len(known), -1, np.int64)
    slots[[known.index(name) for name in outputs]] = np.arange(len(outputs))
    return slots


def _radiometry(arrays: Arrays, channels: int, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Gains and noise, [channel, line, sample], or empty."""
    found = []
    for name in ("gains", "noise"):
        if name in arrays:
            array = arrays.checked(name, np.float32, name)
            if array.shape != (channels, *shape):
                raise ValueError(f"{name}: expected the shape {(channels, *shape)}, got {array.shape}")
            found.append(array)
        else:
            found.append(arrays.empty((0, 0, 0), np.float32))
    return found[0], found[1]


def _results(arrays: Arrays, shape: tuple[int, ...]) -> Any:
    """The array ``out`` of this shape, or a new one."""
    if "out" not in arrays:
        return arrays.empty(shape, np.float32)
    out = arrays.checked("out", np.float32, "out")
    if out.shape != shape:
        raise ValueError(f"out: expected the shape {shape}, got {out.shape}")
    return out


def _given(**arrays: Any) -> dict[str, Any]:
    return {name: array for name, array in arrays.items() if array is not None}


def polarimetric_signatures(
    channels: Sequence[NDArray[np.complex64]],
    valid: NDArray[np.bool_],
    outputs: Sequence[str],
    *,
    window: tuple[int, int],
    gains: NDArray[np.float32] | None = None,
    noise: NDArray[np.float32] | None = None,
    lowest: float = NO_LOWEST,
    first: int = 0,
    stop: int | None = None,
    out: NDArray[np.float32] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Compute signatures of the covariance matrix over a rectangular window, in one pass over the channels.

    Parameters
    ----------
    channels : two complex64 images [line, sample], co-polarized and cross-polarized; or four, HH, HV, VH and VV (of
        which HV and VH may be the same). C-contiguous; numpy, or on the device.
    valid : bool [line, sample]: where all channels mean something. Sums are over the valid pixels of a window and
        within the image, divided by their number.
    outputs : names of the signatures, of `DUAL_OUTPUTS` or `QUAD_OUTPUTS`.
    window : lines and samples of the window, odd, 255 samples at most.
    gains : float32 [channel, stop - first, sample], where the channels are: what powers are multiplied by, in the
        middle of the window (of four channels: HH, their mean cross-polarization, VV); 1 by default.
    noise : the same shape: power to be subtracted after that; 0 by default.
    lowest : single pixels whose power, less noise, is below this are NaN in the signatures of the pixel alone.
    first, stop : lines to return signatures of; all by default. The lines around these serve as halo.
    out : float32 [output, stop - first, sample], where the channels are: to be written to; a new one by default, whose
        memory takes as long to come by as half of what is computed.

    Returns
    -------
    float32 [stop - first, sample] for each name, parts of ``out``, where the channels are. NaN where the pixel is
    not valid, and where the matrix has no power, or noise leaves one of its powers negative. The bits depend neither
    on blocks (with a halo of half a window, or up to the edge of the image) nor on threads.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    kind = {2: "dual", 4: "quad"}.get(len(channels))
    if kind is None:
        raise ValueError(f"channels: expected two or four, got {len(channels)}")
    names = [f"channels[{i}]" for i in range(len(channels))]
    arrays = Arrays(
        __package__,
        **dict(zip(names, channels, strict=True)),
        **_given(valid=valid, gains=gains, noise=noise, out=out),
    )
    images = [arrays.checked(name, np.complex64, names[0]) for name in names]
    mask = arrays.checked("valid", np.bool_, names[0])
    half = half_window(window)
    if 2 * half[1] + 1 > WIDEST:
        raise ValueError(f"window: expected at most {WIDEST} samples, got {window!r}")
    begin, end = lines_between(names[0], images[0], first, stop)
    shape = (end - begin, mask.shape[1])
    slots = _slots(kind, outputs)
    radiometry = _radiometry(arrays, KINDS[kind].channels, shape)
    results = _results(arrays, (len(outputs), *shape))
    given = ((*images, mask), radiometry, np.float32(lowest), half, begin, arrays.place(slots), shape)
    arrays.run("window_signatures", kind, *given, results.reshape(-1))
    return {name: results[i] for i, name in enumerate(outputs)}


def matrix_signatures(
    planes: NDArray[np.float32],
    valid: NDArray[np.bool_],
    outputs: Sequence[str],
    *,
    gains: NDArray[np.float32] | None = None,
    noise: NDArray[np.float32] | None = None,
    lowest: float = NO_LOWEST,
) -> dict[str, NDArray[np.float32]]:
    """Compute signatures of given covariance matrices, for example filtered ones.

    Parameters
    ----------
    planes : float32 [plane, line, sample], C-contiguous; numpy, or on the device. Four planes: c11, c22, Re c12 and
        Im c12. Nine: C3 of [HH, sqrt(2) HV, VV] as its three powers, then c12, c13 and c23 as real and imaginary part.
    valid : bool [line, sample].
    outputs, gains, noise, lowest : as for `polarimetric_signatures`; the pixel alone is here its matrix.

    Returns
    -------
    As `polarimetric_signatures`.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, **_given(planes=planes, valid=valid, gains=gains, noise=noise))
    matrix = arrays.checked("planes", np.float32, "planes")
    kind = next(
        (name for name, one in KINDS.items() if matrix.ndim == 3 and matrix.shape[0] == one.planes), None
    )
    if kind is None:
        raise ValueError(
            f"planes: expected four or nine planes of lines and samples, got the shape {matrix.shape}"
        )
    mask = arrays.checked("valid", np.bool_, "valid")
    shape = matrix.shape[1:]
    if mask.shape != shape:
        raise ValueError(f"valid: expected the shape {shape} of a plane, got {mask.shape}")
    slots = _slots(kind, outputs)
    radiometry = _radiometry(arrays, KINDS[kind].channels, shape)
    out = arrays.empty((len(outputs), *shape), np.float32)
    given = (matrix, mask, radiometry, np.float32(lowest), arrays.place(slots), shape)
    arrays.run("matrix_signatures", kind, *given, out.reshape(-1))
    return {name: out[i] for i, name in enumerate(outputs)}

"""Which layers of which dates a network gets, in which order, and how they are scaled."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.description import read_facts, read_statistics
from alignsar_gpu.dataset.chips.samples import Scaling as LayerScaling
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.samples import Samples

REAL, IMAGINARY = "_real", "_imag"  # end the names of the parts of complex layers


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel of the images that a network gets.

    Attributes
    ----------
    layer : its name; of a complex layer NAME the parts ``NAME_real`` and ``NAME_imag``.
    date : number of the date of a place, 0 the earliest; None: a layer without time, or the sample's own date.
    """

    layer: str
    date: int | None = None

    def __str__(self) -> str:
        return self.layer if self.date is None else f"{self.layer} of date {self.date + 1}"


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """How the values of channels become those that a network gets, by the training split alone.

    (decibels log10(value) where ``decibels`` is not 0, else value; less ``mean``) / ``deviation``; what is not known
    becomes 0.
    """

    decibels: Sequence[float]
    mean: Sequence[float]
    deviation: Sequence[float]

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale values [channel, line, sample], float32, in place."""
        for number, factor in enumerate(self.decibels):
            if factor:
                with np.errstate(divide="ignore", invalid="ignore"):
                    np.log10(values[number], out=values[number])
                values[number] *= np.float32(factor)
            values[number] -= np.float32(self.mean[number])
            values[number] /= np.float32(self.deviation[number])
        values[~np.isfinite(values)] = 0.0
        return values


def is_part(layer: str) -> bool:
    """Return whether a layer is the real or imaginary part of a complex one."""
    return layer.endswith((REAL, IMAGINARY))


def channels_of(samples: Samples, *, parts: bool = False) -> list[Channel]:
    """Return the channels that `stacked` makes of a sample: without the parts of complex layers, or these alone.

    Of samples with all dates of a place: layers of the first date, the second and so on; layers without time; and
    layers that compare a date with the reference date, of all others.
    """
    images, ground, pairs = (
        [name for name in samples.layers.get(array, ()) if is_part(name) == parts]
        for array in ("images", "ground", "pairs")
    )
    if not samples.together:
        return [Channel(layer=name) for name in samples.channels if is_part(name) == parts]
    dates, reference = dates_of(samples)
    compared = [date for date in range(dates) if date != reference]
    return [
        *(Channel(layer=name, date=date) for date in range(dates) for name in images),
        *(Channel(layer=name) for name in ground),
        *(Channel(layer=name, date=date) for date in compared for name in pairs),
    ]


def dates_of(samples: Samples) -> tuple[int, int | None]:
    """Return the number of dates of samples, and which of them is the reference date.

    Raises AlignsarError where places differ in it.
    """
    known = samples.index["is_reference"].to_numpy()
    found = set()
    for number in range(len(samples)):
        of = known[samples.rows(number)]
        found.add((len(of), int(np.flatnonzero(of)[0]) if of.any() else None))
    if len(found) > 1:
        raise AlignsarError(
            f"{samples.folder}: its places have different dates or reference dates, and a network gets one kind; "
            "choose chips of one scene"
        )
    return found.pop() if found else (0, None)


def stacked(sample: Mapping[str, Any], samples: Samples, *, parts: bool = False) -> NDArray[np.float32]:
    """Stack the layers of a sample as [channel, line, sample], in the order of `channels_of`."""
    image, names = sample["image"], samples.channels
    if not samples.together:
        chosen = [number for number, name in enumerate(names) if is_part(name) == parts]
        return np.ascontiguousarray(image[chosen])
    ground = set(samples.layers.get("ground", ()))
    dated = [n for n, name in enumerate(names) if name not in ground and is_part(name) == parts]
    fixed = [n for n, name in enumerate(names) if name in ground and not parts]
    size = image.shape[-2:]
    stack = [image[:, dated].reshape(-1, *size), image[0, fixed]]
    if "pairs" in sample and not parts:
        stack.append(sample["pairs"].reshape(-1, *size))
    return np.concatenate(stack)


def scaling_of(channels: Sequence[Channel], folder: Path) -> Scaling:
    """Return the scaling of channels by the training split of the chips in a folder."""
    names = [channel.layer for channel in channels]
    of = LayerScaling.of(names, read_facts(folder), read_statistics(folder), decibel=True, normalize=True)
    decibels, mean, deviation = (
        [float(value) for value in values.ravel()] for values in (of.decibels, of.mean, of.deviation)
    )
    return Scaling(decibels=decibels, mean=mean, deviation=deviation)


def require_channels(wanted: Sequence[Channel], there: Sequence[Channel], where: str) -> None:
    """Raise AlignsarError if the channels of chips are not those of a model."""
    if list(wanted) == list(there):
        return
    missing = [str(one) for one in wanted if one not in there]
    others = [str(one) for one in there if one not in wanted]
    said = [f"it lacks {', '.join(missing)}"] * bool(missing) + [
        f"it has {', '.join(others)} besides"
    ] * bool(others)
    raise AlignsarError(
        f"{where}: has other channels than the model was trained on: {'; '.join(said) or 'their order differs'}; "
        f"make its chips with the same dates and chips.layers=[{','.join(dict.fromkeys(c.layer for c in wanted))}]"
    )


def as_plain(channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """Return channels as plain values."""
    return [asdict(channel) for channel in channels]

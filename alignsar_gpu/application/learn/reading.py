"""Read what a network gets from a cube: windows of its channels, scaled as those of the chips it was trained on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.cube import DIMENSIONS, OF_REFERENCE
from alignsar_gpu.dataset.dates import date_name
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.learn.channels import Channel
    from alignsar_gpu.learn.model_files import ModelFacts

    Window = tuple[slice, slice]

TIME = DIMENSIONS[0]
PARTS = {"_real": "real", "_imag": "imag"}  # ends of names of chips' layers


class ChannelReader:
    """The channels of a model, in a cube.

    Parameters
    ----------
    cube : opened, lazily.
    facts : of the model.
    model : its name, for messages.

    Raises AlignsarError for layers that the cube does not have.
    """

    def __init__(self, cube: xr.Dataset, facts: ModelFacts, model: str) -> None:
        self._cube, self._facts, self._model = cube, facts, model
        lacking = {channel.layer for channel in facts.channels if self._source(channel.layer)[0] not in cube}
        if lacking:
            raise AlignsarError(
                f"learn.predict={model}: the model takes {', '.join(sorted(lacking))}, which this dataset does not "
                "have; make it with the signatures that the model was trained on"
            )

    @cached_property
    def dates(self) -> list[int]:
        """Numbers of the dates of the cube, the earliest first."""
        return [int(date) for date in np.argsort(self._cube[TIME].values, kind="stable")]

    @cached_property
    def reference(self) -> int | None:
        """Number of the reference date."""
        names = [date_name(time) for time in self._cube[TIME].values]
        reference = str(self._cube.attrs.get("reference_date", "")).replace("-", "")
        return names.index(reference) if reference in names else None

    @property
    def compares(self) -> bool:
        """Whether a channel compares a date with the reference date."""
        return any(OF_REFERENCE in self._layer(channel).attrs for channel in self._facts.channels)

    def require(self, dates: int) -> None:
        """Raise AlignsarError if the model takes more dates than samples have."""
        needed = 1 + max((channel.date or 0 for channel in self._facts.channels), default=0)
        if needed > dates:
            raise AlignsarError(
                f"learn.predict={self._model}: the model takes {needed} dates, and there are {dates}; name a model "
                "that was trained on as many"
            )

    def read(self, dates: Sequence[int], window: Window) -> NDArray[np.float32]:
        """Read a window of a sample with these dates, [channel, line, sample], as the network gets it."""
        size = [part.stop - part.start for part in window]
        values = np.empty((len(self._facts.channels), *size), dtype=np.float32)
        for number, channel in enumerate(self._facts.channels):
            values[number] = self._values(channel, dates, window)
        return self._facts.scaling(values)

    def known(self, dates: Sequence[int], window: Window) -> NDArray[np.bool_]:
        """Return where one of the dates has data, in a window."""
        valid = self._cube["valid"].variable
        found = [np.asarray(valid[(date, *window)].values) == 1 for date in dates]
        return np.asarray(np.any(found, axis=0))

    def _source(self, layer: str) -> tuple[str, str]:
        """Return the layer of the cube that has a layer of chips, and the part of it."""
        for end, part in PARTS.items():
            if layer.endswith(end) and layer not in self._cube:
                return layer.removesuffix(end), part
        return layer, ""

    def _layer(self, channel: Channel) -> xr.DataArray:
        return self._cube[self._source(channel.layer)[0]]

    def _values(self, channel: Channel, dates: Sequence[int], window: Window) -> NDArray[Any]:
        layer, part = self._layer(channel), self._source(channel.layer)[1]
        where: tuple[Any, ...] = window
        if TIME in layer.dims:
            date = dates[channel.date or 0]
            if OF_REFERENCE in layer.attrs and date == self.reference:
                return np.full([part.stop - part.start for part in window], np.nan, dtype=np.float32)
            where = (date, *window)
        values = np.asarray(layer.variable[where].values)
        return np.asarray(getattr(values, part)) if part else values

"""Field layers: what a gridded field with time has at each pixel when each date was acquired; delays of the air."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.radarcoding.fields.delays import atmospheric_phase, slant_delay
from alignsar_gpu.radarcoding.layers import Made

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.fields.files import FieldFile
    from alignsar_gpu.radarcoding.layers import Scene, Strip

MOST_POINTS = 2_000_000  # pixels that are interpolated together


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldLayers:
    """A field and what becomes of it.

    Attributes
    ----------
    name : of the layer. zenith : whether it is a zenith delay in metres, of which slant delay and phase are made too.
    attributes : what is said of the layers besides.
    """

    name: str
    file: FieldFile
    zenith: bool
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        """See `layers.Source`."""
        return self.file.files

    @property
    def layers(self) -> tuple[Made, ...]:
        """See `layers.Source`."""
        own = {
            "units": self.file.units or "1",
            "long_name": self.file.long_name or self.name.replace("_", " "),
            "description": "interpolated bilinearly to the pixel and linearly to the time of the date",
        }
        made = [Made(name=self.name, dtype="float32", dated=True, attributes={**own, **self.attributes})]
        if self.zenith:
            slant = {
                "units": "m",
                "long_name": "delay in the air along the line of sight",
                "description": "zenith delay over the cosine of the incidence angle",
            }
            phase = {
                "units": "rad",
                "long_name": "atmospheric phase",
                "description": (
                    "-4 pi / wavelength (slant delay of the reference - that of the date), not wrapped: what the air "
                    "adds to the interferometric phase"
                ),
            }
            made += [
                Made(
                    name=f"{self.name}_slant",
                    dtype="float32",
                    dated=True,
                    attributes={**slant, **self.attributes},
                ),
                Made(
                    name=f"{self.name}_phase",
                    dtype="float32",
                    dated=True,
                    attributes={**phase, **self.attributes},
                ),
            ]
        return tuple(made)

    def require_inside(self, scene: Scene) -> None:
        """See `layers.Source`."""
        self.file.require(*scene.places(), scene.times)

    def strip(self, scene: Scene, strip: Strip) -> Iterator[tuple[str, int | None, NDArray[Any]]]:
        """See `layers.OfStrips`."""
        shape = strip.longitude.shape
        lines = max(MOST_POINTS // shape[1], 1)
        parts = [slice(first, first + lines) for first in range(0, shape[0], lines)]
        places = [self.file.positions(strip.longitude[part], strip.latitude[part]) for part in parts]

        def of(time: np.datetime64) -> NDArray[np.float64]:
            return np.concatenate([self.file.at(*place, time) for place in places])

        wavelength = scene.chart.terrain.grid.wavelength
        reference = (
            slant_delay(of(scene.times[scene.reference]), strip.incidence) if self.zenith else np.zeros(0)
        )
        for date, time in enumerate(scene.times):
            values = of(time)
            yield self.name, date, values.astype(np.float32)
            if self.zenith:
                delay = slant_delay(values, strip.incidence)
                phase = atmospheric_phase(reference, delay, wavelength)
                yield f"{self.name}_slant", date, delay.astype(np.float32)
                yield f"{self.name}_phase", date, phase.astype(np.float32)

    def facts(self) -> dict[str, Any]:
        """See `layers.Source`."""
        return {
            self.name: {
                "units": self.file.units,
                "variable": self.file.variable,
                "coordinates": self.file.operation,
            }
        }

    def warnings(self) -> list[str]:
        """See `layers.Source`."""
        return []

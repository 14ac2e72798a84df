"""Field layers: values of a gridded field at each pixel when each date was acquired; delays in the air."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.radarcoding.fields.delays import atmospheric_phase, slant_delay
from alignsar_gpu.radarcoding.fields.opening import open_field
from alignsar_gpu.radarcoding.layers import LayerSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
    from alignsar_gpu.radarcoding.fields.files import FieldFile
    from alignsar_gpu.radarcoding.layers import LabelScene, Strip

MOST_POINTS = 2_000_000  # pixels that are interpolated together


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldLayers:
    """A gridded field and the layers that are made of it, each for every date.

    Attributes
    ----------
    name : of the layer.
    zenith : whether it is a zenith delay in metres, of which layers of slant delay and phase are made too.
    attributes : further attributes of the layers.
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
    def layers(self) -> tuple[LayerSpec, ...]:
        """See `layers.Source`."""
        field_attributes = {
            "units": self.file.stated("units") or "1",
            "long_name": self.file.stated("long_name") or self.name.replace("_", " "),
            "description": "interpolated bilinearly to the pixel and linearly to the time of the date",
        }
        specs = [self._spec("", field_attributes)]
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
            specs += [self._spec("_slant", slant), self._spec("_phase", phase)]
        return tuple(specs)

    def _spec(self, ending: str, attributes: Mapping[str, Any]) -> LayerSpec:
        return LayerSpec(
            name=f"{self.name}{ending}",
            dtype="float32",
            dated=True,
            attributes={**attributes, **self.attributes},
        )

    def require_inside(self, scene: LabelScene) -> None:
        """See `layers.Source`."""
        self.file.require(*scene.ground_points(), scene.times)

    def strip(self, scene: LabelScene, strip: Strip) -> Iterator[tuple[str, int | None, NDArray[Any]]]:
        """See `layers.StripSource`."""
        shape = strip.longitude.shape
        lines = max(MOST_POINTS // shape[1], 1)
        parts = [slice(first, first + lines) for first in range(0, shape[0], lines)]
        places = [self.file.positions(strip.longitude[part], strip.latitude[part]) for part in parts]

        def values_at(time: np.datetime64) -> NDArray[np.float64]:
            return np.concatenate([self.file.at(*place, time) for place in places])

        wavelength = scene.level_ground.terrain.grid.wavelength
        reference = (
            slant_delay(values_at(scene.times[scene.reference]), strip.incidence)
            if self.zenith
            else np.zeros(0)
        )
        for date, time in enumerate(scene.times):
            values = values_at(time)
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
                "units": self.file.stated("units"),
                "variable": self.file.variable,
                "coordinates": self.file.operation,
            }
        }

    def warnings(self) -> list[str]:
        """See `layers.Source`."""
        return []


def open_layer(name: str, layer: FieldLayerConfig, key: str, attributes: Mapping[str, str]) -> FieldLayers:
    """Open the field of a layer; see `kinds.LabelKind`."""
    return FieldLayers(
        name=name, file=open_field(layer, key), zenith=layer.delay == "zenith", attributes=attributes
    )

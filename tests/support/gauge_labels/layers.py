"""The layer of a gauge: its reading of the day in every pixel."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.layers import LayerSpec


@dataclass
class GaugeLayers:
    name: str
    key: str
    files: list
    readings: dict
    attributes: dict

    @property
    def layers(self):
        return [LayerSpec(name=self.name, dtype="float32", attributes=self.attributes, dated=True)]

    def require_inside(self, scene):
        for day in scene.times.astype("datetime64[D]"):
            if day not in self.readings:
                raise AlignsarError(f"{self.key}.path: has no reading of {day}")

    def strip(self, scene, strip):
        for date, day in enumerate(scene.times.astype("datetime64[D]")):
            yield self.name, date, np.full(strip.longitude.shape, self.readings[day], dtype=np.float32)

    def facts(self):
        return {self.name: {"readings": len(self.readings)}}

    def warnings(self):
        return []


def open_layer(name, layer, key, attributes):
    path = Path(layer.path)
    if not path.is_file():
        raise AlignsarError(f"{key}.path: {path}: there is no such file")
    rows = (line.split() for line in path.read_text().splitlines())
    readings = {np.datetime64(day): layer.factor * float(reading) for day, reading in rows}
    return GaugeLayers(name, key, [path], readings, {"units": layer.unit, **attributes})

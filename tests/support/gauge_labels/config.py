"""The keys of a layer of kind=gauge."""

from dataclasses import dataclass

from alignsar_gpu.config.keys import key
from alignsar_gpu.config.radarcoding import LayerConfig


@dataclass
class GaugeLayerConfig(LayerConfig):
    """Keys of a layer of kind=gauge; ``path`` is a text of lines such as "2022-01-02 0.35"."""

    kind: str = key("gauge", "readings of a gauge", choices=("gauge",))
    unit: str = key("1", "unit of the readings")
    factor: float = key(1.0, "what readings are multiplied by", bounds=(0.0, None))

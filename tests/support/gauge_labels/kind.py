"""The kind of label `gauge`."""

from alignsar_gpu.radarcoding.kinds import LabelKind
from gauge_labels.config import GaugeLayerConfig


def _open(name, layer, key, attributes):
    from gauge_labels import layers  # noqa: PLC0415  (what is heavy is loaded where it is needed)

    return layers.open_layer(name, layer, key, attributes)


GAUGE = LabelKind(schema=GaugeLayerConfig, makes="strips", open_layer=_open)

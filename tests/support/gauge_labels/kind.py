"""The kind of label `gauge`."""

from alignsar_gpu.radarcoding.kinds import LabelKind
from gauge_labels.config import GaugeLayerConfig

GAUGE = LabelKind(schema=GaugeLayerConfig, makes="strips", opener="gauge_labels.layers:open_layer")

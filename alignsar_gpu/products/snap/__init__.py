"""Coregistered stacks written by SNAP (ZNAP or BEAM-DIMAP)."""

from dataclasses import dataclass

from omegaconf import MISSING

from alignsar_gpu.config.keys import key
from alignsar_gpu.config.products import FileProductsConfig
from alignsar_gpu.products.readers import Reader, register


@dataclass
class SnapProductsConfig(FileProductsConfig):
    """A coregistered stack written by SNAP (ZNAP or BEAM-DIMAP)."""

    reader: str = key("snap", "which reader", choices=("snap",))
    path: str = key(MISSING, "a .znap, .znap.zip or .dim product, or a folder of them")
    phase_state: str = key(
        "auto",
        "whether flat-earth and topographic phase are removed; auto: by the product's processing graph",
        choices=("auto", "flattened", "raw"),
    )


register(
    Reader(
        name="snap",
        schema=SnapProductsConfig,
        opener="alignsar_gpu.products.snap.reader:find_stack",
        names=r".+\.(znap|znap\.zip|dim)",
    )
)

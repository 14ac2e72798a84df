"""Sentinel-1 SLC products."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.config.products import SlcProductsConfig
from alignsar_gpu.products.readers import Reader, register


@dataclass
class Sentinel1ProductsConfig(SlcProductsConfig):
    """Sentinel-1 SLC products of one or more dates."""

    reader: str = key("sentinel1", "which reader", choices=("sentinel1",))
    path: str = key(
        MISSING, "a SAFE folder, a zip of one, a burst of ASF (TIFF and XML), or a folder of them"
    )
    verify: bool = key(
        default=True, text="check the files that are used against the MD5 sums in the manifest"
    )
    swaths: list[str] = field(default_factory=list, metadata=about("subswaths, such as iw2; empty: all"))


register(
    Reader(
        name="sentinel1",
        schema=Sentinel1ProductsConfig,
        opener="alignsar_gpu.products.sentinel1.products:open_configured",
        coregisters=True,
        names=r".+\.safe|annotation|.+-burst\.tiff|(?!.+\.znap\.zip).+\.zip",
    )
)

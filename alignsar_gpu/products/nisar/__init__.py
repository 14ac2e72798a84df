"""NISAR RSLC products."""

from dataclasses import dataclass

from omegaconf import MISSING

from alignsar_gpu.config.keys import key
from alignsar_gpu.config.products import FileProductsConfig
from alignsar_gpu.products.readers import Reader, register


@dataclass
class NisarProductsConfig(FileProductsConfig):
    """One RSLC product in NISAR's layout (HDF5, as ISCE3 writes it): one date with all its polarizations."""

    reader: str = key("nisar", "which reader", choices=("nisar",))
    path: str = key(MISSING, "the HDF5 file of an RSLC product")
    frequency: str = key("A", "frequency band of the product", choices=("A", "B"))


register(
    Reader(
        name="nisar",
        schema=NisarProductsConfig,
        opener="alignsar_gpu.products.nisar.reader:find_stack",
        names=r".+\.(h5|hdf5|he5)",
    )
)

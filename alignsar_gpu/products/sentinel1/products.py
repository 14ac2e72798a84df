"""The Sentinel-1 products at a path, and the files that their bursts are read from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.choice import SlcProducts
from alignsar_gpu.products.sentinel1.measurement import TiffMeasurement
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.sentinel1.safe import open_safe
from alignsar_gpu.products.sentinel1.verify import verify_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.products.sentinel1 import Sentinel1ProductsConfig
    from alignsar_gpu.products.slc import Burst


def _pixels(bursts: Sequence[Burst]) -> set[str]:
    """The files that the pixels of some bursts are in."""
    channels = [channel for burst in bursts for channel in burst.channels.values()]
    return {
        channel.measurement.source for channel in channels if isinstance(channel.measurement, TiffMeasurement)
    }


def _files(path: Path, bursts: Sequence[Burst]) -> list[Path]:
    if not path.is_dir():
        return [path]
    pixels = _pixels(bursts)
    files = [path / name for name in open_safe(path).names]
    return [file for file in files if file.parent.name != "measurement" or str(file) in pixels]


def _verify(path: Path, bursts: Sequence[Burst]) -> int:
    """Check the pixels that some bursts are read from against the manifest; return how many bytes were read."""
    safe, pixels = open_safe(path), _pixels(bursts)
    return verify_files(safe, [name for name in safe.names if safe.where(name) in pixels])


def find_products(path: Path) -> list[Path]:
    """List the Sentinel-1 products at ``path`` by name: one product, or a folder of SAFE folders and zips.

    Raises AlignsarError when there is none.
    """
    if not path.exists():
        raise AlignsarError(
            f"products.path={path}: no such file or folder; give a Sentinel-1 product (SAFE folder or zip)"
        )
    if path.is_file() or (path / "annotation").is_dir() or path.name.upper().endswith(".SAFE"):
        return [path]
    found = [item for item in path.iterdir() if item.name.upper().endswith((".SAFE", ".ZIP"))]
    if not found:
        raise AlignsarError(f"products.path={path}: holds no SAFE folder and no zip of one")
    return sorted(found)


def open_configured(keys: Sentinel1ProductsConfig, orbits: Path | None) -> SlcProducts:
    """Open the products that the configuration names; see `open_products`."""
    return open_products(
        Path(keys.path).expanduser(),
        orbits=orbits,
        polarizations=keys.polarizations or None,
        swaths=keys.swaths or None,
        verify=keys.verify,
    )


def open_products(
    path: Path,
    *,
    orbits: Path | None = None,
    polarizations: Sequence[str] | None = None,
    swaths: Sequence[str] | None = None,
    verify: bool = False,
) -> SlcProducts:
    """The Sentinel-1 products at ``path``. Raises AlignsarError for what `open_sentinel1` refuses."""
    opened = {
        place: open_sentinel1(place, orbits=orbits, polarizations=polarizations, swaths=swaths, verify=verify)
        for place in find_products(path)
    }
    seen: dict[str, Path] = {}
    for place, product in opened.items():
        if product.product_id in seen:
            raise AlignsarError(
                f"products.path={path}: {seen[product.product_id].name} and {place.name} are the same product; take "
                "one of them away"
            )
        seen[product.product_id] = place
    return SlcProducts(path=path, opened=opened, files_of=_files, verify=_verify if verify else None)

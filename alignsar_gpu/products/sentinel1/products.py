"""The Sentinel-1 products at a path, and the files that their bursts are read from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.products.choice import SlcProducts
from alignsar_gpu.products.sentinel1.burst_files import BurstFile, BurstFiles, burst_files_at, open_bursts
from alignsar_gpu.products.sentinel1.measurement import TiffMeasurement
from alignsar_gpu.products.sentinel1.reader import read_product
from alignsar_gpu.products.sentinel1.safe import Safe, open_safe
from alignsar_gpu.products.sentinel1.verify import verify_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.products.sentinel1 import Sentinel1ProductsConfig
    from alignsar_gpu.products.slc import Burst, SlcProduct


def _pixels(bursts: Sequence[Burst]) -> set[str]:
    """The files that the pixels of some bursts are in."""
    channels = [channel for burst in bursts for channel in burst.channels.values()]
    return {
        channel.measurement.source for channel in channels if isinstance(channel.measurement, TiffMeasurement)
    }


def _files(safes: Mapping[Path, Safe], path: Path, bursts: Sequence[Burst]) -> list[Path]:
    safe, pixels = safes[path], _pixels(bursts)
    if isinstance(safe, BurstFiles):
        used = [burst for burst in safe.bursts if str(burst.pixels) in pixels]
        return [file for burst in used for file in (burst.metadata, burst.pixels)]
    if not path.is_dir():
        return [path]
    files = [path / name for name in safe.names]
    return [file for file in files if file.parent.name != "measurement" or str(file) in pixels]


def _verify(safes: Mapping[Path, Safe], path: Path, bursts: Sequence[Burst]) -> int:
    """Check the pixels that some bursts are read from against the manifest; return how many bytes were read."""
    safe, pixels = safes[path], _pixels(bursts)
    return verify_files(safe, [name for name in safe.names if safe.where(name) in pixels])


def find_products(path: Path) -> list[Path | tuple[BurstFile, ...]]:
    """List the Sentinel-1 products at ``path`` by name: SAFE folders, zips of them, and bursts of ASF by product.

    Raises AlignsarError when there is none.
    """
    if not path.exists():
        raise AlignsarError(
            f"products.path={path}: no such file or folder; give a Sentinel-1 product (SAFE folder or zip)"
        )
    one = (path / "annotation").is_dir() or path.name.upper().endswith(".SAFE")
    bursts = [] if one else burst_files_at(path)
    if one or (path.is_file() and not bursts):
        return [path]
    listed = sorted(without_clutter(path.iterdir())) if path.is_dir() else []
    found = [item for item in listed if item.name.upper().endswith((".SAFE", ".ZIP"))]
    if not found and not bursts:
        raise AlignsarError(
            f"products.path={path}: holds no SAFE folder, no zip of one, and no burst of ASF (S1_*-BURST.tiff, .xml)"
        )
    return [*found, *bursts]


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
    safes: dict[Path, Safe] = {}
    opened: dict[Path, SlcProduct] = {}
    for place in find_products(path):
        safe = open_bursts(place) if isinstance(place, tuple) else open_safe(place, verify=verify)
        opened[safe.path] = read_product(safe, orbits, polarizations, swaths)
        safes[safe.path] = replace(safe, names=(), documents={}) if isinstance(safe, BurstFiles) else safe
    seen: dict[str, Path] = {}
    for place, product in opened.items():
        if product.product_id in seen:
            raise AlignsarError(
                f"products.path={path}: {seen[product.product_id].name} and {place.name} are the same product; take "
                "one of them away"
            )
        seen[product.product_id] = place
    return SlcProducts(
        path=path,
        opened=opened,
        files_of=partial(_files, safes),
        verify=partial(_verify, safes) if verify else None,
    )

"""``alignsar_gpu catalog FOLDER RUN [RUN ...]``: join the catalogues of several runs in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.catalog.joining import join_catalogues
from alignsar_gpu.config.catalog import CatalogConfig, check_catalog
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

HREF = "catalog.href="


def main(arguments: Sequence[str]) -> int:
    """Join runs in a catalogue and print what became of each."""
    addresses = [text.removeprefix(HREF) for text in arguments if text.startswith(HREF)]
    names = [text for text in arguments if not text.startswith(HREF)]
    if len(names) < 2 or len(addresses) > 1 or any(name.startswith("-") for name in names):
        raise AlignsarError(
            "catalog: give the folder of the catalogue, and those of runs: alignsar_gpu catalog FOLDER RUN [RUN ...] "
            f"[{HREF}https://...]"
        )
    address = addresses[0] if addresses else ""
    check_catalog(CatalogConfig(href=address))
    folder, *runs = [Path(name).expanduser() for name in names]
    for row in join_catalogues(folder, runs, address):
        version = f" version {row.version}" if row.version else ""
        print(f"joined     {row.run}: {row.collection}{version}, {row.items} dates, {row.written} written")  # noqa: T201
    print(f"catalogue  {folder / 'catalog.json'}")  # noqa: T201
    return 0

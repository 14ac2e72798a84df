"""Which codec for a cube: size, and megabytes written and read a second on one core, on its own layers.

python benchmarks/layer_codecs.py [CUBE] [--output FILE]: chunks of the layers of a finished cube.zarr, by kind:
powers (with speckle), phases, coherences, geometry, labels. Size as a share of the bytes; of all, each kind weighs as
many bytes as it has in the cube. "N bits" rounds the mantissa to so many bits first: a relative error of at most
2^-(N + 1); geometry is never rounded.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numcodecs
import numpy as np
import xarray as xr
from common import (
    copy_bandwidth,
    copy_memory,
    load,
    machine,
    print_machine,
    print_table,
    seconds_in_turn,
    versions,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

KINDS = {  # the first whose words a name has
    "phases": r"phase",
    "coherences": r"coherence|correlation",
    "geometry": r"longitude|latitude|height|incidence|^valid$|layover|elevation|slope|area",
    "powers": r"amplitude|intensity|sigma0|beta0|gamma0|slc|span|cross_product|covariance",
}
OTHERS = "labels"
LAYERS = 3  # of a kind
SHUFFLES = {"shuffle": numcodecs.Blosc.SHUFFLE, "bitshuffle": numcodecs.Blosc.BITSHUFFLE}
LEVELS = (1, 3, 5)
BITS = (7, 10, 13)


def codecs() -> dict[str, tuple[Any, int | None]]:
    """Codecs by name, with the bits of the mantissa that are kept, if it is rounded."""
    found: dict[str, tuple[Any, int | None]] = {"zstd": (numcodecs.Zstd(level=0), None)}
    for name in ("lz4", "zstd"):
        for label, shuffle in SHUFFLES.items():
            for level in LEVELS:
                found[f"blosc {name} {level} {label}"] = numcodecs.Blosc(name, level, shuffle), None
    for bits in BITS:
        found[f"blosc zstd 1 bitshuffle, {bits} bits"] = (
            numcodecs.Blosc("zstd", 1, numcodecs.Blosc.BITSHUFFLE),
            bits,
        )
    return found


def kind_of(name: str) -> str:
    return next((kind for kind, words in KINDS.items() if re.search(words, name)), OTHERS)


def sorted_layers(cube: xr.Dataset) -> dict[str, list[str]]:
    """Layers on the grid, by kind."""
    found: dict[str, list[str]] = {}
    for name, layer in cube.variables.items():
        if layer.dims[-2:] == ("azimuth", "range"):
            found.setdefault(kind_of(str(name)), []).append(str(name))
    return found


def chunks(layer: xr.Variable, lines: int) -> Iterator[NDArray[Any]]:
    """Chunks of the middle of a layer, on its last date (the first is often the reference, without phases)."""
    size = layer.encoding["chunks"][-2:]
    image = layer[-1] if "time" in layer.dims else layer
    middle = max(layer.shape[-2] // 2 - lines // 2, 0) // size[0] * size[0]
    part = np.ascontiguousarray(image[middle : middle + lines])
    for first in range(0, part.shape[0], size[0]):
        for left in range(0, part.shape[1], size[1]):
            yield np.ascontiguousarray(part[first : first + size[0], left : left + size[1]])


def tried(parts: list[NDArray[Any]], codec: Any, bits: int | None) -> dict[str, float]:
    """Bytes before and after, and seconds of writing and reading."""
    before, after, writing, reading = 0, 0, 0.0, 0.0
    for part in parts:
        start = time.perf_counter()
        rounds = bits is not None and part.dtype.kind == "f"
        rounded = numcodecs.BitRound(bits).encode(part.copy()).view(part.dtype) if rounds else part
        encoded = codec.encode(rounded)
        middle = time.perf_counter()
        decoded = codec.decode(encoded)
        reading += time.perf_counter() - middle
        writing += middle - start
        if bytes(decoded) != rounded.tobytes():
            raise SystemExit(f"{codec} does not give back what it was given")
        before, after = before + part.nbytes, after + len(encoded)
    return {"bytes": before, "size": after / before, "writing": writing / before, "reading": reading / before}


def measure(path: Path, lines: int) -> list[dict[str, Any]]:
    numcodecs.blosc.set_nthreads(1)
    cube = xr.open_zarr(path, chunks=None)
    kinds = sorted_layers(cube)
    weights = {kind: sum(cube[name].nbytes for name in names) for kind, names in kinds.items()}
    parts = {
        kind: [
            chunk
            for name in names[:: -(-len(names) // LAYERS)]
            for chunk in chunks(cube[name].variable, lines)
        ]
        for kind, names in kinds.items()
    }
    rows = []
    for name, (codec, bits) in codecs().items():
        found = {
            kind: tried(chosen, codec, None if kind == "geometry" else bits) for kind, chosen in parts.items()
        }

        def mean(key: str, found: dict[str, dict[str, float]] = found) -> float:
            return sum(weights[kind] * one[key] for kind, one in found.items()) / sum(weights.values())

        rows.append(
            {
                "codec": name,
                "size": round(mean("size"), 3),
                "write_mb_per_second": round(1e-6 / mean("writing")),
                "read_mb_per_second": round(1e-6 / mean("reading")),
                **{kind: round(one["size"], 3) for kind, one in found.items()},
            }
        )
    first = rows[0]
    return [
        {
            **row,
            "times_written": round(row["write_mb_per_second"] / first["write_mb_per_second"], 2),
            "times_read": round(row["read_mb_per_second"] / first["read_mb_per_second"], 2),
        }
        for row in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cube", type=Path, nargs="?", default=Path("outputs/demo/cube.zarr"))
    parser.add_argument("--lines", type=int, default=512, help="of each layer")
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    before = load()
    bandwidth = copy_bandwidth(seconds_in_turn({"copy": copy_memory}, 3)["copy"])
    rows = measure(options.cube, options.lines)
    results = {
        **machine(before),
        "versions": versions("numcodecs", "zarr", "numpy"),
        "copy_gigabytes_per_second": round(bandwidth / 1e9, 1),
        "codecs": rows,
    }
    print_machine(results)
    print(f"copy of memory on all threads, read and written: {results['copy_gigabytes_per_second']} GB/s")
    print_table(rows)
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()

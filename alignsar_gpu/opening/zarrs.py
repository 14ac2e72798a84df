"""Zarr stores of users: numbers and texts alone, packed by codecs that run no code, in chunks that can be."""

from __future__ import annotations

import math
import os
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.files import refuse_outside
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARRAYS = (".zarray", "zarr.json")
LARGEST_METADATA = 1 << 24  # bytes of one JSON
MOST_CHUNKS = 1 << 20
LARGEST_CHUNK = 1 << 29  # bytes, unpacked
KINDS = "biufcmMSU"  # of NumPy: no objects, no structures
# Of Zarr 2 and of Zarr 3: packing, checksums and numbers; nothing that makes Python objects, but texts.
CODECS = {
    *("blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"),
    *("adler32", "crc32", "crc32c", "fletcher32", "jenkins_lookup3"),
    *("bitround", "delta", "fixedscaleoffset", "packbits", "quantize", "shuffle"),
    *("bytes", "sharding_indexed", "transpose"),
}
TEXTS = {"vlen-utf8"}
PLAIN_TYPES = {
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128", "string"),
    *("numpy.datetime64", "numpy.timedelta64", "fixed_length_utf32", "null_terminated_bytes"),
}
DAMAGED = "the store is damaged or of another kind; copy or export it again"


def check_store(folder: Path, where: str) -> None:
    """Check all arrays of a Zarr store in a folder. Raises AlignsarError for what it must not have."""
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink():
                refuse_outside(path, folder, where)
            if name in ARRAYS:
                label = f"{where}: {path.relative_to(folder)}"
                if path.stat().st_size > LARGEST_METADATA:
                    raise AlignsarError(f"{label}: {path.stat().st_size} bytes are too many; {DAMAGED}")
                check_array(path.read_bytes(), label)


def check_array(text: bytes, where: str, *, texts: bool = True) -> None:
    """Check an array by its metadata (.zarray, or zarr.json of Zarr 3); ``texts``: it may also be one of texts.

    Raises AlignsarError for types that are neither numbers nor texts, codecs that are not among those known to run
    no code, and shapes and chunks that cannot be.
    """
    try:
        about = load_json(text)
        if about.get("zarr_format") == 3:
            if about.get("node_type") == "array":
                _check_new(about, where)
        else:
            _check_old(about, where, texts=texts)
    except (JSONDecodeError, UnicodeDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise AlignsarError(f"{where}: is no description of an array ({error}): {DAMAGED}") from None


def _check_old(about: Mapping[str, Any], where: str, *, texts: bool) -> None:
    filters = [item["id"] for item in about.get("filters") or ()]
    packed = [about["compressor"]["id"]] if about.get("compressor") else []
    dtype, known = np.dtype(about["dtype"]), CODECS
    if texts and dtype.kind == "O" and filters[:1] == ["vlen-utf8"]:
        known = CODECS | TEXTS
    elif dtype.kind not in KINDS:
        raise AlignsarError(
            f"{where}: has values of the type {about['dtype']!r}, which is not read: only numbers are"
        )
    _refuse_codecs([*filters, *packed], known, where)
    _check_chunks(about["shape"], about["chunks"], dtype.itemsize, where)


def _check_new(about: Mapping[str, Any], where: str) -> None:
    kind = about["data_type"]
    name = kind if isinstance(kind, str) else kind["name"]
    if name not in PLAIN_TYPES:
        raise AlignsarError(f"{where}: has values of the type {name!r}, which is not read: only numbers are")
    _refuse_codecs(_names(about["codecs"]), CODECS | TEXTS, where)
    itemsize = np.dtype(name).itemsize if name[-1].isdigit() and "." not in name and "_" not in name else 8
    whole, chunks = about["shape"], about["chunk_grid"]["configuration"]["chunk_shape"]
    for codec in about["codecs"]:  # a shard is never unpacked as a whole, only the chunks in it
        if not isinstance(codec, str) and codec["name"] == "sharding_indexed":
            _check_chunks(whole, chunks, 0, where)
            whole, chunks = chunks, codec["configuration"]["chunk_shape"]
    _check_chunks(whole, chunks, itemsize, where)


def _names(codecs: Sequence[Any]) -> list[str]:
    """List the names of codecs, those within shards too."""
    names = []
    for codec in codecs:
        name, inside = (
            (codec, {}) if isinstance(codec, str) else (codec["name"], codec.get("configuration") or {})
        )
        names.append(name.removeprefix("numcodecs."))
        for key in ("codecs", "index_codecs"):
            names += _names(inside.get(key, ()))
    return names


def _refuse_codecs(names: Sequence[str], known: set[str], where: str) -> None:
    unknown = sorted({str(name) for name in names} - known)
    if unknown:
        raise AlignsarError(
            f"{where}: is packed by {', '.join(unknown)}, which is not read: it may run code; write it anew with one "
            f"of {', '.join(sorted(CODECS))}"
        )


def _check_chunks(shape: Sequence[int], chunks: Sequence[int], itemsize: int, where: str) -> None:
    whole = all(type(length) is int and length >= 0 for length in shape)
    if (
        not whole
        or len(shape) != len(chunks)
        or not all(type(length) is int and length > 0 for length in chunks)
    ):
        raise AlignsarError(
            f"{where}: its shape is {shape} and its chunks are {chunks}, which cannot be: {DAMAGED}"
        )
    count = math.prod(-(-length // chunk) for length, chunk in zip(shape, chunks, strict=True))
    if count > MOST_CHUNKS or math.prod(chunks) * itemsize > LARGEST_CHUNK:
        raise AlignsarError(
            f"{where}: {count} chunks of {chunks} values are too many or too large (at most {MOST_CHUNKS} of "
            f"{LARGEST_CHUNK >> 20} MB); write it in other chunks"
        )

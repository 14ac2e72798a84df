"""Classes of a raster: which codes belong to which class, by the configuration, the file, or the codes that occur."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rasterio.errors import RasterioError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.rasters import open_raster
from alignsar_gpu.radarcoding.files import damaged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig

NO_CLASS = 255
MOST_CLASSES = 254  # one number more is that of codes of none
MOST_PIXELS = 4e9  # that are looked through for codes
WHOLE = 2.0**53  # beyond which floating point has whole numbers only, and not all
TAG = re.compile(r"class_(-?\d+)", re.IGNORECASE)


def is_nodata(values: NDArray[np.generic], nodata: float | None) -> NDArray[np.bool_]:
    """Return where values are the no-data value, as it was written or as the file rounds it."""
    if nodata is None:
        return np.zeros(values.shape, dtype=np.bool_)
    if values.dtype != np.float32:
        return np.asarray(values == nodata)
    with np.errstate(over="ignore"):
        return np.asarray((values == np.float32(nodata)) | (values == np.float64(nodata)))


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassTable:
    """Names of classes, and the class of each code, codes in order."""

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    classes: NDArray[np.uint8]

    @classmethod
    def empty(cls) -> ClassTable:
        """Return the table of a raster of values, without classes."""
        return cls(names=(), codes=np.zeros(0, np.int64), classes=np.zeros(0, np.uint8))

    def numbers_of(self, codes: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the number of each code's class; for codes in no class the number after the last."""
        none = len(self.names)
        if codes.dtype.kind in "iu" and codes.dtype.itemsize <= 2:
            span = np.iinfo(codes.dtype)
            table = np.full(int(span.max) - int(span.min) + 1, none, dtype=np.uint8)
            inside = (self.codes >= span.min) & (self.codes <= span.max)
            table[self.codes[inside] - int(span.min)] = self.classes[inside]
            return np.asarray(table[codes.astype(np.int32) - int(span.min)])
        known = self.codes.astype(codes.dtype) if codes.dtype.kind == "f" else self.codes
        place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        return np.where(known[place] == codes, self.classes[place], none).astype(np.uint8)


def class_table(
    config: RasterLayerConfig, tags: Mapping[str, str], bands: Sequence[tuple[str, int]], where: str
) -> ClassTable:
    """Find the classes of bands of files; messages begin with ``where``.

    Raises AlignsarError for codes that are in two classes or are no whole numbers, too many classes, and names
    that cannot be those of variables.
    """
    if config.classes is not None:
        return _table({str(name): list(codes) for name, codes in config.classes.items()}, where)
    tagged: dict[str, list[int]] = {}
    for code, text in sorted(
        (int(match[1]), text) for tag, text in tags.items() if (match := TAG.fullmatch(tag))
    ):
        tagged.setdefault(_safe(text) or _numbered(code), []).append(code)
    if tagged:
        return _table(tagged, where)
    return _table({_numbered(code): [code] for code in _occurring(bands, config.nodata, where)}, where)


def _safe(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _numbered(code: int) -> str:
    return f"class_{code}".replace("-", "minus_")


def _table(classes: Mapping[str, Sequence[int]], where: str) -> ClassTable:
    class_of: dict[int, int] = {}
    for number, (name, codes) in enumerate(classes.items()):
        if not name or not f"_{name}".isidentifier():
            raise AlignsarError(f"{where}: class {name!r}: a name has letters, digits and _")
        if not codes:
            raise AlignsarError(f"{where}: class {name!r} has no codes; give it some, or leave it out")
        for code in codes:
            if not float(code).is_integer():
                raise AlignsarError(f"{where}: class {name!r}: {code} is not a code; codes are whole numbers")
            if class_of.setdefault(int(code), number) != number:
                other = list(classes)[class_of[int(code)]]
                raise AlignsarError(
                    f"{where}: code {code} is in the classes {other!r} and {name!r}; leave it in one"
                )
    if not 1 <= len(classes) <= MOST_CLASSES:
        raise AlignsarError(
            f"{where}: {len(classes)} classes; there may be 1 to {MOST_CLASSES}: put codes together (classes), or take "
            "it as values (method=mean)"
        )
    order = sorted(class_of)
    return ClassTable(
        names=tuple(classes),
        codes=np.array(order, dtype=np.int64),
        classes=np.array([class_of[code] for code in order], dtype=np.uint8),
    )


def _occurring(bands: Sequence[tuple[str, int]], nodata: float | None, where: str) -> list[int]:
    """List the codes that occur in bands of files."""
    occurring: set[int] = set()
    pixels = 0
    for name, band in bands:
        try:
            with open_raster(name, f"{where}: {name}") as file:
                pixels += file.height * file.width
                if pixels > MOST_PIXELS:
                    raise AlignsarError(
                        f"{where}: has {pixels} pixels or more, too many to look through for classes; name them "
                        "(classes)"
                    )
                for _, window in file.block_windows(band):
                    occurring.update(_codes(file.read(band, window=window, masked=True), nodata, where))
                    if len(occurring) > MOST_CLASSES:
                        raise AlignsarError(
                            f"{where}: has more than {MOST_CLASSES} codes; put them together (classes), or take it as "
                            "values (method=mean)"
                        )
        except RasterioError as error:
            raise AlignsarError(damaged(where, name, error)) from None
    if not occurring:
        raise AlignsarError(f"{where}: has no data at all; choose another file, or correct nodata")
    return sorted(occurring)


def _codes(image: np.ma.MaskedArray[Any, Any], nodata: float | None, where: str) -> list[int]:
    """List the codes in part of a file. Raises AlignsarError for values that are not whole numbers."""
    values = image.compressed()
    if values.dtype == np.uint8:
        values = np.flatnonzero(np.bincount(values, minlength=256))
    values = np.unique(values)
    values = values[np.isfinite(values) & ~is_nodata(values, nodata)].astype(np.float64)
    odd = values[(values != np.floor(values)) | (np.abs(values) > WHOLE)]
    if odd.size:
        raise AlignsarError(
            f"{where}: has values such as {odd[0]:g}, which are not codes of classes; take it as values (method=mean), "
            "or say which value stands for no data (nodata)"
        )
    return [int(value) for value in values]

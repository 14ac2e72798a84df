"""Read HDF5 files in NISAR's layout; messages name file and dataset."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.time_scale import SECOND, continuous, midnight, seconds_since
from alignsar_gpu.opening.web_pages import refuse_web_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

DAMAGED = "the file is cut off, damaged, or of another kind; get the product again"
# What h5py raises for files that are not as they should be.
ERRORS = (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError, MemoryError)
MOST_VALUES = 1 << 25  # of a table in the metadata: 256 MB
EPOCH = re.compile(r"seconds since (\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")
FIRST_EPOCH, LAST_EPOCH = np.datetime64("1970-01-01", "s"), np.datetime64("2200-01-01", "s")
LONGEST = 1e9  # seconds that a time may lie from its epoch


@contextmanager
def _reading(where: str) -> Iterator[None]:
    """Turn what h5py raises into AlignsarError."""
    try:
        yield
    except ERRORS as error:
        words = " ".join(str(error).split())
        raise AlignsarError(f"{where}: cannot be read ({words}): {DAMAGED}") from None


def _text(value: Any) -> str:
    """A string as h5py gives it: bytes or str, as a scalar; what comes after a null character is no part of it."""
    raw = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return raw.split("\0", 1)[0].strip()


@dataclass(frozen=True, eq=False)
class Times:
    """Times of a table: ``seconds`` (n,) float64, increasing, since ``epoch`` (UTC, datetime64[s]) + ``fraction`` s."""

    seconds: NDArray[np.float64]
    epoch: np.datetime64
    fraction: float

    @property
    def midnight(self) -> np.datetime64:
        """The midnight (UTC) before the first time, datetime64[D]."""
        first = continuous(self.epoch) + int(np.floor(self.seconds[0] + self.fraction)) * SECOND
        day: np.datetime64 = midnight(first).astype("datetime64[D]")
        return day

    def since(self, midnight: np.datetime64) -> NDArray[np.float64]:
        """Convert the times to seconds since ``midnight``, exactly."""
        return np.asarray(self.seconds + (seconds_since(midnight, continuous(self.epoch)) + self.fraction))


@dataclass(frozen=True, eq=False)
class Group:
    """A group of an open file; ``where`` names the file and the group in messages."""

    group: Any
    where: str

    @property
    def names(self) -> list[str]:
        """Names of the group's members, sorted."""
        with _reading(self.where):
            return sorted(_text(name) for name in self.group)

    def _member(self, name: str) -> Any:
        """The group or dataset at this path below, None where there is none."""
        with _reading(f"{self.where}/{name}"):
            return self.group.get(name)

    def find(self, name: str) -> Group | None:
        """Return the subgroup at a path, or None."""
        member = self._member(name)
        return None if member is None or hasattr(member, "shape") else Group(member, f"{self.where}/{name}")

    def require(self, name: str) -> Group:
        """Return the subgroup at a path. Raises AlignsarError if there is none."""
        found = self.find(name)
        if found is None:
            raise AlignsarError(f"{self.where}: no group {name!r}: {DAMAGED}")
        return found

    def dataset(self, name: str) -> Any:
        """Return the (h5py) dataset at a path without reading it. Raises AlignsarError if there is none."""
        member = self._member(name)
        if member is None or not hasattr(member, "shape"):
            raise AlignsarError(f"{self.where}: no dataset {name!r}: {DAMAGED}")
        return member

    def described(self, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """Return type and shape of the dataset at a path. Raises AlignsarError if there is none."""
        dataset = self.dataset(name)
        with _reading(f"{self.where}/{name}"):
            return dataset.dtype, tuple(int(length) for length in dataset.shape or ())

    def rows(self, name: str, first: int, stop: int) -> NDArray[Any]:
        """Read rows ``first:stop`` of a dataset, as stored. Raises AlignsarError if they cannot be read."""
        dataset = self.dataset(name)
        with _reading(f"{self.where}/{name}"):
            return np.asarray(dataset[first:stop])

    def has(self, name: str) -> bool:
        """Whether there is a dataset of this name."""
        return hasattr(self._member(name), "shape")

    def _value(self, name: str) -> Any:
        """A dataset whole. Raises AlignsarError for one that is larger than metadata are."""
        dataset = self.dataset(name)
        with _reading(f"{self.where}/{name}"):
            if dataset.size is None or dataset.size > MOST_VALUES:
                raise ValueError(f"its shape is {dataset.shape}")
            return dataset[()]

    def _numbers(self, name: str) -> NDArray[np.float64]:
        """A dataset of real numbers, of any shape. Raises AlignsarError for any other."""
        value = np.asarray(self._value(name))
        if value.dtype.kind not in "iuf":
            raise AlignsarError(f"{self.where}/{name}: expected numbers, got {value.dtype}: {DAMAGED}")
        return value.astype(np.float64)

    def numbers(self, name: str, *shape: int | None) -> NDArray[np.float64]:
        """Read a dataset of finite numbers of a given shape; None stands for any length but 0.

        Raises AlignsarError for any other.
        """
        numbers = self._numbers(name)
        fits = numbers.ndim == len(shape) and all(
            have == wanted or (wanted is None and have > 0)
            for have, wanted in zip(numbers.shape, shape, strict=False)
        )
        if not fits:
            expected = ", ".join("any" if length is None else str(length) for length in shape)
            raise AlignsarError(
                f"{self.where}/{name}: expected the shape ({expected}), got {numbers.shape}: {DAMAGED}"
            )
        if not np.isfinite(numbers).all():
            raise AlignsarError(f"{self.where}/{name}: holds what is not a finite number: {DAMAGED}")
        return numbers

    def number(self, name: str) -> float:
        """Read a single number, also one written as text. Raises AlignsarError if it is not a number."""
        value = np.asarray(self._value(name))
        with _reading(f"{self.where}/{name}"):
            number = float(_text(value.item()) if value.dtype.kind in "SO" else self._numbers(name).item())
        if not np.isfinite(number):
            raise AlignsarError(f"{self.where}/{name}: expected a number, got {number}: {DAMAGED}")
        return number

    def texts(self, name: str) -> list[str]:
        """Read a dataset of strings, or a single string, as a list."""
        values = np.atleast_1d(np.asarray(self._value(name)))
        return [_text(value) for value in values.ravel()]

    def text(self, name: str) -> str:
        """Read a single string. Raises AlignsarError if it is empty."""
        found = self.texts(name)
        if len(found) != 1 or not found[0]:
            raise AlignsarError(f"{self.where}/{name}: expected a text, got {found}: {DAMAGED}")
        return found[0]

    def increasing(self, name: str) -> NDArray[np.float64]:
        """Read a dataset of increasing numbers, (n,). Raises AlignsarError if they do not increase."""
        numbers = self.numbers(name, None)
        if not np.all(np.diff(numbers) > 0):
            raise AlignsarError(f"{self.where}/{name}: does not increase: {DAMAGED}")
        return numbers

    def times(self, name: str) -> Times:
        """Read a dataset of increasing times, with the epoch named in its attribute ``units``.

        ISCE3 leaves what happened to be in memory behind that text: it is read as far as it makes sense.
        """
        seconds = self.increasing(name)
        if np.abs(seconds).max() > LONGEST:
            raise AlignsarError(
                f"{self.where}/{name}: {np.abs(seconds).max():.0f} s away from its epoch: {DAMAGED}"
            )
        return Times(seconds, *self._epoch(name))

    def epoch(self, name: str, midnight: np.datetime64) -> float:
        """Return the seconds from ``midnight`` to the epoch of a dataset of times."""
        epoch, fraction = self._epoch(name)
        return float(seconds_since(midnight, continuous(epoch))) + fraction

    def _epoch(self, name: str) -> tuple[np.datetime64, float]:
        """The epoch of a dataset of times, and a fraction of a second to add."""
        where = f"{self.where}/{name}"
        with _reading(where):
            units = _text(self.dataset(name).attrs.get("units", ""))
        match = EPOCH.match(units)
        try:
            epoch = None if match is None else np.datetime64(f"{match[1]}T{match[2]}", "s")
        except ValueError:
            epoch = None
        if match is None or epoch is None or not FIRST_EPOCH <= epoch < LAST_EPOCH:
            raise AlignsarError(
                f"{where}: expected units such as 'seconds since 2026-07-20T00:00:00', got {units!r}: {DAMAGED}"
            )
        return epoch, float(f"0.{match[3] or 0}")


@contextmanager
def open_hdf5(path: Path) -> Iterator[Group]:
    """Open an HDF5 file for reading and give its root group. Raises AlignsarError if it is not one."""
    import h5py  # noqa: PLC0415  (loads only where such a file is read)

    if path.is_dir():
        raise AlignsarError(f"products.path={path}: is a folder; give the HDF5 file of an RSLC product in it")
    if not path.is_file():
        raise AlignsarError(f"products.path={path}: no such file; give the HDF5 file of an RSLC product")
    refuse_web_page(path, str(path))
    with _reading(str(path)):
        file = h5py.File(path, "r")
    with file:
        yield Group(file, str(path))

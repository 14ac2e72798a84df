"""Variables of an xarray.Dataset that are computed when they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from numpy.typing import NDArray


class _Computed(BackendArray):
    """An array whose parts a function computes from the indices along each axis."""

    def __init__(self, shape: tuple[int, ...], dtype: Any, compute: Callable[..., NDArray[Any]]) -> None:
        self.shape, self.dtype, self._compute = shape, np.dtype(dtype), compute

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        basic = indexing.IndexingSupport.BASIC
        return indexing.explicit_indexing_adapter(key, self.shape, basic, self._part)

    def _part(self, key: tuple[int | slice, ...]) -> NDArray[Any]:
        axes = [np.atleast_1d(np.arange(n)[part]) for n, part in zip(self.shape, key, strict=True)]
        kept = tuple(slice(None) if isinstance(part, slice) else 0 for part in key)
        return np.asarray(self._compute(*axes)[kept])


def computed_variable(
    dimensions: Sequence[Hashable],
    shape: tuple[int, ...],
    dtype: Any,
    attributes: Mapping[str, Any],
    compute: Callable[..., NDArray[Any]],
) -> xr.Variable:
    """Make a variable whose values are computed as they are read, only those that are asked for.

    ``compute`` takes an array of indices for each dimension, and returns the values where these cross.
    """
    array = indexing.LazilyIndexedArray(_Computed(shape, dtype, compute))
    return xr.Variable(dimensions, array, dict(attributes))

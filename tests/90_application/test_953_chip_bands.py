"""Rows of chunks that are held while chips are cut: how much is read, with memory for all layers and for some."""

import numpy as np
import pytest
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from alignsar_gpu.application.chips.bands import Bands

DIMENSIONS, SHAPE, CHUNK = ("azimuth", "range"), (12, 100), 4  # lines of a chunk
ROW = CHUNK * SHAPE[1]  # pixels


class Counted(BackendArray):
    """An image that counts the pixels that are read of it."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, 0

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self.part)

    def part(self, key):
        found = self.values[key]
        self.read += found.size
        return found


@pytest.mark.parametrize(
    ("rows", "most"),
    [
        (3, 3 * 3 * ROW),  # of each layer, each row once
        (2, 3 * 2 * ROW + 3 * ROW * 2),  # two layers so; the third as it is asked for, twice for its halo
        (0, 3 * 3 * ROW * 2),
    ],
)
def test_rows_of_the_same_lines_do_not_take_each_others_place(rows, most):
    images = [Counted(np.random.default_rng(k).random(SHAPE, dtype=np.float32)) for k in range(3)]
    variables = {
        f"layer{k}": xr.Variable(
            DIMENSIONS, indexing.LazilyIndexedArray(image), encoding={"preferred_chunks": {"azimuth": CHUNK}}
        )
        for k, image in enumerate(images)
    }
    bands = Bands(xr.Dataset(variables), DIMENSIONS, rows * ROW * 4)
    for line in range(0, SHAPE[0], 2):
        for sample in range(0, SHAPE[1], 25):
            window = slice(line, line + 2), slice(sample, min(sample + 30, SHAPE[1]))
            for k, image in enumerate(images):
                np.testing.assert_array_equal(bands.read(f"layer{k}", None, *window), image.values[window])
    assert ROW <= sum(image.read for image in images) <= most

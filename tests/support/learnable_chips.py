"""Chips whose classes can be told from their brightness: three classes in stripes, in the form of `fake_chips`."""

import numpy as np
import zarr
from fake_chips import DECIBELS, PLACES, SIZE, make_chips, seal

from alignsar_gpu.dataset.chips.description import STATISTICS, as_json
from alignsar_gpu.dataset.chips.index import read_index
from alignsar_gpu.dataset.chips.layout import STORE
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.chips.summing import training_statistics

BRIGHTNESS = np.array([0.0, 0.02, 0.1, 0.5])  # of the classes 1, 2 and 3, power


def make_learnable_chips(folder, *, classes=(1, 2, 3), unknown=0, **more):
    """Write chips into ``folder``: each place has stripes of ``classes``; ``unknown`` lines have no label."""
    make_chips(folder, **more)
    rng = np.random.default_rng(5)
    cover = zarr.open_array(folder / STORE / "classes", mode="r+")
    stripes = np.asarray(classes)[rng.integers(0, len(classes), (PLACES, 1, 1, SIZE // 2))].repeat(2, axis=-1)
    values = np.broadcast_to(stripes, cover.shape).astype(np.uint8).copy()
    values[..., :unknown, :] = 255
    cover[:] = values
    images = zarr.open_array(folder / STORE / "images", mode="r+")
    read = np.asarray(images[:])
    for chip in range(len(read)):
        mean = BRIGHTNESS[np.where(stripes == 255, 0, stripes)[chip % PLACES, 0]]
        read[chip, 0] = mean * rng.gamma(8.0, 1.0 / 8.0, (SIZE, SIZE))
    images[:] = read
    store, index = ChipStore.open(folder), read_index(folder)
    statistics = training_statistics(store, index, DECIBELS, ["train"], 1)
    (folder / STATISTICS).write_text(as_json(statistics))
    seal(folder)

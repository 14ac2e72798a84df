"""Tiles of a map within the memory: layers are read in smaller windows, and have the same bits."""

from dataclasses import replace

import numpy as np
import pytest
from geocoding_scene import Scene

from alignsar_gpu.geocoding.positions import WINDOW_SHARE
from alignsar_gpu.geocoding.tiles import BYTES_PER_PIXEL, MapTiles

MOST = 20_000  # pixels of a window


class Windows:
    """A layer that keeps how large the windows are which are read of it."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.sizes = values, values.shape, values.dtype, []

    def __getitem__(self, window):
        part = self.values[window]
        self.sizes.append(part.size)
        return part


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("scene"))


def test_bits_do_not_depend_on_the_memory(scene):
    rng = np.random.default_rng(680)
    shape = scene.radar.shape
    layers = {
        "bilinear": rng.exponential(size=shape).astype(np.float32),
        "cubic": rng.exponential(size=shape).astype(np.float32),
        "phase": rng.uniform(-np.pi, np.pi, shape).astype(np.float32),
        "nearest": rng.integers(0, 5, shape).astype(np.uint8),
    }
    layers["bilinear"][rng.random(shape) < 0.2] = np.nan
    roomy = scene.geocoding(scene.map_grid(40.0), partial=True)
    budget = int(MOST * BYTES_PER_PIXEL / WINDOW_SHARE)
    tight = replace(roomy, device=replace(roomy.device, memory_budget=budget))
    whole, divided = (next(MapTiles.over(g).row(0)) for g in (roomy, tight))
    for name, values in layers.items():
        method = "bilinear" if name == "phase" else name
        few, many = Windows(values), Windows(values)
        wanted = whole.sampled(few, method, phase=name == "phase")
        found = divided.sampled(many, method, phase=name == "phase")
        np.testing.assert_array_equal(found, wanted)
        assert (wanted == wanted).mean() > 0.2
        assert len(few.sizes) == 1
        assert max(many.sizes) <= MOST < few.sizes[0]

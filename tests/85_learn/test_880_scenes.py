"""A scene predicted whole, in tiles and in chips with a halo is the same to 1e-4, at every pixel."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from alignsar_gpu.learn.scenes import Tile, predict_tile, rows_of_tiles  # noqa: E402


class Pooled(nn.Module):
    """Convolutions at two scales, as in a U-Net; sizes are padded to the stride and cut again."""

    stride = (2, 4)
    reach = (8, 16)

    def __init__(self, channels=3, outputs=4):
        super().__init__()
        self.first = nn.Conv2d(channels, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(self.stride)
        self.deep = nn.Conv2d(8, 8, 3, padding=1)
        self.up = nn.Upsample(scale_factor=self.stride)
        self.last = nn.Conv2d(16, outputs, 3, padding=1)

    def forward(self, image):
        lines, samples = image.shape[-2:]
        padded = nn.functional.pad(image, (0, -samples % self.stride[1], 0, -lines % self.stride[0]))
        fine = self.first(padded).relu()
        deep = self.up(self.deep(self.pool(fine)).relu())
        return self.last(torch.cat([fine, deep], dim=1))[..., :lines, :samples]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return Pooled().eval()


def scene_of(shape, channels=3):
    return np.random.default_rng(2).normal(size=(channels, *shape)).astype(np.float32)


def whole(network, image):
    everything = tuple(slice(0, count) for count in image.shape[1:])
    return predict_tile(network, image, Tile(core=everything, window=everything))


def in_tiles(network, image, size, said=None):
    found = np.full((4, *image.shape[1:]), np.nan, np.float32)
    for row in rows_of_tiles(image.shape[1:], size, said or network):
        for tile in row:
            found[(slice(None), *tile.core)] = predict_tile(network, image[(slice(None), *tile.window)], tile)
    return found


@pytest.mark.parametrize("shape", [(64, 128), (61, 131), (7, 9), (64, 33)])
@pytest.mark.parametrize("size", [(16, 32), (17, 31), (64, 16), (200, 200)])
def test_tiles_have_no_seams(network, shape, size):
    image = scene_of(shape)
    expected = whole(network, image)
    assert expected.shape == (4, *shape)
    np.testing.assert_allclose(in_tiles(network, image, size), expected, atol=1e-4)


def test_a_chip_with_a_halo_is_as_in_the_scene(network):
    image = scene_of((64, 128))
    chip = Tile(core=(slice(24, 40), slice(48, 80)), window=(slice(16, 48), slice(32, 96)))
    found = predict_tile(network, image[(slice(None), *chip.window)], chip)
    expected = whole(network, image)[(slice(None), *chip.core)]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("stride", "reach"), [((2, 4), (0, 0)), ((1, 1), (9, 17))])
def test_a_network_that_says_less_than_it_sees_has_seams(network, stride, reach):
    """What the other tests find is due to reach and stride: of less, tiles show."""
    image = scene_of((64, 128))
    found = in_tiles(network, image, (17, 31), SimpleNamespace(stride=stride, reach=reach))
    assert np.abs(found - whole(network, image)).max() > 1e-3


def test_a_tile_reads_no_more_than_its_halo(network):
    rows = rows_of_tiles((1000, 3000), (64, 128), network)
    assert sum(tile.core[0].stop - tile.core[0].start for tile, *_ in rows) == 1000
    assert {len(row) for row in rows} == {24}
    for tile in (tile for row in rows for tile in row):
        for axis, (core, window) in enumerate(zip(tile.core, tile.window, strict=True)):
            most = network.reach[axis] + network.stride[axis] - 1
            assert 0 <= core.start - window.start <= most
            assert 0 <= window.stop - core.stop <= most
            assert window.start % network.stride[axis] == 0

"""The network of centres: what it is trained on, what its peaks are, and what tiles may rely on."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from alignsar_gpu.learn.detection.boxes import Objects
from alignsar_gpu.learn.detection.centres import flipped_loss, loss, peaks, targets
from alignsar_gpu.learn.networks.heatmap import BOX, Heatmap

torch.set_num_threads(1)
SHAPE, CATEGORIES = (48, 128), 3


def objects_of(*rows):
    """Rows of category, box and crowd."""
    columns = np.array(rows, dtype=float).reshape(-1, 6)
    return Objects(
        image=np.zeros(len(columns), int),
        category=columns[:, 0].astype(int),
        box=columns[:, 1:5],
        crowd=columns[:, 5] > 0,
        cross_section=np.full(len(columns), np.nan),
    )


SHOWN = objects_of((0, 4, 9, 5, 29, 0), (2, 34, 100, 7, 13, 0), (2, 20, 20, 25, 70, 0))


def perfect(middles, boxes):
    """Outputs [image, output, line, sample] of a network that knows."""
    logits = torch.logit(middles.clamp(1e-4, 1 - 1e-4))
    return torch.cat([logits, boxes[:BOX]])[None].repeat_interleave(4, dim=-1)


def test_peaks_of_targets_are_the_boxes():
    found = peaks(perfect(*targets(SHOWN, CATEGORIES, SHAPE)), first=7)
    best = found.take(found.score > 0.99)
    assert best.image.tolist() == [7, 7, 7]
    order, expected = (np.lexsort(of.box.T) for of in (best, SHOWN))
    np.testing.assert_allclose(best.box[order], SHOWN.box[expected], atol=1e-4)
    assert best.category[order].tolist() == SHOWN.category[expected].tolist()


def test_boxes_end_where_the_image_does():
    cut = objects_of((0, 0, 0, 9, 30, 0), (1, 43, 108, 5, 20, 0))
    middles, boxes = targets(cut, CATEGORIES, SHAPE)
    boxes[2:4] += 0.2 * (boxes[BOX] > 0.0)  # larger than they are
    found = peaks(perfect(middles, boxes))
    box = found.box[found.score > 0.99]
    assert (box[:, :2] >= 0.0).all()
    assert (box[:, :2] + box[:, 2:] <= np.array(SHAPE) + 1e-6).all()


def test_loss_is_least_for_what_is_there():
    middles, boxes = targets(SHOWN, CATEGORIES, SHAPE)
    right = perfect(middles, boxes)
    values = [float(loss(of, middles[None], boxes[None])) for of in (right, right.roll(8, -1), right + 0.3)]
    assert values[0] < 0.2 < min(values[1:])


def test_loss_is_that_of_the_paper():
    """One cell a pixel of a map of 3 x 3 by the formula: -(1 - p)^2 log p, and -(1 - y)^4 p^2 log(1 - p)."""
    middles = torch.tensor([[0.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, -1.0, 0.2]])[None, None]
    chance = torch.linspace(0.1, 0.9, 9).reshape(1, 1, 3, 3)
    outputs = torch.cat([torch.logit(chance), torch.zeros(1, 4, 3, 3)], dim=1).repeat_interleave(4, dim=-1)
    expected = 0.0
    for y, p in zip(middles.flatten().tolist(), chance.flatten().tolist(), strict=True):
        if y == 1.0:
            expected -= (1 - p) ** 2 * np.log(p)
        elif y >= 0.0:
            expected -= (1 - y) ** 4 * p**2 * np.log(1 - p)
    assert float(loss(outputs, middles, torch.zeros(1, 5, 3, 3))) == pytest.approx(expected, rel=1e-5)


def test_crowds_do_not_count():
    middles, boxes = targets(objects_of((1, 10, 40, 8, 24, 1), (1, 12, 44, 4, 8, 0)), CATEGORIES, SHAPE)
    assert (middles[1, 10:18, 10:16] == -1.0).sum() == 8 * 6 - 1
    assert middles[1, 14, 12] == 1.0
    assert (middles[0] >= 0.0).all()
    assert boxes[4].max() == 1.0


def flipped(objects, axis):
    """Objects of the image that is flipped along an axis."""
    box = objects.box.copy()
    box[:, axis] = SHAPE[axis] - box[:, axis] - box[:, 2 + axis]
    return Objects(**vars(objects) | {"box": box})


def test_flipped_images_have_flipped_boxes():
    middles, boxes = targets(SHOWN, CATEGORIES, SHAPE)
    seen = set()

    class Knows(torch.nn.Module):
        def forward(self, image):
            line, sample = divmod(int(image[0, 0].argmax()), SHAPE[1])
            objects = SHOWN
            for axis, place in enumerate((line, sample)):
                objects = flipped(objects, axis) if place else objects
            seen.add((line > 0, sample > 0))
            return perfect(*targets(objects, CATEGORIES, SHAPE))

    image = torch.zeros(1, 1, *SHAPE)
    image[..., 0, 0] = 1.0
    torch.manual_seed(0)
    values = [float(flipped_loss(Knows(), (image, middles[None], boxes[None]))) for _ in range(16)]
    assert len(seen) == 4
    assert max(values) < 0.2


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = Heatmap(2, CATEGORIES, width=4)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
    return made.eval()


def test_images_of_any_size_keep_it(network):
    for size in ((16, 64), (37, 101), (1, 1)):
        assert network(torch.zeros(2, 2, *size)).shape == (2, CATEGORIES + BOX, *size)
    again = Heatmap(**network.arguments())
    again.load_state_dict(network.state_dict())


@pytest.mark.parametrize("axis", [-2, -1])
def test_reach_and_stride_are_kept(network, axis):
    """What tiles rely on: nothing beyond the reach changes a result, and a move by the stride moves it."""
    reach, stride = network.reach[axis], network.stride[axis]
    size = list(network.stride)
    size[axis] = -(-2 * (reach + stride) // stride) * stride
    image, middle = torch.randn(1, 2, *size), size[axis] // 2
    with torch.inference_mode():
        whole = network(image).select(axis, middle)
        for beyond in (slice(0, middle - reach), slice(middle + reach + 1, None)):
            other = image.clone()
            other.movedim(axis, 0)[beyond] += 5.0
            assert torch.equal(network(other).select(axis, middle), whole)
        moved = network(image.narrow(axis, stride, size[axis] - stride)).select(axis, middle - stride)
    assert torch.allclose(moved, whole, atol=1e-5)

"""Middles of objects: what the network of centres is trained on, its loss, and the boxes at its peaks.

X. Zhou, D. Wang and P. Kraehenbuehl 2019, Objects as Points, arXiv 1904.07850; its Gaussians are as wide as the box
along each axis, as those of Z. Liu et al. 2020, Training-Time-Friendly Network for Real-Time Object Detection, AAAI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from alignsar_gpu.learn.detection.boxes import Detections
from alignsar_gpu.learn.networks.heatmap import BOX, CELL

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from alignsar_gpu.learn.batches import Batch
    from alignsar_gpu.learn.detection.boxes import Objects

WIDTH = 0.54 / 6.0  # deviation of the Gaussian around a middle, in sides of the box
LEAST_WIDTH = 0.4  # cells
NEAR = 0.05  # of the Gaussian, from which on cells learn the box too
ALPHA, BETA = 2.0, 4.0  # of the focal loss
OF_BOX, OF_OVERLAP = 1.0, 2.0  # weights of the differences and the overlap of boxes in the loss
LARGEST = 12.0  # logarithm of the sides of a box
WINDOW = 3  # cells around a peak that are no peaks
MOST = 1000  # peaks of an image
LEAST_SCORE = 0.01
IGNORED = -1.0  # in the map of middles, where nothing counts


def targets(objects: Objects, categories: int, shape: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw the objects of an image of ``shape`` lines and samples.

    Returns the map of middles, float32 [category, line, cell]: 1 at a middle, less around it, -1 where nothing counts;
    and the boxes [5, line, cell]: offset of the middle (2) and logarithms of the size (2) as the network gives them,
    and their weight, 0 away from middles.
    """
    box, category, crowd = objects.box, objects.category, objects.crowd
    cells = (-(-shape[0] // CELL[0]), -(-shape[1] // CELL[1]))
    middles = np.zeros((categories, *cells), dtype=np.float32)
    boxes = np.zeros((BOX + 1, *cells), dtype=np.float32)
    line, cell = (np.arange(count) for count in cells)
    for number in np.lexsort([-box[:, 2] * box[:, 3], crowd]):  # small ones on top, crowds last
        middle = (box[number, :2] + 0.5 * box[number, 2:]) / CELL
        if crowd[number]:
            _ignore(middles[category[number]], box[number])
            continue
        at = np.clip(np.floor(middle).astype(int), 0, np.array(cells) - 1)
        sides = np.maximum(WIDTH * box[number, 2:] / CELL, LEAST_WIDTH)
        gaussian = np.exp(
            -0.5 * ((line[:, np.newaxis] - at[0]) / sides[0]) ** 2 - 0.5 * ((cell - at[1]) / sides[1]) ** 2
        ).astype(np.float32)
        own = middles[category[number]]
        np.maximum(own, gaussian, out=own)
        near = (gaussian > NEAR) & (gaussian >= boxes[BOX])
        boxes[0][near] = (middle[0] - line[:, np.newaxis] - 0.5 + 0 * cell)[near]
        boxes[1][near] = (middle[1] - cell - 0.5 + 0 * line[:, np.newaxis])[near]
        boxes[2][near], boxes[3][near] = np.log(box[number, 2:])
        boxes[BOX][near] = gaussian[near]
    return torch.from_numpy(middles), torch.from_numpy(boxes)


def _ignore(middles: NDArray[np.float32], box: NDArray[np.float64]) -> None:
    """Let nothing count in a box, but for middles that are there."""
    first, stop = np.floor(box[:2] / CELL).astype(int), np.ceil((box[:2] + box[2:]) / CELL).astype(int)
    part = middles[first[0] : stop[0], first[1] : stop[1]]
    part[part < 1.0] = IGNORED


def loss(outputs: torch.Tensor, middles: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
    """Compute the penalty-reduced focal loss of the middles, and how far boxes differ and do not overlap.

    ``outputs`` are the network's [image, category + 4, line, sample], the others those of `targets`, in batches.
    """
    cells = outputs[..., :: CELL[1]]
    logits, found = cells[:, :-BOX], cells[:, -BOX:]
    known, log_no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    chance, is_middle = torch.sigmoid(logits), middles == 1.0
    focal = torch.where(
        is_middle,
        (1.0 - chance) ** ALPHA * known,
        (1.0 - middles.clamp(min=0.0)) ** BETA * chance**ALPHA * log_no,
    )
    total = -(focal * (middles != IGNORED)).sum() / is_middle.sum().clamp(min=1)
    weight = boxes[:, BOX:]
    apart = functional.smooth_l1_loss(found, boxes[:, :BOX], reduction="none", beta=0.1).sum(
        dim=1, keepdim=True
    )
    missed = 1.0 - generalized_overlap(found, boxes[:, :BOX])
    return total + ((OF_BOX * apart + OF_OVERLAP * missed) * weight).sum() / weight.sum().clamp(min=1.0)


def generalized_overlap(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Compute the generalized intersection over union of boxes [image, 4, line, cell], as the network gives them.

    H. Rezatofighi et al. 2019, CVPR: intersection over union, less the share of the box around both that is in neither.
    """
    cell = torch.tensor(CELL, device=first.device).reshape(1, 2, 1, 1)
    sides = [box[:, 2:].clamp(max=LARGEST).exp() for box in (first, second)]
    middles = [box[:, :2] * cell for box in (first, second)]
    starts, stops = (
        [middle + sign * side for middle, side in zip(middles, sides, strict=True)] for sign in (-0.5, 0.5)
    )
    shared = (torch.minimum(*stops) - torch.maximum(*starts)).clamp(min=0.0).prod(dim=1, keepdim=True)
    around = (torch.maximum(*stops) - torch.minimum(*starts)).prod(dim=1, keepdim=True)
    union = sides[0].prod(dim=1, keepdim=True) + sides[1].prod(dim=1, keepdim=True) - shared
    return shared / union - (around - union) / around


def flipped_loss(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Compute the loss of a batch, which is flipped along its lines and samples at random.

    Not along samples where these are no whole number of cells.
    """
    image, middles, boxes = batch
    for offset, axis in enumerate((-2, -1)):
        if torch.rand(()) < 0.5 and image.shape[axis] % CELL[offset] == 0:
            image, middles, boxes = (part.flip(axis) for part in (image, middles, boxes))
            boxes[:, offset] = -boxes[:, offset]
    return loss(network(image).float(), middles, boxes)


def peaks(outputs: torch.Tensor, first: int = 0) -> Detections:
    """Return the boxes at the peaks of each category, cut to the image; images are numbered from ``first`` on."""
    cells = outputs[..., :: CELL[1]].float()
    chance, boxes = torch.sigmoid(cells[:, :-BOX]), cells[:, -BOX:]
    highest = functional.max_pool2d(chance, WINDOW, stride=1, padding=WINDOW // 2)
    chance = torch.where(highest == chance, chance, 0.0)
    score, place = chance.flatten(1).topk(min(MOST, chance[0].numel()))
    image, rank = torch.nonzero(score > LEAST_SCORE, as_tuple=True)
    place = place[image, rank]
    category, cell = place // chance[0, 0].numel(), place % chance[0, 0].numel()
    line, sample = cell // chance.shape[-1], cell % chance.shape[-1]
    offset = boxes[image, :2, line, sample]
    size = boxes[image, 2:, line, sample].clamp(max=LARGEST).exp()
    middle = (torch.stack([line, sample], dim=1) + 0.5 + offset) * torch.tensor(CELL, device=offset.device)
    end = torch.tensor(outputs.shape[-2:], device=offset.device)
    start, stop = (torch.minimum((middle + sign * size).clamp(min=0.0), end) for sign in (-0.5, 0.5))
    return Detections(
        image=image.cpu().numpy() + first,
        category=category.cpu().numpy(),
        score=score[image, rank].double().cpu().numpy(),
        box=torch.cat([start, stop - start], dim=1).double().cpu().numpy(),
    )

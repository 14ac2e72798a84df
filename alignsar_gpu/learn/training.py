"""The training of a network: seeded epochs, its best weights, and how it is continued."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

    from alignsar_gpu.learn.batches import Batch, Batches
    from alignsar_gpu.learn.options import FitOptions

WARM = 0.1  # of the steps, in which the learning rate rises
DECAY = 1e-4  # of weights (AdamW, Loshchilov and Hutter 2019)
LARGEST = 1.0  # norm of the gradient, which larger ones are scaled to


def fit(
    network: nn.Module,
    loss: Callable[[nn.Module, Batch], torch.Tensor],
    training: Batches,
    validate: Callable[[nn.Module], float],
    options: FitOptions,
    checkpoint: Path,
    advance: Callable[[int], None] = lambda _: None,
) -> list[dict[str, float]]:
    """Train a network, and leave it with the weights that had the best score.

    Each epoch begins with seeds that its number decides and ends with a checkpoint, so that a training that was killed
    gives the same weights as one that was not, on a CPU with as many threads.

    Parameters
    ----------
    network : with its first weights; is changed.
    loss : of a batch; may draw random numbers from torch.
    training : batches of the training split.
    validate : score on the validation split, the larger the better; the network is in evaluation mode.
    checkpoint : file that an interrupted training is continued from; the caller removes it.
    advance : called with 1 after each epoch.

    Returns a dictionary an epoch: ``epoch``, ``loss`` (mean), ``score``.
    """
    device = torch.device(options.device)
    network.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=DECAY)
    state = _resume(checkpoint, network, optimizer, options)
    advance(len(state["history"]))
    while not _is_finished(state, options):
        epoch = len(state["history"])
        torch.manual_seed((options.seed << 20) + epoch)
        network.train()
        mean = _train_epoch(network, loss, training, optimizer, epoch, options)
        network.eval()
        with torch.inference_mode():
            score = validate(network)
        state["history"].append({"epoch": epoch + 1, "loss": mean, "score": score})
        if state["best"] is None or score > state["best_score"]:
            state |= {"best": _copy(network), "best_score": score, "best_epoch": epoch + 1}
        _save(checkpoint, network, optimizer, state, options)
        advance(1)
    network.load_state_dict(state["best"])
    network.eval()
    history: list[dict[str, float]] = state["history"]
    return history


def _train_epoch(
    network: nn.Module,
    loss: Callable[[nn.Module, Batch], torch.Tensor],
    training: Batches,
    optimizer: torch.optim.Optimizer,
    epoch: int,
    options: FitOptions,
) -> float:
    """Train on all batches once; return the mean loss."""
    device, total = torch.device(options.device), 0.0
    mixed = options.mixed_precision and device.type == "cuda"
    for number, batch in enumerate(training.epoch(epoch)):
        rate = learning_rate((epoch * len(training) + number) / (options.epochs * len(training)), options)
        for group in optimizer.param_groups:
            group["lr"] = rate
        moved = tuple(part.to(device, non_blocking=True) for part in batch)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed):
            value = loss(network, moved)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(value)
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
        optimizer.step()
        total += float(value.detach())
    return total / max(1, len(training))


def learning_rate(progress: float, options: FitOptions) -> float:
    """Return the learning rate at a share of all steps: it rises in the first tenth, then falls as a cosine."""
    if progress < WARM:
        return options.learning_rate * (0.1 + 0.9 * progress / WARM)
    return options.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (progress - WARM) / (1.0 - WARM)))


def _is_finished(state: dict[str, Any], options: FitOptions) -> bool:
    done = len(state["history"])
    waited = bool(options.patience) and done - state["best_epoch"] >= options.patience
    return done >= options.epochs or (done > 0 and waited)


def _copy(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _told(options: FitOptions) -> dict[str, Any]:
    """What a checkpoint must agree with; where and with how much memory it is trained does not count."""
    left = {"device", "memory", "threads"}
    return {name: value for name, value in asdict(options).items() if name not in left}


def _save(
    path: Path,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    state: dict[str, Any],
    options: FitOptions,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    content = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "options": _told(options),
    }
    with writing(path):
        torch.save(content | state, beside)
        beside.replace(path)


def _resume(
    path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, options: FitOptions
) -> dict[str, Any]:
    """Continue from a checkpoint of the same options; without one, begin."""
    state: dict[str, Any] = {"history": [], "best": None, "best_score": 0.0, "best_epoch": 0}
    if not path.is_file():
        return state
    content = torch.load(path, map_location=options.device, weights_only=True)
    if content["options"] != _told(options):
        return state
    network.load_state_dict(content["network"])
    optimizer.load_state_dict(content["optimizer"])
    return {name: content[name] for name in state}

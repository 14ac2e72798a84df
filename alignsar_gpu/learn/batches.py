"""Samples of chips as batches of tensors, read by threads ahead of their use."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from alignsar_gpu.learn.options import FitOptions

Batch = tuple[torch.Tensor, ...]


class Batches:
    """Samples in batches. Those that fit into the memory of the options are read once.

    Parameters
    ----------
    count : of the samples.
    read : from the number of a sample to its tensors, each [...]; called by several threads at once.
    options : batch, seed, memory and threads.
    weights : how often each sample is drawn in an epoch, relative to the others; None: each once.
    """

    def __init__(
        self,
        count: int,
        read: Callable[[int], Batch],
        options: FitOptions,
        weights: Sequence[float] | None = None,
    ) -> None:
        self.count, self._read, self._options = count, read, options
        self._weights = None if weights is None else torch.as_tensor(weights, dtype=torch.float64)
        self._kept: dict[int, Batch] = {}
        self._left = options.memory

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return math.ceil(self.count / self._options.batch)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield the batches of an epoch, in an order that its number and the seed decide."""
        generator = torch.Generator().manual_seed((self._options.seed << 20) + number)
        if self._weights is None:
            order = torch.randperm(self.count, generator=generator)
        else:
            order = torch.multinomial(self._weights, self.count, replacement=True, generator=generator)
        yield from self._batches(order.tolist())

    def ordered(self) -> Iterator[Batch]:
        """Yield all samples once, in their order."""
        yield from self._batches(list(range(self.count)))

    def _batches(self, order: list[int]) -> Iterator[Batch]:
        size = self._options.batch
        groups = [order[first : first + size] for first in range(0, len(order), size)]
        with ThreadPoolExecutor(self._options.threads) as pool:
            ahead = self._submit(pool, groups[0]) if groups else []
            for following in [*groups[1:], []]:
                samples = [sample() for sample in ahead]
                ahead = self._submit(pool, following)
                yield tuple(torch.stack(parts) for parts in zip(*samples, strict=True))

    def _submit(self, pool: ThreadPoolExecutor, numbers: list[int]) -> list[Callable[[], Batch]]:
        """Begin to read samples that are not kept; return what waits for each."""
        return [
            partial(self._kept.__getitem__, number)
            if number in self._kept
            else pool.submit(self._one, number).result
            for number in numbers
        ]

    def _one(self, number: int) -> Batch:
        sample = self._read(number)
        size = sum(part.numel() * part.element_size() for part in sample)
        if self._left >= size:
            self._left -= size
            self._kept[number] = sample
        return sample

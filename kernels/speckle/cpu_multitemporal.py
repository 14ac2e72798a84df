"""The CPU driver of the multi-temporal filter in :mod:`.scalar`: loops in plain Python, as in :mod:`coherence.cpu`."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import multitemporal_value, relative_power

CHUNK = 4096  # pixels of all dates that one thread takes at a time

PARTS = ("add_relative", "count_relative", "multiply_relative", "multitemporal_chunk")
INLINED = ("multitemporal_chunk",)
LOOPS = ("multitemporal_chunks",)
DRIVERS = ("filter_multitemporal",)


def add_relative(power: Any, mean: Any, valid: Any, total: Any) -> None:
    """Total += the relative powers of a date."""
    for i in range(total.size):
        ratio, _ = relative_power(power[i], mean[i], valid[i])
        total[i] += ratio


def count_relative(mean: Any, valid: Any, count: Any) -> None:
    """Count += 1 where a date has a relative power."""
    for i in range(count.size):
        _, one = relative_power(mean[i], mean[i], valid[i])
        count[i] += one


def multiply_relative(mean: Any, total: Any, count: Any, valid: Any, out: Any) -> None:
    """The filtered powers of a date."""
    for i in range(out.size):
        out[i] = multitemporal_value(mean[i], total[i], count[i], valid[i])


def multitemporal_chunk(powers: Any, means: Any, valid: Any, out: Any) -> None:
    """The filtered powers of a run of pixels, [date, pixel]."""
    total = np.zeros(out.shape[1], np.float32)
    count = np.zeros(out.shape[1], np.float32)
    for date in range(out.shape[0]):
        add_relative(powers[date], means[date], valid[date], total)
        count_relative(means[date], valid[date], count)
    for date in range(out.shape[0]):
        multiply_relative(means[date], total, count, valid[date], out[date])


def multitemporal_chunks(first: int, stop: int, powers: Any, means: Any, valid: Any, out: Any) -> None:
    """Filter chunks of pixels of [date, pixel]."""
    for k in range(first, stop):
        a = k * CHUNK
        b = min(a + CHUNK, out.shape[1])
        multitemporal_chunk(powers[:, a:b], means[:, a:b], valid[:, a:b], out[:, a:b])


def filter_multitemporal(powers: Any, means: Any, valid: Any, out: Any) -> None:
    """Driver of the multi-temporal filter over [date, pixel]."""
    in_threads(multitemporal_chunks, -(-out.shape[1] // CHUNK), powers, means, valid, out)

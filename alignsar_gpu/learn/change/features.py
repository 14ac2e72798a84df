"""Compare the images of two dates: log ratio of powers, coherence and interferometric phase.

Images are float32 [..., line, sample]. Values are averaged over a window of lines and samples around each pixel, over
pixels that are valid on both dates; at the edges of an image over what there is of it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

Window = tuple[int, int]  # lines and samples, both odd
LEAST = 1e-30  # power squared: below, nothing is there


class Comparison(NamedTuple):
    """Coherence magnitude of two complex images, and cosine and sine of their interferometric phase.

    All are [image, channel, line, sample]; without a valid pixel in the window they are 0.
    """

    coherence: torch.Tensor
    cosine: torch.Tensor
    sine: torch.Tensor


def window_sum(values: torch.Tensor, window: Window) -> torch.Tensor:
    """Sum values over a window around each pixel; beyond the edges of an image there is nothing."""
    half = (window[0] // 2, window[1] // 2)
    flat = values.reshape(-1, 1, *values.shape[-2:])
    return functional.avg_pool2d(flat, window, stride=1, padding=half, divisor_override=1).reshape(
        values.shape
    )


def compare(first: torch.Tensor, second: torch.Tensor, window: Window) -> Comparison:
    """Compute coherence and phase of two complex images, given as [image, channel of parts, line, sample].

    Channels are real and imaginary parts in turn. Pixels that are 0 on one of the dates are not valid. The coherence is
    the sample coherence |sum a conj(b)| / sqrt(sum |a|^2 sum |b|^2) (Touzi et al. 1999), biased upwards for few looks.
    """
    a, b = torch.complex(first[:, ::2], first[:, 1::2]), torch.complex(second[:, ::2], second[:, 1::2])
    valid = ((a != 0) & (b != 0)).float()
    product = a * b.conj() * valid
    real, imaginary = window_sum(product.real, window), window_sum(product.imag, window)
    power = window_sum(a.abs().square() * valid, window) * window_sum(b.abs().square() * valid, window)
    length = torch.hypot(real, imaginary)
    there = power > LEAST
    coherence = torch.where(there, length / power.clamp_min(LEAST).sqrt(), 0.0).clamp(max=1.0)
    scale = torch.where(there & (length > 0.0), 1.0 / length.clamp_min(LEAST), 0.0)
    return Comparison(coherence, real * scale, imaginary * scale)


def log_ratio(first: torch.Tensor, second: torch.Tensor, window: Window) -> torch.Tensor:
    """Compute the ratio of the mean powers of two dates, second to first, decibels [..., line, sample].

    Powers that are not positive, or NaN, are not valid. NaN where no pixel of the window is.
    """
    valid = (first > 0.0) & (second > 0.0)
    zero = torch.zeros((), dtype=first.dtype)
    sums = [window_sum(torch.where(valid, power, zero), window) for power in (first, second)]
    count = window_sum(valid.to(first.dtype), window)
    ratio = 10.0 * torch.log10(sums[1] / sums[0])
    return torch.where(count > 0.0, ratio, torch.nan)

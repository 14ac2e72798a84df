"""View of all polarizations of a date: signatures of their covariance matrix, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import (
    DUAL_OUTPUTS,
    QUAD_OUTPUTS,
    matrix_signatures,
    polarimetric_signatures,
    speckle_filter,
)
from alignsar_gpu.signatures.channels import channels_of
from alignsar_gpu.signatures.options import filter_of
from alignsar_gpu.signatures.views.powers import SINGLE_LOOK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.signatures.registry import Signature
    from alignsar_gpu.signatures.views.powers import Powers
    from alignsar_gpu.stack.block import Stack

ELEMENTS = {
    2: ("covariance_11", "covariance_22", "covariance_12_re", "covariance_12_im"),
    4: tuple(
        f"covariance_quad_{k}"
        for k in ("11", "22", "33", "12_re", "12_im", "13_re", "13_im", "23_re", "23_im")
    ),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class DateView:
    """View of date ``date`` (an index) of a stack."""

    powers: Powers
    date: int

    @property
    def stack(self) -> Stack:
        """The block of the stack."""
        return self.powers.stack

    def polarimetric(self, signatures: Sequence[Signature]) -> dict[str, Any]:
        """Compute signatures of scope "date", float32 [line, sample] by name, with the kernels."""
        found: dict[str, Any] = {}
        names = [signature.name for signature in signatures]
        for outputs, quad in ((DUAL_OUTPUTS, False), (QUAD_OUTPUTS, True)):
            wanted = [name for name in names if name in outputs]
            if wanted:
                found |= self._measured(wanted, quad=quad)
        return found

    def _measured(self, names: Sequence[str], *, quad: bool) -> dict[str, Any]:
        stack, options = self.stack, self.powers.options
        channels = channels_of("quad" if quad else "pair", stack.polarizations)
        if channels is None:
            raise ValueError(f"{', '.join(names)}: need polarizations that {stack.polarizations} lack")
        indices = [stack.polarizations.index(channel) for channel in channels]
        pixels = [stack.pixels[self.date, index] for index in indices]
        valid = stack.valid[self.date, indices].all(axis=0)
        gains, noise = self._radiometry(indices)
        lowest = 0.0 if options.negative == "masked" else -np.inf
        if options.filter == "none":
            return polarimetric_signatures(
                pixels,
                valid,
                names,
                window=options.windows.matrix,
                gains=gains,
                noise=noise,
                lowest=lowest,
                first=stack.first,
                stop=stack.stop,
                out=self.powers.room(len(names)),
            )
        planes = self._filtered(pixels, valid)
        core = valid[stack.core]
        return matrix_signatures(planes, core, names, gains=gains, noise=noise, lowest=lowest)

    def _filtered(self, pixels: Sequence[Any], valid: Any) -> Any:
        """The covariance matrix of every pixel, speckle filtered, [plane, line, sample] of the core."""
        stack, options = self.stack, self.powers.options
        elements = ELEMENTS[len(pixels)]
        single = polarimetric_signatures(pixels, valid, elements, window=(1, 1))
        return speckle_filter(
            stack.device.xp.stack([single[name] for name in elements]),
            valid,
            method=filter_of(options.filter, matrix=True),
            window=options.windows.matrix,
            looks=SINGLE_LOOK,
            powers=2 if len(pixels) == 2 else 3,
            first=stack.first,
            stop=stack.stop,
        )

    def _radiometry(self, indices: Sequence[int]) -> tuple[Any, Any]:
        """Gains of power and noise of the channels, [channel, line, sample], or None.

        The cross-polarizations of four channels are one channel here, sqrt(2) (HV + VH) / 2, whose noise is half
        the sum of theirs.
        """
        if self.powers.options.quantity is None:
            return None, None
        xp = self.stack.device.xp
        found = [self.powers.gain_and_noise(self.date, index) for index in indices]
        gains, noise = [gain for gain, _ in found], [power for _, power in found]
        if len(indices) == 4:
            gains = [gains[0], 0.5 * (gains[1] + gains[2]), gains[3]]
            noise = noise if noise[0] is None else [noise[0], 0.5 * (noise[1] + noise[2]), noise[3]]
        return xp.stack(gains), None if noise[0] is None else xp.stack(noise)

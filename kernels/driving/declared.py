"""The declaration of a CUDA kernel: its arguments and its limits of registers and memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Arguments and limits of a kernel; no kernel may spill registers or use local memory.

    Attributes
    ----------
    arguments : kinds of its arguments: c, complex64; f, float32; d, float64; q, int64; w, int32; j, int16; u, uint8;
        b, bool (flat arrays); 2 and 3, float64 of two and three dimensions; F, float32 of three; i, an
        integer; s, a float64 number; p, a pair of integers; n and m, five and seven float64 numbers.
    registers : at most so many a thread, on every architecture.
    shared : bytes of shared memory a block.
    float64 : at most so many float64 instructions in its PTX, conversions and copies of unrolled loops
        included: on a consumer's card each costs as much as 64 in float32.
    why_float64 : what these are for, as docs/kernels.md has it: phases, geometry or sums.
    """

    arguments: str
    registers: int
    float64: int
    shared: int = 0
    why_float64: str = ""

    def __post_init__(self) -> None:
        if (self.float64 > 0) != bool(self.why_float64):
            raise ValueError(
                f"why_float64={self.why_float64!r}: expected what float64 is for where float64 is above 0, and there "
                f"alone; float64={self.float64}"
            )

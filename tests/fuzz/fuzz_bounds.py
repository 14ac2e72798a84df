"""What accepted values may be: the bounds that readers go by, asked anew of what they have accepted."""

import numpy as np

from alignsar_gpu.geometry.bounds import BOUNDS

LARGEST = np.finfo(np.float64).max


def outside(values):
    """Names of accepted values (numbers or arrays by name) that lie outside the table, with an example of each.

    What the table does not list must be finite.
    """
    faults = []
    for name, value in values.items():
        numbers = np.asarray(value, dtype=np.float64).ravel()
        bound = BOUNDS.get(name)
        low, high = (-LARGEST, LARGEST) if bound is None else (bound.low, bound.high)
        wrong = numbers[~((numbers >= low) & (numbers <= high))]
        if len(wrong):
            faults.append(f"{name} = {wrong[0]:g}")
    return ", ".join(faults)

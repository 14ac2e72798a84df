"""What accepted values may be, by name: lowest and highest. What is not listed must be finite."""

import numpy as np

BOUNDS: dict[str, tuple[float, float]] = {}


def outside(values):
    """Names of accepted values (numbers or arrays by name) that lie outside the table, with an example of each."""
    faults = []
    for name, value in values.items():
        numbers = np.asarray(value, dtype=np.float64).ravel()
        low, high = BOUNDS.get(name, (-np.finfo(np.float64).max, np.finfo(np.float64).max))
        wrong = numbers[~((numbers >= low) & (numbers <= high))]
        if len(wrong):
            faults.append(f"{name} = {wrong[0]:g}")
    return ", ".join(faults)

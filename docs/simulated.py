"""Draws docs/simulated.png from ``python -m alignsar_gpu +experiment=simulate``: what is seen, and what is true."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm, ListedColormap
from PIL import Image

from alignsar_gpu.simulate.ground.backscatter import CLASSES

mpl.use("Agg")
from matplotlib import pyplot as plt


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulation", type=Path, default=Path("outputs/simulate"))
    parser.add_argument("--output", type=Path, default=Path("docs/simulated.png"))
    options = parser.parse_args()
    safe = min((options.simulation / "products").glob("*.SAFE"))
    groups = sorted(path.name for path in (options.simulation / "truth.zarr").iterdir() if path.is_dir())
    bursts = [
        xr.open_zarr(options.simulation / "truth.zarr", group=name) for name in groups if name.endswith("iw1")
    ]
    figure, axes = plt.subplots(1, 4, figsize=(13.0, 6.4), constrained_layout=True)
    axes[0].imshow(Image.open(safe / "preview" / "quick-look.png"), aspect="auto", interpolation="nearest")
    axes[0].set_title("what the products hold, IW1 and IW2:\nVV red, VH green, ratio blue")
    cover = np.concatenate([burst.land_cover.values[0] for burst in bursts])
    colours = ListedColormap([np.array(one.colour) / 255.0 for one in CLASSES])
    norm = BoundaryNorm(np.arange(len(CLASSES) + 1) - 0.5, len(CLASSES))
    shown = np.ma.masked_greater(cover, len(CLASSES) - 1)
    image = axes[1].imshow(shown, cmap=colours, norm=norm, aspect="auto", interpolation="nearest")
    bar = figure.colorbar(image, ax=axes[1], ticks=range(len(CLASSES)), orientation="horizontal", pad=0.02)
    bar.ax.set_xticklabels([one.name for one in CLASSES], rotation=60, ha="right", fontsize=8)
    axes[1].set_title("true land cover, IW1")
    for axis, name, title, cmap, label in (
        (axes[2], "height", "true height", "cividis", "m"),
        (
            axes[3],
            "flattened_phase",
            "true flattened phase, first to\nlast date: motion and atmosphere",
            "twilight",
            "rad",
        ),
    ):
        values = np.concatenate([np.atleast_3d(burst[name].values.T).T[-1] for burst in bursts])
        image = axis.imshow(values, cmap=cmap, aspect="auto", interpolation="nearest")
        figure.colorbar(image, ax=axis, label=label, orientation="horizontal", pad=0.02)
        axis.set_title(title)
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    axes[0].set_ylabel("azimuth: three bursts, which overlap")
    figure.savefig(options.output, dpi=80)


if __name__ == "__main__":
    main()

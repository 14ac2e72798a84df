"""The cost of a large stack from runs on small ones of several numbers of dates and pixels.

Of each stage: seconds = a + b dates + c pixels + d dates x pixels, none of them negative, where pixels are those of a
date: bursts x lines x samples. Four runs of two numbers of each give all four. a is starting and what every run does
once; b is what each date costs whatever its size; c is static (geometry, labels, the reference's ground); d is all
that is done with every pixel of every date, to which the bursts come by their pixels.

It assumes that a stage grows by no higher power of either (blocks get no smaller halos, and sorting along dates is
counted as linear), that polarizations are as many in the small stacks, and that the disk takes the bytes as fast when
there are a thousand times more of them. Timing of three neighbours and of the reference is counted for every date,
of which 2 and 4 dates have fewer: that part of ``products`` is too small by less than half.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from common import print_table
from scipy.optimize import nnls

if TYPE_CHECKING:
    from collections.abc import Sequence

MEGA = 1e6


def terms(dates: float, pixels: float) -> list[float]:
    return [1.0, dates, pixels / MEGA, dates * pixels / MEGA]


def fitted(
    runs: Sequence[dict[str, Any]], values: Sequence[float], dates: int, pixels: int
) -> np.ndarray[Any, Any]:
    """The four parts of a quantity of the large stack, from its values in the runs."""
    matrix = np.array([terms(run["dates"], run["pixels"]) for run in runs])
    scale = matrix.max(axis=0)
    factors, _ = nnls(matrix / scale, np.array(values))
    return factors / scale * np.array(terms(dates, pixels))


def parts_of(
    name: str, runs: Sequence[dict[str, Any]], values: Sequence[float], dates: int, pixels: int
) -> np.ndarray[Any, Any]:
    """Hours of a stage, as `fitted`; starting Python depends on nothing."""
    if name == "start":
        return np.array([np.median(values), 0.0, 0.0, 0.0]) / 3600
    return fitted(runs, values, dates, pixels) / 3600


def by_name(run: dict[str, Any], part: str, name: str, key: str) -> dict[str, float]:
    return {row[name]: row[key] for row in run[part]}


def extrapolate(runs: Sequence[dict[str, Any]], dates: int, pixels: int) -> dict[str, Any]:
    """Hours and CPU hours of each stage, and terabytes of each product, of a large stack."""
    stages, largest = [], runs[-1]
    names = [row["stage"] for row in largest["stages"]]
    for name in names:
        wall, cpu = (
            parts_of(name, runs, [by_name(run, "stages", "stage", key)[name] for run in runs], dates, pixels)
            for key in ("seconds", "cpu_seconds")
        )
        stages.append(
            {
                "stage": name,
                "seconds_measured": by_name(largest, "stages", "stage", "seconds")[name],
                "hours": round(float(wall.sum()), 3),
                "cpu_hours": round(float(cpu.sum()), 3),
                **{
                    label: round(float(part), 3)
                    for label, part in zip(("once", "by_date", "by_pixel", "by_both"), wall, strict=True)
                },
            }
        )
    total = sum(row["hours"] for row in stages)
    products = [
        {
            "product": name,
            "gigabytes": round(
                float(
                    fitted(
                        runs,
                        [by_name(run, "products", "product", "bytes")[name] for run in runs],
                        dates,
                        pixels,
                    ).sum()
                )
                / 1e9,
                1,
            ),
        }
        for name in by_name(largest, "products", "product", "bytes")
    ]
    return {
        "dates": dates,
        "pixels": pixels,
        "hours": round(total, 2),
        "cpu_hours": round(sum(row["cpu_hours"] for row in stages), 2),
        "stages": [{**row, "share": round(row["hours"] / total, 3)} for row in stages],
        "products": products,
    }


def print_extrapolation(results: dict[str, Any]) -> None:
    for run in results["runs"]:
        print(
            f"{run['dates']} dates of {run['pixels'] / MEGA:.1f} megapixels: {run['seconds']} s, {run['peak_gb']} GB"
        )
    large = results["extrapolation"]
    print_table(large["stages"])
    print_table(large["products"])
    print(
        f"{large['dates']} dates of {large['pixels'] / MEGA:.0f} megapixels: {large['hours']} hours, "
        f"{large['cpu_hours']} of the CPU, where every term is as assumed"
    )

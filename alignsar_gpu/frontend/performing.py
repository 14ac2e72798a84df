"""Carry out what a composed configuration says, for the command line and for Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.environment import check_environment
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.frontend.composing import typed
from alignsar_gpu.products.readers import check_there

if TYPE_CHECKING:
    from collections.abc import Callable

    from omegaconf import DictConfig

    from alignsar_gpu.application.pipeline import Summary
    from alignsar_gpu.application.simulation import SimulationSummary
    from alignsar_gpu.config import Config


ELSEWHERE = re.compile(r"/vsi|[A-Za-z][A-Za-z0-9_+]+:")  # names that GDAL understands: netcdf:FILE:VARIABLE


def check_paths(config: Config) -> None:
    """Raise AlignsarError if products, orbits or heights are not there, before anything heavy is imported."""
    _check_home("output", config.output)
    if config.simulate is not None:  # it makes them
        _check_home("simulate.path", config.simulate.path)
        return
    heights = config.dem.path if isinstance(config.dem.path, list) else [config.dem.path]
    paths = {"products.path": [getattr(config.products, "path", None)], "orbits.path": [config.orbits.path]}
    for key, named in (paths | {"dem.path": heights}).items():
        for path in named:
            if isinstance(path, str) and not ELSEWHERE.match(path):
                check_there(key, path)


def _check_home(key: str, text: str) -> None:
    """Raise AlignsarError, naming the key, if a path begins with the home folder of nobody."""
    try:
        Path(text).expanduser()
    except RuntimeError as error:
        raise AlignsarError(f"{key}={text}: {error}; correct the path") from None


def perform(
    composed: DictConfig, when_simulated: Callable[[SimulationSummary], None] | None = None
) -> tuple[Config, Summary | None]:
    """Simulate products and make a dataset, as configured; returns what was made, None without a dataset.

    ``when_simulated`` is called once products are simulated. Raises AlignsarError for what the user can put right.
    """
    config = typed(composed)
    check_paths(config)
    check_environment()
    # imported late, so that a wrong key or path is told at once
    from alignsar_gpu.application.pipeline import check, run  # noqa: PLC0415
    from alignsar_gpu.application.published import Published  # noqa: PLC0415
    from alignsar_gpu.application.simulation import simulate_products  # noqa: PLC0415
    from alignsar_gpu.device import limited_threads  # noqa: PLC0415
    from alignsar_gpu.progress import start_log  # noqa: PLC0415

    start_log()
    published = Published(composed)
    summary = None
    with limited_threads(config.device.threads):
        if config.products.reader != "none":
            check(config)
        if config.simulate is not None:
            simulated = simulate_products(config, published.configuration)
            if when_simulated is not None:
                when_simulated(simulated)
        if config.products.reader != "none":
            summary = run(config, published)
    return config, summary

"""Carry out what a composed configuration says, for the command line and for Python."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from alignsar_gpu.config import NoProductsConfig
from alignsar_gpu.config.paths import check_paths, name_after
from alignsar_gpu.environment import check_environment
from alignsar_gpu.frontend.composing import typed, with_sets

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from omegaconf import DictConfig

    from alignsar_gpu.application.pipeline import Summary
    from alignsar_gpu.application.simulation import SimulationSummary
    from alignsar_gpu.config import Config


def give_name(composed: DictConfig) -> None:
    """Name a run that has no name after what it reads."""
    if not composed.name and not any(
        name.startswith("products") for name in OmegaConf.missing_keys(composed)
    ):
        composed.name = name_after(composed.products)


def adds_to_finished_run(composed: DictConfig) -> bool:
    """Whether keys of what is added to a finished run are given (a map, chips, ...), and its folder."""
    wanted = composed.chips.size or composed.objects.layers or composed.card.write
    wanted = wanted or composed.learn.task is not None
    wanted = wanted or any(composed.catalog[n] for n in ("href", "citation", "doi"))
    wanted = wanted or any(composed.geocoding[n] is not None for n in ("resolution", "match"))
    return bool(wanted) and composed.simulate is None and Path(composed.output).expanduser().is_dir()


def perform(
    composed: DictConfig,
    when_simulated: Callable[[SimulationSummary], None] | None = None,
    working: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Config, Summary | None]:
    """Simulate products and make a dataset, as configured; returns what was made, None without a dataset.

    ``when_simulated`` is called once products are simulated, and ``working`` makes what surrounds the work, once all is
    imported. Raises AlignsarError for what the user can put right.
    """
    give_name(composed)
    adds = OmegaConf.is_missing(composed, "products") and adds_to_finished_run(composed)
    if adds:
        composed.products = OmegaConf.structured(NoProductsConfig)
    notes = with_sets(composed)
    config = typed(composed)
    check_paths(config)
    check_environment()
    # imported late, so that a wrong key or path is told at once
    from alignsar_gpu.application.pipeline import add, check, run  # noqa: PLC0415
    from alignsar_gpu.application.published import Published  # noqa: PLC0415
    from alignsar_gpu.application.simulation import simulate_products  # noqa: PLC0415
    from alignsar_gpu.device import limited_threads  # noqa: PLC0415
    from alignsar_gpu.progress import LOGGER, start_log  # noqa: PLC0415

    start_log()
    for note in notes:
        LOGGER.info("labels     %s", note)
    published = Published(composed)
    summary = None
    with working(), limited_threads(config.device.threads):
        if config.products.reader != "none":
            check(config)
        if config.simulate is not None:
            simulated = simulate_products(config, published.configuration)
            if when_simulated is not None:
                when_simulated(simulated)
        if adds:
            summary = add(config, published)
        elif config.products.reader != "none":
            summary = run(config, published)
    return config, summary

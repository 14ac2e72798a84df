"""The stages, in the order of the picture in the README."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.application.card import CardStage
from alignsar_gpu.application.catalogue import CatalogueStage
from alignsar_gpu.application.chips.checks import check_keys
from alignsar_gpu.application.chips.stage import ChipsStage
from alignsar_gpu.application.dataset.stage import DatasetStage
from alignsar_gpu.application.folder import CONFIGURATION, SIMULATED, RunFolder, refuse_foreign
from alignsar_gpu.application.geocoding.grids import check_map
from alignsar_gpu.application.geocoding.stage import GeocodingStage
from alignsar_gpu.application.learn.stage import LearnStage, require_learning
from alignsar_gpu.application.netcdf import AlignsarStage, NetcdfStage
from alignsar_gpu.application.objects.stage import ObjectsStage
from alignsar_gpu.application.report import ReportStage
from alignsar_gpu.application.stage import Run, keys_there
from alignsar_gpu.config.card import CardConfig
from alignsar_gpu.config.catalog import CatalogConfig
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.progress import LOGGER, StageTimer
from alignsar_gpu.signatures import select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.application.published import Published
    from alignsar_gpu.application.stage import Stage
    from alignsar_gpu.config import Config
    from alignsar_gpu.device import Device

# What a run makes, in this order; the first is what all others are made of. A new stage is a file and a line here.
STAGES: tuple[type[Stage], ...] = (
    DatasetStage,
    NetcdfStage,
    AlignsarStage,
    GeocodingStage,
    ChipsStage,
    ObjectsStage,
    LearnStage,
    ReportStage,
    CardStage,
    CatalogueStage,
)


# What can be added to a finished run without its inputs, and what lists it.
ADDED: tuple[type[Stage], ...] = (
    GeocodingStage,
    ChipsStage,
    ObjectsStage,
    LearnStage,
    CardStage,
    CatalogueStage,
)
# Groups of keys that are those of the finished run where none are given.
KEPT: dict[str, type] = {"card": CardConfig, "catalog": CatalogConfig}


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run did; ``seconds`` (per stage) is empty when everything was there already.

    ``shown`` has a row for each product that was made: a label, its path, and a remark. ``unchecked`` names inputs on
    servers that do not say whether they have changed.
    """

    output: Path
    device: Device
    seconds: dict[str, float]
    shown: tuple[tuple[str, Path, str], ...] = ()
    warnings: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


def check(config: Config) -> None:
    """Raise AlignsarError for what would stop `run`, before its products are simulated."""
    choose_device(config.device)
    select(config.signatures.names)
    if config.geocoding.is_wanted:
        check_map(config.geocoding)
    if config.chips.is_wanted:
        check_keys(config)
    if config.learn.is_wanted:
        require_learning(config)
    output = Path(config.output).expanduser()
    refuse_foreign(output)
    if config.simulate is not None:
        path = Path(config.simulate.path).expanduser()
        if output in {path, *path.parents} and path != output / SIMULATED:
            raise AlignsarError(
                f"simulate.path={path}: lies in the output folder; give another, or {output / SIMULATED}"
            )


def run(config: Config, published: Published) -> Summary:
    """Make the dataset that ``config`` describes; ``published`` is the same for the files that are written.

    Stages that are finished are left alone, an unfinished run is continued. Raises AlignsarError for what the user
    can put right.
    """
    return _run(config, published, STAGES, adding=False)


def add(config: Config, published: Published) -> Summary:
    """Add a map, chips, objects, models or a card to the finished run in the output folder; see `run`.

    The keys of the card and of the catalogue are those of that run where none are given here.
    """
    output = Path(config.output).expanduser()
    refuse_foreign(output)
    if config.chips.is_wanted:
        check_keys(config)
    if config.learn.is_wanted:
        require_learning(config)
    groups = [stage.name for stage in ADDED if stage.name not in KEPT and stage.is_wanted(config)]
    groups = [name for name in groups if name != CatalogueStage.name]
    for name, schema in KEPT.items():
        if getattr(config, name).is_given:
            groups.append(name)
        else:
            config = replace(config, **{name: keys_there(output / CONFIGURATION, name, schema)})
    return _run(config, published.added_to(output / CONFIGURATION, groups), ADDED, adding=True)


def _run(config: Config, published: Published, kinds: tuple[type[Stage], ...], *, adding: bool) -> Summary:
    device = choose_device(config.device)
    LOGGER.info("device     %s (%s)", device, device.reason)
    context = Run(config=config, published=published, device=device, timer=StageTimer())
    stages = [stage(context) for stage in kinds if stage.is_wanted(config)]
    with RunFolder(
        Path(config.output).expanduser(),
        [stage.record() for stage in stages],
        published.configuration,
        adding=adding,
    ) as folder:
        if adding:
            folder.require_whole()
        pending = [stage for stage in stages if stage.name in folder.pending]
        if pending:
            _make(pending, folder, context)
    return Summary(
        output=folder.path,
        device=device,
        seconds=context.timer.seconds,
        shown=tuple(
            (label, folder.path / name, text) for stage in pending for label, name, text in stage.shown
        ),
        warnings=tuple(warning for stage in pending for warning in stage.warnings()),
        unchecked=tuple(sorted(context.inputs.unchecked)),
    )


@contextmanager
def enough_memory(device: Device) -> Iterator[None]:
    """Turn a MemoryError, which CuPy's is too, into an AlignsarError that says what to do."""
    try:
        yield
    except MemoryError as error:
        raise AlignsarError(
            f"{device}: memory ran out ({error or 'no more to be had'}); lower device.memory_gib, or free memory; the "
            "same command goes on where this run stopped"
        ) from None


def _make(stages: list[Stage], folder: RunFolder, context: Run) -> None:
    for name, damage in folder.damage.items():
        LOGGER.warning("output     %s: made again: %s, and what is made of it", damage, name)
    with folder.writing(), enough_memory(context.device):
        if folder.begin():
            LOGGER.info("continues  the unfinished run in %s", folder.path)
        for stage in stages:
            stage.make(folder)
        folder.seal(context.inputs.changed())
        folder.publish()

"""The stages, in the order of the picture in the README."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu import __version__
from alignsar_gpu.application.description import (
    attributes,
    bounds,
    check_flattening,
    cube_layout,
    describe_scene,
    find_warnings,
    scene_times,
)
from alignsar_gpu.application.extraction import CUBE, Extraction, extract
from alignsar_gpu.application.folder import SIMULATED, RunFolder, fingerprint_of, refuse_foreign, write_text
from alignsar_gpu.application.inputs import find_inputs
from alignsar_gpu.application.interferograms import INTERFEROGRAMS, network_of
from alignsar_gpu.application.label_offset import measure_offset, offset_attributes
from alignsar_gpu.application.label_places import scene_of
from alignsar_gpu.application.label_sources import label_settings, open_labels
from alignsar_gpu.application.labels import LabelWriter
from alignsar_gpu.application.layers import layers, phase_state
from alignsar_gpu.application.quality import measure, write_quality
from alignsar_gpu.application.signature_choice import (
    available,
    coherence_looks,
    options_of,
    settings_attributes,
)
from alignsar_gpu.application.truth import files_of_truth, write_truth
from alignsar_gpu.catalog.stac import write_stac
from alignsar_gpu.dataset.cube import finish_cube, open_cube
from alignsar_gpu.dataset.netcdf import netcdf_files, write_date
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.progress import LOGGER, Stages
from alignsar_gpu.report import write_report
from alignsar_gpu.signatures import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from alignsar_gpu.application.inputs import Inputs
    from alignsar_gpu.application.labels import Labels
    from alignsar_gpu.config import Config
    from alignsar_gpu.device import Device
    from alignsar_gpu.signatures import Signature
    from alignsar_gpu.stack.product import StackProduct

TRUTH = "truth.zarr"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a run did; ``seconds`` (per stage) is empty when everything was there already."""

    output: Path
    device: Device
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()


def _fingerprint(config: Config, device: Device, inputs: Inputs, labels: Labels | None) -> str:
    """Of the inputs and the settings that change the result (not where it goes, nor the memory it may take)."""
    apart = {"output", "device", "orbits", "dem", "simulate", "radarcoding"}
    settings = {name: value for name, value in asdict(config).items() if name not in apart}
    facts = {"products": inputs.settings, "device": device.kind, "software": __version__}
    files = [*inputs.files, files_of_truth(config)]
    if labels is not None:
        facts["radarcoding"] = label_settings(config)
        files += labels.files
    return fingerprint_of(settings | facts, *files)


def check(config: Config) -> None:
    """Raise AlignsarError for what would stop `run`, before its products are simulated."""
    choose_device(config.device)
    select(config.signatures.names)
    output = Path(config.output).expanduser()
    refuse_foreign(output)
    if config.simulate is not None:
        path = Path(config.simulate.path).expanduser()
        if output in {path, *path.parents} and path != output / SIMULATED:
            raise AlignsarError(
                f"simulate.path={path}: lies in the output folder; give another, or {output / SIMULATED}"
            )


def run(config: Config, composed: str) -> Summary:
    """Make the dataset that ``config`` describes; ``composed`` is the same as text, for run.yaml.

    A finished run is left alone, an unfinished one is continued. Raises AlignsarError for what the user
    can put right.
    """
    device = choose_device(config.device)
    LOGGER.info("device     %s (%s)", device, device.reason)
    signatures = select(config.signatures.names)
    inputs = find_inputs(config)
    labels = open_labels(config, device.memory_budget)
    fingerprint = _fingerprint(config, device, inputs, labels)
    with RunFolder(Path(config.output).expanduser(), fingerprint, composed) as folder:
        if folder.finished:
            damage = folder.damage()
            if not damage:
                return Summary(output=folder.path, device=device, seconds={})
            LOGGER.warning("output     %s: the run is made again", damage)
            folder.discard()
        if folder.begin():
            LOGGER.info("continues  the unfinished run in %s", folder.path)
        stages, warnings = Stages(), list[str]()
        if not folder.complete:
            stages, warnings = _make(
                config, composed, device, signatures, (inputs, labels), folder, fingerprint
            )
            folder.seal()
        folder.publish()
    return Summary(output=folder.path, device=device, seconds=stages.seconds, warnings=tuple(warnings))


def _make(
    config: Config,
    composed: str,
    device: Device,
    signatures: Sequence[Signature],
    opened: tuple[Inputs, Labels | None],
    folder: RunFolder,
    fingerprint: str,
) -> tuple[Stages, list[str]]:
    """Every product of a run, in the folder's working place."""
    stages, (inputs, labels) = Stages(), opened
    with stages.stage("products"):
        product = inputs.open(device)
        LOGGER.info("products   %s", product.source)
        check_flattening(product, config)
        looks = coherence_looks(product, signatures, config, device)
        options = options_of(product, config, looks)
        chosen, left_out = available(product, signatures, options)
        warnings = find_warnings(product, config, left_out)
        scene = describe_scene(product)
    facts = attributes(product, scene, config, device, fingerprint, settings_attributes(options, looks))
    what = layers(product, chosen, config, options, looks)
    if labels is not None:
        place = scene_of(product, config, device, scene_times(product, scene), folder.work)
        what += labels.checked_layers(place, what)
    layout = cube_layout(product, scene, config, what, facts)
    network = network_of(
        product,
        [(one.temporal, one.perpendicular) for one in scene.baselines],
        config.interferometry,
        layout,
        phase_state(product, config),
    )
    warnings += network.warnings if network is not None else ()
    work = Extraction(
        product=product,
        device=device,
        signatures=chosen,
        options=options,
        flatten=config.interferometry.flatten == "auto",
        delays=scene.delays,
        layout=layout,
        slc=config.signatures.slc,
        network=network,
    )
    with stages.stage("signatures", work.layout.rows) as advance:
        extract(work, folder, advance)
    if labels is not None:
        with stages.stage("radarcoding", layout.rows) as advance:
            LabelWriter(labels=labels, scene=place, product=product, layout=layout).fill(folder, advance)
    finish_cube(folder.work / CUBE, bounds(folder.work / CUBE))
    offset = None if labels is None else _offset(labels, config, product, folder, stages)
    if network is not None:
        with stages.stage("interferograms", len(network.what.pairs)) as advance:
            network.finish(folder, device, advance)
    cube = open_cube(folder.work / CUBE)
    files = _netcdf(cube, folder, stages)
    with stages.stage("quality"):
        quality = measure(cube, product, scene, device, warnings)
        if labels is not None:
            warnings += labels.warnings()
            quality["radarcoding"] = {"layers": labels.facts(), "label_offset": offset}
        known = write_truth(folder.work / TRUTH, cube, product, config, options.windows.coherence)
        truth = None
        if known is not None:
            truth, quality["truth"] = known
    with stages.stage("report"):
        quality["stages"] = stages.seconds
        report = write_report(cube, quality, folder.work / "report", truth=truth, configuration=composed)
    records = folder.work / "quality.json", folder.work / "run.yaml"
    write_quality(records[0], quality)
    write_text(records[1], composed)
    with stages.stage("stac"):
        write_stac(
            cube,
            folder.work / "stac",
            netcdf=files,
            cube_store=folder.work / CUBE,
            interferograms=None if network is None else folder.work / INTERFEROGRAMS,
            report=report,
            metadata=records,
        )
    return stages, warnings


def _offset(
    labels: Labels, config: Config, product: StackProduct, folder: RunFolder, stages: Stages
) -> dict[str, Any] | None:
    """Measure how far labels are off against the image, and write it into the cube."""
    with stages.stage("offset"):
        found = measure_offset(
            open_cube(folder.work / CUBE), labels.fractions, config.radarcoding, product.polarizations
        )
        finish_cube(folder.work / CUBE, offset_attributes(found))
    return found


def _netcdf(cube: xr.Dataset, folder: RunFolder, stages: Stages) -> list[Path]:
    """One file a date; those that are there already are kept."""
    files = netcdf_files(cube, folder.work / "netcdf")
    with stages.stage("netcdf", len(files)) as advance:
        for index, file in enumerate(files):
            if not folder.is_recorded(file.name):
                write_date(cube, index, file)
                folder.record(file.name, [file])
            advance(1)
    return files

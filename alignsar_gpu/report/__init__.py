"""Report: an HTML page with pictures and numbers of a cube."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.report import overview
from alignsar_gpu.report.page import FoldedText, Page, Section, render
from alignsar_gpu.report.pictures import PictureWriter
from alignsar_gpu.report.sections.amplitude import amplitude_section
from alignsar_gpu.report.sections.chips import chips_section
from alignsar_gpu.report.sections.comparisons import comparison_sections
from alignsar_gpu.report.sections.geometry import geometry_section
from alignsar_gpu.report.sections.interferograms import baselines_section, interferograms_section
from alignsar_gpu.report.sections.labels import labels_section
from alignsar_gpu.report.sections.on_map import map_section
from alignsar_gpu.report.sections.signatures import signatures_section
from alignsar_gpu.report.sections.timing import timing_section
from alignsar_gpu.report.sections.truth import truth_section
from alignsar_gpu.report.sections.where import where_section
from alignsar_gpu.report.survey import CubeSurvey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import xarray as xr

__all__ = ["SECTIONS", "write_report"]

READERS = 2  # threads that read and reduce layers while pictures are drawn


def write_report(
    cube: xr.Dataset,
    quality: Mapping[str, Any],
    folder: Path,
    *,
    truth: xr.Dataset | None = None,
    configuration: str = "",
    files: Sequence[Path] = (),
    dates: Sequence[str] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> Path:
    """Write ``folder/index.html`` and its pictures, and return the path of the page.

    The page links its pictures and the run's other products (``../cube.zarr``, ...) by relative paths and
    loads nothing from the network. Same arguments, same bytes. The page is written after its pictures.

    Parameters
    ----------
    cube : the dataset (time, azimuth, range) of a run. Layers that are pictured are read once, of others as much
        as their statistics may cost, by two threads; in memory are some blocks of lines, and the pictures.
    quality : what was measured while running; ``warnings``, ``stages``, ``dates``, ``device`` and ``truth``
        have places of their own, everything is shown as it is at the end. Any key may be missing.
    folder : made where it does not exist; pictures of an earlier report in it are overwritten.
    truth : what a simulated stack was made from: ``land_cover`` (azimuth, range), ``coherence_true``,
        ``coherence_expected`` and ``coherence_estimated`` (time, class), ``phase_true`` (time, azimuth,
        range) in radians. Any of them may be missing.
    configuration : the composed configuration, shown as it is.
    files : NetCDF files of the dataset, of which the page opens that of the reference date or the first, and pictures
        of dates on a map (visual_<YYYYMMDD>.tif), of which it shows one; and the index of chips (index.parquet), the
        objects (objects.parquet), and the page of models (learn/index.html).
    dates : those that get pictures (YYYYMMDD), besides the reference; empty: up to 16, evenly chosen.
    advance : called with 1 for each of `SECTIONS` that is done.

    Raises AlignsarError where the dataset is not a cube, has not one of these dates, or the folder cannot be written.
    """
    netcdf, maps = ([file for file in files if file.suffix == kind] for kind in (".nc", ".tif"))
    index, objects = (
        next((file for file in files if file.name == name), None)
        for name in ("index.parquet", "objects.parquet")
    )
    survey = CubeSurvey(cube, quality, truth=truth, dates=dates)
    page = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.unlink(missing_ok=True)  # no page while its pictures are not there
    except OSError as error:
        raise AlignsarError(
            f"report: cannot write to {folder}: {error.strerror}; choose another output folder"
        ) from error
    readers = ThreadPoolExecutor(READERS)
    try:
        survey.read_ahead(readers)
        text = render(
            _page(
                PictureWriter(survey, folder, maps, index and index.parent, objects),
                configuration,
                advance,
                netcdf,
                models=any(file.name == "index.html" for file in files),
            )
        )
    finally:
        readers.shutdown(cancel_futures=True)
    unfinished = folder / "index.html.part"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(page)
    return page


def _page(
    writer: PictureWriter,
    configuration: str,
    advance: Callable[[int], None],
    netcdf: Sequence[Path],
    *,
    models: bool,
) -> Page:
    """The content of the page; its pictures are drawn."""
    survey, quality = writer.survey, writer.survey.quality
    first = sorted(netcdf, key=lambda file: (file.stem != survey.keys[survey.reference], file))[:1]
    return Page(
        title=overview.title(survey),
        summary=overview.summary(survey),
        facts=overview.facts(survey),
        dates=overview.dates_table(survey),
        warnings=tuple(str(warning) for warning in quality.get("warnings") or ()),
        sections=_sections(writer, advance),
        netcdf="".join(f"netcdf/{file.name}" for file in first),
        opener="alignsar_gpu.open" if survey.cube.encoding.get("computed") else "xarray.open_zarr",
        models=models,
        stages=overview.stages(quality),
        blocks=_blocks(quality, configuration),
    )


def _truth(writer: PictureWriter) -> Section | None:
    return None if writer.survey.truth is None else truth_section(writer, writer.survey.truth)


# What the page may have, in its order: those that the cube has something for are shown.
SECTIONS: tuple[Callable[[PictureWriter], Section | Sequence[Section] | None], ...] = (
    where_section,
    map_section,
    amplitude_section,
    interferograms_section,
    signatures_section,
    comparison_sections,
    geometry_section,
    baselines_section,
    labels_section,
    chips_section,
    timing_section,
    _truth,
)


def _sections(writer: PictureWriter, advance: Callable[[int], None]) -> tuple[Section, ...]:
    found: list[Section] = []
    for make in SECTIONS:
        made = make(writer)
        found += [made] if isinstance(made, Section) else made or ()
        advance(1)
    return tuple(found)


def _blocks(quality: Mapping[str, Any], configuration: str) -> tuple[FoldedText, ...]:
    rest = {key: value for key, value in quality.items() if key not in {"stages", "warnings"}}
    blocks = []
    if rest:
        text = json.dumps(rest, indent=2, ensure_ascii=False, default=str)
        blocks.append(FoldedText(summary="Everything that was measured (quality.json)", text=text))
    if configuration:
        blocks.append(FoldedText(summary="The configuration (run.yaml)", text=configuration))
    return tuple(blocks)

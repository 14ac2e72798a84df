"""The report: a page of pictures and numbers that shows a person what is in a cube."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.report import labels as labels_chapter
from alignsar_gpu.report import overview
from alignsar_gpu.report import timing as timing_chapter
from alignsar_gpu.report import truth as truth_chapter
from alignsar_gpu.report.page import Block, Page, render
from alignsar_gpu.report.sections import Chapters
from alignsar_gpu.report.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr

__all__ = ["write_report"]


def write_report(
    cube: xr.Dataset,
    quality: Mapping[str, Any],
    folder: Path,
    *,
    truth: xr.Dataset | None = None,
    configuration: str = "",
    netcdf: bool = True,
) -> Path:
    """Write ``folder/index.html`` and its pictures, and give the path of the page.

    The page links its pictures and the run's other products (``../cube.zarr``, ...) by relative paths and
    loads nothing from the network. Same arguments, same bytes. The page is written after its pictures.

    Parameters
    ----------
    cube : the dataset (time, azimuth, range) of a run, read a layer of a date at a time.
    quality : what was measured while running; ``warnings``, ``stages``, ``dates``, ``device`` and ``truth``
        have places of their own, everything is shown as it is at the end. Any key may be missing.
    folder : made where it does not exist; pictures of an earlier report in it are overwritten.
    truth : what a simulated stack was made from: ``land_cover`` (azimuth, range), ``coherence_true``,
        ``coherence_expected`` and ``coherence_estimated`` (time, class), ``phase_true`` (time, azimuth,
        range) in radians. Any of them may be missing.
    configuration : the composed configuration, shown as it is.
    netcdf : whether the dataset has NetCDF files too, which the page links.

    Raises AlignsarError where the dataset is not a cube or the folder cannot be written.
    """
    survey = Survey(cube, quality)
    page = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.unlink(missing_ok=True)  # no page while its pictures are not there
    except OSError as error:
        raise AlignsarError(
            f"report: cannot write to {folder}: {error.strerror}; choose another output folder"
        ) from error
    chapters = Chapters(survey, folder)
    sections = list(chapters.sections())
    if (labelled := labels_chapter.section(chapters)) is not None:
        sections.append(labelled)
    if (timed := timing_chapter.section(chapters)) is not None:
        sections.append(timed)
    if truth is not None and (compared := truth_chapter.section(chapters, truth)) is not None:
        sections.append(compared)
    text = render(
        Page(
            title=overview.title(survey),
            summary=overview.summary(survey),
            facts=overview.facts(survey),
            dates=overview.dates_table(survey),
            warnings=tuple(str(warning) for warning in quality.get("warnings") or ()),
            sections=tuple(sections),
            netcdf=f"netcdf/{survey.keys[survey.reference]}.nc" if netcdf else "",
            stages=overview.stages(quality),
            blocks=_blocks(quality, configuration),
        )
    )
    unfinished = folder / "index.html.part"
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(page)
    return page


def _blocks(quality: Mapping[str, Any], configuration: str) -> tuple[Block, ...]:
    rest = {key: value for key, value in quality.items() if key not in {"stages", "warnings"}}
    blocks = []
    if rest:
        text = json.dumps(rest, indent=2, ensure_ascii=False, default=str)
        blocks.append(Block(summary="Everything that was measured (quality.json)", text=text))
    if configuration:
        blocks.append(Block(summary="The configuration (run.yaml)", text=configuration))
    return tuple(blocks)

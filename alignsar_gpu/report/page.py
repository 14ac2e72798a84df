"""Parts of the page, and their rendering to HTML by the template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from alignsar_gpu.report.templates import fill, own_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.report.drawing.figures import Drawn

NARROW = 600  # pixels: pictures of tall scenes, four of which stand side by side


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawn picture, its alternative text, and a short line below it.

    ``full_row``: it has a row of a gallery to itself.
    """

    drawn: Drawn
    alt: str
    line: str = ""
    full_row: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Pictures shown together; ``captions.html`` has the caption of its ``kind``, with ``words`` in it.

    ``row``: how many pictures belong side by side, where that matters.
    """

    kind: str
    pictures: tuple[Picture, ...]
    words: Mapping[str, object] = field(default_factory=dict)
    title: str = ""
    size: Literal["gallery", "wide"] = "gallery"
    row: int = 0

    @property
    def columns(self) -> int:
        """Number of pictures side by side in a gallery if the page is wide enough."""
        if self.row:
            return self.row
        side_by_side = [picture for picture in self.pictures if not picture.full_row]
        count, width = len(side_by_side), max((picture.drawn.width for picture in side_by_side), default=0)
        if width <= NARROW and count >= 4:
            return 4
        return 3 if count in {3, 5, 6, 9} or (width <= NARROW and count > 2) else 2


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table. Columns (from 0) in ``numeric`` are right-aligned, those in ``long`` wrap.

    ``name`` is for readers who cannot see it, and the title of a ``folded`` one.
    """

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    numeric: frozenset[int] = frozenset()
    long: frozenset[int] = frozenset()
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class FoldedText:
    """A folded block of preformatted text."""

    summary: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """A section of the page: panels, then tables; ``captions.html`` has its lead, with ``words`` in it."""

    anchor: str
    title: str
    words: Mapping[str, object] = field(default_factory=dict)
    panels: tuple[Panel, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """A stage of the run, its time as text, and its share of the longest stage in percent."""

    name: str
    time: str
    share: float


@dataclass(frozen=True, kw_only=True)
class Page:
    """The content of the page."""

    title: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    dates: Table
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    netcdf: str
    opener: str  # the function that shows all layers of the cube
    models: bool = False  # whether there is a page of models
    stages: tuple[StageTime, ...] = ()
    blocks: tuple[FoldedText, ...] = ()


def render(page: Page) -> str:
    """Render the page as one HTML text, its style inlined; every text is escaped."""
    return fill("page.html", page=page, style=own_file("report.css"))

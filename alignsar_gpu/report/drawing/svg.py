"""Pictures as SVG texts that follow the light or dark scheme of the reader."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context, rcdefaults, rcParams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure

DPI = 144
PAPER, INK, FAINT = "#ffffff", "#1f2933", "#c9d1d9"
# Okabe and Ito's palette, told apart by colour-blind readers. Each is one step beside its colour in `palette`: these
# are lighter in the dark, classes are as in the rasters.
SERIES = ("#0072b3", "#d55e01", "#009e74", "#cc79a8")
DARK = {
    PAPER: "#171c22",
    INK: "#d7dee6",
    FAINT: "#3b4550",
    **dict(zip(SERIES, ("#56b4e9", "#e69f00", "#2bc79b", "#e59cc4"), strict=True)),
}
FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Liberation Sans',Arial,sans-serif"

RULES = "".join(
    f'[{part}="{light}"],[style*="{part}: {light}"]{{{part}:{dark}!important}}'
    for part in ("fill", "stroke")
    for light, dark in DARK.items()
)
STYLE = f"text{{font-family:{FONT}!important}}@media(prefers-color-scheme:dark){{{RULES}}}"

PLOT: Any = {
    "timezone": "UTC",
    "font.size": 10,
    "font.sans-serif": ["DejaVu Sans"],  # what widths are computed with
    "text.parse_math": False,  # texts come from products: a dollar sign is a dollar sign
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


@dataclass(frozen=True, kw_only=True)
class Svg:
    """A picture: its text and its size in pixels."""

    text: str
    width: int
    height: int


@contextmanager
def _style() -> Iterator[None]:
    """Have the style of our pictures while a figure is drawn, whatever the settings of the user."""
    with rc_context():
        rcdefaults()
        rcParams.update(PLOT)
        yield


def painted(draw: Callable[[], Figure]) -> bytes:
    """Draw a figure of matplotlib as PNG, for pages that do not show SVG; same figure, same bytes."""
    with _style():
        file = io.BytesIO()
        draw().savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def plotted(draw: Callable[[], Figure]) -> Svg:
    """Draw a figure of matplotlib, in this style whatever the settings of the user; same figure, same bytes."""
    with _style():
        figure = draw()
        file = io.StringIO()
        nothing: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", dpi=DPI, metadata=nothing)
    width, height = (round(side * DPI) for side in figure.get_size_inches())
    text = file.getvalue().replace("</style>", f"{STYLE}</style>", 1)
    return Svg(text=text, width=width, height=height)

"""Write XML as ESA does: elements, lists with their counts, numbers and times as text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, indent, tostring

import numpy as np

from alignsar_gpu.geometry.time_scale import moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

Text = str | int | float | bool


def element(tag: str, *content: Element | Text, **attributes: str) -> Element:
    """Make an element with a text or elements in it; floats with 16 digits, flags as XML writes them."""
    result = Element(tag, attributes)
    for part in content:
        if isinstance(part, Element):
            result.append(part)
        else:
            result.text = text_of(part)
    return result


def text_of(value: Text) -> str:
    """Format a value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.15e}"
    return str(value)


def fields(tag: str, values: Mapping[str, Text | Element]) -> Element:
    """Make an element with one child of each name."""
    return element(
        tag,
        *(value if isinstance(value, Element) else element(name, value) for name, value in values.items()),
    )


def listed(tag: str, members: Iterable[Element]) -> Element:
    """Make a list of elements, with its count."""
    inside = list(members)
    return element(tag, *inside, count=str(len(inside)))


def numbers(tag: str, values: NDArray[np.float64] | NDArray[np.int64], digits: int = 15) -> Element:
    """Make an array in one element, with its count; floats with ``digits`` decimals."""
    if np.issubdtype(values.dtype, np.integer):
        words = [str(value) for value in values.tolist()]
    else:
        words = [f"{value:.{digits}e}" for value in values.tolist()]
    return element(tag, " ".join(words), count=str(len(words)))


def utc(epoch: np.datetime64, time: float) -> str:
    """Format the UTC of a time in seconds since ``epoch``, to the microsecond."""
    return utc_text(moment(epoch, time))


def stamp(epoch: np.datetime64, time: float) -> str:
    """Format the UTC as in names of files, whole seconds: 20230904T063731."""
    return utc(epoch, time)[:19].replace("-", "").replace(":", "")


def document(root: Element) -> bytes:
    """Serialize a whole document."""
    indent(root)
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()

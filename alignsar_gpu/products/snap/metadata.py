"""Parse SNAP's metadata tree: ``product_metadata.json`` (ZNAP) or a ``.dim`` file (BEAM-DIMAP)."""

from __future__ import annotations

from dataclasses import dataclass, field
from json import JSONDecodeError
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.time_scale import continuous, parse_utc
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element as XmlElement

FIRST_TIME, LAST_TIME = np.datetime64("1950-01-01", "us"), np.datetime64("2200-01-01", "us")
SNAP_EPOCH = np.datetime64("2000-01-01", "us")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTHS = {month: index for index, month in enumerate(_MONTHS, start=1)}
SECONDS_PER_DAY = 86400
MOST_DAYS = 100_000  # that a time lies from the epoch: two centuries and more
UNLIKE = (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError)


@dataclass(frozen=True)
class Element:
    """A node of the metadata tree: named attributes and child elements; ``where`` names its file."""

    name: str
    where: str
    attributes: dict[str, str | float | np.datetime64] = field(default_factory=dict)
    children: tuple[Element, ...] = ()

    def find(self, *path: str) -> Element | None:
        """Return the first element at ``path`` below this one, or None."""
        found: Element | None = self
        for name in path:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def require(self, *path: str) -> Element:
        """Return the first element at ``path`` below this one; AlignsarError if there is none."""
        found = self.find(*path)
        if found is None:
            raise AlignsarError(
                f"{self.where}: no element {'/'.join(path)!r} in {self.name!r}: the metadata is incomplete; "
                "export the product again with all its metadata"
            )
        return found

    def walk(self) -> Iterator[Element]:
        """Iterate over this element and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def _value(self, name: str) -> str | float | np.datetime64:
        if name not in self.attributes:
            raise AlignsarError(
                f"{self.where}: no attribute {name!r} in {self.name!r}: the metadata is incomplete; "
                "export the product again with all its metadata"
            )
        return self.attributes[name]

    def _refuse(self, name: str, expected: str) -> AlignsarError:
        return AlignsarError(
            f"{self.where}: attribute {name!r} of {self.name!r} should be {expected}, "
            f"but is {self.attributes[name]!r}"
        )

    def text(self, name: str) -> str:
        """Return attribute ``name`` as text."""
        return str(self._value(name))

    def number(self, name: str) -> float:
        """Return attribute ``name`` as a finite number."""
        value = self._value(name)
        try:
            number = np.nan if isinstance(value, np.datetime64) else float(value)
        except ValueError:
            raise self._refuse(name, "a number") from None
        if not np.isfinite(number):
            raise self._refuse(name, "a finite number")
        return number

    def numbers(self, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return attribute ``name`` as numbers separated by blanks."""
        try:
            return np.array(self.text(name).split(), dtype=np.float64)
        except ValueError:
            raise self._refuse(name, "a list of numbers") from None

    def time(self, name: str) -> np.datetime64:
        """Return attribute ``name``, a UTC time (ISO 8601 text or SNAP's own form), as continuous time."""
        value = self._value(name)
        time = continuous(value) if isinstance(value, np.datetime64) else parse_utc(str(value))
        if time is None or not FIRST_TIME < time < LAST_TIME:
            raise self._refuse(name, "a UTC time")
        result: np.datetime64 = time
        return result


def _json_value(data: dict[str, Any]) -> str | float | np.datetime64:
    values = data["elems"]
    if data["type"] == "utc":
        days, seconds, microseconds = (int(v) for v in values)
        if abs(days) > MOST_DAYS or max(abs(seconds), abs(microseconds)) > 2_000_000:
            raise ValueError(f"{values} is no time")
        return SNAP_EPOCH + np.timedelta64(
            (days * SECONDS_PER_DAY + seconds) * 1_000_000 + microseconds, "us"
        )
    if isinstance(values, str):
        return values
    return float(values[0]) if len(values) == 1 else " ".join(str(v) for v in values)


def _json_element(node: dict[str, Any], where: str) -> Element:
    attributes = {a["name"]: _json_value(a["data"]) for a in node.get("attributes", ())}
    children = tuple(_json_element(child, where) for child in node.get("elements", ()))
    return Element(node["name"], where, attributes, children)


def parse_json(text: str | bytes, where: str) -> Element:
    """Parse a ``product_metadata.json``; AlignsarError if it is truncated or malformed."""
    try:
        nodes = load_json(text)
        return Element("metadata", where, {}, tuple(_json_element(node, where) for node in nodes))
    except JSONDecodeError as error:
        raise AlignsarError(
            f"{where}: not complete JSON (line {error.lineno}: {error.msg}): the file is cut off or damaged; "
            "copy or export the product again"
        ) from None
    except (*UNLIKE, RecursionError) as error:
        raise AlignsarError(
            f"{where}: not the metadata that SNAP writes into ZNAP products ({error!r}); export the product again"
        ) from None


def _dimap_time(text: str) -> np.datetime64 | str:
    """SNAP's "31-MAR-2023 05:50:35.812250"; any other text is left as it is."""
    try:
        day, month, rest = text.strip().split("-", 2)
        year, clock = rest.split(" ", 1)
        return np.datetime64(f"{year}-{MONTHS[month.upper()]:02d}-{int(day):02d}T{clock}", "us")
    except (KeyError, ValueError):
        return text


def _xml_tree(node: XmlElement, where: str) -> Element:
    attributes: dict[str, str | float | np.datetime64] = {}
    for item in node.findall("MDATTR"):
        text = (item.text or "").strip()
        attributes[item.get("name", "")] = _dimap_time(text) if item.get("type") == "utc" else text
    children = tuple(_xml_tree(child, where) for child in node.findall("MDElem"))
    return Element(node.get("name", ""), where, attributes, children)


def parse_xml(text: bytes, where: str) -> XmlElement:
    """Parse an XML document and return its root; AlignsarError if it is broken or declares entities."""
    try:
        root: XmlElement = fromstring(text)
    except DefusedXmlException as error:
        raise AlignsarError(f"{where}: refused, for it declares XML entities ({error!r})") from None
    except (ParseError, LookupError, ValueError) as error:
        raise AlignsarError(
            f"{where}: not complete XML ({error}): the file is cut off or damaged; copy or export it again"
        ) from None
    return root


def dimap_tree(document: XmlElement, where: str) -> Element:
    """Read the metadata tree of a BEAM-DIMAP document (``Dataset_Sources`` / ``metadata``)."""
    root = document.find("Dataset_Sources/MDElem[@name='metadata']")
    if root is None:
        raise AlignsarError(f"{where}: no Dataset_Sources/metadata: not a product that SNAP has written")
    try:
        return _xml_tree(root, where)
    except RecursionError:
        raise AlignsarError(
            f"{where}: its metadata are nested too deep: not a product that SNAP has written"
        ) from None

"""XML of annotation and orbit files: parsed without entities; error messages name the file and the element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.time_scale import parse_utc
from alignsar_gpu.opening.web_pages import refuse_web_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Xml:
    """An element of a document; ``where`` names the file and the element in messages.

    Paths are those of ElementTree, relative to the element; names are written without namespace as
    "{*}name" where the document has one.
    """

    element: Element
    where: str

    def find(self, path: str) -> Xml | None:
        """Return the first element at ``path``, or None."""
        found = self.element.find(path)
        return None if found is None else Xml(found, f"{self.where}/{path}")

    def require(self, path: str) -> Xml:
        """Return the first element at ``path``; AlignsarError if there is none."""
        found = self.find(path)
        if found is None:
            raise AlignsarError(f"{self.where}: no element {path!r}; the file is damaged or of another kind")
        return found

    def all(self, path: str) -> Iterator[Xml]:
        """Iterate over all elements at ``path``."""
        for number, found in enumerate(self.element.iterfind(path), 1):
            yield Xml(found, f"{self.where}/{path}[{number}]")

    def text(self, path: str = ".") -> str:
        """Return the text of the element at ``path``, stripped; AlignsarError if there is none."""
        return (self.require(path).element.text or "").strip()

    def number(self, path: str = ".") -> float:
        """Return the text of the element at ``path`` as a finite number."""
        values = self.numbers(path)
        if values.size != 1:
            raise AlignsarError(f"{self.where}/{path}: expected one number, found {values.size}")
        return float(values[0])

    def numbers(self, path: str = ".") -> NDArray[np.float64]:
        """Return the text of the element at ``path`` as finite numbers, (n,) float64."""
        words = self.text(path).split()
        try:
            values = np.array([float(word) for word in words])
        except ValueError:
            raise AlignsarError(f"{self.where}/{path}: {' '.join(words)[:60]!r} is not a number") from None
        if not np.isfinite(values).all():
            raise AlignsarError(f"{self.where}/{path}: holds a number that is not finite")
        return values

    def time(self, path: str = ".") -> np.datetime64:
        """Return the UTC at ``path`` as continuous time (`geometry.time_scale`), datetime64[us]."""
        text = self.text(path)
        value = parse_utc(text.removeprefix("UTC="))
        if value is None:
            raise AlignsarError(f"{self.where}/{path}: {text[:60]!r} is not a time")
        return value


def parse_xml(data: bytes, where: str) -> Xml:
    """Parse an XML document and return its root element; ``where`` is the file's name.

    Raises AlignsarError for what is not well-formed, and for a document that declares entities or refers to
    a document type: no product has them, and they can be made to fill the memory or read other files.
    """
    refuse_web_page(data, where)
    try:
        return Xml(fromstring(data, forbid_dtd=True), where)
    except DefusedXmlException as error:
        raise AlignsarError(
            f"{where}: the XML declares a document type or entities ({type(error).__name__}), which no "
            "product does; not read"
        ) from None
    except (ParseError, LookupError, ValueError) as error:  # the latter two: an encoding that there is not
        raise AlignsarError(
            f"{where}: broken XML ({error}); the file is damaged or incomplete, fetch it again"
        ) from None

"""GML without a schema: find which element of an object is its shape.

An object of GML may have several geometries, some within other elements: a building of the Dutch BGT has its
ground plan and the places of its house numbers, a slope its surface and its crest. Without a schema GDAL takes the
last that it meets. So a part of the file is looked through, and GDAL is told which to take by a template (a GFS
file), which names the elements of the other attributes too.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from xml.etree.ElementTree import Element

GML = "{http://www.opengis.net/gml"
SURFACES = {
    "Polygon",
    "Surface",
    "MultiPolygon",
    "MultiSurface",
    "CompositeSurface",
    "PolyhedralSurface",
    "Solid",
}
CURVES = {"LineString", "Curve", "MultiLineString", "MultiCurve", "CompositeCurve", "LinearRing"}
POINTS = {"Point", "MultiPoint"}
DIMENSION = {**dict.fromkeys(POINTS, 0), **dict.fromkeys(CURVES, 1), **dict.fromkeys(SURFACES, 2)}
EPSG_CODE = re.compile(r"(?:epsg|EPSG).*?(\d+)$")
LOOKED_AT = 1 << 25  # bytes
AT_A_TIME = 1 << 16
NUMBERS = {  # how a GFS file calls the types that pyogrio names
    "int64": "<Type>Integer</Type><Subtype>Integer64</Subtype>",
    "int": "<Type>Integer</Type>",
    "float": "<Type>Real</Type>",
}


@dataclass(kw_only=True)
class GmlGeometry:
    """A geometry of the objects of a kind: how many have it, its dimensions and systems."""

    count: int = 0
    dimensions: set[int] = field(default_factory=set)
    systems: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class GmlSurvey:
    """Geometries and attributes of the objects of a kind; elements are named by their path in the object, "a|b|c"."""

    objects: int = 0
    geometries: dict[str, GmlGeometry] = field(default_factory=dict)
    attributes: dict[str, bool] = field(default_factory=dict)  # whether one object has it once at most

    def names(self) -> dict[str, str]:
        """Return the elements of attributes that objects have once, by name; by whole path where names are equal."""
        ends = Counter(path.rpartition("|")[2] for path in self.attributes)
        return {
            end if ends[end] == 1 else path.replace("|", "_"): path
            for path, single in self.attributes.items()
            if single
            for end in [path.rpartition("|")[2]]
        }


def survey(stream: IO[bytes], kind: str, wanted: Iterable[str], where: str) -> GmlSurvey:
    """Survey the objects of a ``kind`` (the local name of their element) in GML.

    As far as the first 32 MiB, and on until there is an attribute of each of the ``wanted`` names.
    Raises AlignsarError for XML with entities; other faults are left to whoever reads the file.
    """
    looking, limited = _Looking(kind, set(wanted)), _Reader(stream)
    parents: list[Element] = []
    try:
        for event, element in iterparse(limited, events=("start", "end")):
            if event == "start":
                looking.start(element)
                parents.append(element)
                continue
            parents.pop()
            looking.end(element)
            if not looking.inside:  # an object is done with: nothing of it is kept
                element.clear()
                if parents:
                    parents[-1].clear()
                if limited.read_so_far > LOOKED_AT and not looking.missing:
                    break
    except DefusedXmlException as error:
        raise AlignsarError(f"{where}: has XML entities, which are not read ({error}): remove them") from None
    except (ParseError, LookupError, ValueError, OSError, EOFError, zlib.error):
        pass
    return looking.found


class _Looking:
    """Collect geometries and attributes from the elements of GML, one by one.

    Attributes
    ----------
    inside : names of the elements from an object down to where the parser is; empty between objects.
    missing : names of attributes that are still looked for.
    """

    def __init__(self, kind: str, missing: set[str]) -> None:
        self.found, self.missing = GmlSurvey(), missing
        self.inside: list[str] = []
        self._kind = kind
        self._depth = 0  # in a geometry
        self._seen: Counter[str] = Counter()

    @property
    def _path(self) -> str:
        return "|".join(self.inside[1:])

    def start(self, element: Element) -> None:
        """Note the beginning of an element."""
        name = element.tag.rpartition("}")[2]
        if self.inside:
            if self._depth:
                self._depth += 1
            elif len(self.inside) > 1 and name in DIMENSION and element.tag.startswith(GML):
                self._depth = 1
                self._note(name, element.get("srsName"))
            self.inside.append(name)
        elif name == self._kind:
            self.inside, self._seen = [name], Counter()

    def _note(self, name: str, system: str | None) -> None:
        geometry = self.found.geometries.setdefault(self._path, GmlGeometry())
        geometry.count += 1
        geometry.dimensions.add(DIMENSION[name])
        if system:
            geometry.systems[system] += 1

    def end(self, element: Element) -> None:
        """Note the end of an element."""
        if not self.inside:
            return
        if not self._depth and not len(element) and len(self.inside) > 1 and (element.text or "").strip():
            self._seen[self._path] += 1
            self.missing.discard(self.inside[-1])
        self._depth = max(0, self._depth - 1)
        self.inside.pop()
        if not self.inside:
            self.found.objects += 1
            for path, times in self._seen.items():
                self.found.attributes[path] = self.found.attributes.get(path, True) and times == 1


class _Reader:
    """Read a stream in small pieces, and count the bytes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.read_so_far = stream, 0

    def read(self, count: int = -1) -> bytes:
        """Read the next bytes, perhaps fewer than asked for."""
        piece = self._stream.read(min(count, AT_A_TIME) if count >= 0 else AT_A_TIME)
        self.read_so_far += len(piece)
        return piece


def choose_geometry(surveyed: GmlSurvey, asked: str | None, dimension: int, key: str, where: str) -> str:
    """Choose the geometry of objects: the one asked for, or the only one of a ``dimension``.

    Where there is none of the dimension, the only one of the highest; of several the one that is not within
    another element. Raises AlignsarError where that leaves several, or the one asked for is not there.
    """
    choices = ", ".join(
        f"{_short(surveyed, path)} ({geometry.count} of {surveyed.objects} objects)"
        for path, geometry in surveyed.geometries.items()
    )
    if asked is not None:
        same = [path for path in surveyed.geometries if asked in {path, path.rpartition("|")[2]}]
        if len(same) != 1:
            fault = "is the name of several geometries" if same else "is none of its geometries"
            raise AlignsarError(f"{key}: {where}: {asked!r} {fault}; geometry must be one of: {choices}")
        return same[0]
    highest = max(max(geometry.dimensions) for geometry in surveyed.geometries.values())
    there = {path for path, geometry in surveyed.geometries.items() if dimension in geometry.dimensions}
    fitting = there or {
        path for path, geometry in surveyed.geometries.items() if highest in geometry.dimensions
    }
    least = min(path.count("|") for path in fitting)
    best = sorted(path for path in fitting if path.count("|") == least)
    if len(best) > 1:
        raise AlignsarError(
            f"{key}: {where}: its objects have several geometries: name one (key geometry): {choices}"
        )
    return best[0]


def _short(surveyed: GmlSurvey, path: str) -> str:
    """Return the last element of a geometry's path, or all of it where others end alike."""
    end = path.rpartition("|")[2]
    alike = sum(other.rpartition("|")[2] == end for other in surveyed.geometries)
    return end if alike == 1 else path


def epsg_code(geometry: GmlGeometry) -> int | None:
    """Return the EPSG code of a geometry's system; None where it states none or several."""
    codes = {match[1] if (match := EPSG_CODE.search(name)) else None for name in geometry.systems}
    code = codes.pop() if len(codes) == 1 else None
    return int(code) if code else None


def template(kind: str, geometry: str, names: Mapping[str, str], numbers: Mapping[str, str]) -> str:
    """Write a GFS file: objects of a ``kind`` with one geometry, and attributes by name and path.

    ``numbers`` gives the types, as in NUMBERS, of those that are numbers. Systems are left out: then GDAL
    takes the order of the axes from each geometry, or the collection, as it does without a template.
    """
    properties = "".join(
        f"<PropertyDefn><Name>{escape(name)}</Name><ElementPath>{escape(path)}</ElementPath>"
        f"{numbers.get(name, '<Type>String</Type>')}</PropertyDefn>"
        for name, path in names.items()
    )
    return (
        f"<GMLFeatureClassList><GMLFeatureClass><Name>{escape(kind)}</Name><ElementPath>{escape(kind)}</ElementPath>"
        f"<GeomPropertyDefn><Name>geometry</Name><ElementPath>{escape(geometry)}</ElementPath>"
        f"<Type>Unknown</Type></GeomPropertyDefn>{properties}</GMLFeatureClass></GMLFeatureClassList>"
    )

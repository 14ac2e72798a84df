"""GML without a schema: find which element of an object is its shape.

An object of GML may have several geometries, some within other elements: a building of the Dutch BGT has its
ground plan and the places of its house numbers, a slope its surface and its crest. Without a schema GDAL takes the
last that it meets, or makes one of all (a roof becomes a hole in the ground plan), and so does ogr2ogr. So the file is
looked through, and GDAL is told which to take by a template (a GFS file), which names the attributes too.
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
    from collections.abc import Set as AbstractSet
    from xml.etree.ElementTree import Element

GML = "{http://www.opengis.net/gml"
KINDS = (  # by dimension
    ("Point", "MultiPoint"),
    ("LineString", "Curve", "MultiLineString", "MultiCurve", "CompositeCurve", "LinearRing"),
    (
        *("Polygon", "Surface", "MultiPolygon", "MultiSurface", "CompositeSurface"),
        *("PolyhedralSurface", "Solid"),
    ),
)
DIMENSION = {kind: dimension for dimension, kinds in enumerate(KINDS) for kind in kinds}
EPSG_CODE = re.compile(r"epsg.*?(\d+)$", re.IGNORECASE)


@dataclass(kw_only=True)
class GmlSurvey:
    """Objects of a kind; elements in them are named by their path, "a|b|c".

    Attributes
    ----------
    objects : how many.
    geometries : how often each is there, by dimension and system.
    attributes : the most that an object has of each.
    """

    objects: int = 0
    geometries: dict[str, Counter[tuple[int, str | None]]] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)

    def add(self, element: Element, path: tuple[str, ...], seen: Counter[str]) -> None:
        """Add what is in an element of an object; ``seen`` counts the object's attributes."""
        for part in element:
            name = part.tag.rpartition("}")[2]
            if path and name in DIMENSION and part.tag.startswith(GML):
                found = self.geometries.setdefault("|".join(path), Counter())
                found[DIMENSION[name], part.get("srsName")] += 1
            else:
                self.add(part, (*path, name), seen)
        if path and not len(element) and (element.text or "").strip():
            seen["|".join(path)] += 1

    def choose(self, asked: str | None, dimension: int, where: str) -> str:
        """Choose the geometry of objects: the one asked for, or the only one of a ``dimension``.

        Where there is none of the dimension, the only one of the highest; of several the one that is not within
        another element. Raises AlignsarError where that leaves several, or the one asked for is not there.
        """
        highest = {path: max(kind for kind, _ in found) for path, found in self.geometries.items()}
        if asked is not None:
            best = [path for path in highest if asked in {path, path.rpartition("|")[2]}]
        else:
            there = [path for path, found in self.geometries.items() if any(k == dimension for k, _ in found)]
            fitting = there or [path for path in highest if highest[path] == max(highest.values())]
            best = [path for path in fitting if path.count("|") == min(one.count("|") for one in fitting)]
        if len(best) == 1:
            return best[0]
        choices = (
            f"{path} ({found.total()} of {self.objects} objects)" for path, found in self.geometries.items()
        )
        raise AlignsarError(
            f"{where}: its objects have several geometries: name one (key geometry): {', '.join(choices)}"
        )

    def template(self, kind: str, geometry: str, numbers: AbstractSet[str]) -> str:
        """Write a GFS file: objects of a ``kind`` with one geometry, and the attributes that they have once.

        ``numbers`` are the names of those that are numbers. Systems are left out: then GDAL takes the order of the
        axes from each geometry, or the collection, as it does without a template.
        """
        ends = Counter(path.rpartition("|")[2] for path in self.attributes)
        properties = ""
        for path in (path for path, most in self.attributes.items() if most == 1):
            end = path.rpartition("|")[2]
            name = end if ends[end] == 1 else path.replace("|", "_")
            properties += (
                f"<PropertyDefn><Name>{escape(name)}</Name><ElementPath>{escape(path)}</ElementPath>"
                f"<Type>{'Real' if name in numbers else 'String'}</Type></PropertyDefn>"
            )
        return (
            f"<GMLFeatureClassList><GMLFeatureClass><Name>{escape(kind)}</Name><ElementPath>{escape(kind)}"
            f"</ElementPath><GeomPropertyDefn><Name>geometry</Name><ElementPath>{escape(geometry)}</ElementPath>"
            f"<Type>Unknown</Type></GeomPropertyDefn>{properties}</GMLFeatureClass></GMLFeatureClassList>"
        )

    def epsg_code(self, geometry: str) -> str | None:
        """Return the EPSG code of a geometry's system; None where it states none or several."""
        systems = (name for _, name in self.geometries[geometry] if name)
        codes = {match[1] if (match := EPSG_CODE.search(name)) else None for name in systems}
        return codes.pop() if len(codes) == 1 else None


def survey(stream: IO[bytes], kind: str, where: str) -> GmlSurvey:
    """Survey the objects of a ``kind`` (the local name of their element) in GML.

    Raises AlignsarError for XML with entities; other faults are left to whoever reads the file.
    """
    found, parents, depth = GmlSurvey(), list["Element"](), 0
    try:
        for event, element in iterparse(stream, events=("start", "end")):
            is_object = element.tag.rpartition("}")[2] == kind
            if event == "start":
                parents.append(element)
                depth += is_object
                continue
            parents.pop()
            depth -= is_object
            if is_object and not depth:
                seen = Counter[str]()
                found.add(element, (), seen)
                found.objects += 1
                found.attributes |= {path: max(n, found.attributes.get(path, 0)) for path, n in seen.items()}
            if not depth:  # nothing is kept of what is done with
                element.clear()
                if parents:
                    parents[-1].clear()
    except DefusedXmlException as error:
        raise AlignsarError(f"{where}: has XML entities, which are not read ({error}): remove them") from None
    except (ParseError, LookupError, ValueError, OSError, EOFError, zlib.error, RecursionError):
        pass
    return found

"""Words that croissant.json may use, of schema.org, Croissant 1.1 and GeoCroissant 1.0, and what they hold.

Croissant: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html; GeoCroissant:
https://docs.mlcommons.org/croissant/docs/croissant-geo-spec.html.
"""

from __future__ import annotations

from typing import Any

CROISSANT, GEO = "http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/geo/1.0"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "geocr": "http://mlcommons.org/croissant/geo/",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
# Keys that an object of a type may have.
KEYS: dict[str, frozenset[str]] = {
    "sc:Dataset": frozenset(
        {
            *(
                "@context",
                "@type",
                "name",
                "description",
                "conformsTo",
                "license",
                "url",
                "version",
                "datePublished",
            ),
            *("citeAs", "creator", "publisher", "keywords", "distribution", "recordSet", "spatialCoverage"),
            *("temporalCoverage", "rai:dataLimitations"),
            *("geocr:coordinateReferenceSystem", "geocr:spatialResolution", "geocr:temporalResolution"),
            *(
                "geocr:bandConfiguration",
                "geocr:spectralBandMetadata",
                "geocr:samplingStrategy",
                "geocr:spatialBias",
            ),
        }
    ),
    "sc:Person": frozenset({"@type", "name", "url", "email"}),
    "sc:Organization": frozenset({"@type", "name", "url", "email"}),
    "sc:Place": frozenset({"@type", "geo"}),
    "sc:GeoShape": frozenset({"@type", "box"}),
    "sc:QuantitativeValue": frozenset({"@type", "value", "unitText"}),
    "cr:FileObject": frozenset(
        {"@type", "@id", "name", "description", "contentUrl", "contentSize", "encodingFormat", "sha256"}
    ),
    "cr:FileSet": frozenset({"@type", "@id", "name", "description", "encodingFormat", "includes"}),
    "cr:RecordSet": frozenset(
        {"@type", "@id", "name", "description", "key", "field", "data", "geocr:timeSeriesIndex"}
    ),
    "cr:Field": frozenset({"@type", "@id", "name", "description", "dataType", "source"}),
    "geocr:BandConfiguration": frozenset({"@type", "geocr:totalBands", "geocr:bandNameList"}),
    "geocr:SpectralBand": frozenset({"@type", "name", "geocr:centerWavelength", "geocr:bandwidth"}),
}

"""croissant.json: the dataset in Croissant 1.1, with the geographic keys of GeoCroissant 1.0."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.card.limits import limits
from alignsar_gpu.card.subject import CHIPS
from alignsar_gpu.card.tables import OF_CHIPS
from alignsar_gpu.card.vocabulary import CONTEXT, CROISSANT, GEO
from alignsar_gpu.card.words import day, plain
from alignsar_gpu.catalog.collection import SPDX, citation_of
from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.dataset.chips.index import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from alignsar_gpu.card.subject import Subject

LIGHT = 299_792_458.0  # m/s
FORMATS = {
    ".parquet": "application/x-parquet",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".tar": "application/x-tar",
    ".png": "image/png",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
    "": "application/octet-stream",
}
GEOMETRIES = ("geometry", "footprint")  # columns of the index that hold shapes, as well-known binary
TYPES = {"b": "sc:Boolean", "i": "sc:Integer", "f": "sc:Float", "M": "sc:DateTime"}
COLUMNS = {
    "id": "name of the chip: of its place, and the date",
    "place_id": "name of the place, the same on all dates",
    "chip": "row of the arrays images, pairs and valid of chips.zarr",
    "place": "row of the arrays ground, classes and targets of chips.zarr",
    "scene": "dataset that the chip was cut from",
    "date": "day of the image, YYYYMMDD",
    "is_reference": "whether it is the date that pairs compare with",
    "time": "when the image was taken, UTC",
    "split": "training, validation, test, or the name of a fold or region",
    "block": "block of ground in splits.geojson",
    "first_line": "first line of the chip in its scene (row on a map)",
    "first_sample": "first sample of the chip in its scene (column on a map)",
    "track": "relative orbit; 0 if it is not known",
    "pass_direction": "ascending or descending",
    "burst": "burst of Sentinel-1",
    "platform": "satellite",
    "valid_share": "share of pixels with data",
    "labelled_share": "share of pixels whose labels are known",
    "position_uncertainty": "standard deviation of the position of labels along range, samples",
    "shard": "file with its images",
    "offset": "where its images begin in that file, bytes",
    "length": "bytes of its images",
    "checksum": "SHA-256 of all that is stored of the chip",
}


def croissant(subject: Subject) -> dict[str, Any]:
    """Describe a dataset; paths are relative to the run's folder, where croissant.json lies."""
    of, facts, keys = subject.cube.attrs, subject.facts, subject.keys
    west, south, east, north = subject.box
    described: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": re.sub(r"[^A-Za-z0-9_-]+", "-", str(facts["id"])),
        "description": f"{subject.title}. {of.get('summary', '')}".strip(),
        "conformsTo": [CROISSANT, GEO],
        "license": _licence(str(facts.get("license", ""))),
        "url": keys.address or (f"https://doi.org/{keys.doi}" if keys.doi else ""),
        "version": _version(str(facts.get("product_version", "1.0"))),
        "datePublished": of.get("date_created", ""),
        "citeAs": citation_of(of, subject.title, keys.citation, keys.doi)
        or f"{subject.title} ({facts['id']})",
        "creator": _party(of, "creator", "sc:Person"),
        "publisher": _party(of, "publisher", "sc:Organization"),
        "keywords": [word.strip() for word in str(of.get("keywords", "SAR")).split(",")],
        "spatialCoverage": {
            "@type": "sc:Place",
            "geo": {"@type": "sc:GeoShape", "box": f"{south:.6f} {west:.6f} {north:.6f} {east:.6f}"},
        },
        "temporalCoverage": f"{of['time_coverage_start']}/{of['time_coverage_end']}",
        "rai:dataLimitations": " ".join(text.replace("**", "") for text in limits(subject)),
        **_geographic(subject),
        "distribution": list(_distribution(subject)),
        "recordSet": list(_record_sets(subject)),
    }
    return {name: value for name, value in described.items() if value not in ("", [], None)}


def as_text(described: Mapping[str, Any]) -> str:
    """Write the description as JSON, the same for the same dataset."""
    return json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _licence(given: str) -> str:
    return given if not given or "://" in given else SPDX.format(given)


def _version(given: str) -> str:
    """Return a version with three numbers, as Croissant asks for."""
    return f"{given}.0" if re.fullmatch(r"\d+\.\d+", given) else given


def _party(of: Mapping[str, Any], name: str, kind: str) -> dict[str, str] | None:
    if f"{name}_name" not in of:
        return None
    found = {
        "@type": kind,
        "name": of[f"{name}_name"],
        "url": of.get(f"{name}_url"),
        "email": of.get(f"{name}_email"),
    }
    return {key: str(value) for key, value in found.items() if value}


def _geographic(subject: Subject) -> dict[str, Any]:
    """Return the keys of GeoCroissant."""
    of, facts = subject.cube.attrs, subject.facts
    days = np.diff([day(date) for date in subject.dates])
    names = [name for name, _ in subject.layers_in("images")]
    frequency = float(of["radar_frequency"]) if "radar_frequency" in of else LIGHT / float(of["wavelength"])
    split = facts["split"]
    found: dict[str, Any] = {
        "geocr:coordinateReferenceSystem": facts["crs"],
        "geocr:spatialResolution": _quantity(_resolution(subject), "m"),
        "geocr:bandConfiguration": {
            "@type": "geocr:BandConfiguration",
            "geocr:totalBands": len(names),
            "geocr:bandNameList": names,
        },
        "geocr:spectralBandMetadata": [
            {
                "@type": "geocr:SpectralBand",
                "name": polarization.strip().upper(),
                "geocr:centerWavelength": _quantity(round(100.0 * LIGHT / frequency, 6), "cm"),
            }
            for polarization in str(of.get("polarizations", "")).split(",")
        ],
        "geocr:samplingStrategy": (
            f"{' x '.join(map(str, facts['size']))} pixels, a chip every {' x '.join(map(str, facts['stride']))}; "
            f"split by {split['by']}, splits at least {split['buffer_m']:.0f} m apart; left out: "
            + (", ".join(f"{count} {reason}" for reason, count in facts["left_out"].items()) or "none")
        ),
        "geocr:spatialBias": " ".join(
            text for text in limits(subject) if text.startswith(("All images", "All chips"))
        ),
    }
    if len(days):
        found["geocr:temporalResolution"] = _quantity(float(np.median(days)), "day")
    return found


def _resolution(subject: Subject) -> float:
    """Return the larger side of a pixel on the ground, m."""
    size, of = subject.facts["size"], subject.cube.attrs
    if subject.facts["geometry"] == "radar" and "azimuth_spacing" in of:
        across = float(of["range_spacing"]) / np.sin(np.radians(float(of["incidence_angle_mid"])))
        return round(max(float(of["azimuth_spacing"]), float(across)), 2)
    area = float(subject.index["footprint"].area.median())
    return round(float(np.sqrt(area / (size[0] * size[1]))), 2)


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"@type": "sc:QuantitativeValue", "value": value, "unitText": unit}


def _distribution(subject: Subject) -> Iterator[dict[str, Any]]:
    """Yield the files: those that stand alone with their SHA-256, folders as sets of files."""
    files = subject.facts["files"]
    own = (subject.chips / DATASET).read_bytes()
    alone = {name: of for name, of in files.items() if "/" not in name}
    alone[DATASET] = {"size": len(own), "sha256": hashlib.sha256(own).hexdigest()}
    for name, of in sorted(alone.items()):
        yield {
            "@type": "cr:FileObject",
            "@id": f"{CHIPS}/{name}",
            "name": name,
            "description": OF_CHIPS.get(name, "layers, classes and splits; size and SHA-256 of all files"),
            "contentUrl": f"{CHIPS}/{name}",
            "contentSize": f"{of['size']} B",
            "encodingFormat": _format(name),
            "sha256": of["sha256"],
        }
    for folder in dict.fromkeys(name.split("/")[0] for name in files if "/" in name):
        endings = {name.rpartition(".")[2] for name in files if name.startswith(f"{folder}/")}
        yield {
            "@type": "cr:FileSet",
            "@id": f"{CHIPS}/{folder}",
            "name": folder,
            "description": f"{OF_CHIPS.get(folder, folder)}; {DATASET} has the SHA-256 of each file",
            "encodingFormat": "application/vnd+zarr"
            if folder.endswith(".zarr")
            else _format(f"x.{min(endings)}"),
            "includes": f"{CHIPS}/{folder}/**",
        }


def _format(name: str) -> str:
    return next(kind for ending, kind in FORMATS.items() if name.endswith(ending))


def _record_sets(subject: Subject) -> Iterator[dict[str, Any]]:
    """Yield what can be loaded as records: the index of the chips, the splits, the layers, and the classes."""
    index = subject.index.drop(columns=list(GEOMETRIES))
    yield {
        "@type": "cr:RecordSet",
        "@id": "chips",
        "name": "chips",
        "description": f"a record a chip; its pixels are rows of the arrays in {CHIPS}/chips.zarr",
        "key": {"@id": "chips/id"},
        "geocr:timeSeriesIndex": {"@id": "chips/time"},
        "field": [_column(str(name), index[name]) for name in index],
    }
    splits = [{"splits/name": name, "splits/chips": subject.facts["counts"][name]} for name in subject.splits]
    yield _table(
        "splits", "number of chips of each split", {"name": "sc:Text", "chips": "sc:Integer"}, splits
    )
    layers = [
        {
            "layers/name": name,
            "layers/array": of["array"],
            "layers/number": of["index"],
            "layers/type": of["type"],
            "layers/unit": of.get("units", "1"),
            "layers/description": of.get("long_name", plain(name)),
        }
        for name, of in subject.facts["layers"].items()
    ]
    kinds = dict.fromkeys(("name", "array", "number", "type", "unit", "description"), "sc:Text")
    yield _table(
        "layers",
        "layers of the arrays in chips.zarr, by their number",
        {**kinds, "number": "sc:Integer"},
        layers,
    )
    classes = [
        {"classes/layer": layer, "classes/value": value, "classes/name": name}
        for layer, of in subject.facts["classes"].items()
        for name, value in of.items()
    ]
    if classes:
        kinds = {"layer": "sc:Text", "value": "sc:Integer", "name": "sc:Text"}
        yield _table("classes", "values of the layers of classes; 255: not known", kinds, classes)


def _column(name: str, values: pd.Series[Any]) -> dict[str, Any]:
    share = name.removeprefix("fraction_")
    described = COLUMNS.get(name, f"share of {plain(share)} in the pixels whose label is known")
    return {
        "@type": "cr:Field",
        "@id": f"chips/{name}",
        "name": name,
        "description": described,
        "dataType": TYPES.get(values.dtype.kind, "sc:Text"),
        "source": {"fileObject": {"@id": f"{CHIPS}/{INDEX}"}, "extract": {"column": name}},
    }


def _table(
    name: str, description: str, kinds: Mapping[str, str], rows: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a set of records that stand in the file itself."""
    fields = [
        {"@type": "cr:Field", "@id": f"{name}/{key}", "name": key, "description": key, "dataType": kind}
        for key, kind in kinds.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "field": fields,
        "data": rows,
    }

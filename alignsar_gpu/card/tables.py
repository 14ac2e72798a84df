"""The tables of a card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.card.subject import AFTER, INPUTS, SHARE
from alignsar_gpu.card.words import listed, number, percent, plain, size
from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.report.page import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from alignsar_gpu.card.subject import Subject

OF_CHIPS = {
    "index.parquet": "one row per chip: id, split, date, place, area share of each class, checksum (GeoParquet)",
    "chips.zarr": "the pixels of the chips (Zarr 3)",
    "splits.geojson": "blocks of ground and their splits",
    "statistics.json": "statistics of the training split; pixels of each class",
    "webdataset": "the chips as tar files (WebDataset)",
    "yolo": "images and boxes in the form of YOLO",
    "coco": "boxes in the form of COCO",
}
EARTH = 360.0


def glance_table(subject: Subject) -> Table:
    """What, where, when and how much."""
    of, facts = subject.cube.attrs, subject.facts
    west, south, east, north = subject.box
    platforms = sorted(set(subject.index["platform"]) - {""})
    rows = [
        (
            "Where",
            f"{_degrees(south, 'NS')} to {_degrees(north, 'NS')}, {_degrees(west, 'EW')} to {_degrees(east, 'EW')}",
        ),
        ("When", f"{len(subject.dates)} dates from {subject.dates[0]} to {subject.dates[-1]}"),
        (
            "Sensor",
            f"{listed(platforms) or 'not stated'}, {_text(of, 'instrument_mode')} {_text(of, 'polarizations').upper()}",
        ),
        ("Wavelength", f"{float(of['wavelength']) * 100:.2f} cm" if "wavelength" in of else "not stated"),
        ("Pixels", _pixels(subject)),
        ("Splits", ", ".join(f"{name} {facts['counts'][name]}" for name in subject.splits)),
        ("Classes", _class_names(subject)),
        ("Coordinates", f"longitude and latitude (WGS 84), metres in {facts['crs']}"),
        (
            "Size",
            f"{size(sum(f['size'] for f in facts['files'].values()))} in chips/, all that training needs",
        ),
        ("Licence", facts.get("license") or "not stated"),
        ("Version", _version(facts)),
        ("Identifier", facts["id"]),
    ]
    return Table(name="At a glance", head=("", ""), rows=tuple(rows))


def _version(facts: Mapping[str, Any]) -> str:
    grown = f", chips added {facts['version'] - 1} times" if facts["version"] > 1 else ""
    return f"{facts.get('product_version', 'not stated')}{grown}"


def _text(of: Mapping[str, Any], name: str) -> str:
    return str(of.get(name, "")).replace(",", ", ")


def _degrees(value: float, signs: str) -> str:
    turned = (value + EARTH / 2) % EARTH - EARTH / 2
    return f"{abs(turned):.4f}° {signs[turned < 0.0]}"


def _pixels(subject: Subject) -> str:
    of = subject.cube.attrs
    if subject.facts["geometry"] == "map":
        return f"on a map ({subject.facts['crs']})"
    if "azimuth_spacing" not in of:
        return "on the radar grid"
    return (
        f"on the radar grid: {float(of['azimuth_spacing']):.2f} m along azimuth, {float(of['range_spacing']):.2f} m "
        "along slant range"
    )


def _class_names(subject: Subject) -> str:
    names = [f"{plain(layer)}: {', '.join(map(plain, of))}" for layer, of in subject.facts["classes"].items()]
    return "; ".join(names) or "none"


def files_table(subject: Subject) -> Table:
    """What lies in the folder, with its size."""
    sizes: dict[str, int] = {}
    for name, file in subject.facts["files"].items():
        top = name.split("/")[0]
        sizes[top] = sizes.get(top, 0) + file["size"]
    rows = [(f"chips/{n}", OF_CHIPS.get(n, ""), size(count)) for n, count in sizes.items()]
    rows.append(
        (f"chips/{DATASET}", "layers, classes, splits; size and SHA-256 of every file of the chips", "")
    )
    rows += [(name, text, size(_bytes(subject.folder / name))) for name, text in subject.beside]
    rows += [(name, text, "") for name, text in AFTER.items()]
    return Table(name="Files", head=("file", "content", "size"), rows=tuple(rows), numeric=frozenset({2}))


def _bytes(path: Path) -> int:
    return sum(
        file.stat().st_size for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file()
    )


def inputs_table(subject: Subject) -> tuple[Table, bool]:
    """The layers that are inputs, with their statistics; whether some are in decibels."""
    rows, decibels = [], False
    for name, of in subject.layers_in(*INPUTS):
        known = subject.statistics["layers"][name]
        in_decibels = "decibel" in of
        decibels |= in_decibels
        values = known["decibel" if in_decibels else "linear"]
        rows.append(
            (
                f"`{name}`",
                f"{of.get('long_name', plain(name))}{_error(of)}",
                "dB" if in_decibels else of.get("units", "1"),
                *("" if of.get("units") == "rad" else number(values[key]) for key in ("mean", "deviation")),
                *(number((values["percentiles"] or {}).get(key)) for key in ("1", "99")),
                f"`{of['array']}`",
            )
        )
    head = ("layer", "what it is", "unit", "mean", "std. dev.", "1 %", "99 %", "array")
    return Table(name="Inputs", head=head, rows=tuple(rows), numeric=frozenset({3, 4, 5, 6})), decibels


def _error(of: Mapping[str, Any]) -> str:
    errors = [f"{plain(name)} {number(value)}" for name, value in of.items() if name.endswith("_error")]
    return f" (rounded: {', '.join(errors)})" if errors else ""


def labels_table(subject: Subject) -> Table:
    """The layers that are labels, and where they come from."""
    rows = []
    for name, of in subject.labels:
        classes = subject.facts["classes"].get(name)
        numbers = "0 to 1" if list(of.get("valid_range", ())) == [0.0, 1.0] else of.get("units", "1")
        values = (
            ", ".join(f"{value} {plain(text)}" for text, value in classes.items()) if classes else numbers
        )
        about = subject.cube[name].attrs if name in subject.cube else {}
        origin = _origin(subject, about)
        valid = "/".join(
            dict.fromkeys(str(about[key]) for key in ("valid_start", "valid_end") if key in about)
        )
        rows.append(
            (
                f"`{name}`",
                ": ".join(filter(None, (of.get("long_name", plain(name)), of.get("comment")))),
                values,
                f"{origin}{f', {valid}' if valid else ''}",
            )
        )
    return Table(name="Labels", head=("layer", "what it is", "values or unit", "from"), rows=tuple(rows))


def _origin(subject: Subject, about: Mapping[str, Any]) -> str:
    """Say whom a label is from: its source, or else the file; computed where it is of no file."""
    if "inherited_from" not in about:
        return "computed"
    return str(
        about.get("source") or f"{about['inherited_from']}{' (simulated)' if subject.is_simulated else ''}"
    )


def splits_table(subject: Subject) -> Table:
    """Chips and places of each split, with the dates they are of."""
    rows = []
    for name in subject.splits:
        own = subject.index[subject.index["split"] == name]
        known = own["labelled_share"].mean()
        rows.append(
            (
                name,
                str(len(own)),
                str(own["place_id"].nunique()),
                str(own["date"].nunique()),
                percent(float(own["valid_share"].mean())),
                percent(float(known)) if known == known else "",  # noqa: PLR0124  (NaN)
            )
        )
    head = ("split", "chips", "places", "dates", "valid pixels", "labelled pixels")
    return Table(name="Splits", head=head, rows=tuple(rows), numeric=frozenset(range(1, 6)))


def classes_table(subject: Subject) -> Table:
    """Share of each class in the pixels of each split, and pixels in all where they are counted."""
    index = subject.index.drop_duplicates(["place_id", "split"])
    means = index.groupby("split")[subject.class_shares].mean()
    rows = [
        (plain(column.removeprefix(SHARE)), *(percent(float(means.loc[s, column])) for s in subject.splits))
        for column in subject.class_shares
    ]
    head = ("class", *subject.splits)
    return Table(name="Classes", head=head, rows=tuple(rows), numeric=frozenset(range(1, len(head))))


def made_table(subject: Subject) -> Table:
    """How the dataset was made: software, products, orbits, heights, corrections."""
    of, source = subject.cube.attrs, subject.quality.get("source", {})
    dem, products = source.get("dem", {}), _of_dates(subject, "product_id")
    rows = [
        ("Software", subject.facts["software"]),
        ("Fingerprint (SHA-256 of inputs and configuration)", of.get("fingerprint", "")),
        (
            "Simulated products" if subject.is_simulated else "Products",
            ", ".join(products) or of.get("source", ""),
        ),
        ("Reference date", of.get("reference_date", "")),
        ("Orbits", ", ".join(dict.fromkeys(_of_dates(subject, "orbit_source")))),
        ("Heights", _heights(dem)),
        ("Thermal noise", of.get("thermal_noise", "")),
        ("Speckle filter", of.get("speckle_filter", "")),
        ("Averaging windows", _windows(of)),
        (
            "Terrain phase",
            {"True": "removed", "False": "not removed"}.get(str(bool(of["flattened"])), "")
            if "flattened" in of
            else "",
        ),
    ]
    return Table(name="How it was made", head=("", ""), rows=tuple((n, str(t)) for n, t in rows if t))


def _of_dates(subject: Subject, name: str) -> list[str]:
    """Return what the cube says of each date, as texts."""
    return [str(value) for value in subject.cube[name].values] if name in subject.cube.variables else []


def _heights(dem: Mapping[str, Any]) -> str:
    if not dem.get("source"):
        return ""
    postings = " x ".join(f"{float(side):.0f}" for side in dem.get("posting_m", ()))
    return ", ".join(
        part
        for part in (
            str(dem["source"]),
            f"{postings} m" if postings else "",
            f"above {dem.get('vertical_datum', '')}",
        )
        if part
    )


def _windows(of: Mapping[str, Any]) -> str:
    found = [
        f"{what} {of[f'{name}_lines']} x {of[f'{name}_samples']} pixels"
        for name, what in (("coherence_window", "coherence"), ("matrix_window", "polarimetry"))
        if f"{name}_lines" in of
    ]
    return ", ".join(found)


def sources_table(subject: Subject) -> Table:
    """Whom the data are from, under which licence, and how they must be named."""
    of = subject.cube.attrs
    rows = [
        (
            "the dataset",
            of.get("creator_name", "not stated"),
            subject.facts.get("license") or "not stated",
            "see Citation",
        )
    ]
    images = "simulated" if subject.is_simulated else listed(sorted(set(subject.index["platform"]) - {""}))
    rows.append(
        (
            "the images",
            images,
            "" if subject.is_simulated else "terms of their provider",
            of.get("acknowledgement", ""),
        )
    )
    rows += list(_label_sources(subject))
    return Table(name="Sources", head=("what", "from", "licence", "attribution"), rows=tuple(rows))


def _label_sources(subject: Subject) -> Iterator[tuple[str, str, str, str]]:
    """Yield the sources of labels: layers, source, licence and attribution."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for name, _ in subject.labels:
        about = subject.cube[name].attrs if name in subject.cube else {}
        if "inherited_from" not in about:
            continue
        origin = _origin(subject, about)
        licence = str(about.get("license", "")) or ("" if subject.is_simulated else "not stated")
        grouped.setdefault((origin, licence, str(about.get("attribution", ""))), []).append(name)
    for (origin, licence, attribution), names in grouped.items():
        yield ", ".join(f"`{name}`" for name in names), origin, licence, attribution

"""STAC extensions that a catalogue uses: their schemas, and which of them an object needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pystac

# Pinned: the schema that the tests validate against. pystac knows an older SAR extension and no raster 2.
VERSIONS = {
    "classification": "v2.0.0",
    "cube": "v2.2.0",
    "file": "v2.1.0",
    "insar": "v1.0.0",
    "mlm": "v1.4.0",
    "proj": "v2.0.0",
    "processing": "v1.1.0",
    "raster": "v2.0.0-beta.1",
    "sar": "v1.3.2",
    "sat": "v1.0.0",
    "sci": "v1.0.0",
    "version": "v1.2.0",
    "view": "v1.0.0",
}
NAMES = {"cube": "datacube", "proj": "projection", "sci": "scientific"}  # where the prefix is another
SCHEMAS = {
    prefix: f"https://stac-extensions.github.io/{NAMES.get(prefix, prefix)}/{version}/schema.json"
    for prefix, version in VERSIONS.items()
}


def declare_extensions(stac_object: pystac.Item | pystac.Collection) -> None:
    """List the extensions whose fields an item or collection has, in its properties, assets or summaries."""
    fields = stac_object.to_dict(include_self_link=False, transform_hrefs=False)
    del fields["stac_extensions"]
    prefixes = {key.partition(":")[0] for key in _keys(fields)}
    stac_object.stac_extensions = sorted(SCHEMAS[prefix] for prefix in prefixes & set(SCHEMAS))


def _keys(fields: Any) -> Iterator[str]:
    """Keys of a JSON object and of all below it, without those of a datacube, which are names of layers."""
    for key, value in fields.items() if isinstance(fields, dict) else ():
        yield key
        if not key.startswith("cube:"):
            yield from _keys(value)
    for value in fields if isinstance(fields, list) else ():
        yield from _keys(value)

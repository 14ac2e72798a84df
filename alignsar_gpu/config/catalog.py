"""The keys of `catalog`: where the catalogue is published, and how the dataset is cited."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from alignsar_gpu.config.keys import key
from alignsar_gpu.errors import AlignsarError

SCHEMES = ("https", "http", "s3", "gs")
DOI = re.compile(r"10\.[0-9a-zA-Z]{4,}/\S+")  # as the scientific extension of STAC has it


@dataclass
class CatalogConfig:
    """How the STAC catalogue is published."""

    href: str = key(
        "",
        "web address that the output folder will have, such as https://data.example.org/amsterdam: links of the "
        "catalogue are absolute; empty: relative, so that the folder can be moved",
    )
    citation: str = key(
        "",
        "how the dataset is cited; empty: by dataset.creator_name, title and version, where there is a creator",
    )
    doi: str = key("", "DOI of the dataset, such as 10.5281/zenodo.1234567; empty: none")

    @property
    def is_given(self) -> bool:
        """Whether any key has another value than by default."""
        return self != CatalogConfig()


def check_catalog(config: CatalogConfig) -> None:
    """Raise AlignsarError, naming the key, for an address that is no URL and for what is no DOI."""
    if config.href and not _is_url(config.href):
        raise AlignsarError(
            f"catalog.href={config.href}: is no web address of a folder; give one such as "
            "https://data.example.org/amsterdam, without ? and #"
        )
    if config.doi and not DOI.fullmatch(config.doi):
        raise AlignsarError(
            f"catalog.doi={config.doi}: is no DOI; give it as 10.5281/zenodo.1234567, without https://doi.org/"
        )


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or re.search(r"\s", text))
    return parts.scheme in SCHEMES and bool(parts.hostname) and port_is_number and plain

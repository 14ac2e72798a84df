"""catalog.href: every link of the catalogue absolute, each where the relative one would lead."""

import json
from urllib.parse import unquote, urljoin

import pytest
from fake_catalogue import labelled_cube, make_products

from alignsar_gpu.catalog.stac import Publication, write_stac
from alignsar_gpu.config.catalog import CatalogConfig, check_catalog
from alignsar_gpu.errors import AlignsarError

ADDRESS = "https://data.example.org/sets/Amsterdam%202022"


@pytest.fixture(scope="module")
def catalogues(tmp_path_factory):
    """The same catalogue with relative links and with absolute ones: the JSON of each file."""
    output = tmp_path_factory.mktemp("outputs") / "a set"
    cube = labelled_cube()
    products = make_products(cube, output)
    found = []
    for address in ("", f"{ADDRESS}/"):
        write_stac(cube, output / "stac", products, publication=Publication(address=address))
        found.append({path.relative_to(output): json.loads(path.read_text()) for path in files(output)})
    return output, *found


def files(output):
    return sorted((output / "stac").rglob("*.json"))


def test_links_lead_to_where_the_relative_ones_do(catalogues):
    _, relative, absolute = catalogues
    assert list(relative) == list(absolute)
    assert len(relative) == 5
    for path, fields in absolute.items():
        address = f"{ADDRESS}/{path.as_posix()}"
        own, *links = fields["links"]
        assert (own["rel"], own["href"]) == ("self", address)
        pairs = list(zip(links, relative[path]["links"], strict=True))
        assets = fields.get("assets", {})
        pairs += [(assets[name], asset) for name, asset in relative[path].get("assets", {}).items()]
        for ours, theirs in pairs:
            assert ours["href"] == urljoin(address, theirs["href"])
            assert ours | {"href": ""} == theirs | {"href": ""}


def test_addresses_are_those_of_files(catalogues):
    output, _, absolute = catalogues
    count = 0
    for fields in absolute.values():
        for reference in [*fields["links"], *fields.get("assets", {}).values()]:
            if reference.get("rel") not in {"license"}:
                assert reference["href"].startswith(f"{ADDRESS}/")
                assert (output / unquote(reference["href"].removeprefix(f"{ADDRESS}/"))).exists()
                count += 1
    assert count > 30


@pytest.mark.parametrize(
    "href",
    ["https://data.example.org", "http://localhost:8000/a/b/", "s3://bucket/folder", ADDRESS],
)
def test_addresses_that_are_taken(href):
    check_catalog(CatalogConfig(href=href))


@pytest.mark.parametrize(
    "href",
    [
        "data.example.org/a",
        "/srv/data",
        "https://",
        "https://host:port/a",
        "https://host/a b",
        "https://host/a?key=1",
        "https://host/a#b",
        "file:///srv/data",
        "https://[host/a",
    ],
)
def test_what_is_no_address_is_refused(href):
    with pytest.raises(AlignsarError, match=r"^catalog\.href=.*: is no web address of a folder; give one"):
        check_catalog(CatalogConfig(href=href))


@pytest.mark.parametrize("doi", ["https://doi.org/10.5281/zenodo.1", "10.5281", "10.5281/a b"])
def test_what_is_no_doi_is_refused(doi):
    with pytest.raises(AlignsarError, match=r"^catalog\.doi=.*: is no DOI; give it as 10\.5281"):
        check_catalog(CatalogConfig(doi=doi))

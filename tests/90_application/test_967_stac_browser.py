"""STAC Browser shows a run that is served: its collection, its items, and pixels of its layers on the map.

Needs a build of STAC Browser (docs/serve.md says how) at ALIGNSAR_STAC_BROWSER, and Chromium.
"""

import os
import threading
from pathlib import Path

import chromium
import pytest
from command_line import run
from small_runs import CUBE_ALONE, SYNTHETIC

from alignsar_gpu.frontend.serving import make_server
from alignsar_gpu.serving.catalogue import read_catalogue

BUILD = os.environ.get("ALIGNSAR_STAC_BROWSER")
pytestmark = [
    pytest.mark.skipif(not BUILD, reason="no build of STAC Browser: ALIGNSAR_STAC_BROWSER names none"),
    pytest.mark.skipif(not chromium.found(), reason="no Chromium"),
]
KEYS = ["signatures.names=[sigma0]", "geocoding.resolution=20", "products.lines=160", "products.samples=200"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    output = tmp_path_factory.mktemp("served") / "out"
    run(*SYNTHETIC, *CUBE_ALONE, *KEYS, "products.dates=2", f"output={output}")
    with make_server(output, "127.0.0.1", 0, Path(BUILD)) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def collection(server):
    (collection,) = read_catalogue(server.served.folder, server.served.catalogue).collections()
    return collection


@pytest.fixture
def page(server, tmp_path):
    page = chromium.Chromium(tmp_path)
    page.open(f"{server.url}browser/")
    yield page
    page.close()


def float_layer(item):
    return next(asset for asset in item.assets if "sigma0" in asset.key and asset.path.suffix == ".tif")


def test_from_the_catalogue_to_pixels(server, collection, page):
    item, other = collection.items()
    page.click(".card a", collection.title)
    page.wait_for("location.hash.includes('collection.json')")
    page.click(".card a", item.title)
    page.wait_for(f"location.hash.endsWith({item.url.rpartition('/')[2]!r})")
    page.wait_for(f"document.querySelector('h1, h2').innerText.includes({item.title!r})")
    picture = page.map_pixels(least=1000)
    assert len(set(picture)) > 100
    assert picture.count(0) < 0.02 * len(picture)  # black: where it is transparent, if opacity is not read
    page.click("button", float_layer(item).title)
    page.click(f"#asset-{float_layer(item).key} button", "Show on map")
    page.wait_for(
        f"performance.getEntriesByType('resource').some(e => e.name.endsWith({float_layer(item).url!r}))"
    )
    page.wait_for(f"{chromium.PIXELS}.length > 1000 && {chromium.PIXELS}.every(p => (p & 255) === (p >> 16))")
    assert len(set(page.map_pixels())) > 20  # shades of grey
    assert other.id != item.id
    assert all(url.startswith((server.url, "data:", "blob:")) for url in page.requested)


def test_thumbnails(collection, page):
    thumbnails = [asset for item in collection.items() for asset in item.assets if "thumbnail" in asset.roles]
    assert len(thumbnails) == 2
    page.click(".card a", collection.title)
    for asset in thumbnails:
        page.wait_for(f"[...document.images].some(i => i.src.endsWith({asset.url!r}) && i.naturalWidth)")

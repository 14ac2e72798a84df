"""The server of a folder: what it shows, what it hides, and pages made of a catalogue."""

import http.client
import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.frontend.serving import make_server
from alignsar_gpu.serving.catalogue import read_catalogue
from alignsar_gpu.serving.files import find
from alignsar_gpu.serving.footprints import footprint_map

CONTENT = bytes(range(256)) * 4 + b"end"
SECRET = b"nobody may read this"
SQUARE = [[4.0, 52.0], [4.1, 52.0], [4.1, 52.1], [4.0, 52.1], [4.0, 52.0]]
TYPES = {
    "layer.tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    "plain.tiff": "image/tiff",
    "table.parquet": "application/vnd.apache.parquet",
    "places.geojson": "application/geo+json",
    "page.html": "text/html; charset=utf-8",
    "date.nc": "application/netcdf",
    "cube.zarr/zarr.json": "application/json",
    "cube.zarr/c/0": "application/octet-stream",
    "run.yaml": "application/yaml",
    "figure.svg": "image/svg+xml",
    "run.log": "text/plain; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "ÅÄ ?#%.txt": "text/plain; charset=utf-8",
}


def item(name, date, assets, geometry=None):
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": name, "links": [], "assets": assets,
        "geometry": geometry or {"type": "Polygon", "coordinates": [SQUARE]},
        "properties": {"datetime": f"{date}T17:25:41Z"},
    }  # fmt: skip


def write_cog(path, values, **options):
    count = values.shape[0]
    with rasterio.open(
        path, "w", driver="COG", height=values.shape[1], width=values.shape[2], count=count, dtype=values.dtype,
        transform=rasterio.Affine(0.001, 0, 4, 0, -0.001, 52), crs="EPSG:4326",
        **options,
    ) as file:  # fmt: skip
        file.write(values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A catalogue with two dates, files of every kind, and a secret outside that a link leads to."""
    top = tmp_path_factory.mktemp("served")
    (top / "secret.txt").write_bytes(SECRET)
    folder = top / "run"
    (folder / "stac").mkdir(parents=True)
    for name in TYPES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENT)
    picture = np.stack([np.full((30, 40), value, np.uint8) for value in (200, 100, 50, 255)])
    write_cog(folder / "layer.tif", picture)
    write_cog(
        folder / "values.tif", np.linspace(0, 1, 1200, dtype=np.float32).reshape(1, 30, 40), nodata=np.nan
    )
    (folder / "empty.txt").touch()
    (folder / ".hidden").write_bytes(SECRET)
    (folder / "out.txt").symlink_to(top / "secret.txt")
    (folder / "up").symlink_to(top)
    (folder / "stac" / "leads_out").symlink_to(top)
    (folder / "round").symlink_to("round")
    os.mkfifo(folder / "pipe")
    assets = {
        "data": {"href": "../values.tif", "type": "image/tiff", "roles": ["data"], "file:size": 1234},
        "visual": {"href": "../layer.tif", "type": "image/tiff", "roles": ["visual"]},
        "script": {"href": "javascript:alert(1)", "type": "text/html"},
        "far": {"href": "https://example.org/a.tif", "type": "image/tiff", "roles": ["thumbnail"]},
        "outside": {"href": "../../secret.txt"},
    }
    (folder / "stac" / "b.json").write_text(json.dumps(item("b", "2022-01-16", assets)))
    (folder / "stac" / "a.json").write_text(json.dumps(item("<i>a</i>", "2022-01-04", {})))
    links = [{"rel": "item", "href": f"./{name}.json"} for name in ("b", "a", "b", "absent")]
    collection = {
        "type": "Collection", "id": "c", "title": "Place & <b>time</b>", "license": "CC0-1.0",
        "links": [*links, {"rel": "child", "href": "catalog.json"}, {"rel": "child", "href": "http://[1"}],
        "assets": {"cube": {"href": "../cube.zarr", "type": "application/vnd.zarr; version=3"}},
    }  # fmt: skip
    (folder / "stac" / "collection.json").write_text(json.dumps(collection))
    catalogue = {
        "type": "Catalog",
        "id": "top",
        "links": [{"rel": "child", "href": "./collection.json"}, None],
    }
    (folder / "stac" / "catalog.json").write_text(json.dumps(catalogue))
    return folder


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """What a build of STAC Browser looks like from outside."""
    build = tmp_path_factory.mktemp("build")
    (build / "index.html").write_text(
        '<!DOCTYPE html><html><head><script src="/browser/js/app.js"></script></head>'
        '<body><div id="stac-browser"></div></body></html>'
    )
    (build / "js").mkdir()
    (build / "js" / "app.js").write_text("go()")
    return build


@pytest.fixture(scope="module")
def server(folder, build):
    with make_server(folder, "127.0.0.1", 0, build) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def ask(server):
    """Ask the server over one connection that stays open; returns status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)

    def ask(path, method="GET", **headers):
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    ask.close = connection.close
    yield ask
    connection.close()


# ------------------------------------------------------------------ files


@pytest.mark.parametrize("name", TYPES)
def test_files_with_their_types(ask, folder, name):
    status, headers, body = ask(f"/{quote(name)}")
    assert (status, body) == (200, (folder / name).read_bytes())
    assert headers["Content-Type"] == TYPES[name]
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Accept-Ranges"] == "bytes"


@given(first=st.integers(0, 1100), last=st.integers(0, 1100) | st.none(), from_end=st.booleans())
def test_ranges_are_slices(ask, first, last, from_end):
    text = f"-{first}" if from_end else f"{first}-{'' if last is None else last}"
    status, headers, body = ask("/date.nc", Range=f"bytes={text}")
    end = len(CONTENT) if last is None else min(last + 1, len(CONTENT))
    part = range(max(len(CONTENT) - first, 0), len(CONTENT)) if from_end else range(first, end)
    if last is not None and last < first and not from_end:
        assert (status, body) == (200, CONTENT)
    elif not part:
        assert status == 416
        assert headers["Content-Range"] == f"bytes */{len(CONTENT)}"
    else:
        assert (status, body) == (206, CONTENT[part.start : part.stop])
        assert headers["Content-Range"] == f"bytes {part.start}-{part.stop - 1}/{len(CONTENT)}"


def test_head_is_get_without_the_body(ask):
    for path, extra in (("/date.nc", {}), ("/date.nc", {"Range": "bytes=5-9"}), ("/", {}), ("/none", {}),
                        ("/layer.tif?picture", {})):  # fmt: skip
        got, head = ask(path, **extra), ask(path, "HEAD", **extra)
        assert head[0] == got[0]
        assert head[1]["Content-Length"] == got[1]["Content-Length"] == str(len(got[2]))
        assert head[2] == b""


def test_unchanged_files_are_not_sent_again(ask):
    tag = ask("/date.nc")[1]["ETag"]
    assert ask("/date.nc", If_None_Match=tag)[::2] == (304, b"")
    assert ask("/date.nc", Range="bytes=0-3", If_Range=tag)[0] == 206
    assert ask("/date.nc", Range="bytes=0-3", If_Range='"another"')[::2] == (200, CONTENT)


def test_empty_file(ask):
    assert ask("/empty.txt")[::2] == (200, b"")
    assert ask("/empty.txt", Range="bytes=-5")[::2] == (200, b"")
    assert ask("/empty.txt", Range="bytes=0-")[0] == 416


def test_a_file_that_shrinks_while_it_is_sent_ends_the_connection(ask, folder, monkeypatch):
    real = socket.socket.sendfile
    monkeypatch.setattr(socket.socket, "sendfile", lambda s, f, offset, count: real(s, f, offset, count - 3))
    with pytest.raises(http.client.IncompleteRead):
        ask("/date.nc")
    ask.close()


# ------------------------------------------------------------------ nothing outside, read only


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/stac/../../secret.txt", "//secret.txt", "/out.txt",
     "/up/secret.txt", "/up/", "/.hidden", "/pipe", "/round", "/absent", "/date.nc/", "/date.nc/more", "/%00",
     "/" + 300 * "a", "/%ff", "/browser/../../secret.txt", "/browser/absent.js", "/browser/js/", "/out.txt?picture",
     "/date.nc?picture", "/stac/?picture"],
)  # fmt: skip
def test_nothing_outside_or_hidden(ask, path):
    status, _, body = ask(path)
    assert status == 404
    assert SECRET not in body


def test_absolute_paths_stay_inside(ask, folder):
    secret = folder.parent / "secret.txt"
    for path in (
        str(secret),
        "/" + quote(str(secret), safe=""),
        f"http://127.0.0.1{secret}",
        f"file://{secret}",
    ):
        assert ask(path)[0] == 404


@given(
    st.lists(
        st.sampled_from(["..", ".", "", "up", "run", "stac", "out.txt", "secret.txt", "%2e%2e"]), max_size=6
    )
)
def test_no_path_leads_out(folder, parts):
    path = find(folder, "/".join(parts))
    assert path is None or path.resolve().is_relative_to(folder)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_read_only(ask, folder, method):
    status, headers, _ = ask("/date.nc", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (folder / "date.nc").read_bytes() == CONTENT


def test_other_sites_may_read(ask):
    status, headers, body = ask("/date.nc", "OPTIONS", Origin="https://example.org")
    assert (status, body) == (204, b"")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in headers["Access-Control-Allow-Methods"]
    for status in (ask("/absent"), ask("/date.nc", Range="bytes=5000-"), ask("/stac")):
        assert status[1]["Access-Control-Allow-Origin"] == "*"
        assert "Content-Range" in status[1]["Access-Control-Expose-Headers"]


def test_many_at_a_time(server):
    def part(number):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
        connection.request("GET", "/date.nc", headers={"Range": f"bytes={number}-{number + 9}"})
        body = connection.getresponse().read()
        connection.close()
        return body

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(part, range(100))) == [CONTENT[n : n + 10] for n in range(100)]


# ------------------------------------------------------------------ pages


def test_folders(ask):
    status, headers, _ = ask("/stac")
    assert (status, headers["Location"]) == (301, "/stac/")
    page = ask("/stac/")[2].decode()
    assert 'href="/stac/catalog.json"' in page
    assert "leads_out" not in page


def test_the_page_of_the_catalogue(ask):
    status, headers, body = ask("/", Host="example.org:8000")
    page = body.decode()
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in page
    assert "Place &amp; &lt;b&gt;time&lt;/b&gt;" in page
    assert page.index("2022-01-04") < page.index("2022-01-16 17:25:41")
    assert "<i>a</i>" not in page
    assert "javascript:" not in page
    assert "secret" not in page
    assert page.count('<img src="/layer.tif?picture"') == 1
    assert 'href="/cube.zarr/"' in page
    assert "1.2 kB" in page
    assert "open_zarr(&#34;http://example.org:8000/cube.zarr&#34;)" in page
    assert "/vsicurl/http://example.org:8000/values.tif" in page
    assert page.count("<path d=") == 1
    assert "52.05°N" in page
    assert "<b>" not in ask("/", Host="<b>")[2].decode()


def test_pictures_of_rasters(ask, tmp_path):
    for name, expected in (("layer", (200, 100, 50, 255)), ("values", None)):
        status, headers, body = ask(f"/{name}.tif?picture")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        (tmp_path / "picture.png").write_bytes(body)
        pixels = np.array(Image.open(tmp_path / "picture.png"))
        assert pixels.shape == (30, 40, 4)
        if expected:
            assert (pixels == expected).all()
        else:
            assert pixels[0, 0, 0] == 0
            assert pixels[-1, -1, 0] == 255


def test_published_catalogues_are_read_here(folder, tmp_path):
    """Absolute links below the place that a catalogue is published at lead to the files beside it."""
    base = "https://example.org/data%20sets"
    (tmp_path / "a.json").write_text(json.dumps(item("a", "2022-01-04", {"x": {"href": f"{base}/a.json"}})))
    links = [{"rel": "self", "href": f"{base}/catalog.json"}, {"rel": "item", "href": f"{base}/a.json"}]
    (tmp_path / "catalog.json").write_text(json.dumps({"type": "Catalog", "id": "t", "links": links}))
    (found,) = read_catalogue(tmp_path, tmp_path / "catalog.json").items()
    assert found.assets[0].path == tmp_path / "a.json"


def test_maps_of_footprints():
    far = footprint_map([[(179.5, 10.0), (-179.5, 10.0), (-179.5, 11.0), (179.5, 11.0)]])
    assert {line.label for line in far.meridians} >= {"179.5°E", "179.5°W"}
    assert footprint_map([]) is None
    assert footprint_map([[(float("nan"), 10.0)], [(0.0, 100.0)]]) is None
    assert len(footprint_map([[(5.0, 90.0)]]).paths) == 1


def test_stac_browser_opens_the_catalogue(ask):
    page = ask("/browser/")[2].decode()
    assert '"historyMode": "hash"' in page
    assert 'location.origin + "/stac/catalog.json"' in page
    assert page.index("STAC_BROWSER_CONFIG") < page.index("/browser/js/app.js")
    assert ask("/browser/js/app.js")[2] == b"go()"
    assert 'href="/browser/"' in ask("/")[2].decode()


# ------------------------------------------------------------------ what cannot be served


def test_refusals(folder, build, tmp_path, server):
    (tmp_path / "catalog.json").write_text("[]")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "index.html").write_text("<html><head></head></html>")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "index.html").write_text('<head></head><div id="stac-browser"></div>')
    used = server.server_address[1]
    for words, output, host, port, browser in (
        ("there is no such folder", tmp_path / "absent", "127.0.0.1", 0, None),
        ("is a file; give the folder", folder / "date.nc", "127.0.0.1", 0, None),
        ("holds no finished run", build, "127.0.0.1", 0, None),
        ("is no STAC catalogue", tmp_path, "127.0.0.1", 0, None),
        ("is taken by another program", folder, "127.0.0.1", used, None),
        ("no such address on this machine", folder, "no.such.host.invalid", 0, None),
        ("cannot be served at", folder, "192.0.2.1", 0, None),
        ("holds no build of STAC Browser", folder, "127.0.0.1", 0, tmp_path),
        ("the build of something else", folder, "127.0.0.1", 0, tmp_path / "other"),
        ("built for another path than /browser/", folder, "127.0.0.1", 0, tmp_path / "root"),
    ):
        with pytest.raises(AlignsarError, match=words) as error:
            make_server(output, host, port, browser)
        assert "\n" not in str(error.value)

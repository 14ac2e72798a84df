"""STAC: valid without a network, joined on the date, and every href leads to the file that it names."""

import hashlib
import json
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pystac
import pytest
import xarray as xr
from fake_cube import fake_cube, write_netcdf
from pystac.extensions.sat import SatExtension
from pystac.validation import JsonSchemaSTACValidator

from alignsar_gpu.catalog.stac import Products, write_stac
from alignsar_gpu.dataset.cube import write_dataset
from alignsar_gpu.errors import AlignsarError

DATES = ["2022-01-04", "2022-01-10", "2022-01-16"]
EXTENSIONS = "https://stac-extensions.github.io"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a test of STAC asked for the network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture(scope="module")
def cube():
    return fake_cube(lines=7, samples=13)


def make_run(cube, output):
    """A finished run in ``output``: what it is made of, to be given to write_stac."""
    write_dataset(output / "cube.zarr", cube)
    (output / "report").mkdir()
    (output / "report" / "index.html").write_text("<title>report</title>")
    (output / "quality.json").write_text("{}")
    (output / "run.yaml").write_text("name: test\n")
    return {
        "netcdf": write_netcdf(cube, output / "netcdf"),
        "cube": output / "cube.zarr",
        "report": output / "report" / "index.html",
        "metadata": [output / "quality.json", output / "run.yaml"],
    }


@pytest.fixture(scope="module")
def run(cube, tmp_path_factory):
    output = tmp_path_factory.mktemp("outputs") / "test"
    assets = make_run(cube, output)
    write_stac(cube, output / "stac", Products(**assets))
    return SimpleNamespace(output=output, assets=assets, stac=output / "stac")


@pytest.fixture
def catalog(run):
    return pystac.Catalog.from_file(str(run.stac / "catalog.json"))


@pytest.fixture
def collection(catalog):
    return next(catalog.get_children())


def every_object(catalog):
    return [catalog, *catalog.get_children(), *catalog.get_items(recursive=True)]


def validate(obj):
    """The core schema of the object's type, from the files that pystac brings along."""
    kind = obj.STAC_OBJECT_TYPE
    return JsonSchemaSTACValidator().validate_core(obj.to_dict(), kind, pystac.get_stac_version())


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ------------------------------------------------------------------ structure


def test_core_is_valid(catalog):
    objects = every_object(catalog)
    assert [type(obj).__name__ for obj in objects] == ["Catalog", "Collection", "Item", "Item", "Item"]
    for obj in objects:
        assert validate(obj).startswith("https://schemas.stacspec.org/v1.1.0/")


def test_validation_would_notice(catalog):
    item = next(catalog.get_items(recursive=True))
    item.geometry["type"] = "Square"
    with pytest.raises(pystac.STACValidationError):
        validate(item)


def test_an_item_a_date_in_time_order(collection):
    items = list(collection.get_items())
    assert [item.datetime.date().isoformat() for item in items] == DATES
    assert [item.id for item in items] == [
        "fake-stack-20220104",
        "fake-stack-20220110",
        "fake-stack-20220116",
    ]
    assert items[0].datetime.isoformat() == "2022-01-04T17:25:41.401457+00:00"
    first, last = collection.extent.temporal.intervals[0]
    assert first == items[0].common_metadata.start_datetime < items[0].datetime
    assert last == items[2].common_metadata.end_datetime > items[2].datetime
    assert (last - items[2].datetime).total_seconds() == pytest.approx(3 * 0.0020555563, abs=1e-6)


def test_files_name_no_place_and_no_time_of_writing(run):
    for name, content in tree(run.stac).items():
        text = content.decode(errors="replace")  # pictures too
        assert str(run.output) not in text, name
        assert ".partial" not in text, name
        assert '"created"' not in text, name
        assert '"updated"' not in text, name
        assert '"self"' not in text, name


def test_every_href_leads_somewhere(run, tmp_path):
    """Also when the whole run has moved."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(run.output, moved)
    seen = []
    for path in (moved / "stac").rglob("*.json"):
        stored = json.loads(path.read_text())
        for reference in [*stored["links"], *stored.get("assets", {}).values()]:
            assert not reference["href"].startswith("/")
            if reference.get("rel") == "license":
                continue
            assert (path.parent / reference["href"]).exists(), reference["href"]
            seen.append((path.parent / reference["href"]).resolve().relative_to(moved.resolve()).as_posix())
    assert {f"netcdf/{date.replace('-', '')}.nc" for date in DATES} <= set(seen)
    assert {"cube.zarr", "report/index.html", "quality.json", "run.yaml"} <= set(seen)


def test_checksums_and_sizes(catalog, run):
    for obj in every_object(catalog)[1:]:
        for key, asset in obj.assets.items():
            path = Path(obj.self_href).parent / asset.href
            if key != "netcdf":  # a folder, a picture, or records that hold the times that a run took
                assert not {"file:checksum", "file:size"} & set(asset.extra_fields)
            else:
                assert asset.extra_fields["file:size"] == path.stat().st_size
                assert (
                    asset.extra_fields["file:checksum"]
                    == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()
                )


def test_assets_say_what_they_are(collection):
    found = {key: (asset.media_type, asset.roles) for key, asset in collection.assets.items()}
    assert found == {
        "cube": ("application/vnd.zarr; version=3", ["data"]),
        "report": ("text/html", ["overview"]),
        "quality": ("application/json", ["metadata"]),
        "run": ("application/yaml", ["metadata"]),
        "thumbnail": ("image/png", ["thumbnail"]),
        "overview": ("image/webp", ["overview"]),
    }
    for item in collection.get_items():
        assert {key: (a.media_type, a.roles) for key, a in item.assets.items()} == {
            "netcdf": ("application/netcdf", ["data"]),
            "thumbnail": ("image/png", ["thumbnail"]),
            "overview": ("image/webp", ["overview"]),
        }
    assert list(collection.item_assets) == ["netcdf", "overview", "thumbnail"]


# ------------------------------------------------------------------ content


def test_extensions_are_pinned(collection):
    common = ["datacube/v2.2.0", "processing/v1.1.0", "sar/v1.3.2", "sat/v1.0.0", "version/v1.2.0"]
    of_collection = [*common, "scientific/v1.0.0"]
    assert collection.stac_extensions == sorted(f"{EXTENSIONS}/{n}/schema.json" for n in of_collection)
    of_item = [*common, "file/v2.1.0", "insar/v1.0.0", "projection/v2.0.0", "view/v1.0.0"]
    for item in collection.get_items():
        assert item.stac_extensions == sorted(f"{EXTENSIONS}/{name}/schema.json" for name in of_item)


def test_item_is_joined_on_the_date(collection):
    """Regression A4: by product, in an order that is not the alphabet's."""
    items = list(collection.get_items())
    assert [item.properties["processing:lineage"].split(",")[0] for item in items] == [
        "made from Z_SLC_040364",
        "made from Y_SLC_040585",
        "made from X_SLC_040714",
    ]
    assert [SatExtension.ext(item).absolute_orbit for item in items] == [40364, 40585, 40714]
    assert [item.properties["platform"] for item in items] == ["sentinel-1b", "sentinel-1a", "sentinel-1b"]
    assert [SatExtension.ext(i).platform_international_designator for i in items] == [
        "2016-025A",
        "2014-016A",
        "2016-025A",
    ]
    assert [item.properties["insar:perpendicular_baseline"] for item in items] == [60.75, 0.0, 6.75]
    assert [item.properties["insar:temporal_baseline"] for item in items] == [-6.0, 0.0, 6.0]
    assert {item.properties["insar:reference_datetime"] for item in items} == {"2022-01-10T17:25:41.500000Z"}
    assert "insar:height_of_ambiguity" not in items[1].properties
    for item, date in zip(items, DATES, strict=True):
        assert item.assets["netcdf"].href.endswith(f"/netcdf/{date.replace('-', '')}.nc")


def test_item_fields(collection):
    item = next(collection.get_items())
    sar = {k.removeprefix("sar:"): v for k, v in item.properties.items() if k.startswith("sar:")}
    assert sar == {
        "instrument_mode": "IW",
        "frequency_band": "C",
        "center_frequency": 5.405,
        "polarizations": ["VV", "VH"],
        "product_type": "SLC",
        "pixel_spacing_range": 2.329562,
        "pixel_spacing_azimuth": 13.937,
        "looks_range": 1,
        "looks_azimuth": 1,
        "observation_direction": "right",
        "beam_ids": ["IW3"],
    }
    assert item.properties["sat:orbit_state"] == "ascending"
    assert item.properties["sat:relative_orbit"] == 88
    assert item.properties["proj:code"] is None
    assert item.properties["proj:shape"] == [7, 13]
    assert item.properties["view:incidence_angle"] == 43.21
    assert item.properties["view:azimuth"] == 77.5
    assert item.properties["processing:software"] == {"IPF": "3.40", "alignsar_gpu": "0.1.0"}
    assert item.properties["version"] == "1"
    assert item.properties["processing:level"] == "L1"
    assert item.properties["constellation"] == "sentinel-1"
    assert item.properties["instruments"] == ["c-sar"]


def test_datacube_fields(collection, cube, run):
    dimensions = collection.extra_fields["cube:dimensions"]
    assert list(dimensions) == ["time", "azimuth", "range"]
    assert [value[:10] for value in dimensions["time"]["values"]] == DATES
    assert dimensions["range"]["extent"] == [905000.0, 905000.0 + 12 * 2.329562]
    assert dimensions["range"]["step"] == pytest.approx(2.329562, abs=1e-9)
    assert dimensions["azimuth"]["unit"] == "s"
    variables = collection.extra_fields["cube:variables"]
    assert set(variables) == set(cube.variables) - {"time", "azimuth", "range"}
    assert variables["coherence_vv"] == {
        "type": "data",
        "dimensions": ["time", "azimuth", "range"],
        "description": "VV interferometric coherence",
        "unit": "1",
        "extent": [0.0, 1.0],
    }
    item = next(collection.get_items())
    assert list(item.properties["cube:dimensions"]) == ["time", "azimuth", "range"]
    assert [value[:10] for value in item.properties["cube:dimensions"]["time"]["values"]] == [
        item.datetime.date().isoformat()
    ]
    with xr.open_dataset(run.assets["netcdf"][0]) as file:
        in_file = {str(name): list(v.dims) for name, v in file.variables.items()}
    for name in ("azimuth", "range", "time", "crs"):
        del in_file[name]
    assert {n: v["dimensions"] for n, v in item.properties["cube:variables"].items()} == in_file


def test_collection_fields(collection):
    assert collection.id == "fake-stack"
    assert collection.license == "CC-BY-4.0"
    assert collection.keywords == ["SAR", "InSAR", "Sentinel-1", "benchmark dataset"]
    assert [(p.name, p.roles) for p in collection.providers] == [
        ("Copernicus", ["producer", "licensor"]),
        ("A. Tester", ["processor"]),
        ("The Test Press", ["host"]),
    ]
    assert collection.summaries.to_dict() == {
        "platform": ["sentinel-1a", "sentinel-1b"],
        "constellation": ["sentinel-1"],
        "instruments": ["c-sar"],
        "processing:level": ["L1"],
        "processing:software": [{"IPF": f"3.{40 + n}", "alignsar_gpu": "0.1.0"} for n in range(3)],
        "sar:instrument_mode": ["IW"],
        "sar:frequency_band": ["C"],
        "sar:polarizations": ["VH", "VV"],
        "sar:product_type": ["SLC"],
        "sar:beam_ids": ["IW3"],
        "sar:observation_direction": ["right"],
        "sat:orbit_state": ["ascending"],
        "sat:relative_orbit": [88],
    }
    assert collection.extent.spatial.bboxes == [next(collection.get_items()).bbox]


def test_another_satellite_is_not_credited_to_copernicus(cube, run, tmp_path):
    other = cube.assign_coords(platform=("time", np.array(["A Simulation"] * 3, dtype=object)))
    other.attrs = {
        k: v
        for k, v in cube.attrs.items()
        if not k.startswith(("creator_", "publisher_")) and k not in {"license", "id"}
    }
    write_stac(other, tmp_path / "stac", Products(netcdf=run.assets["netcdf"]))
    collection = next(pystac.Catalog.from_file(str(tmp_path / "stac" / "catalog.json")).get_children())
    validate(collection)
    assert collection.providers is None
    assert collection.license == "other"
    assert collection.id == "SAR-benchmark-dataset-of-a-place-that-does-not-exist-Y_SLC_040585"
    item = next(collection.get_items())
    validate(item)
    assert item.properties["platform"] == "a-simulation"
    assert not {"constellation", "instruments", "sat:platform_international_designator"} & set(
        item.properties
    )


# ------------------------------------------------------------------ writing


def test_the_same_run_gives_the_same_catalogue(cube, run, tmp_path):
    shutil.copytree(run.output, tmp_path / "again", ignore=shutil.ignore_patterns("stac"))
    output = tmp_path / "again"
    shuffled = cube.isel(time=[1, 2, 0])[sorted(cube.data_vars, reverse=True)]
    products = Products(
        netcdf=sorted((output / "netcdf").iterdir(), reverse=True),
        cube=output / "cube.zarr",
        report=output / "report" / "index.html",
        metadata=[output / "quality.json", output / "run.yaml"],
    )
    write_stac(shuffled, output / "stac", products)
    assert tree(output / "stac") == tree(run.stac)


def test_a_catalogue_is_replaced_as_a_whole(cube, run, tmp_path):
    write_stac(cube, tmp_path / "stac", Products(**run.assets))
    stale = tmp_path / "stac" / "fake-stack" / "stale.json"
    stale.write_text("{}")
    write_stac(cube, tmp_path / "stac", Products(**run.assets))
    assert not stale.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["stac"]


def test_a_failure_leaves_the_catalogue_of_before(cube, run, tmp_path):
    write_stac(cube, tmp_path / "stac", Products(**run.assets))
    before = tree(tmp_path / "stac")
    with pytest.raises(AlignsarError, match=r"no NetCDF file 20220116\.nc"):
        write_stac(cube, tmp_path / "stac", Products(netcdf=run.assets["netcdf"][:2]))
    with pytest.raises(AlignsarError, match=r"gone\.html does not exist"):
        write_stac(
            cube, tmp_path / "stac", Products(netcdf=run.assets["netcdf"], report=tmp_path / "gone.html")
        )
    assert tree(tmp_path / "stac") == before
    assert [path.name for path in tmp_path.iterdir()] == ["stac"]


def test_a_failure_while_saving_leaves_nothing(cube, run, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(AlignsarError, match="No space left"):
        write_stac(cube, tmp_path / "stac", Products(**run.assets))
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_else_is_left_alone(cube, run, tmp_path):
    (tmp_path / "notes.txt").write_text("dear diary")
    with pytest.raises(AlignsarError, match="is no STAC catalogue"):
        write_stac(cube, tmp_path, Products(**run.assets))
    assert (tmp_path / "notes.txt").read_text() == "dear diary"


@pytest.mark.parametrize("text", ['{"type": "Catalog", "id": "theirs"}', "[]"])
def test_a_catalogue_of_another_tool_is_left_alone(cube, run, tmp_path, text):
    (tmp_path / "catalog.json").write_text(text)
    with pytest.raises(AlignsarError, match="is a catalogue of another tool; move it away"):
        write_stac(cube, tmp_path, Products(**run.assets))
    assert (tmp_path / "catalog.json").read_text() == text


@pytest.mark.parametrize("key", ["radar_frequency", "pass_direction"])
def test_a_cube_that_lacks_metadata_is_refused(cube, run, tmp_path, key):
    poor = cube.copy()
    poor.attrs = {name: value for name, value in cube.attrs.items() if name != key}
    with pytest.raises(AlignsarError, match=f"lacks the attributes {key}"):
        write_stac(poor, tmp_path / "stac", Products(**run.assets))

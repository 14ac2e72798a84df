"""Catalogues of several runs in one: what is new is added, what is replaced is found, and nothing else is touched."""

import json
from pathlib import Path

import pystac
import pytest
from fake_catalogue import labelled_cube, make_products
from pystac.validation import JsonSchemaSTACValidator
from test_752_schemas import errors

from alignsar_gpu.catalog import joining
from alignsar_gpu.catalog.joining import join_catalogues
from alignsar_gpu.catalog.stac import Products, Publication, write_stac
from alignsar_gpu.errors import AlignsarError


def make_run(output, *, dates=3, number=3, code="EPSG:32631", address="", **attributes):
    """A run with its catalogue; ``dates`` of ``number`` dates are in it."""
    cube = labelled_cube(dates=number).isel(time=slice(dates))
    cube.attrs |= attributes
    output.mkdir(parents=True)
    products = make_products(cube, output, code)
    write_stac(cube, output / "stac", products, publication=Publication(address=address))
    return output


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    top = tmp_path_factory.mktemp("runs")
    return {
        "first": make_run(top / "first"),
        "two dates": make_run(top / "two dates", dates=2),
        "other": make_run(top / "other", id="other-scene", code="EPSG:32632"),
        "second version": make_run(top / "second version", product_version="2.0 beta"),
        "third version": make_run(top / "third version", product_version="3"),
    }


def state(folder):
    return {
        path.relative_to(folder).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(folder):
    return {name: content for name, (_, content) in state(folder).items()}


def changed(before, after):
    assert set(before) <= set(after)
    return {name for name in after if before.get(name) != after[name]}


def objects(folder):
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text()) for path in folder.rglob("*.json")
    }


def links(fields, rel):
    return [link["href"] for link in fields["links"] if link["rel"] == rel]


def check_valid(folder):
    """All objects are valid, and every relative link leads to a file."""
    for name, fields in objects(folder).items():
        JsonSchemaSTACValidator().validate_core(fields, pystac.STACObjectType(fields["type"]), "1.1.0")
        for url in fields.get("stac_extensions", ()):
            assert not errors(fields, url), (name, url)
        for reference in [*fields["links"], *fields.get("assets", {}).values()]:
            if "://" not in reference["href"]:
                assert (folder / name).parent.joinpath(reference["href"]).exists(), reference


def test_a_second_scene_is_joined(runs, tmp_path):
    folder = tmp_path / "joined"
    (one,) = join_catalogues(folder, [runs["first"]])
    assert (one.collection, one.version, one.items, one.written) == ("fake-stack", "1", 3, 3)
    before = state(folder)
    join_catalogues(folder, [runs["other"]])
    new = changed(before, state(folder))
    assert {name for name in new if not name.startswith("other-scene/")} == {"catalog.json"}
    check_valid(folder)
    # two scenes, each with maps in a system of its own
    items = [item for item in objects(folder).values() if item["type"] == "Feature"]
    codes = {(item["collection"], item["assets"]["map_sigma0_vv"]["proj:code"]) for item in items}
    assert codes == {("fake-stack", "EPSG:32631"), ("other-scene", "EPSG:32632")}


def test_pystac_reads_it(runs, tmp_path):
    join_catalogues(tmp_path / "joined", [runs["first"], runs["other"]])
    catalog = pystac.Catalog.from_file(str(tmp_path / "joined" / "catalog.json"))
    assert [child.id for child in catalog.get_children()] == ["fake-stack", "other-scene"]
    items = list(catalog.get_items(recursive=True))
    assert len(items) == 6
    for item in items:
        assert item.get_root() is catalog
        assert Path(item.assets["netcdf"].get_absolute_href()).is_file()
        assert Path(item.assets["thumbnail"].get_absolute_href()).is_file()


def test_the_same_again_writes_nothing(runs, tmp_path):
    join_catalogues(tmp_path / "joined", [runs["first"], runs["other"]])
    before = state(tmp_path / "joined")
    rows = join_catalogues(tmp_path / "joined", [runs["other"], runs["first"]])
    assert [row.written for row in rows] == [0, 0]
    assert state(tmp_path / "joined") == before


def test_a_date_is_added(tmp_path):
    """The run has one more date now, and what it had is as it was."""
    cube = labelled_cube()
    run = tmp_path / "run"
    run.mkdir()
    products = make_products(cube, run)
    shorter = [path for path in products.netcdf if path.stem != "20220116"]
    maps = [path for path in products.cogs if "20220116" not in path.stem]
    fewer = type(products)(**vars(products) | {"netcdf": shorter, "cogs": maps})
    write_stac(cube.isel(time=slice(2)), run / "stac", fewer)
    folder = tmp_path / "joined"
    join_catalogues(folder, [run])
    before = state(folder)
    write_stac(cube, run / "stac", products)
    (row,) = join_catalogues(folder, [run])
    assert (row.items, row.written) == (3, 1)
    new = "fake-stack/fake-stack-20220116/fake-stack-20220116.json"
    assert changed(before, state(folder)) == {new, "fake-stack/collection.json"}
    collection = objects(folder)["fake-stack/collection.json"]
    assert len(links(collection, "item")) == 3
    assert collection["extent"]["temporal"]["interval"][0][1].startswith("2022-01-16")
    check_valid(folder)

    write_stac(cube.isel(time=slice(2)), run / "stac", fewer)  # and one that the run has no more
    join_catalogues(folder, [run])
    assert contents(folder) == {name: content for name, (_, content) in before.items()}


def test_a_version_is_replaced_and_the_old_one_is_found(runs, tmp_path):
    folder = tmp_path / "joined"
    join_catalogues(folder, [runs["first"], runs["other"]])
    before = state(folder)
    (row,) = join_catalogues(folder, [runs["second version"]])
    assert row.collection == "fake-stack-v2.0-beta"
    new = changed(before, state(folder))
    assert {name for name in new if not name.startswith("fake-stack-v2.0-beta/")} == {
        "catalog.json",
        "fake-stack/collection.json",
    }
    old, later = (objects(folder)[f"{name}/collection.json"] for name in ("fake-stack", row.collection))
    assert (old["deprecated"], old["version"]) == (True, "1")
    assert (
        links(old, "successor-version")
        == links(old, "latest-version")
        == [f"../{row.collection}/collection.json"]
    )
    assert links(later, "predecessor-version") == ["../fake-stack/collection.json"]
    assert "deprecated" not in later
    titles = [link.get("title", "") for link in objects(folder)["catalog.json"]["links"]]
    assert sum(title.endswith("version 1 (deprecated)") for title in titles) == 1
    check_valid(folder)

    before = state(folder)
    assert [row.written for row in join_catalogues(folder, [runs["first"]])] == [0]  # the old one stays old
    assert state(folder) == before
    join_catalogues(folder, [runs["third version"]])
    third = objects(folder)["fake-stack-v3/collection.json"]
    assert links(third, "predecessor-version") == ["../fake-stack-v2.0-beta/collection.json"]
    first = objects(folder)["fake-stack/collection.json"]
    assert links(first, "latest-version") == ["../fake-stack-v3/collection.json"]
    assert links(first, "successor-version") == ["../fake-stack-v2.0-beta/collection.json"]
    check_valid(folder)


@pytest.mark.parametrize("stop", [1, 2, 4, 5, 6, 7])
def test_interrupted_and_continued_gives_the_same_bits(runs, tmp_path, monkeypatch, stop):
    whole, folder = tmp_path / "whole", tmp_path / "interrupted"
    for place in (whole, folder):
        join_catalogues(place, [runs["first"]])
    join_catalogues(whole, [runs["second version"]])
    count, replace = 0, Path.replace

    def interrupted(self, target):
        nonlocal count
        count += 1
        if count == stop:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        if stop < 7:  # three items, a collection, the earlier one, the catalogue
            with pytest.raises(KeyboardInterrupt):
                join_catalogues(folder, [runs["second version"]])
    join_catalogues(folder, [runs["second version"]])
    assert contents(folder) == contents(whole)


def test_the_first_run_interrupted(runs, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(joining, "_placed_collection", full)
        with pytest.raises(AlignsarError, match=r"No space left on device.*check the free space"):
            join_catalogues(tmp_path / "joined", [runs["first"]])
    join_catalogues(tmp_path / "joined", [runs["first"]])
    join_catalogues(tmp_path / "whole", [runs["first"]])
    assert contents(tmp_path / "joined") == contents(tmp_path / "whole")


def test_an_address_makes_links_absolute(runs, tmp_path):
    published = make_run(tmp_path / "published", id="published", address="https://b.example.org/set")
    folder = tmp_path / "joined"
    for _ in range(2):
        rows = join_catalogues(folder, [runs["first"], published], "https://a.example.org/all")
    assert [row.written for row in rows] == [0, 0]
    found = objects(folder)
    item = found["published/published-20220104/published-20220104.json"]
    assert item["assets"]["netcdf"]["href"] == "https://b.example.org/set/netcdf/20220104.nc"
    assert links(item, "self") == [
        "https://a.example.org/all/published/published-20220104/published-20220104.json"
    ]
    assert links(item, "via") == [
        "https://b.example.org/set/stac/published/published-20220104/published-20220104.json"
    ]
    join_catalogues(folder, [runs["second version"]], "https://a.example.org/all")
    before = state(folder)
    join_catalogues(folder, [runs["second version"]], "https://a.example.org/all")
    assert state(folder) == before
    assert links(objects(folder)["fake-stack/collection.json"], "successor-version") == [
        "https://a.example.org/all/fake-stack-v2.0-beta/collection.json"
    ]
    check_valid(folder)


def test_a_catalogue_and_a_run_are_published_later(tmp_path):
    run = make_run(tmp_path / "run", dates=2)
    folder = tmp_path / "joined"
    join_catalogues(folder, [run])
    cube = labelled_cube().isel(time=slice(2))
    publication = Publication(address="https://b.example.org/set")
    write_stac(cube, run / "stac", Products(netcdf=(run / "netcdf").iterdir()), publication=publication)
    assert join_catalogues(folder, [run], "https://a.example.org/all")[0].written == 2
    item = objects(folder)["fake-stack/fake-stack-20220104/fake-stack-20220104.json"]
    assert item["assets"]["netcdf"]["href"] == "https://b.example.org/set/netcdf/20220104.nc"


# ------------------------------------------------------------------ what is refused


def test_an_item_twice_is_refused(runs, tmp_path):
    folder = tmp_path / "joined"
    join_catalogues(folder, [runs["first"]])
    before = state(folder)
    with pytest.raises(
        AlignsarError, match=r"fake-stack-20220104 is in .*joined already, from another run; give"
    ):
        join_catalogues(folder, [runs["two dates"]])
    assert state(folder) == before


def test_another_run_adds_a_date_on_the_same_grid_alone(runs, tmp_path):
    folder = tmp_path / "joined"
    join_catalogues(folder, [runs["two dates"]])
    before = state(folder)
    cube = labelled_cube().isel(time=slice(2, 3))
    cube.attrs["reference_product_id"] = str(cube["product_id"].values[0])
    for code in ("EPSG:32632", "EPSG:32631"):
        run = tmp_path / code.replace(":", "-")
        run.mkdir()
        write_stac(cube, run / "stac", make_products(cube, run, code))
    grids = r"\(7 x 13 pixels, EPSG:32631; 7 x 13 pixels, EPSG:32632\)"
    with pytest.raises(AlignsarError, match=rf"its dates are on another grid than .* {grids}; give"):
        join_catalogues(folder, [tmp_path / "EPSG-32632"])
    assert state(folder) == before
    (row,) = join_catalogues(folder, [tmp_path / "EPSG-32631"])
    assert (row.items, row.written) == (3, 1)
    new = "fake-stack/fake-stack-20220116/fake-stack-20220116.json"
    assert changed(before, state(folder)) == {new, "fake-stack/collection.json"}
    check_valid(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"type": "Catalog", "id": "theirs", "links": []}', "catalogue of another tool; move it away"),
        ('{"generator": "alignsar_gpu", "links": []}', "catalogue of one run; move it away"),
        ("<html>", "catalogue of another tool"),
    ],
)
def test_another_catalogue_at_the_place_is_refused(runs, tmp_path, text, words):
    (tmp_path / "catalog.json").write_text(text)
    with pytest.raises(AlignsarError, match=words):
        join_catalogues(tmp_path, [runs["first"]])
    assert contents(tmp_path) == {"catalog.json": text.encode()}


def test_a_folder_without_a_catalogue_is_refused(runs, tmp_path):
    (tmp_path / "notes.txt").write_text("dear diary")
    with pytest.raises(AlignsarError, match="exists and is no STAC catalogue"):
        join_catalogues(tmp_path, [runs["first"]])
    with pytest.raises(AlignsarError, match="is no run with a catalogue"):
        join_catalogues(tmp_path / "joined", [tmp_path])
    (tmp_path / "catalog.json").write_text('{"type": "Catalog", "links": []}')
    with pytest.raises(AlignsarError, match="is no catalogue of a run, or one of an earlier version"):
        join_catalogues(tmp_path / "joined", [tmp_path])
    assert not (tmp_path / "joined").exists()


def test_a_moved_folder_still_leads_to_its_files(runs, tmp_path):
    top = tmp_path / "before"
    run = make_run(top / "run")
    join_catalogues(top / "joined", [run])
    top.rename(tmp_path / "after")
    check_valid(tmp_path / "after" / "joined")

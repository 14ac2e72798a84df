"""catalog.href on a finished run: the catalogue alone is made again, and later additions keep the address."""

import json

import pytest
import yaml
from fake_catalogue import finish_run, labelled_cube

import alignsar_gpu
from alignsar_gpu.errors import AlignsarError

ADDRESS = "https://data.example.org/made"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finish_run(tmp_path_factory.mktemp("published") / "run", labelled_cube())


def state(output, without=("stac", "run.yaml", "manifest.json", "run.log", ".checked.json")):
    return {
        path.relative_to(output).as_posix(): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.relative_to(output).parts[0] not in without
    }


def links(output):
    fields = json.loads((output / "stac" / "catalog.json").read_text())
    return [link["href"] for link in fields["links"] if link["rel"] in {"self", "child"}]


def test_the_catalogue_is_published_and_all_else_kept(finished):
    before = state(finished)
    alignsar_gpu.run(output=finished, catalog={"href": ADDRESS, "doi": "10.5281/zenodo.1"})
    assert links(finished) == [f"{ADDRESS}/stac/catalog.json", f"{ADDRESS}/stac/fake-stack/collection.json"]
    assert yaml.safe_load((finished / "run.yaml").read_text())["catalog"]["href"] == ADDRESS
    assert {name: state(finished)[name] for name in before} == before

    alignsar_gpu.run(output=finished, objects={"layers": ["land_cover"], "smallest": 1})
    assert links(finished)[0] == f"{ADDRESS}/stac/catalog.json"
    collection = json.loads((finished / "stac" / "fake-stack" / "collection.json").read_text())
    assert collection["assets"]["objects"]["href"] == f"{ADDRESS}/objects.parquet"
    assert collection["sci:doi"] == "10.5281/zenodo.1"


def test_a_wrong_address_is_refused_before_work(tmp_path):
    with pytest.raises(AlignsarError, match=r"catalog\.href=/srv/data: is no web address"):
        alignsar_gpu.run("demo", output=tmp_path / "run", catalog={"href": "/srv/data"})
    assert not (tmp_path / "run").exists()

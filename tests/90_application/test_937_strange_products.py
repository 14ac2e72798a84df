"""What people download, as ``+experiment=sentinel1`` meets it: one subswath, bursts of ASF, zips made by a Mac."""

import json
import shutil
import zipfile

import pytest
from command_line import run
from fake_bursts import write_bursts

WARNING = "without the annotation of IW2, so that the bistatic delay is the usual one of IW"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two dates of one burst of IW1."""
    output = tmp_path_factory.mktemp("strange") / "out"
    run(
        "+experiment=simulate",
        "simulate.dates=2",
        "simulate.bursts=1",
        "simulate.lines=100",
        "simulate.samples=300",
        "simulate.swaths=[iw1]",
        "simulate.scene.cover_posting=20",
        f"output={output}",
    )
    return output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("Données été")


def quality(made, path, output):
    result = run(
        "+experiment=sentinel1",
        f"products.path='{path}'",
        f"dem.path={made / 'scene' / 'dem.tif'}",
        "dem.vertical_datum=ellipsoid",
        "signatures.names=[category1]",
        "report=none",
        f"output='{output}'",
    )
    found = json.loads((output / "quality.json").read_text())
    assert found["warnings"] == [
        line.removeprefix("warning").strip()
        for line in result.stdout.splitlines()
        if line.startswith("warning")
    ]
    return found


def test_one_subswath(made, folder):
    found = quality(made, made / "products", folder / "one subswath")
    assert any(f"2 products: {WARNING}" in warning for warning in found["warnings"])
    names = sorted(path.stem for path in (made / "products").glob("*.SAFE"))
    assert found["source"]["corrections"]["nominal_bistatic_delay"] == names


def test_bursts_of_asf(made, folder):
    for safe in (made / "products").glob("*.SAFE"):
        write_bursts(safe, folder / "bursts", [("iw1", p, 0) for p in ("vv", "vh")])
    found = quality(made, folder / "bursts", folder / "out of bursts")
    assert found["source"]["product"]["read_from"] == "bursts"
    assert len(found["dates"]) == 2


def test_zips_of_a_mac_fetched_twice(made, folder):
    zips = folder / "zips"
    zips.mkdir()
    for safe in (made / "products").glob("*.SAFE"):
        with zipfile.ZipFile(zips / f"{safe.stem}.zip", "w") as archive:
            for file in safe.rglob("*"):
                inside = file.relative_to(safe.parent)
                archive.write(file, inside)
                archive.writestr(f"__MACOSX/{inside.parent.as_posix()}/._{file.name}", b"\x00\x05\x16\x07")
        shutil.copy(zips / f"{safe.stem}.zip", zips / f"{safe.stem} (1).zip")
        (zips / f"._{safe.stem}.zip").write_bytes(b"\x00\x05\x16\x07")
    assert len(quality(made, zips, folder / "out of zips")["dates"]) == 2

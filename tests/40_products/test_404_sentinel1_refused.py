"""Sentinel-1 products that are damaged, incomplete or something else: each with its own message."""

import os
import re
import zipfile

import numpy as np
import pytest
import rasterio
from fake_safe import FakeSafe, annotation, annotations_in, rewrite, write_safe, write_tiff, zip_of

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.reader import open_sentinel1


def refusal(path, **options):
    with pytest.raises(AlignsarError) as raised:
        open_sentinel1(path, **options)
    return str(raised.value)


def test_reading_outside_the_burst(tmp_path):
    burst = open_sentinel1(write_safe(tmp_path, FakeSafe())).bursts[0]
    for lines, samples in (
        (slice(0, 31), slice(0, 4)),
        (slice(-1, 3), slice(0, 4)),
        (slice(4, 4), slice(0, 4)),
        (slice(0, 4, 2), slice(0, 4)),
        (slice(0, 4), slice(30, 41)),
    ):
        with pytest.raises(AlignsarError, match="were asked for, but the burst has"):
            burst.read("vv", lines, samples)


def test_missing_measurement(tmp_path):
    root = write_safe(tmp_path, FakeSafe(swaths=(1, 2)))
    next((root / "measurement").glob("*iw2*")).unlink()
    assert "no measurement/s1a-iw2-slc-vv" in refusal(root)
    assert open_sentinel1(root, swaths=["iw1"]).bursts[0].read("vv").any()


def test_damaged_measurement(tmp_path):
    fake = FakeSafe(lines=200, samples=200)
    root = write_safe(tmp_path, fake)
    (tiff,) = (root / "measurement").glob("*")
    os.truncate(tiff, 100)
    assert f"{tiff.name}: cannot be read" in refusal(root)
    tiff.write_bytes(b"no TIFF at all")
    assert tiff.name in refusal(root)
    write_tiff(tiff, fake.pixels_of(1, "vv")[:-1])
    assert "399 lines of 200 samples, but its annotation says 400 lines" in refusal(root)


def test_truncated_rows_of_a_measurement(tmp_path):
    """The header is whole, the last lines are not there."""
    fake = FakeSafe(lines=200, samples=200)
    root = write_safe(tmp_path, fake)
    (tiff,) = (root / "measurement").glob("*")
    os.truncate(tiff, tiff.stat().st_size - 200 * 200 * 2)
    product = open_sentinel1(root)
    np.testing.assert_array_equal(
        product.bursts[0].read("vv", slice(0, 9), slice(None)), fake.pixels_of(1, "vv")[:9]
    )
    with pytest.raises(AlignsarError, match=f"{tiff.name}: cannot be read"):
        product.bursts[1].read("vv", slice(150, 199), slice(None))


def test_intensity_instead_of_complex(tmp_path):
    root = write_safe(tmp_path, FakeSafe())
    (tiff,) = (root / "measurement").glob("*")
    profile = {"driver": "GTiff", "width": 40, "height": 60, "count": 1, "dtype": "uint16"}
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(tiff, "w", **profile) as raster:
        raster.write(np.ones((1, 60, 40), np.uint16))
    assert "1 band(s) of uint16, but an SLC has one complex band" in refusal(root)


@pytest.mark.parametrize(
    ("pattern", "new", "message"),
    [
        ("<productType>SLC", "<productType>GRD", "a GRD product, which has no phase"),
        ("<missionId>S1A", "<missionId>S2A", "mission 'Sentinel-2A' is not one of Sentinel-1A"),
        ("<mode>IW", "<mode>WV", "mode 'WV' is not supported"),
        ("<product>(.*)</product>", r"<other>\1</other>", "not a Sentinel-1 product annotation"),
        ("</product>", "", "broken XML"),
        ("<swathTiming>.*</swathTiming>", "", "no element 'swathTiming/linesPerBurst'"),
        ("(<azimuthTimeInterval>)[^<]*", r"\1fast", "'fast' is not a number"),
        ("(<linesPerBurst>)[^<]*", r"\g<1>31", "expected 31 whole numbers"),
        ("(<absoluteOrbitNumber>)[^<]*", r"\g<1>1.5", "1.5 is not a whole number"),
        ("(<sensingTime>)[^<]*", r"\1noon", "'noon' is not a time"),
        ("<dcEstimate>.*</dcEstimate>", "", "no element 'dopplerCentroid"),
        ("<geolocationGridPoint>.*?</geolocationGridPoint>", "", "are not a grid"),
        ("(<pass>)[^<]*", r"\1Sideways", "neither ascending nor descending"),
        ("(<frame>)[^<]*", r"\1Inertial", "is not 'Earth Fixed'"),
        ("<orbit>.*</orbit>", "", "0 orbit state vectors"),
        ("(<lastValidSample[^>]*>-1 )36", r"\1-1", "the last valid sample lies before the first"),
        ("(<slantRangeTime>)[^<]*", r"\g<1>5.3", "two-way slant range time is 5.3 s, and can only be"),
    ],
)
def test_damaged_annotation(tmp_path, pattern, new, message):
    root = write_safe(tmp_path, FakeSafe(pixels=False))
    (file,) = annotations_in(root)
    rewrite(file, pattern, new)
    told = refusal(root)
    assert message in told
    assert file.name in told


def test_entity_bomb(tmp_path):
    root = write_safe(tmp_path, FakeSafe(pixels=False))
    (file,) = annotations_in(root)
    bomb = '<!DOCTYPE product [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    rewrite(file, "<product>", f"{bomb}<product>&b;")
    assert "declares a document type or entities" in refusal(root)


def test_orbit_must_cover_with_margin(tmp_path):
    root = write_safe(tmp_path, FakeSafe(pixels=False))
    (file,) = annotations_in(root)
    vectors = re.findall(r"<orbit>.*?</orbit>", file.read_text())
    for vector in vectors[-6:]:
        rewrite(file, re.escape(vector), "")
    assert "covers" in refusal(root)
    assert "give an orbit that covers it" in refusal(root)


def test_orbit_of_something_else(tmp_path):
    root = write_safe(tmp_path, FakeSafe(pixels=False))
    (file,) = annotations_in(root)

    def farther(match):
        return f"<{match[1]}>{1.2 * float(match[2])!r}<"

    rewrite(file, "<([xyz])>([^<]*)<", farther, count=0)
    assert "distance of the satellite from the Earth's centre is 8.48" in refusal(root)


def test_polarizations_on_different_grids(tmp_path):
    root = write_safe(tmp_path, FakeSafe(polarizations=("vv", "vh"), pixels=False))
    rewrite(annotations_in(root)[1], r"(<burst><azimuthTime>.*?)\.\d{6}", r"\1.000000")
    assert "times of the bursts differ" in refusal(root)
    assert open_sentinel1(root, polarizations=["vh"]).polarizations == ("vh",)


def test_swaths_with_different_polarizations(tmp_path):
    root = write_safe(tmp_path, FakeSafe(swaths=(1, 2), polarizations=("vv", "vh"), pixels=False))
    next((root / "annotation").glob("*iw2*vh*")).unlink()
    assert "IW2 has VV; choose polarizations that all swaths have" in refusal(root)
    assert len(open_sentinel1(root, polarizations=["vv"]).bursts) == 4


def test_mixed_products(tmp_path):
    root = write_safe(tmp_path, FakeSafe(pixels=False))
    (root / "annotation" / "s1b.xml").write_text(
        annotation(FakeSafe(mission="S1B", absolute_orbit=26269, first_number=359600), 2, "vv")
    )
    assert "more than one platform (Sentinel-1A, Sentinel-1B)" in refusal(root)
    (root / "annotation" / "s1b.xml").write_text(annotation(FakeSafe(), 1, "vv"))
    assert "two annotations of IW1 VV" in refusal(root)


def test_no_product_there(tmp_path):
    assert "no such file or folder" in refusal(tmp_path / "S1A.SAFE")
    assert "no annotation (annotation/*.xml) inside" in refusal(tmp_path)
    (tmp_path / "image.tif").write_bytes(b"II*")
    assert "neither a SAFE folder nor a zip" in refusal(tmp_path / "image.tif")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "no annotation (annotation/*.xml) inside" in refusal(tmp_path / "other.zip")


def test_manifest_is_the_product_too(tmp_path):
    root = write_safe(tmp_path, FakeSafe(pixels=False))
    assert open_sentinel1(root / "manifest.safe").product_id == root.stem


@pytest.mark.parametrize("name", ["../../evil.xml", "/etc/passwd", "a/../../b", "C:/windows", "..\\evil"])
def test_zip_that_leads_out(tmp_path, name):
    path = write_safe(tmp_path, FakeSafe(), zipped=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    assert "a name that leads out of the archive" in refusal(path)


def test_zip_cut_off(tmp_path):
    path = write_safe(tmp_path, FakeSafe(), zipped=True)
    os.truncate(path, path.stat().st_size * 2 // 3)
    assert "cut off or damaged; fetch the product again" in refusal(path)


def test_zip_of_two_products(tmp_path):
    path = write_safe(tmp_path, FakeSafe(pixels=False), zipped=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.SAFE/annotation/a.xml", "<product/>")
    assert "holds 2 products" in refusal(path)


def test_xml_too_large(tmp_path, monkeypatch):
    path = write_safe(tmp_path, FakeSafe(pixels=False), zipped=True)
    monkeypatch.setattr("alignsar_gpu.products.sentinel1.safe.LARGEST_XML", 1000)
    assert "too many for an annotation" in refusal(path)


@pytest.mark.parametrize("what", ["annotation", "zip"])
def test_random_damage(tmp_path, what):
    """Whatever is wrong with a file: the one error, or a product; never anything else."""
    rng = np.random.default_rng(41)
    root = write_safe(tmp_path, FakeSafe(bursts=1, lines=6, samples=8))
    file = annotations_in(root)[0] if what == "annotation" else zip_of(root)
    path = root if what == "annotation" else file
    whole = file.read_bytes()
    outcomes = set()
    for _ in range(120):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), rng.integers(1, 6)):
            damaged[place] = rng.integers(32, 127) if what == "annotation" else rng.integers(0, 256)
        if rng.random() < 0.2:
            del damaged[rng.integers(0, len(damaged)) :]
        file.write_bytes(damaged)
        try:
            open_sentinel1(path).bursts[0].read("vv")
            outcomes.add("read")
        except AlignsarError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}

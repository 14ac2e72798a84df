"""The Sentinel-1 SLC reader, on made products of all kinds and on real annotations."""

import re
import shutil

import numpy as np
import pytest
from fake_safe import BAND, ORBIT, STEERING, C, FakeSafe, annotations_in, rewrite, write_safe
from scipy.interpolate import griddata

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.xml import parse_xml

KINDS = {
    "IW dual": FakeSafe(swaths=(1, 2, 3), polarizations=("vv", "vh")),
    "IW old": FakeSafe(mission="S1B", absolute_orbit=26269, first_number=359600, swaths=(1, 2), ipf=2.36),
    "EW dual": FakeSafe(
        mode="EW", swaths=(1, 2, 3, 4, 5), polarizations=("hh", "hv"), first_number=100000, ipf=3.31
    ),
    "SM": FakeSafe(mode="SM", swaths=(3,), polarizations=("hh",), lines=300),
}
MOROCCO = "s1_pair_morocco_20230904_20230916"
AZORES = "s1_iw_slc_azores_20220918"


def refusal(path, **options):
    with pytest.raises(AlignsarError) as raised:
        open_sentinel1(path, **options)
    return str(raised.value)


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("kind", KINDS)
def test_product_as_written(tmp_path, kind, zipped):
    fake = KINDS[kind]
    path = write_safe(tmp_path, fake, zipped=zipped)
    if zipped:
        shutil.rmtree(tmp_path / f"{fake.product_id}.SAFE")
    product = open_sentinel1(path)
    assert product.product_id == fake.product_id
    assert product.platform == f"Sentinel-1{fake.mission[2]}"
    assert product.processor == f"Sentinel-1 IPF {fake.ipf:06.2f}"
    assert product.instrument_mode == fake.mode
    assert product.polarizations == fake.polarizations
    assert product.relative_orbit == fake.relative_orbit
    assert product.orbit.source == f"annotation of {fake.product_id}"
    assert product.facts["has_pixels"] is True
    assert product.facts["read_from"] == ("zip" if zipped else "folder")
    assert product.start == fake.utc(min(fake.first_line(s, 0) for s in fake.swaths))
    places = [(s, i) for s in fake.swaths for i in range(1 if fake.mode == "SM" else fake.bursts)]
    assert [(b.swath, b.index) for b in product.bursts] == [(fake.name_of(s), i) for s, i in places]
    for burst, (swath, index) in zip(product.bursts, places, strict=True):
        check_burst(burst, fake, swath, index)
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name], "something was unpacked"


def check_burst(burst, fake, swath, index):
    grid = burst.grid
    midnight = np.datetime64(fake.node[:10], "us")
    assert grid.epoch == midnight
    first = grid.epoch + np.timedelta64(round(grid.first_azimuth_time * 1e6), "us")
    assert first == fake.utc(fake.first_line(swath, index))
    assert grid.azimuth_interval == pytest.approx(fake.spacing, rel=1e-15)
    assert grid.range_spacing == pytest.approx(C / (2 * fake.sampling), rel=1e-15)
    assert grid.wavelength == pytest.approx(C / 5.405000454334350e09, rel=1e-15)
    assert grid.look_side == "right"
    assert grid.shape == (fake.lines, fake.samples)
    assert burst.anx_time == pytest.approx(fake.first_line(swath, index), abs=0.05)
    steering = 0.0 if fake.mode == "SM" else STEERING[fake.mode][swath - 1]
    assert burst.steering_rate == pytest.approx(np.radians(steering), rel=1e-12)
    assert burst.azimuth_band == pytest.approx((BAND[0], 0.75), rel=1e-12)
    assert burst.range_band == pytest.approx((BAND[1], 0.75), rel=1e-12)
    number = fake.first_number + index
    expected = (
        None if fake.mode == "SM" else f"t{fake.relative_orbit:03d}_{number}_{fake.name_of(swath).lower()}"
    )
    assert burst.burst_id == expected
    assert burst.valid == fake.valid(swath)
    # estimates lie in the middle of the bursts, the first one before them
    middle = grid.first_azimuth_time + 1.55
    assert burst.azimuth_fm_rate.azimuth_time == pytest.approx(middle, abs=2e-6)
    np.testing.assert_array_equal(burst.azimuth_fm_rate.coefficients, [-2332.0 - index, 4.5e5, -7.8e7])
    assert tuple(burst.channels) == fake.polarizations
    lines, samples = fake.valid(swath)
    for name, channel in burst.channels.items():
        assert channel.doppler_centroid.coefficients[0] == -11.0 - index
        assert channel.doppler_centroid.azimuth_time == pytest.approx(middle, abs=2e-6)
        assert channel.calibration.sigma_nought[0, 0] == 300.0 + swath
        assert channel.calibration.slant_range[0] == grid.first_slant_range
        assert channel.noise.range_power[0, 0] == 500.0
        assert len(channel.noise.azimuth) == (fake.ipf >= 2.9)
        image = fake.pixels_of(swath, name)[index * fake.lines :][: fake.lines]
        pixels = burst.read(name)
        assert pixels.dtype == np.complex64
        np.testing.assert_array_equal(pixels, image[lines, samples])
        np.testing.assert_array_equal(
            burst.read(name, slice(3, 5), slice(None)), image[3:5], "lines and samples of one's own choice"
        )


@pytest.mark.parametrize(
    ("mission", "orbit", "track"),
    [("S1A", 50174, 52), ("S1B", 26269, 168), ("S1C", 1048, 2), ("S1D", 216, 175)],
)
def test_platforms(tmp_path, mission, orbit, track):
    number = round(((track - 1) * ORBIT + 2440.0) / 2.758273)
    fake = FakeSafe(mission=mission, absolute_orbit=orbit, first_number=number, ipf=3.0, pixels=False)
    product = open_sentinel1(write_safe(tmp_path, fake))
    assert product.platform == f"Sentinel-1{mission[2]}"
    assert product.relative_orbit == track
    assert product.facts["node_relative_orbit"] == track
    assert product.bursts[0].burst_id == f"t{track:03d}_{number:06d}_iw1"
    assert product.facts["burst_ids_from"] == "state vectors"


def test_selection(tmp_path):
    fake = KINDS["IW dual"]
    path = write_safe(tmp_path, fake)
    product = open_sentinel1(path, polarizations=["VH"], swaths=["iw3", "IW1"])
    assert product.polarizations == ("vh",)
    assert {b.swath for b in product.bursts} == {"IW1", "IW3"}
    assert product.facts["swaths_read"] == ["IW1", "IW3"]
    # the epoch and the orbit do not depend on what was chosen
    whole = open_sentinel1(path)
    assert product.start == whole.start
    np.testing.assert_array_equal(product.orbit.time, whole.orbit.time)
    assert "polarizations HH were asked for: IW1 has VV, VH" in refusal(path, polarizations=["hh"])
    assert "swaths IW7 were asked for; the product has IW1, IW2, IW3" in refusal(path, swaths=["iw7", "iw1"])
    assert "none were asked for" in refusal(path, polarizations=[])


def test_cut_product(tmp_path):
    """One burst of one subswath, and nothing that says so but annotation and TIFF."""
    fake = FakeSafe(swaths=(2,), polarizations=("vv",), bursts=1, first_number=110433)
    root = write_safe(tmp_path, fake)
    (root / "manifest.safe").unlink()
    shutil.rmtree(root / "annotation" / "calibration")
    product = open_sentinel1(root)
    assert [b.burst_id for b in product.bursts] == ["t052_110433_iw2"]
    assert product.processor == "Sentinel-1 IPF unknown"
    assert product.facts["ipf_version"] == "unknown"
    channel = product.bursts[0].channels["vv"]
    assert channel.calibration is None
    assert channel.noise is None
    assert product.bursts[0].read("vv").shape == (27, 33)


def test_subswath_without_bursts(tmp_path):
    root = write_safe(tmp_path, FakeSafe(swaths=(1, 2)))
    empty = annotations_in(root)[1]
    rewrite(empty, r"<burstList.*</burstList>", '<burstList count="0"/>')
    for gone in ("dcEstimateList", "azimuthFmRateList", "geolocationGrid"):
        rewrite(empty, f"<{gone}.*</{gone}>", "")
    product = open_sentinel1(root)
    assert {b.swath for b in product.bursts} == {"IW1"}
    assert product.facts["swaths_without_bursts"] == ["IW2"]
    assert "no bursts in IW2" in refusal(root, swaths=["IW2"])


def test_burst_without_valid_pixels(tmp_path):
    root = write_safe(tmp_path, FakeSafe(bursts=3, pixels=False))
    (file,) = annotations_in(root)
    for name in ("firstValidSample", "lastValidSample"):
        nothing = f'<{name} count="30">{"-1 " * 30}</{name}>'
        rewrite(file, rf"<{name}[^>]*>[^<]*</{name}>", nothing)
    product = open_sentinel1(root)
    assert [b.index for b in product.bursts] == [1, 2]
    assert product.facts["bursts_without_valid_pixels"] == ["t052_110431_iw1"]


def test_across_midnight(tmp_path):
    """Times go on after midnight; the date is that of the first line."""
    fake = FakeSafe(node="2023-12-31T23:19:14.900000", bursts=3, pixels=False)
    product = open_sentinel1(write_safe(tmp_path, fake))
    times = np.array([b.grid.first_azimuth_time for b in product.bursts])
    assert times[0] < 86400.0 < times[1]
    np.testing.assert_allclose(np.diff(times), 2.758273, atol=2e-6)
    assert product.date == "20231231"
    assert product.orbit.epoch == np.datetime64("2023-12-31")
    assert product.bursts[2].channels["vv"].calibration.azimuth_time[-1] > 86400.0
    assert np.isfinite(product.bursts[2].footprint).all()


def test_footprint_across_antimeridian(tmp_path):
    fake = FakeSafe(absolute_orbit=73 + 58 + 175 * 100, first_number=125434, pixels=False)
    footprint = open_sentinel1(write_safe(tmp_path, fake)).bursts[0].footprint
    assert footprint.shape == (16, 2)
    assert footprint[:, 0].min() < 180.0 < footprint[:, 0].max() < 181.0
    assert np.abs(np.diff(footprint[:, 0])).max() < 1.0


def test_orbit_of_all_subswaths(tmp_path):
    """Each annotation has its own piece of the orbit, and may round its times differently."""
    root = write_safe(tmp_path, FakeSafe(swaths=(1, 2), pixels=False))
    first, second = annotations_in(root)
    times = re.findall(r"<orbit><time>([^<]*)", first.read_text())
    moved = str(np.datetime64(times[2], "us") + np.timedelta64(1, "us"))
    rewrite(first, times[2], moved)
    rewrite(first, rf"<orbit><time>{times[-1]}.*?</orbit>", "")
    orbit = open_sentinel1(root).orbit
    there = [np.datetime64(t, "us") for t in re.findall(r"<orbit><time>([^<]*)", second.read_text())]
    np.testing.assert_allclose(
        orbit.time, [(t - orbit.epoch) / np.timedelta64(1, "s") for t in there], atol=1e-9
    )


def test_morocco_as_one_product(real_data):
    for path in sorted(real_data(MOROCCO).glob("*.SAFE")):
        product = open_sentinel1(path)
        assert product.processor == "Sentinel-1 IPF 003.61"
        assert product.polarizations == ("vv", "vh")
        assert (product.relative_orbit, product.pass_direction) == (52, "descending")
        assert len(product.bursts) == 27
        numbers = {"IW1": 110431, "IW2": 110431, "IW3": 110430}
        bands = {"IW1": (0.6722, 0.8781), "IW2": (0.6434, 0.7506), "IW3": (0.6454, 0.6650)}
        for b in product.bursts:
            assert b.burst_id == f"t052_{numbers[b.swath] + b.index}_{b.swath.lower()}"
            assert (b.azimuth_band.width, b.range_band.width) == pytest.approx(bands[b.swath], abs=1e-4)
            assert (b.azimuth_band.hamming, b.range_band.hamming) == (0.7 if b.swath == "IW1" else 0.75, 0.75)
            assert b.channels["vh"].calibration is not None
            assert b.channels["vh"].noise is not None
        with pytest.raises(AlignsarError, match="has no measurement of VV"):
            product.bursts[0].read("vv")
        assert len(product.orbit.time) == 17
        assert product.facts["has_pixels"] is False


def test_footprints_against_geolocation_grid(real_data):
    """Corners of the valid part, against longitude and latitude that the annotation's grid has there."""
    path = sorted(real_data(MOROCCO).glob("*.SAFE"))[0]
    product = open_sentinel1(path, swaths=["iw2"], polarizations=["vv"])
    (file,) = path.glob("annotation/*iw2*vv*.xml")
    point = parse_xml(file.read_bytes(), file.name).require("geolocationGrid/geolocationGridPointList")
    names = ("line", "pixel", "longitude", "latitude", "height")
    columns = {name: np.array([p.number(name) for p in point.all("geolocationGridPoint")]) for name in names}
    for burst in product.bursts[:-1]:
        lines, samples = burst.valid
        line = burst.index * burst.grid.lines + lines.start
        for corner, sample in ((0, samples.start), (4, samples.stop - 1)):
            for axis, name in enumerate(("longitude", "latitude")):
                expected = griddata(
                    (columns["line"], columns["pixel"]), columns[name], (line, sample), rescale=True
                )
                # the grid follows the terrain, 1 km of which move a point by 0.02 degrees
                assert burst.footprint[corner, axis] == pytest.approx(expected, abs=0.01)


def test_azores_annotation_and_orbit_file(real_data):
    folder = real_data(AZORES)
    (file,) = folder.glob("s1a*.xml")
    product = open_sentinel1(file)
    assert [b.name for b in product.bursts] == [f"t009_{18023 + k:06d}_iw3" for k in range(9)]
    assert product.product_id == file.stem
    assert product.facts["read_from"] == "annotation"
    other = open_sentinel1(file, orbits=folder)
    assert other.orbit.source.startswith("RESORB")
    assert other.facts["orbit"] == other.orbit.source
    assert [b.burst_id for b in other.bursts] == [b.burst_id for b in product.bursts]
    apart = np.abs(product.bursts[0].footprint - other.bursts[0].footprint).max()
    assert 0 < apart < 1e-5, "a metre"
    morocco = sorted(real_data(MOROCCO).glob("*.SAFE"))[0]
    assert "no orbit file of Sentinel-1A covers" in refusal(morocco, orbits=folder)

"""The report: a complete page, pictures that lie right, averages that are right."""

import json
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import rasterio
import xarray as xr
from fake_cube import REFERENCE, fake_cube
from PIL import Image
from report_pictures import cells_of, raster_of, size_of, texts_of

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.report import overview, scan, survey, write_report
from alignsar_gpu.report.drawing import display, figures
from alignsar_gpu.report.drawing.display import DisplayGrid
from alignsar_gpu.report.sections import timing as timing_section
from alignsar_gpu.report.sections.comparisons import LINEAR, _scaled
from alignsar_gpu.report.sections.truth import class_legend

CLASSES = ("water", "field", "city")
VOID = {"meta", "source", "img", "link", "br"}


class Parsed(HTMLParser):
    """What a browser would find; fails on tags that do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def tags(self, name):
        return [attrs for tag, attrs in self.found if tag == name]

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.texts))


def truth_of(cube):
    lines, samples = cube.sizes["azimuth"], cube.sizes["range"]
    dates = cube.sizes["time"]
    coherence = np.linspace(0.1, 0.9, dates * len(CLASSES)).reshape(dates, len(CLASSES))
    return xr.Dataset(
        {
            "land_cover": (
                ("azimuth", "range"),
                (np.arange(lines * samples).reshape(lines, samples) * 3 // (lines * samples)).astype(
                    np.uint8
                ),
                {"class_names": ",".join(CLASSES)},
            ),
            "coherence_true": (("time", "class"), coherence),
            "coherence_expected": (("time", "class"), coherence + 0.01),
            "coherence_estimated": (("time", "class"), coherence + 0.025),
            "phase_true": (("time", "azimuth", "range"), np.zeros((dates, lines, samples), np.float32)),
        },
        coords={"time": cube["time"].values},
    )


def plain_cube(**options):
    """A cube of amplitudes in one polarization: of a page with few pictures, which take the time."""
    cube = fake_cube(polarizations=("vv",), complex_slc=False, **options)
    return cube.drop_vars([name for name in cube.data_vars if name != "amplitude_vv"])


QUALITY = {
    "device": {"kind": "cpu", "name": "a test", "reason": "asked for"},
    "stages": {"read": 0.5, "coherence": 2.0},
    "warnings": ["no calibration for <vh>"],
    "dates": {"20220104": {"valid_fraction": 0.87654, "coherence": {"vv": {"median": 0.8, "mean": 0.7654}}}},
    "truth": {"dates": {"20220104": {"phase_bias_rad": 0.0123}}},
    "baselines": {"method": "orbits"},
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A dual-polarized cube with truth, written once."""
    folder = tmp_path_factory.mktemp("run") / "report"
    cube = fake_cube()
    page = write_report(
        cube,
        QUALITY,
        folder,
        truth=truth_of(cube),
        configuration="output: <here>\n",
        files=[Path("20220104.nc"), Path("20220110.nc")],
    )
    assert page == folder / "index.html"
    return folder, Parsed(page.read_text(encoding="utf-8"))


def pictures_of(folder, parsed):
    """Every picture that the page names; fails where one is not there or has no text in its place."""
    images = parsed.tags("img")
    assert images
    assert all(len(image["alt"]) > 15 for image in images)
    named = {image["src"] for image in images}
    named |= {link["href"] for link in parsed.tags("a") if link["href"].endswith(".svg")}
    assert named == {path.name for path in folder.glob("*.svg")}
    for image in images:
        width, height = size_of(folder / image["src"])
        assert int(image["width"]) / int(image["height"]) == pytest.approx(width / height, rel=1e-3)
    return named


def test_page_is_complete(written):
    folder, parsed = written
    names = pictures_of(folder, parsed)
    assert sorted(path.name for path in folder.iterdir()) == sorted({*names, "index.html"})
    expected = {"where", "backscatter", "height", "incidence_angle", "coordinates", "baselines", "land_cover"}
    expected |= {"truth_coherence"}
    for day in ("20220104", "20220110", "20220116"):
        expected |= {f"amplitude_vv_{day}", f"amplitude_vh_{day}", f"composite_{day}"}
        if day != "20220110":
            expected |= {f"{layer}_{p}_{day}" for layer in ("phase", "coherence") for p in ("vv", "vh")}
            expected |= {f"truth_phase_{day}", f"truth_difference_{day}"}
            expected.add(f"histogram_{day}")
    assert names == {f"{name}.svg" for name in expected}
    order = [attrs["id"] for attrs in parsed.tags("h2") if "id" in attrs]
    assert order == [
        "warnings",
        "where",
        "amplitude",
        "interferograms",
        "signatures",
        "geometry",
        "baselines",
        "truth",
        "run",
    ]


def test_every_panel_has_a_caption_in_three_parts(written):
    _, parsed = written
    panels = len(parsed.tags("figure"))
    assert panels == 12  # where, vv, vh, colour, 2 pairs, backscatter, geometry, baselines, 3 of truth
    for part in ("What you see", "How to read it", "What would look wrong"):
        assert parsed.texts.count(part) == panels


def test_links_lead_to_the_products(written):
    _, parsed = written
    links = [attrs["href"] for attrs in parsed.tags("a")]
    for product in ("cube.zarr", "netcdf/", "stac/catalog.json", "quality.json", "run.yaml"):
        assert f"../{product}" in links
    anchors = {attrs["id"] for _, attrs in parsed.found if "id" in attrs}
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert not any("://" in link for link in links)
    assert not parsed.tags("script")
    assert not parsed.tags("link")


def test_numbers_and_texts_of_the_run(written):
    _, parsed = written
    for text in (
        "no calibration for <vh>",
        "87.7 %",  # of quality, rounded
        "0.765",
        "output: <here>",
        "phase_bias_rad",
        '"method": "orbits"',
        "netcdf/20220110.nc",
        "0123456789ab",
        "Sentinel-1B and Sentinel-1A",
        "largest distance of a dot from its circle's centre is 0.015",
    ):
        assert text in parsed.text, text
    widths = [attrs["style"] for attrs in parsed.tags("span") if "style" in attrs]
    assert widths == ["width:25.0%", "width:100.0%"]


def test_statistics_of_a_layer(written):
    _, parsed = written
    values = fake_cube()["intensity_vh"].values
    row = parsed.text.split(" intensity_vh ")[1].split(" interferometric_phase_vh ")[0]
    finite = values[np.isfinite(values)]
    for value in (finite.min(), np.median(finite), finite.max()):
        assert overview.number(float(value)) in row
    assert overview.percent(1 - finite.size / values.size) in row


def timing_of(pairs, overlaps=("t1_10_iw1", "t1_11_iw1", "t1_10_iw2")):
    """Facts as quality.json has them: of every pair of dates, what ``overlaps`` (their earlier bursts) say."""
    shifts = {"20220104": 0.03, "20220110": 0.0, "20220116": -0.02}
    return {
        "dates": {
            day: {
                "azimuth_lines": shift,
                "azimuth_deviation_lines": 0.0004,
                "azimuth_from": "overlaps of bursts",
                "range_samples": 0.05,
                "range_deviation_samples": 0.004,
                "range_put_right": day != "20220116",
            }
            for day, shift in shifts.items()
            if shift
        },
        "overlaps": [
            {
                "earlier_burst": name,
                "later_burst": name.replace("1_1", "1_2"),
                "first_date": first,
                "second_date": second,
                "shift_lines": shifts.get(second, 0.0) - shifts.get(first, 0.0) + 0.001 * (number - 1),
                "deviation_lines": 0.001,
                "coherence": 0.5,
                "phase_before_rad": 0.8,
                "phase_after_rad": 0.02 * (number - 1),
                "share_of_pixels": 0.9,
            }
            for first, second in pairs
            for number, name in enumerate(overlaps)
        ],
    }


PAIRS = [("20220104", "20220110"), ("20220104", "20220116"), ("20220110", "20220116")]


class TestTiming:
    def report(self, folder, timing, truth=None):
        quality = {**QUALITY, "source": {"timing": timing}}
        if truth is not None:
            quality["truth"] = {"dates": truth}
        cube = plain_cube()
        known = None if truth is None else truth_of(cube)
        parsed = Parsed(write_report(cube, quality, folder, truth=known).read_text("utf-8"))
        pictures_of(folder, parsed)
        return parsed

    def test_measured_on_real_data(self, tmp_path):
        parsed = self.report(tmp_path, timing_of(PAIRS))
        assert "timing" in {attrs.get("id") for attrs in parsed.tags("h2")}
        assert {"timing_dates.svg", "timing_overlaps.svg"} <= {p.name for p in tmp_path.iterdir()}
        chapter = parsed.text.split("Bringing the dates together")[-1]
        for text in (
            "2022-01-04 0.0300 0.0004 overlaps of bursts 0.0500 0.0040",
            "2022-01-16 \u22120.0200 0.0004 overlaps of bursts 0.0500 (left to the orbits) 0.0040",
            "0.016 rad, that of the open ones 0.80 rad",
            "of azimuth 0.0004 line or less",
            "t1_10_iw2 t1_20_iw2 2022-01-10 2022-01-16 \u22120.0190 0.0010 0.5000 0.8000 0.0200 90.0 %",
        ):
            assert text in chapter, text
        assert "true" not in chapter.split("Every overlap")[0].split("What would look wrong")[0]
        assert "thousand times" not in chapter

    def test_beside_the_truth(self, tmp_path):
        truth = {
            "20220104": {
                "azimuth_true_lines": 0.0295,
                "range_true_samples": 0.047,
                "azimuth_error_lines": 0.0005,
                "azimuth_deviation_lines": 0.0004,
                "phase_bias_rad": -0.0031,
            },
            "20220116": {"azimuth_true_lines": -0.0203, "range_true_samples": 0.055},
        }
        parsed = self.report(tmp_path, timing_of(PAIRS), truth)
        chapter = parsed.text.split("Bringing the dates together")[-1]
        assert "2022-01-04 0.0300 0.0004 0.0295 overlaps of bursts 0.0500 0.0040 0.0470" in chapter
        assert "a thousand times as large" in chapter
        assert (
            "date phase bias (rad) azimuth shift (lines) 2022-01-04 \u22120.0031 0.0005 ± 0.0004" in chapter
        )

    def test_what_the_picture_of_overlaps_shows(self):
        timing = timing_of(PAIRS)
        shown = timing_section._overlaps(timing["overlaps"], timing["dates"])
        assert shown.pairs == sorted(PAIRS)
        assert list(shown.swaths) == ["IW1", "IW2"]
        np.testing.assert_allclose(shown.left, [-0.001, 0.0, 0.001] * 3, atol=1e-12)
        np.testing.assert_array_equal(shown.swath, [0, 0, 1] * 3)
        np.testing.assert_array_equal(shown.pair, np.repeat([0, 1, 2], 3))

    def test_overlaps_that_say_nothing_and_dates_that_are_not_known(self, tmp_path):
        timing = timing_of(PAIRS)
        for row in timing["overlaps"]:
            row.update(shift_lines=float("nan"), phase_before_rad=None, phase_after_rad=float("nan"))
        timing["dates"]["20220104"].update(
            azimuth_lines=0.0, azimuth_deviation_lines=float("inf"), azimuth_from="orbit"
        )
        parsed = self.report(tmp_path, timing)
        assert not (tmp_path / "timing_overlaps.svg").exists()
        assert f"2022-01-04 0.0000 {overview.NONE} orbit" in parsed.text
        assert "Every overlap" not in parsed.text

    def test_of_many_pairs_those_with_the_reference_come_first(self, tmp_path, monkeypatch):
        monkeypatch.setattr(timing_section, "MOST_PAIRS", 2)
        monkeypatch.setattr(timing_section, "MOST_ROWS", 7)
        parsed = self.report(tmp_path, timing_of(PAIRS))
        assert "2 of 3 pairs of dates are pictured." in parsed.text
        assert "Every overlap (all but 3, which quality.json has)" in parsed.text

    def test_stacks_that_came_together_have_no_such_chapter(self, written):
        assert "timing" not in {attrs.get("id") for attrs in written[1].tags("h2")}


@pytest.mark.parametrize("polarizations", [("vv",), ("hh", "hv")])
def test_other_polarizations_without_truth(tmp_path, polarizations):
    cube = fake_cube(dates=2, polarizations=polarizations)
    parsed = Parsed(write_report(cube, {}, tmp_path).read_text("utf-8"))
    names = pictures_of(tmp_path, parsed)
    assert {name.split("_")[1] for name in names if name.startswith("amplitude_")} == set(polarizations)
    assert any(name.startswith("composite_") for name in names) == (len(polarizations) > 1)
    assert "truth" not in {attrs.get("id") for attrs in parsed.tags("h2")}


def test_single_date_has_no_pairs(tmp_path):
    parsed = Parsed(write_report(fake_cube(dates=1), QUALITY, tmp_path).read_text("utf-8"))
    names = pictures_of(tmp_path, parsed)
    assert not any(name.startswith(("phase", "coherence", "baselines")) for name in names)
    assert "A radar image, taken by" in parsed.text


def test_layers_without_any_valid_pixel(tmp_path):
    cube = fake_cube()
    for name in cube.data_vars:
        if name.endswith("_vh") or name == "height":
            cube[name][...] = np.nan
    cube["amplitude_vv"][2] = np.nan
    parsed = Parsed(write_report(cube, {}, tmp_path).read_text("utf-8"))
    pictures_of(tmp_path, parsed)
    assert "No valid data." in parsed.text


def test_nothing_but_an_amplitude(tmp_path):
    cube = fake_cube(polarizations=("vv",))[["amplitude_vv"]].drop_vars(["longitude", "latitude"])
    cube = cube.drop_vars([name for name in cube.coords if name not in cube.dims])
    cube.attrs = {}
    parsed = Parsed(write_report(cube, {"dates": None, "stages": None}, tmp_path).read_text("utf-8"))
    names = pictures_of(tmp_path, parsed)
    assert names == {f"amplitude_vv_{day}.svg" for day in ("20220104", "20220110", "20220116")}
    assert "pixels drawn square" in parsed.text


def test_coordinates_with_gaps_and_across_the_antimeridian(tmp_path):
    cube = plain_cube(lines=20, samples=30, dates=1)
    longitude = cube["longitude"].values
    cube["longitude"][...] = (longitude - np.nanmean(longitude) + 360) % 360 - 180
    assert np.nanmax(cube["longitude"]) - np.nanmin(cube["longitude"]) > 300
    cube["longitude"][3:9, 4:11] = np.nan
    cube["latitude"][3:9, 4:11] = np.nan
    text = write_report(cube, {}, tmp_path).read_text("utf-8")
    assert re.search(r"° N, (179\.9\d\d|180\.000)° [EW]", text)
    cube["latitude"][...] = np.nan
    parsed = Parsed(write_report(cube, {}, tmp_path / "nowhere").read_text("utf-8"))
    assert "where" not in {attrs.get("id") for attrs in parsed.tags("h2")}


def test_how_the_terrain_is_seen(written, tmp_path):
    """A quarter of the pixels in layover, three of them in shadow too; one date alone."""
    cube = fake_cube(lines=8, samples=20, dates=1)
    flags = np.zeros((8, 20), np.uint8)
    flags[:4, :10] = 1
    flags[0, :3] = 3
    cube["layover_shadow"] = (("azimuth", "range"), flags, {"long_name": "layover and radar shadow"})
    cube["local_incidence_angle"] = cube["incidence_angle"] * 1.25
    cube.attrs["burst_id"] = "t052_110431_iw1"
    parsed = Parsed(write_report(cube, {}, tmp_path).read_text("utf-8"))
    assert {"layover_shadow.svg", "local_incidence_angle.svg"} <= pictures_of(tmp_path, parsed)
    assert "About 25.0 % of the pixels in layover, 1.9 % in shadow." in parsed.text
    assert "Layover on slopes that fall away" in parsed.text
    assert "t052_110431_iw1" in parsed.text
    assert "height of ambiguity" not in parsed.text  # of a single date
    picture = raster_of(tmp_path / "layover_shadow.svg")
    np.testing.assert_array_equal(cells_of(picture, "#d55e00"), flags == 1)
    np.testing.assert_array_equal(cells_of(picture, "#cc79a7"), flags == 3)
    assert "layover" not in written[1].text


def test_hostile_texts_are_escaped_everywhere(tmp_path):
    hostile = '<script>alert("x")</script>$\\frac{'
    cube = fake_cube(dates=2)
    for name in ("product_id", "platform"):
        cube[name] = ("time", np.array([hostile + name] * 2))
    for name in ("title", "software", "device", "fingerprint", "pass_direction", "swath"):
        cube.attrs[name] = hostile
    cube["amplitude_vv"].attrs.update(units=hostile, long_name=hostile)
    truth = truth_of(cube)
    truth["land_cover"].attrs["class_names"] = f"{hostile},b,c"
    quality = {**QUALITY, "warnings": [hostile], "stages": {hostile: 1.0}, hostile: hostile}
    page = write_report(cube, quality, tmp_path, truth=truth, configuration=f"</pre>{hostile}")
    text = page.read_text("utf-8")
    assert "<script" not in text
    parsed = Parsed(text)
    assert parsed.text.count('<script>alert("x")</script>') > 10
    pictures_of(tmp_path, parsed)


def test_bytes_depend_on_the_arguments_alone(tmp_path, monkeypatch):
    cube = fake_cube(dates=2)
    write_report(cube, QUALITY, tmp_path / "a", truth=truth_of(cube))
    monkeypatch.setitem(plt.rcParams, "font.family", ["monospace"])
    monkeypatch.setitem(plt.rcParams, "xtick.direction", "in")
    before = dict(plt.rcParams)
    write_report(cube, QUALITY, tmp_path / "b", truth=truth_of(cube))
    assert dict(plt.rcParams) == before  # nothing of the caller's is touched
    assert plt.get_fignums() == []
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) > 20
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_what_is_no_cube_is_refused(tmp_path):
    with pytest.raises(AlignsarError, match="no dimension time"):
        write_report(fake_cube().isel(time=0), {}, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(AlignsarError, match=r"cannot write to .*file"):
        write_report(fake_cube(), {}, tmp_path / "file")


def test_no_page_while_its_pictures_are_unfinished(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text("of an earlier run")

    def fail(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(figures, "fill", fail)
    with pytest.raises(KeyboardInterrupt):
        write_report(fake_cube(), {}, tmp_path)
    assert not (tmp_path / "index.html").exists()


def test_phases_are_averaged_as_phasors():
    near = np.float32(np.pi - 0.01)
    phase = np.array([[near, -near, near, -near], [0.5, 0.7, np.nan, 0.6]], np.float32)
    average = display.cell_average(phase, (1, 4), "phase")
    assert average.shape == (2, 1)
    assert abs(average[0, 0]) == pytest.approx(np.pi, abs=1e-6)
    assert average[1, 0] == pytest.approx(0.6, abs=1e-6)
    assert np.isnan(display.cell_average(np.full((2, 2), np.nan), (2, 2), "phase")).all()


def test_brightness_is_the_mean_of_intensity():
    rng = np.random.default_rng(4)
    amplitude = rng.rayleigh(size=(7, 10)).astype(np.float32)
    amplitude[4, 5] = np.nan
    average = display.cell_average(amplitude, (3, 4), "power")
    assert average.shape == (3, 3)
    for row in range(3):
        for column in range(3):
            part = amplitude[3 * row : 3 * row + 3, 4 * column : 4 * column + 4]
            expected = np.nanmean(part.astype(np.float64) ** 2)
            assert average[row, column] == pytest.approx(expected, rel=1e-6)
    assert display.decibels(np.array([100.0, 0.0, np.nan]))[0] == pytest.approx(20)
    assert np.isnan(display.decibels(np.array([0.0, -1.0, np.nan]))).all()


@pytest.mark.parametrize(
    ("lines", "samples"), [(1500, 25000), (84, 338), (13500, 24000), (3, 4000), (5000, 7)]
)
def test_view_keeps_pictures_small_and_cells_square(lines, samples):
    spacing = (13.9, 3.7)
    view = DisplayGrid.fit(lines, samples, spacing)
    rows, columns = view.shape
    assert max(rows, columns) <= display.MAX_ACROSS
    assert rows * columns <= display.MAX_CELLS
    assert (rows - 1) * view.cell_lines < lines <= rows * view.cell_lines
    assert (columns - 1) * view.cell_samples < samples <= columns * view.cell_samples
    if 1 < view.cell_lines < lines and view.cell_samples < samples:
        side = view.cell_lines * 13.9, view.cell_samples * 3.7
        assert max(side) / min(side) < 1.5
    square = DisplayGrid.fit(lines, samples, spacing, square=True)
    assert square.cell_samples >= min(samples, 4)
    coarse = view.coarser(2000)
    assert np.prod(coarse.shape) <= 2000
    assert coarse.cell_lines % view.cell_lines == 0
    assert coarse.cell_samples % view.cell_samples == 0


def test_small_rasters_are_not_averaged():
    view = DisplayGrid.fit(84, 338, (13.9, 3.7))
    assert (view.cell_lines, view.cell_samples) == (1, 1)
    across, up, stretched = figures.raster_pixels(view)
    assert across / up == pytest.approx(338 * 3.7 / (84 * 13.9), rel=0.01)
    assert not stretched


def test_scan_by_blocks_is_the_scan_in_one(monkeypatch):
    rng = np.random.default_rng(7)
    values = rng.normal(size=(53, 40)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    layer = xr.Variable(("range", "azimuth"), values.T)  # the order of dims must not matter
    view = DisplayGrid.fit(53, 40, (9.0, 5.0), across=20)
    assert (view.cell_lines, view.cell_samples) != (1, 1)
    monkeypatch.setattr(scan, "SAMPLED_PIXELS", 300)
    whole = scan.scan(layer, view, "phase")
    monkeypatch.setattr(scan, "BLOCK_PIXELS", 200)
    monkeypatch.setattr(scan, "READ_PIXELS", 280)  # 7 lines, which are no whole cells
    layer.encoding["preferred_chunks"] = {"azimuth": 7, "range": 16}
    parts = scan.scan(layer, view, "phase")
    assert len(list(scan._whole_cells([layer.transpose("azimuth", "range")], view))) > 5
    np.testing.assert_array_equal(parts.image, whole.image)
    np.testing.assert_array_equal(parts.sample, whole.sample)
    assert whole.sample.size == np.isfinite(values[::2, ::2]).sum()
    for found in (whole, parts):
        assert (found.minimum, found.maximum) == (np.nanmin(values), np.nanmax(values))
        assert found.missing == pytest.approx(np.isnan(values).mean())


def rendered_cells(path):
    """Grey of each cell in a written picture of brightness, (rows, columns) in 0..1."""
    return raster_of(path)[..., :3].mean(axis=-1) / 255


def test_bright_target_lies_where_it_is(tmp_path):
    cube = plain_cube(lines=8, samples=20, dates=2)
    cube["amplitude_vv"][...] = 1.0
    cube["amplitude_vv"][:, 1, 17] = 100.0  # early line, far range: above, to the right
    cube["amplitude_vv"][1, 6, 2] = 1000.0  # in the second date alone
    write_report(cube, {}, tmp_path)
    for key, bright in (("20220104", [(1, 17)]), ("20220110", [(1, 17), (6, 2)])):
        cells = rendered_cells(tmp_path / f"amplitude_vv_{key}.svg")
        assert cells.shape == (8, 20)
        assert [tuple(place) for place in np.argwhere(cells > 0.8).tolist()] == bright
        assert np.median(cells) < 0.6


def test_compass_and_map_agree_with_the_ground():
    view = DisplayGrid.fit(30, 50, (14.0, 4.0))
    rows, columns = np.indices((30, 50))
    heading = np.radians(193.0)  # descending, looking right: line 0 is in the north, near range in the east
    flight = np.array([np.sin(heading), np.cos(heading)])
    look = np.array([flight[1], -flight[0]])
    ground = rows[..., None] * 14.0 * flight + columns[..., None] * 4.0 * look
    latitude = 52 + ground[..., 1] / display.METRES_PER_DEGREE
    longitude = 5 + ground[..., 0] / display.METRES_PER_DEGREE / np.cos(np.radians(latitude.mean()))
    directions = display.ground_directions(longitude, latitude, view)
    np.testing.assert_allclose(directions, np.stack([look, flight], axis=-1), atol=1e-3)
    assert display.ground_directions(longitude * 0, latitude * 0, view) is None


def test_mesh_corners_and_filled_gaps():
    rows, columns = np.indices((5, 7))
    plane = 3.0 + 0.5 * rows - 0.25 * columns
    expected = 3.0 + 0.5 * (np.indices((6, 8))[0] - 0.5) - 0.25 * (np.indices((6, 8))[1] - 0.5)
    np.testing.assert_allclose(display.corners(plane), expected, atol=1e-12)
    holed = plane.copy()
    holed[1:3, 2:6] = np.nan
    np.testing.assert_allclose(display.fill_coordinates(holed), plane, atol=1e-12)


def test_noise_coherence_against_trials():
    rng = np.random.default_rng(11)
    one, two = (rng.normal(size=(40000, 33)) + 1j * rng.normal(size=(40000, 33)) for _ in range(2))
    power = (np.abs(one) ** 2).sum(axis=1) * (np.abs(two) ** 2).sum(axis=1)
    estimated = np.abs((one * two.conj()).sum(axis=1)) / np.sqrt(power)
    error = estimated.std() / np.sqrt(len(estimated))
    assert display.noise_coherence(33) == pytest.approx(estimated.mean(), abs=4 * error)
    assert display.noise_coherence(1) == pytest.approx(1)


def test_stretch_is_shared_and_never_empty():
    assert display.stretch([np.array([np.nan])]) is None
    low, high = display.stretch([np.full(9, 5.0, np.float32)])
    assert low < 5 < high
    assert display.stretch([np.arange(100.0), np.arange(100.0) + 100], 0, 100) == (0, 199)


def test_many_dates_are_all_in_the_tables_and_some_in_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "MAX_PICTURED_DATES", 4)
    cube = plain_cube(dates=9)
    parsed = Parsed(write_report(cube, {}, tmp_path).read_text("utf-8"))
    names = pictures_of(tmp_path, parsed)
    days = [str(day).replace("-", "") for day in cube["time"].values.astype("datetime64[D]")]
    shown = [day for day in days if f"amplitude_vv_{day}.svg" in names]
    assert shown == [days[0], days[REFERENCE], days[4], days[8]]
    assert "4 of the 9 dates are pictured" in parsed.text
    assert all(product in parsed.text for product in cube["product_id"].values)


def test_two_passes_of_one_day_have_pictures_of_their_own(tmp_path):
    cube = fake_cube(dates=2, polarizations=("vv",))
    day = cube["time"].values[1].astype("datetime64[D]")
    cube = cube.assign_coords(time=np.array([day, day + np.timedelta64(12, "h")], "datetime64[ns]"))
    names = pictures_of(tmp_path, Parsed(write_report(cube, {}, tmp_path).read_text("utf-8")))
    assert {"amplitude_vv_20220110_1.svg", "amplitude_vv_20220110_2.svg"} <= names


def test_pictures_of_noise_stay_small(tmp_path):
    rng = np.random.default_rng(3)
    cube = fake_cube(lines=480, samples=620, dates=2, complex_slc=False)
    cube = cube.drop_vars(["interferometric_phase_vh", "coherence_vh", "height", "incidence_angle"])
    for name in ("amplitude_vv", "amplitude_vh"):
        cube[name][...] = rng.rayleigh(size=cube[name].shape)
    cube["interferometric_phase_vv"][...] = rng.uniform(-np.pi, np.pi, cube["valid"].shape)
    cube["coherence_vv"][...] = rng.random(cube["valid"].shape)
    cube.attrs["azimuth_spacing"] = 3.4  # square pixels: nothing is averaged
    write_report(cube, {}, tmp_path)
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("*.svg")}
    assert max(sizes.values()) < 400_000, max(sizes, key=sizes.get)


def test_percent_and_number_say_no_more_than_is_known():
    assert overview.percent(1.0) == "100.0 %"
    assert overview.percent(0.99999) == "99.9 %"
    assert overview.percent(1e-6) == "< 0.1 %"
    assert overview.percent(float("nan")) == overview.number(float("nan")) == overview.NONE
    assert overview.number(-518.26, 3) == "\u2212518"
    assert overview.number(0.0) == "0"
    assert overview.number(1.5e-7) == "1.500e\u221207"
    assert overview.days(-12.0) == "\u221212"


def test_class_colours_are_told_apart(tmp_path):
    cube = fake_cube()
    truth = truth_of(cube)
    names = "field,railway,bare soil,water,urban,forest,road,other,more,oil,grassland,rubble"
    truth["land_cover"].attrs["class_names"] = names
    legend = class_legend(truth.drop_vars(["coherence_true", "coherence_expected", "coherence_estimated"]))
    assert [name for name, _ in legend] == names.split(",")
    assert len({colour for _, colour in legend}) == 12
    colours = dict(legend)
    assert (colours["water"], colours["bare soil"], colours["oil"]) == ("#0072b2", "#e69f00", "#1b1b1b")


def test_only_classes_that_are_there_are_named(tmp_path):
    cube = plain_cube()
    truth = truth_of(cube)
    truth["land_cover"][...] = np.where(truth["land_cover"] == 1, 255, truth["land_cover"])
    page = write_report(cube, {}, tmp_path, truth=truth).read_text("utf-8")
    assert "Map of the simulated classes: water, city" in page
    picture = raster_of(tmp_path / "land_cover.svg")
    for number, colour in ((0, "#0072b2"), (2, "#d55e00")):
        np.testing.assert_array_equal(cells_of(picture, colour), truth["land_cover"].values == number)
    np.testing.assert_array_equal(picture[..., 3] == 0, truth["land_cover"].values == 255)
    assert {"water", "city", "unknown"} <= set(texts_of(tmp_path / "land_cover.svg"))


def test_no_warnings_outside_of_pytest_either(tmp_path):
    """Matplotlib's warnings are errors here whatever the settings of the run."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_report(fake_cube(lines=2, samples=3, dates=2), json.loads(json.dumps(QUALITY)), Path(tmp_path))


def test_powers_are_shown_in_decibels_and_dispersions_as_they_are():
    image = np.geomspace(1e-3, 10.0, 400, dtype=np.float32).reshape(20, 20)
    shown, scale = _scaled(image, "1", linear=False)
    np.testing.assert_allclose(shown, 10 * np.log10(image), rtol=1e-5)
    assert scale.label == "dB"
    for units, linear in (("1", True), ("degree", False)):
        shown, scale = _scaled(image, units, linear=linear)
        np.testing.assert_array_equal(shown, image)
        assert scale.label == ("" if units == "1" else units)
    assert "amplitude_dispersion_vv".startswith(LINEAR)


@pytest.mark.parametrize(("top", "label"), [(np.pi, "phase (rad)"), (1.8137994, "rad")])
def test_deviations_of_phases_are_no_phases(tmp_path, top, label):
    """What is compared is averaged as phasors and drawn in a circle where it goes round, by its range alone."""
    cube = plain_cube()
    values = np.full((cube.sizes["azimuth"], cube.sizes["range"]), 1.5, np.float32)
    bottom = -top if label.startswith("phase") else 0.0
    about = {"units": "rad", "compares": "dates", "valid_range": [bottom, top], "long_name": "difference"}
    cube["difference"] = ("azimuth", "range"), values, about
    write_report(cube, {}, tmp_path)
    assert label in texts_of(next(tmp_path.rglob("*difference*.svg")))
    found = survey.CubeSurvey(cube, {})
    reduction = found._reduction("difference", found.compared_date("dates"))
    assert reduction == ("phase" if label.startswith("phase") else "mean")


def test_a_picture_on_the_map(tmp_path):
    """Of the reference date, with the name of its system and the size of its pixels."""
    files = []
    for day in ("20220104", "20220110"):
        files.append(tmp_path / f"visual_{day}.tif")
        about = {
            "driver": "GTiff",
            "width": 40,
            "height": 30,
            "count": 4,
            "dtype": "uint8",
            "crs": "EPSG:32631",
        }
        with rasterio.open(
            files[-1], "w", transform=rasterio.Affine(20, 0, 7e5, 0, -20, 5e6), **about
        ) as file:
            file.write(np.full((4, 30, 40), 200, np.uint8))
            file.update_tags(description="red: sigma0_vv in dB")
    parsed = Parsed(write_report(fake_cube(), QUALITY, tmp_path / "report", files=files).read_text("utf-8"))
    for text in (files[1].name, "WGS 84 / UTM zone 31N", "one pixel 20 m", "red: sigma0_vv in dB"):
        assert text in parsed.text
    with Image.open(tmp_path / "report" / "on_map.png") as picture:
        assert picture.size == (40, 30)

"""What the report and quality.json read: every chunk at most once, and bounded for many dates and large images."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from fake_cube import fake_cube
from report_pictures import elements_of, raster_of
from zarr.storage import LocalStore

from alignsar_gpu.application.dataset import quality
from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.report import scan, survey, write_report
from alignsar_gpu.report.drawing import svg

CHUNK = {"time": 1, "azimuth": 16, "range": 24}


@pytest.fixture
def read(monkeypatch):
    """Number of times that each chunk of a stored cube is decoded: (array, chunk) -> times."""
    counts: dict[str, int] = {}
    get = LocalStore.get

    async def counted(self, key, *arguments, **options):
        if "/c/" in key:
            counts[key] = counts.get(key, 0) + 1
        return await get(self, key, *arguments, **options)

    monkeypatch.setattr(LocalStore, "get", counted)
    return counts


def stored(cube, folder):
    """The cube as it is opened from disk, in chunks of which several make an image."""
    chunks = {name: tuple(CHUNK[d] for d in v.dims) for name, v in cube.variables.items() if len(v.dims) > 1}
    encoding = {name: {"chunks": sizes} for name, sizes in chunks.items()}
    cube.to_zarr(folder, zarr_format=3, encoding=encoding, consolidated=False)
    return xr.open_zarr(folder, chunks=None, consolidated=False)


def images_of(read):
    """Chunks of layers over (azimuth, range)."""
    return {key: times for key, times in read.items() if len(key.split("/c/")[1].split("/")) > 1}


def numbers_only(cube):
    """Without texts, of which Zarr has no final format."""
    return cube.drop_vars([name for name, v in cube.variables.items() if v.dtype.kind in "UTO"])


@pytest.mark.parametrize("cell", [1, 5])
def test_every_chunk_is_decoded_once(tmp_path, read, monkeypatch, cell):
    monkeypatch.setattr(scan, "READ_PIXELS", 16 * 70)
    if cell > 1:  # whole cells are then no whole chunks
        fit = survey.DisplayGrid.fit
        small = {"across": 15, "cells": 200}
        monkeypatch.setattr(survey.DisplayGrid, "fit", lambda *a, **o: fit(*a, **{**small, **o}))
    cube = stored(numbers_only(fake_cube(lines=53, samples=70, dates=3)), tmp_path / "cube.zarr")
    write_report(cube, {}, tmp_path / "report")
    found = images_of(read)
    assert len(found) > 300
    assert set(found.values()) == {1}


def test_many_dates_are_bounded_in_what_is_read_and_drawn(tmp_path, read, monkeypatch):
    monkeypatch.setattr(survey, "MAX_PICTURED_DATES", 4)
    monkeypatch.setattr(survey, "STATISTICS_PIXELS", 0)  # at least a chunk of each layer and date
    cube = numbers_only(fake_cube(lines=53, samples=70, dates=20, complex_slc=False))
    cube = stored(cube, tmp_path / "cube.zarr")
    page = write_report(cube, {}, tmp_path / "report").read_text("utf-8")
    pictured = {
        "amplitude": 4,
        "interferometric": 3,
        "coherence": 3,
    }  # dates, those two without the reference
    for name, variable in cube.variables.items():
        if {"time", "azimuth", "range"} == set(variable.dims):
            whole = pictured.get(name.split("_")[0], 0)
            assert sum(key.startswith(f"{name}/c/") for key in read) == whole * 12 + (20 - whole), name
    assert len(list((tmp_path / "report").glob("*.svg"))) < 50
    assert "evenly spread chunks with" in page


def test_dates_on_demand(tmp_path):
    cube = fake_cube(dates=3, polarizations=("vv",), complex_slc=False)
    write_report(cube, {}, tmp_path, dates=["20220116"])
    names = {path.name for path in tmp_path.glob("amplitude*")}
    assert names == {"amplitude_vv_20220110.svg", "amplitude_vv_20220116.svg"}  # and the reference
    with pytest.raises(
        AlignsarError, match=r"report\.dates=20220101: not a date .* 20220104, 20220110, 20220116"
    ):
        write_report(cube, {}, tmp_path, dates=["20220101"])


def luminance(colour):
    """Relative luminance of WCAG 2."""
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return float(
        np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    )


def contrast(one, two):
    lighter, darker = sorted((luminance(one), luminance(two)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_one_file_is_readable_on_light_and_dark_pages(tmp_path):
    write_report(fake_cube(dates=2), {}, tmp_path)
    for colour in (svg.INK, *svg.SERIES):
        assert contrast(colour, svg.PAPER) >= 3
        assert contrast(svg.DARK[colour], svg.DARK[svg.PAPER]) >= 3
    assert contrast(svg.INK, svg.PAPER) >= 7
    for path in tmp_path.glob("*.svg"):
        (style,) = [e.text for e in elements_of(path, "style") if "prefers-color-scheme:dark" in e.text]
        for part in ("fill", "stroke"):
            assert f'[{part}="{svg.INK}"]' in style
        used = [e.attrib.get("fill") for e in elements_of(path, "text")]
        assert "black" not in used
    assert raster_of(tmp_path / "amplitude_vv_20220104.svg").shape == (7, 13, 4)


@pytest.mark.parametrize(("shape", "chunk"), [((53, 70), (16, 24)), ((5, 3), (16, 24)), ((16, 24), (16, 24))])
def test_blocks_are_whole_chunks(shape, chunk):
    layer = xr.Variable(("azimuth", "range"), np.zeros(shape))
    layer.encoding["preferred_chunks"] = dict(zip(layer.dims, chunk, strict=True))
    grid = ChunkGrid.of(layer)
    for pixels in (1, 400, 1500, 4000):
        rows = grid.rows(pixels, most=10_000)
        assert [r.start for r in rows] == [0, *(r.stop for r in rows[:-1])]
        assert rows[-1].stop == shape[0]
        assert all(r.start % grid.chunk[0] == 0 for r in rows)
        read = np.zeros(shape, int)
        for block in grid.spread(pixels):
            assert all(part.start % size == 0 for part, size in zip(block, grid.chunk, strict=True))
            read[block] += 1
        assert read.max() == 1
        assert 0 < read.sum() <= max(pixels, grid.chunk[0] * grid.chunk[1])
        if pixels >= read.size:
            assert read.all()
    assert len(grid.rows(400, most=shape[1])) == shape[0]


def test_chosen_chunks_lie_all_over_a_large_image():
    grid = ChunkGrid(shape=(4500, 25_000), chunk=(256, 512))
    middles = [(a.start + 128, b.start + 256) for a, b in grid.spread(4_000_000)]
    assert 15 <= len(middles) <= 30
    halves = {(line > 2250, sample // 6250) for line, sample in middles}
    assert len(halves) == 8


def test_quality_of_small_images_is_that_of_all_pixels_and_of_large_ones_of_some(monkeypatch):
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2, 90, 80)).astype(np.float32)
    values[:, :5] = np.nan
    cube = xr.Dataset({"coherence_vv": (("time", "azimuth", "range"), values)})
    cube["coherence_vv"].encoding["preferred_chunks"] = {"time": 1, "azimuth": 10, "range": 20}
    product = SimpleNamespace(
        acquisitions=[SimpleNamespace(date="a"), SimpleNamespace(date="b")], polarizations=["vv"]
    )
    coverage = SimpleNamespace(valid=(1.0, 0.5))
    found = quality._dates(cube, product, coverage)
    known = values[1][np.isfinite(values[1])]
    assert found["b"]["coherence"]["vv"] == {
        "median": float(np.median(known)),
        "mean": float(np.mean(known, dtype=np.float64)),
    }
    monkeypatch.setattr(quality, "MOST_PIXELS", 3000)
    fewer = quality._dates(cube, product, coverage)["b"]["coherence"]["vv"]
    assert fewer != found["b"]["coherence"]["vv"]
    assert fewer["mean"] == pytest.approx(found["b"]["coherence"]["vv"]["mean"], abs=0.1)


def test_shares_of_layover_and_shadow_by_blocks(monkeypatch):
    flags = np.zeros((33, 20), np.uint8)
    flags[:11] = 1
    flags[20:, 10:] |= 2
    attributes = {"flag_meanings": "layover shadow", "flag_masks": [1, 2]}
    cube = xr.Dataset({"layover_shadow": (("azimuth", "range"), flags, attributes)})
    monkeypatch.setattr(quality, "READ_PIXELS", 1)
    cube["layover_shadow"].encoding["preferred_chunks"] = {"azimuth": 4, "range": 20}
    assert quality._viewing(cube) == {"layover_fraction": 1 / 3, "shadow_fraction": 130 / 660}

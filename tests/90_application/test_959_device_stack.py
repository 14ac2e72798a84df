"""A stack that stays on a device, by a stand-in for CuPy on numpy: what goes up and down, and what memory is left.

The kernels are those of the CPU. Copies on streams are done as late as they may be, so that what is freed or written
too early shows in the layers.
"""

import hashlib
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import synthetic_stack  # registers products=synthetic
import xarray as xr
import zarr
from simulated_stack import CPU, Products
from stand_in import device, stand_in

from alignsar_gpu import run
from alignsar_gpu.application.dataset.extraction import Extraction, extract, rows_at_a_time
from alignsar_gpu.application.dataset.layers import area_ratio_layer, layers
from alignsar_gpu.application.journal import Journal
from alignsar_gpu.application.pipeline import enough_memory
from alignsar_gpu.dataset.cube import CubeLayout
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.progress import LOGGER, Advance
from alignsar_gpu.signatures import select
from alignsar_gpu.signatures.options import SignatureOptions, Windows

assert synthetic_stack.SyntheticProductsConfig
OPTIONS = SignatureOptions(windows=Windows(coherence=(3, 11), phase=(1, 1)), quantity="sigma_nought")
CHUNK = 16, 128
CONFIG = SimpleNamespace(
    dataset=SimpleNamespace(digits=None),
    signatures=SimpleNamespace(slc=True),
    interferometry=SimpleNamespace(flatten="auto"),
)
SMALL = 1 << 12  # bytes: rows of tables, orbits and the like; a layer of a row of chunks has more
TABLE = 8192 * 12 * 4  # bytes of the weights of twelve taps
FEW = ("sigma0", "coherence")
SHARES = 5  # of all allocations, that fail in turn


class Folder:
    """What `extract` needs of the folder of a run."""

    def __init__(self, work):
        work.mkdir(parents=True)
        self.work, self.journal = work, Journal(work)

    def is_recorded(self, unit):
        return self.journal.is_recorded(unit)

    def record(self, unit, files=(), *, written=None):
        self.journal.record(unit, files, written or {})

    def checksums(self):
        files = sorted(path for path in self.work.glob("cube.zarr/**/*") if path.is_file())
        return {path.relative_to(self.work): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def products(tmp_path_factory):
    return Products(
        tmp_path_factory.mktemp("device"),
        subswaths=("IW2",),
        lines=80,
        samples=400,
        polarizations=("vv", "vh"),
        baselines=(0.0, 40.0),
    )


def extraction(products, where, names=("category1", "all_dual", "temporal"), **options):
    product = products.stack(device=where, timing=False, **options)
    signatures = [s for s in select(list(names)) if not s.name.startswith("seasonal")]
    wanted = [*layers(product, signatures, CONFIG, OPTIONS, None), area_ratio_layer()]
    shape = (len(product.acquisitions), *product.grid.shape)
    return Extraction(
        product=product,
        device=where,
        signatures=signatures,
        options=OPTIONS,
        flatten=True,
        area_ratio=True,
        delays=[0.0] * shape[0],
        layout=CubeLayout(shape=shape, chunk=CHUNK, coordinates=xr.Dataset(), layers=wanted, attributes={}),
        slc=True,
    )


def extracted(products, where, folder, limit=2, **options):
    work = extraction(products, where, **options)
    made = Folder(folder)
    extract(work, made, limit, Advance("signatures", work.layout.rows))
    return work, made.checksums()


@pytest.fixture(scope="module")
def on_cpu(products, tmp_path_factory):
    return extracted(products, CPU, tmp_path_factory.mktemp("cpu") / "run")[1]


def test_layers_are_those_of_the_cpu(products, on_cpu, tmp_path):
    with stand_in():
        assert extracted(products, device(), tmp_path / "run")[1] == on_cpu


def pixels_up(stack):
    """Bytes of the pixels that a block of all lines needs, as the products store them: pairs of int16."""
    for piece in stack.mosaic.pieces:
        lines, samples = (part.stop - part.start for part in (piece.lines, piece.samples))
        yield from [4 * lines * samples] * len(stack.polarizations)
    for part in stack._parts(0, stack.grid.lines):
        if hasattr(part, "window"):
            lines, samples = (axis.stop - axis.start for axis in part.window)
            yield from [4 * lines * samples] * len(stack.polarizations)


def layers_down(layout):
    """Bytes of all layers, row of chunks by row of chunks."""
    dates, lines, samples = layout.shape
    for first in range(0, lines, CHUNK[0]):
        for layer in layout.layers:
            size = np.dtype(layer.dtype).itemsize * samples * min(CHUNK[0], lines - first)
            yield from [size] * (dates if layer.dated else 1)


def test_pixels_go_up_once_and_layers_come_down_once(products, tmp_path):
    """Nothing else goes up but the posts of the terrain and small tables; nothing else comes down."""
    with stand_in() as cupy:
        work = extraction(products, device())
        for sizes in cupy.traffic.values():
            sizes.clear()
        count = work.layout.rows
        extract(work, Folder(tmp_path / "run"), count, Advance("signatures", count))
        up, down = (Counter(size for size in cupy.traffic[way] if size >= SMALL) for way in ("up", "down"))
        assert down == Counter(layers_down(work.layout))
        rows, columns = work.product.terrain.window(*(slice(0, size) for size in work.product.grid.shape))
        pixels = Counter(pixels_up(work.product))
    assert up & pixels == pixels
    others = up - pixels
    posts = 8 * (rows.stop - rows.start) * (columns.stop - columns.start)
    assert others.pop(TABLE) == 2  # weights along lines and samples, for the whole run
    # longitudes, latitudes and heights, for what is seen and for its area
    assert sorted(others.values()) == [3, 3]
    assert all(0.9 * posts < size < 1.1 * posts for size in others)


def least_budget(work, name, rows):
    """The least ``memory_budget`` or ``host_budget`` of the device with which so many rows are taken at a time."""

    def taken(budget):
        with suppress(AlignsarError):
            return rows_at_a_time(replace(work, device=replace(work.device, **{name: budget})))
        return 0

    budgets = range(0, 1 << 26, 1 << 12)
    return budgets[bisect_left(budgets, rows, key=taken)]


def test_blocks_are_as_large_as_the_device_allows(products, on_cpu, tmp_path):
    """The layers are the same, and what is taken of the device's memory is what was said."""
    with stand_in() as cupy:
        work = extraction(products, device())
        budget = least_budget(work, "memory_budget", 3)
        small = device(budget)
        work = extraction(products, small)
        cupy.memory.limit = cupy.memory.most = cupy.memory.used
        cupy.memory.limit += budget
        assert rows_at_a_time(work) == 3
        made = Folder(tmp_path / "run")
        extract(work, made, 3, Advance("signatures", work.layout.rows))
        assert made.checksums() == on_cpu
        assert cupy.memory.most > cupy.memory.limit - budget + 0.2 * budget


def test_blocks_are_as_large_as_the_host_allows(products):
    with stand_in():
        work = extraction(products, device())
        budget = least_budget(work, "host_budget", 2)
        assert rows_at_a_time(replace(work, device=replace(work.device, host_budget=budget))) == 2
        tiny = replace(work.device, host_budget=least_budget(work, "host_budget", 1) - (1 << 12))
        with pytest.raises(AlignsarError, match=r"^free memory of the host, GiB=0\.\d\d: one row of chunks"):
            rows_at_a_time(replace(work, device=tiny))


def failing(products, folder, number, limit):
    """Extract with the allocation of this number failing; the checksums, or what was said."""
    with stand_in() as cupy:
        work = extraction(products, device(), FEW)
        began = cupy.memory.allocations
        cupy.memory.failing = None if number is None else began + number
        made = Folder(folder)
        try:
            extract(work, made, limit, Advance("signatures", work.layout.rows))
        except AlignsarError as error:
            return str(error)
        return made.checksums() if number is not None else (made.checksums(), cupy.memory.allocations - began)


@pytest.fixture(scope="module")
def whole(products, tmp_path_factory):
    return failing(products, tmp_path_factory.mktemp("whole") / "run", None, 4)


@pytest.mark.parametrize("share", np.linspace(0.0, 1.0, SHARES).tolist())
def test_an_allocation_that_fails_makes_blocks_smaller_and_no_layer_wrong(products, whole, tmp_path, share):
    wanted, count = whole
    number = 1 + round(share * (count - 1))
    assert failing(products, tmp_path / "run", number, 4) == wanted
    assert failing(products, tmp_path / "alone", number, 1) == (
        "cuda: stand-in: its memory ran out with a single row of chunks; lower dataset.chunk_lines=16, ask for fewer "
        "signatures, or free memory"
    )


def test_the_number_of_rows_is_told(products, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(LOGGER, "warning", lambda text, *values: said.append(text % values))
    failing(products, tmp_path / "run", 40, 4)
    assert said == ["memory     ran out with 4 rows of chunks at a time; goes on with 2"]


def test_memory_that_runs_out_elsewhere_is_told():
    told = r"^cuda: stand-in: memory ran out \(Out of memory allocating 5 bytes\); lower device\.memory_gib"
    with pytest.raises(AlignsarError, match=told), enough_memory(device()):
        raise MemoryError("Out of memory allocating 5 bytes")


def test_a_run_of_a_stack_that_others_made(tmp_path):
    """Ranges, angles and phases of a stack without terrain are computed on the device too."""
    options = {"products": "synthetic", "products.lines": 96, "products.samples": 120, "products.dates": 3}
    options |= {"report": "none", "netcdf": "none", "interferometry.network": "sequential"}
    options |= {"interferometry.goldstein_alpha": 0.5, "interferometry.looks_samples": 10}
    run(output=tmp_path / "cpu", device="cpu", **options)
    with stand_in() as cupy:
        result = run(output=tmp_path / "cuda", device="cuda", **options)
        assert max(cupy.traffic["down"]) < 96 * 120 * 16
    assert result.quality["device"]["kind"] == "cuda"
    for store in ("cube.zarr", "interferograms.zarr"):
        one, other = (zarr.open_group(tmp_path / kind / store, mode="r") for kind in ("cpu", "cuda"))
        for name, layer in one.arrays():
            got, wanted = other[name][...], layer[...]
            if name.startswith("filtered"):  # by a Fourier transform of another library
                got, wanted = (np.where(np.abs(got - wanted) < 1e-6, 0.0, values) for values in (got, wanted))
            np.testing.assert_array_equal(got, wanted, err_msg=name)

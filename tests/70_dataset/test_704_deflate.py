"""Compressed chunks: what HDF5's own filters read back is what was written, bit for bit."""

from __future__ import annotations

import threading
import zlib

import h5py
import netCDF4
import numpy as np
import pytest
from fake_cube import fake_cube
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alignsar_gpu.dataset.deflate import Chunks, copy_chunks, shuffled_and_deflated, write_chunks
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.dataset.netcdf import files as netcdf
from alignsar_gpu.dataset.netcdf.files import write_date

TYPES = ["f4", "f8", "i1", "u1", "i2", "i8"]


def defined(file, name, values, chunk):
    return file.create_dataset(
        name, values.shape, values.dtype, chunks=chunk, shuffle=True, compression="gzip", compression_opts=1
    )


def values_of(kind, shape, seed=1):
    octets = np.random.default_rng(seed).integers(0, 256, (*shape, np.dtype(kind).itemsize), dtype=np.uint8)
    return octets.view(kind)[..., 0]  # all bits: NaNs with payloads, subnormal numbers


def written(path, values, chunk, workers=2):
    with h5py.File(path, "w") as file:
        chunks = Chunks.of(defined(file, "a", values, chunk))
        with Flow(workers, 1000) as flow:
            write_chunks(flow, [chunks], lambda lines, samples: [values[lines, samples]])
    return path


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(8, 12), (9, 13), (1, 1), (3, 50)])
def test_every_bit_is_read_back(kind, shape, tmp_path):
    values = values_of(kind, shape)
    chunk = min(4, shape[0]), min(6, shape[1])
    with h5py.File(written(tmp_path / "a.h5", values, chunk)) as file:
        assert file["a"][...].tobytes() == values.tobytes()
    with netCDF4.Dataset(tmp_path / "a.h5") as file:
        file.set_auto_mask(False)
        assert file["a"][...].tobytes() == values.tobytes()


@settings(max_examples=30, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=st.floats(width=32)))
def test_a_chunk_is_what_hdf5_makes_of_it(values):
    """Its filters give the same values from our bytes as from their own."""
    chunk = values.shape
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        own, theirs = (defined(file, name, values, chunk) for name in ("own", "theirs"))
        own.id.write_direct_chunk((0, 0), shuffled_and_deflated(values, chunk), 0)
        theirs[...] = values
        assert own[...].tobytes() == theirs[...].tobytes() == values.tobytes()


@pytest.mark.parametrize("digits", [0, 2, 4])
def test_planes_of_noise_are_stored_as_they_are(digits):
    """The last bytes of each value are random, the others are not: as many are stored, and the rest is small."""
    chunk = 256, 300
    octets = np.full((*chunk, 4), 7, dtype=np.uint8)
    octets[..., :digits] = np.random.default_rng(2).integers(0, 256, (*chunk, digits))
    packed = shuffled_and_deflated(octets.view("<f4")[..., 0], chunk)
    plane = chunk[0] * chunk[1]
    assert zlib.decompress(packed) == octets.reshape(-1, 4).T.tobytes()
    assert digits * plane < len(packed) < digits * plane + 2000


def test_what_repeats_from_line_to_line_is_no_noise():
    line = np.random.default_rng(3).integers(0, 256, (1, 256, 4), dtype=np.uint8)
    values = np.repeat(line, 512, axis=0).view("<f4")[..., 0]
    assert len(shuffled_and_deflated(values, values.shape)) < 0.05 * values.nbytes


def test_threads_do_not_change_a_byte(tmp_path):
    values = values_of("f4", (40, 70))
    paths = [written(tmp_path / f"{n}.h5", values, (8, 16), n) for n in (1, 3)]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_copied_chunks_are_the_same_bytes(tmp_path):
    values = values_of("f4", (9, 13))
    written(tmp_path / "a.h5", values, (4, 6))
    with h5py.File(tmp_path / "a.h5") as source, h5py.File(tmp_path / "b.h5", "w") as file:
        chunks = Chunks.of(source["a"]), Chunks.of(defined(file, "a", values, (4, 6)))
        with Flow(1, 1000) as flow:
            copy_chunks(flow, *chunks)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.fixture(scope="module")
def cube():
    return fake_cube(lines=7, samples=13)


class TestDates:
    def test_a_file_is_the_same_alone_and_beside_others(self, cube, tmp_path):
        write_date(cube, 0, tmp_path / "first.nc")
        write_date(cube, 1, tmp_path / "alone.nc", workers=2)
        write_date(cube, 1, tmp_path / "beside.nc", other=tmp_path / "first.nc")
        assert (tmp_path / "alone.nc").read_bytes() == (tmp_path / "beside.nc").read_bytes()

    def test_what_all_dates_share_is_compressed_once(self, cube, tmp_path, monkeypatch):
        write_date(cube, 0, tmp_path / "first.nc")
        filled, read = [], netcdf._read
        monkeypatch.setattr(
            netcdf, "_read", lambda layer, *place: filled.append(layer.name) or read(layer, *place)
        )
        write_date(cube, 1, tmp_path / "second.nc", other=tmp_path / "first.nc")
        assert set(filled) == {name for name in filled if "time" in cube[name].dims}
        assert "longitude" not in filled
        assert "sigma0_vv" in filled


def test_hdf5_is_called_by_the_last_steps_of_the_flow_alone():
    """It is not made for threads: a type that was asked for while another thread wrote ended the process."""
    callers = set()

    class File:
        def __getattr__(self, name):
            callers.add(threading.current_thread().name)
            return lambda *_: None

    values = np.zeros((64, 32), np.float32)
    chunks = Chunks(id=File(), itemsize=4, shape=values.shape, chunk=(8, 8))
    with Flow(2, 1000) as flow:
        write_chunks(flow, [chunks], lambda lines, samples: [values[lines, samples]])
    assert callers == {"write"}

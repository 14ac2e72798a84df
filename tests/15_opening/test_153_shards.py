"""Shards may be large, for only the chunks in them are unpacked."""

import json

import pytest
import zarr

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.zarrs import check_array


def metadata(tmp_path, shape, shard, chunk):
    zarr.create_array(tmp_path, shape=shape, chunks=chunk, shards=shard, dtype="float32", zarr_format=3)
    return (tmp_path / "zarr.json").read_bytes()


def test_a_shard_may_be_larger_than_a_chunk(tmp_path):
    check_array(metadata(tmp_path, (30, 20_000, 20_000), (30, 8192, 20_480), (1, 256, 512)), "cube")


def test_a_chunk_in_it_may_not(tmp_path):
    text = metadata(tmp_path, (30, 20_000, 20_480), (30, 20_000, 20_480), (1, 20_000, 20_480))
    with pytest.raises(AlignsarError, match=r"cube: 30 chunks of .* values are too many or too large"):
        check_array(text, "cube")


def test_nor_may_there_be_too_many(tmp_path):
    text = metadata(tmp_path, (20_000, 20_000), (20_000, 20_000), (10, 10))
    with pytest.raises(AlignsarError, match=r"4000000 chunks of .* are too many"):
        check_array(text, "cube")


@pytest.mark.parametrize("inside", [[0, 256], [256], "all"])
def test_a_shape_that_cannot_be(tmp_path, inside):
    about = json.loads(metadata(tmp_path, (512, 512), (512, 512), (256, 256)))
    about["codecs"][0]["configuration"]["chunk_shape"] = inside
    with pytest.raises(AlignsarError, match="cannot be"):
        check_array(json.dumps(about).encode(), "cube")

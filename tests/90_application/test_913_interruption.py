"""Runs that are killed, damaged, or given other memory and threads: the same bits."""

import json

from command_line import checksums, run
from small_runs import NETWORK, NO_REPORT, SMALL, kill_after_rows


def test_killed_and_continued_is_the_same_bits(tmp_path):
    arguments = [
        *SMALL,
        *NETWORK,
        NO_REPORT,
        "dataset.chunk_lines=32",
        "products.lines=640",
        "device.memory_gib=0.03",
    ]
    assert 3 <= kill_after_rows(arguments, tmp_path / "killed") < 20
    work = tmp_path / "killed" / ".unfinished"
    journals = [json.loads(file.read_text()) for file in (work / "journal").glob("row-*.json")]
    chunks = [
        name for journal in journals for name in journal if name.startswith("cube.zarr/amplitude_vv/c/")
    ]
    kept = {name: (work / name).stat().st_mtime_ns for name in chunks}
    assert len(kept) >= 3
    result = run(*arguments, f"output={tmp_path / 'killed'}")
    assert "continues" in result.stderr
    assert kept == {
        name: (tmp_path / "killed" / name).stat().st_mtime_ns for name in kept
    }  # not computed again
    run(*arguments, f"output={tmp_path / 'whole'}")
    tops = ("cube.zarr", "interferograms.zarr", "netcdf")
    assert checksums(tmp_path / "killed", *tops) == checksums(tmp_path / "whole", *tops)


def test_blocks_and_threads_do_not_change_a_bit(tmp_path):
    options = {
        "large": ["device.memory_gib=2"],
        "small": ["device.memory_gib=0.03", "device.threads=1"],
    }
    for name, more in options.items():
        run(*SMALL, *NETWORK, NO_REPORT, "dataset.chunk_lines=32", *more, f"output={tmp_path / name}")
    tops = ("cube.zarr", "interferograms.zarr", "netcdf", "stac")
    assert checksums(tmp_path / "large", *tops) == checksums(tmp_path / "small", *tops)


def test_a_damaged_product_is_made_again(tmp_path):
    output = tmp_path / "out"
    run(*SMALL, NO_REPORT, f"output={output}")
    before = checksums(output, "cube.zarr", "netcdf")
    measured = (output / "quality.json").stat().st_mtime_ns
    file = next((output / "netcdf").glob("*.nc"))
    file.write_bytes(file.read_bytes()[:-10])
    result = run(*SMALL, NO_REPORT, f"output={output}")
    assert f"netcdf/{file.name} has changed: made again: netcdf" in result.stderr
    assert checksums(output, "cube.zarr", "netcdf") == before
    assert (output / "quality.json").stat().st_mtime_ns == measured

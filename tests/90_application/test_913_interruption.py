"""Runs that are killed, damaged, or given other memory and threads: the same bits."""

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
    rows = kill_after_rows(arguments, tmp_path / "killed")
    assert 3 <= rows < 18
    journal = tmp_path / "killed" / ".unfinished" / "journal"
    kept = {file: file.stat().st_mtime_ns for file in journal.glob("row-*.json")}
    kill_after_rows(arguments, tmp_path / "killed", rows + 1)
    assert kept == {file: file.stat().st_mtime_ns for file in kept}  # not computed again
    result = run(*arguments, f"output={tmp_path / 'killed'}")
    assert "continues" in result.stderr
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

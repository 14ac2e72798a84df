"""Products made to run code, to be read from elsewhere, or to fill the time and the memory: each is refused."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import zarr
from fake_nisar import FakeNisar
from fake_safe import FakeSafe, write_safe
from fake_snap import date_name, write_dimap, write_znap
from numcodecs import Blosc, Zlib
from synthetic_stack import simulate_stack

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.snap.reader import open_stack


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=24, samples=31, dates=2, polarizations=("vv",), seed=11, flattened=True)


@pytest.fixture
def znap(product, tmp_path):
    return write_znap(product, tmp_path, [0, 1], chunks=(10, 20))


def refused(path, words):
    with pytest.raises(AlignsarError, match=words) as caught:
        open_stack(path).read_pixels(0, 24)
    assert "\n" not in str(caught.value)


def band(znap, product):
    return znap / f"i_VV_{date_name(product.acquisitions[0])}"


def edit(path, **keys):
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


class TestZnap:
    def test_no_code_is_run(self, znap, product, tmp_path):
        """A band of objects by pickle: reading it would leave a file."""
        code = f"cposix\nsystem\n(S'touch {tmp_path}/run'\ntR."
        for name in ("0.0", "0.1"):
            (band(znap, product) / name).write_bytes(code.encode())
        edit(
            band(znap, product) / ".zarray",
            dtype="|O",
            filters=[{"id": "pickle", "protocol": 5}],
            compressor=None,
            fill_value=None,
        )
        refused(tmp_path, r"\.zarray: has values of the type '\|O'")
        assert not (tmp_path / "run").exists()

    @pytest.mark.parametrize(
        "codec", ["pickle", "json2", "msgpack2", "vlen-utf8", "vlen-array", "categorize", "x"]
    )
    @pytest.mark.parametrize("place", ["filters", "compressor"])
    def test_codecs(self, znap, product, tmp_path, codec, place):
        about = {"id": codec}
        edit(band(znap, product) / ".zarray", **{place: [about] if place == "filters" else about})
        refused(tmp_path, f"is packed by {codec}, which is not read")

    @pytest.mark.parametrize("dtype", ["|O", "|V8", [["a", "<f4"]], "x", 7])
    def test_types(self, znap, product, tmp_path, dtype):
        edit(band(znap, product) / ".zarray", dtype=dtype)
        refused(tmp_path, r"\.zarray: (has values of the type|is no description of an array)")

    @pytest.mark.parametrize(
        ("keys", "words"),
        [
            ({"chunks": [0, 0]}, "which cannot be"),
            ({"chunks": [20]}, "which cannot be"),
            ({"chunks": [20, -3]}, "which cannot be"),
            ({"chunks": [20, 2.5]}, "which cannot be"),
            ({"shape": [-1, 97]}, "which cannot be"),
            ({"shape": None}, "no description of an array"),
            ({"shape": [10**6, 10**6], "chunks": [1, 1]}, "are too many or too large"),
            ({"shape": [10**6, 10**6], "chunks": [10**6, 10**6]}, "are too many or too large"),
            ({"shape": [64]}, "which cannot be"),
            ({"shape": [0, 0]}, "no image has|should have one size"),
            ({"compressor": {"id": []}}, "is packed by|no description"),
            ({"filters": "xy"}, "no description"),
        ],
    )
    def test_shapes(self, znap, product, tmp_path, keys, words):
        for path in znap.glob("[iqle]*_*/.zarray"):
            edit(path, **keys)
        refused(tmp_path, words)

    def test_header_that_is_deep(self, znap, product, tmp_path):
        (band(znap, product) / ".zarray").write_text("[" * 200_000)
        refused(tmp_path, "is no description of an array")

    @pytest.mark.parametrize("codec", [Zlib(3), Blosc("zstd"), Blosc("lz4")])
    @pytest.mark.parametrize("zipped", [True, False])
    def test_one_wrong_byte(self, znap, product, tmp_path, codec, zipped):
        whole = np.asarray(zarr.open_array(znap, path=band(znap, product).name, mode="r", zarr_format=2))
        edit(band(znap, product) / ".zarray", compressor=codec.get_config(), chunks=[24, 31])
        packed = bytearray(codec.encode(whole.astype(">f4")))
        (band(znap, product) / "0.0").write_bytes(packed)
        np.testing.assert_array_equal(open_stack(tmp_path).read_pixels(0, 24)[0][0, 0].real, whole)
        at = len(packed) // 2
        for place in (2, at, len(packed) - 3):
            wrong = packed.copy()
            wrong[place] ^= 0xFF
            (band(znap, product) / "0.0").write_bytes(wrong)
            folder = znap
            if zipped:
                folder = tmp_path / "zip" / "x.znap.zip"
                folder.parent.mkdir(exist_ok=True)
                with zipfile.ZipFile(folder, "w") as archive:
                    for file in znap.rglob("*"):
                        archive.write(file, file.relative_to(tmp_path))
                folder = folder.parent
            try:
                open_stack(folder).read_pixels(0, 24)  # some codecs do not see it
            except AlignsarError as error:
                assert "a chunk of band" in str(error)  # noqa: PT017
        if codec.codec_id == "zlib":
            refused(folder, "a chunk of band .* cannot be read")

    def test_links_that_lead_out(self, znap, product, tmp_path):
        chunk = band(znap, product) / "0.0"
        shutil.move(chunk, tmp_path / "elsewhere")
        chunk.symlink_to(tmp_path / "elsewhere")
        refused(tmp_path, r"0\.0 is a link to .*elsewhere, outside of")
        chunk.unlink()
        shutil.move(tmp_path / "elsewhere", znap / "inside")
        chunk.symlink_to(znap / "inside")
        open_stack(tmp_path).read_pixels(0, 24)

    def test_metadata_that_fill_the_memory(self, znap, tmp_path):
        """120 MB in 0.1 MB of a zip."""
        (tmp_path / "zip").mkdir()
        with zipfile.ZipFile(tmp_path / "zip" / "x.znap.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for file in znap.rglob("*"):
                if file.name != "product_metadata.json":
                    archive.write(file, file.relative_to(tmp_path))
            with archive.open(f"{znap.name}/SNAP/product_metadata.json", "w") as member:
                for _ in range(120):
                    member.write(b"[" + b" " * ((1 << 20) - 1))
        refused(tmp_path / "zip", "unpacks from .* which no real file does|too many for metadata")
        with (znap / "SNAP" / "product_metadata.json").open("r+b") as file:
            file.truncate(1 << 30)
        refused(znap, "1073741824 bytes are too many for metadata")

    @pytest.mark.parametrize(
        "deep", ["[" * 200_000 + "]" * 200_000, '[{"elements": ' * 400 + "[]" + "}]" * 400]
    )
    def test_metadata_that_are_deep(self, znap, tmp_path, deep):
        (znap / "SNAP" / "product_metadata.json").write_text(deep)
        refused(tmp_path, "not complete JSON|not the metadata that SNAP writes")

    @pytest.mark.parametrize(
        "time",
        [
            [1e300, 0, 0],
            [float("inf"), 0, 0],
            [10**12, 0, 0],
            [0, 10**18, 0],
            [0, 0, 10**30],
            [None, 0, 0],
            [0],
        ],
    )
    def test_times(self, znap, tmp_path, time):
        path = znap / "SNAP" / "product_metadata.json"
        tree = json.loads(path.read_text())
        (item,) = [a for a in tree[0]["attributes"] if a["name"] == "first_line_time"]
        item["data"]["elems"] = time
        path.write_text(json.dumps(tree))
        refused(tmp_path, "not the metadata that SNAP writes")

    @pytest.mark.parametrize("time", ["999999999-01-01T00:00", "NaT", "0001-01-01", "inf", "2023-13-01"])
    def test_texts_for_times(self, znap, tmp_path, time):
        path = znap / "SNAP" / "product_metadata.json"
        tree = json.loads(path.read_text())
        (item,) = [a for a in tree[0]["attributes"] if a["name"] == "first_line_time"]
        item["data"] = {"type": "ascii", "elems": time}
        path.write_text(json.dumps(tree))
        refused(tmp_path, "'first_line_time' .* should be a UTC time")


class TestDimap:
    @pytest.mark.parametrize("number", [10**20, -4, 0, 2**40])
    @pytest.mark.parametrize("where", ["Raster_Dimensions", "Tie_Point_Grid_Info"])
    def test_numbers_of_columns(self, product, tmp_path, number, where):
        path = write_dimap(product, tmp_path, [0, 1])
        before, mark, after = path.read_text().partition(f"<{where}>")
        first, tag, rest = after.partition("<NCOLS>")
        path.write_text(f"{before}{mark}{first}{tag}{number}{rest[rest.index('<') :]}")
        refused(tmp_path, "a number of its raster description is missing or wrong")

    def test_links_that_lead_out(self, product, tmp_path):
        folder = tmp_path / "folder"
        folder.mkdir()
        path = write_dimap(product, folder, [0, 1])
        image = next(path.with_suffix(".data").glob("i_VV*.img"))
        shutil.move(image, tmp_path / "elsewhere.img")
        image.symlink_to(tmp_path / "elsewhere.img")
        refused(folder, r"is a link to .*elsewhere\.img, outside of")

    def test_metadata_that_are_deep(self, product, tmp_path):
        path = write_dimap(product, tmp_path, [0, 1])
        text = path.read_text()
        deep = "<MDElem name='a'>" * 100_000 + "</MDElem>" * 100_000
        path.write_text(text.replace("<MDElem name='metadata'>", f"<MDElem name='metadata'>{deep}", 1))
        refused(tmp_path, "nested too deep")


class TestSentinel1:
    def test_links_that_lead_out(self, tmp_path):
        for pattern in ("measurement/*", "annotation/*.xml", "annotation/calibration/*.xml", "manifest.safe"):
            folder = tmp_path / pattern.replace("/", "_").replace("*", "")
            folder.mkdir()
            root = write_safe(folder, FakeSafe())
            file = next(root.glob(pattern))
            shutil.move(file, folder / "elsewhere")
            file.symlink_to(folder / "elsewhere")
            with pytest.raises(AlignsarError, match=r"is a link to .*elsewhere, outside of"):
                open_sentinel1(root)

    def test_link_to_the_whole_product(self, tmp_path):
        root = write_safe(tmp_path, FakeSafe())
        (tmp_path / "links").mkdir()
        (tmp_path / "links" / root.name).symlink_to(root)
        assert open_sentinel1(tmp_path / "links" / root.name).bursts[0].read("vv").any()

    def test_annotation_that_is_deep(self, tmp_path):
        """100,000 levels, in a process of its own: it must not end it."""
        root = write_safe(tmp_path, FakeSafe())
        for path in (root / "annotation").glob("*.xml"):
            path.write_text(
                path.read_text().replace("<product>", "<product>" + "<a>" * 100_000 + "</a>" * 100_000, 1)
            )
        code = (
            "import sys; from pathlib import Path; from alignsar_gpu.products.sentinel1.reader import open_sentinel1\n"
            "try: open_sentinel1(Path(sys.argv[1]))\n"
            "except Exception as error: assert type(error).__name__ == 'AlignsarError', error"
        )
        subprocess.run([sys.executable, "-c", code, str(root)], timeout=60, check=True)


class TestNisar:
    def test_links_are_not_followed(self, tmp_path):
        """Not even opened: a named pipe would wait for ever. Nor through a link inside the file."""
        path = tmp_path / "product.h5"
        FakeNisar().write(path)
        os.mkfifo(tmp_path / "pipe")
        with h5py.File(path, "r+") as file:
            file["elsewhere"] = h5py.ExternalLink(str(tmp_path / "pipe"), "/")
            name = "science/LSAR/identification"
            file.move(name, "kept")
            file[name] = h5py.SoftLink("/elsewhere/identification")
        code = (
            "import sys; from pathlib import Path; from alignsar_gpu.products.nisar.reader import open_nisar\n"
            "try: open_nisar(Path(sys.argv[1]))\n"
            "except Exception as error: print(error)"
        )
        command = [sys.executable, "-c", code, str(path)]
        result = subprocess.run(command, timeout=30, check=True, capture_output=True, text=True)
        assert "elsewhere: is kept in another file" in result.stdout

    def test_chunks_that_fill_the_memory(self, tmp_path):
        path = tmp_path / "product.h5"
        FakeNisar().write(path)
        with h5py.File(path, "r+") as file:
            file.create_dataset("x", (1 << 15, 1 << 14), "c8", chunks=(1 << 15, 1 << 13), compression="gzip")
        with pytest.raises(AlignsarError, match=r"x: chunks of .* values are too large to unpack"):
            open_nisar(path)


def test_no_product_is_read_whole_by_its_links(tmp_path):
    """Annotations of a zip that unpack to more than any has."""
    root = write_safe(tmp_path, FakeSafe())
    archive = tmp_path / f"{root.stem}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for file in sorted(root.rglob("*.xml")):
            text = file.read_text()
            more = " " * (40 << 20) if file.parent.name == "annotation" else ""
            target.writestr(f"{root.name}/{file.relative_to(root).as_posix()}", text + more)
    with pytest.raises(AlignsarError, match="bytes are too many for an annotation"):
        open_sentinel1(archive)

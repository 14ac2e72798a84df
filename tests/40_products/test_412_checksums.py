"""MD5 sums of a manifest: files that differ are refused, files that were found right are not read again."""

import hashlib
import os

import pytest
from fake_safe import FakeSafe, annotations_in, with_sums, write_safe, zip_of

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.sentinel1.safe import open_safe
from alignsar_gpu.products.sentinel1.verify import remember_files, verify_files


@pytest.fixture(autouse=True)
def memory(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "alignsar_gpu" / "verified.json"


@pytest.fixture
def root(tmp_path):
    return with_sums(write_safe(tmp_path, FakeSafe(swaths=(1, 2))))


def tiffs(root):
    return sorted((root / "measurement").iterdir())


def change_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def checked(path, **options):
    choice = open_products(path, verify=True, **options).choose()
    return choice.verify()


class TestDamage:
    def test_of_pixels(self, root):
        assert checked(root) == sum(path.stat().st_size for path in tiffs(root))
        change_a_byte(tiffs(root)[1])
        with pytest.raises(
            AlignsarError, match=r"iw2-slc-vv.*tiff: its MD5 sum is \w{32}, but .* says \w{32}"
        ):
            checked(root)

    @pytest.mark.parametrize("name", ["s1a*", "calibration/cal*", "calibration/noise*"])
    def test_of_metadata(self, root, name):
        path = next((root / "annotation").glob(name))
        path.write_text(path.read_text() + "\n")
        with pytest.raises(AlignsarError, match=f"{path.name}: its MD5 sum is .* products.verify=false"):
            open_sentinel1(root, verify=True)
        assert open_sentinel1(root).bursts

    def test_in_a_zip(self, root):
        archive = zip_of(root)
        assert checked(archive) > 0
        assert checked(archive) == 0
        change_a_byte(tiffs(root)[0])
        archive = zip_of(root)
        with pytest.raises(AlignsarError, match=r"zip/measurement/.*tiff: its MD5 sum is"):
            checked(archive)


class TestWhatIsNotChecked:
    def test_files_that_are_not_used(self, root):
        change_a_byte(tiffs(root)[1])
        assert checked(root, swaths=["iw1"]) == tiffs(root)[0].stat().st_size

    def test_a_product_without_sums(self, tmp_path):
        assert checked(write_safe(tmp_path, FakeSafe())) == 0

    def test_a_product_without_manifest(self, tmp_path):
        root = write_safe(tmp_path, FakeSafe())
        (root / "manifest.safe").unlink()
        assert checked(root) == 0
        assert open_sentinel1(annotations_in(root)[0], verify=True).bursts

    def test_when_not_asked(self, root):
        change_a_byte(tiffs(root)[0])
        assert open_products(root).choose().verify() == 0


class TestMemory:
    def test_a_file_is_read_once(self, root, memory):
        assert checked(root) > 0
        assert memory.is_file()
        assert checked(root) == 0

    def test_until_it_changes(self, root):
        checked(root)
        path = tiffs(root)[0]
        status = path.stat()
        change_a_byte(path)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        with pytest.raises(AlignsarError, match="its MD5 sum is"):
            checked(root)

    def test_a_product_that_is_renamed_is_not_read_again(self, root, tmp_path):
        checked(root)
        assert checked(root.rename(tmp_path / "elsewhere.SAFE")) == 0

    def test_what_has_just_been_written_is_not_read(self, root):
        path = tiffs(root)[0]
        remember_files({path: hashlib.md5(path.read_bytes()).hexdigest()})
        assert checked(root) == tiffs(root)[1].stat().st_size

    @pytest.mark.parametrize("content", ["", "no JSON", "[1]"])
    def test_that_is_damaged_is_begun_again(self, root, memory, content):
        memory.parent.mkdir()
        memory.write_text(content)
        assert checked(root) > 0
        assert checked(root) == 0

    def test_that_cannot_be_written_does_no_harm(self, root, memory):
        memory.parent.write_text("a file where a folder should be")
        assert checked(root) == checked(root) > 0


def test_real_manifests_state_the_sums_of_all_files(real_data):
    for path in real_data("s1_pair_morocco_20230904_20230916").glob("*.SAFE"):
        safe = open_safe(path, verify=True)
        assert len(safe.sums) == 33
        assert verify_files(safe, [name for name in safe.names if name.endswith(".xml")]) > 1e6
        assert open_sentinel1(path, verify=True).bursts

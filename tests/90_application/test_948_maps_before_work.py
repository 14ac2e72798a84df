"""Maps that cannot be made are refused before any work, with their size; links to folders among the products."""

import pytest
from command_line import refuse, run
from small_runs import CUBE_ALONE, SYNTHETIC

import alignsar_gpu
from alignsar_gpu.application import space
from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.errors import AlignsarError

SMALL = [
    *SYNTHETIC, *CUBE_ALONE, "products.lines=96", "products.samples=128", "products.dates=2",
    "signatures.names=[intensity]",
]  # fmt: skip
BILLIONS = "geocoding.resolution=0.002"  # m


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("finished") / "out"
    run(*SMALL, f"output={output}")
    return output


class TestSize:
    """Of a map, in a run that begins with products: nothing is left in its place."""

    def refuse(self, output, words, *keys):
        result = refuse(words, *SMALL, *keys, f"output={output}")
        assert not output.exists()
        return result

    def test_more_pixels_than_can_be(self, tmp_path):
        self.refuse(tmp_path / "out", "geocoding.resolution=0.0001: 1", "geocoding.resolution=0.0001")

    @pytest.mark.parametrize("layer", ["intensity_vv", "valid"])
    def test_more_pixels_than_the_disk_holds(self, tmp_path, monkeypatch, layer):
        monkeypatch.setattr(space, "_free", lambda _: 10_000_000_000)
        result = self.refuse(
            tmp_path / "out", "the run will take about", BILLIONS, f"geocoding.layers=[{layer}]"
        )
        assert "a coarser geocoding.resolution" in result.stderr
        assert "map of 6" in result.stderr

    @pytest.mark.parametrize("key", ["bounds=[0,0,100,100]", "bounds=[0,0,2e6,2e6]"])
    def test_beside_the_image(self, tmp_path, key):
        words = "geocoding.bounds=[0.0, 0.0, 100.0, 100.0]: the map grid"
        if "2e6" in key:
            words = "geocoding.resolution=1: 2000000 rows and 2000000 columns"
        self.refuse(tmp_path / "out", words, "geocoding.resolution=1", f"geocoding.{key}")

    def test_before_anything_is_simulated(self, tmp_path):
        refuse(
            "geocoding.resolution=0.001: 5000000 rows and 5000000 columns, ",
            "+experiment=demo", "device=cpu", "geocoding.resolution=0.001", "geocoding.bounds=[0,0,5000,5000]",
            f"output={tmp_path / 'out'}",
        )  # fmt: skip
        assert not (tmp_path / "out").exists()

    def test_in_memory(self, finished):
        with pytest.raises(AlignsarError, match=r"geocode: the map of \d+ x \d+ pixels, 2 layers .* TB of"):
            alignsar_gpu.geocode(finished, resolution=0.002, layers=["intensity_vv"])

    def test_the_map_counts(self, tmp_path, monkeypatch):
        """Beside the cube."""
        monkeypatch.setattr(space, "_free", lambda _: 5_000_000)
        keys = ["geocoding.resolution=1", "geocoding.layers=[intensity_vv]"]
        self.refuse(tmp_path / "out", "are free there", *keys)


ROOT = StageRecord(name="root", digest="f", products=("cube", "note.txt"))
PAGE = StageRecord(name="page", digest="p", products=("page",), reads=("root",))


def make(path, *stages):
    """A run folder of some stages, a folder with a file each; the first has a file besides."""
    with RunFolder(path, stages, "name: a\n") as folder:
        folder.begin()
        for stage in folder.pending:
            for product in folder._stages[stage].products:
                place = folder.work / product
                if "." in product:
                    place.write_text("note")
                else:
                    assert not place.is_symlink()
                    place.mkdir(exist_ok=True)
                    (place / "a").write_text("a")
        folder.seal()
        pending = folder.pending
        folder.publish()
    return pending


@pytest.fixture
def elsewhere(tmp_path):
    """A finished run whose products lie on another disk, with links in their place."""
    output, disk = tmp_path / "out", tmp_path / "disk"
    make(output, ROOT, PAGE)
    disk.mkdir()
    for product in ("cube", "page", "note.txt"):
        (output / product).rename(disk / product)
        (output / product).symlink_to(disk / product)
    return output, disk


class TestLinks:
    """In the place of products."""

    def test_are_followed(self, elsewhere):
        output, disk = elsewhere
        assert make(output, ROOT, PAGE) == ()
        other = StageRecord(name="page", digest="other", products=("page",), reads=("root",))
        assert make(output, ROOT, other) == ("page",)
        assert (output / "cube").readlink() == disk / "cube"
        assert not (output / "page").is_symlink()
        assert (disk / "page" / "a").read_text() == "a"

    def test_are_replaced_by_what_is_made_anew(self, elsewhere, caplog):
        output, disk = elsewhere
        (disk / "cube" / "a").write_text("damaged")
        assert make(output, ROOT, PAGE) == ("root", "page")
        assert f"cube is a link to {disk / 'cube'}: it is made anew here" in caplog.text
        assert not any((output / name).is_symlink() for name in ("cube", "page", "note.txt"))
        assert (output / "cube" / "a").read_text() == "a"
        assert (disk / "cube" / "a").read_text() == "damaged"
        assert make(output, ROOT, PAGE) == ()

    def test_that_lead_nowhere_are_refused(self, elsewhere):
        output, disk = elsewhere
        disk.rename(disk.with_name("unmounted"))
        with pytest.raises(AlignsarError, match=r"cube in it is a link to .*/disk/cube, which is not there"):
            make(output, ROOT, PAGE)
        assert (output / "cube").is_symlink()

    def test_in_the_working_place_are_not_written_through(self, tmp_path):
        """What a run that was stopped has left there."""
        make(tmp_path / "out", ROOT)
        (tmp_path / "out" / "cube" / "a").write_text("damaged")
        (tmp_path / "out" / ".unfinished").mkdir()
        (tmp_path / "out" / ".unfinished" / "cube").symlink_to("../cube")
        with RunFolder(tmp_path / "out", [ROOT, PAGE], "name: a\n") as folder:
            assert folder.pending == ("root", "page")
            folder.begin()
            assert not (folder.work / "cube").is_symlink()

    def test_the_output_folder_may_be_one(self, tmp_path):
        (tmp_path / "disk").mkdir()
        (tmp_path / "out").symlink_to(tmp_path / "disk")
        make(tmp_path / "out", ROOT)
        assert (tmp_path / "disk" / "cube" / "a").is_file()
        (tmp_path / "disk" / ".unfinished").symlink_to(tmp_path)
        with pytest.raises(AlignsarError, match=r"\.unfinished in it is a link; remove that"):
            make(tmp_path / "out", ROOT)

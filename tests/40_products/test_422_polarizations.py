"""``products.polarizations`` of every reader, and products without some of the polarizations that they list."""

import json

import h5py
import numpy as np
import pytest
from command_line import run
from fake_nisar import FakeNisar
from fake_snap import write_znap
from synthetic_stack import simulate_stack

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.nisar import NisarProductsConfig
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.products.readers import reader_of, readers
from alignsar_gpu.products.snap.reader import open_stack

NO_REPORT = ("report=none", "signatures.names=[category1]")


def test_a_key_of_every_reader():
    for reader in readers().values():
        assert hasattr(reader.schema(), "polarizations")


class TestNisar:
    @pytest.fixture
    def path(self, tmp_path):
        return FakeNisar().write(tmp_path / "product.h5")

    def without(self, path, *names):
        with h5py.File(path, "r+") as file:
            for name in names:
                del file[f"science/LSAR/RSLC/swaths/frequencyA/{name}"]

    def test_listed_but_not_there(self, path):
        """The others are read, and it is said."""
        whole = open_nisar(path)
        pixels, _ = whole.read_pixels(0, 9)
        self.without(path, "HV", "VH")
        part = open_nisar(path)
        assert part.polarizations == ("hh", "vv")
        lacking = [note for note in part.facts["dropped"] if "no image of it" in note]
        assert [note[:2] for note in lacking] == ["HV", "VH"]
        places = [whole.polarizations.index(name) for name in part.polarizations]
        np.testing.assert_array_equal(part.read_pixels(0, 9)[0], pixels[:, places])

    def test_none_of_those_listed(self, path):
        self.without(path, "HH", "HV", "VH", "VV")
        with pytest.raises(AlignsarError, match="no image of HH, HV, VH, VV"):
            open_nisar(path)

    def test_chosen(self, path):
        keys = NisarProductsConfig(path=str(path), polarizations=["vv", "hh"])
        source = reader_of("nisar").find_stack(keys)
        assert source.open().polarizations == ("hh", "vv")
        assert source.settings["polarizations"] == ["vv", "hh"]

    def test_chosen_but_not_there(self, path):
        self.without(path, "HV")
        words = r"products.polarizations=\[hh,hv\]: .* has images of HH, VV, VH; choose from these"
        with pytest.raises(AlignsarError, match=words):
            open_nisar(path, polarizations=["hh", "hv"])


class TestSnap:
    @pytest.fixture
    def folder(self, tmp_path):
        product = simulate_stack(
            lines=64, samples=97, dates=2, polarizations=("vv", "vh"), seed=11, flattened=True
        )
        write_znap(product, tmp_path, [0, 1])
        return tmp_path

    def test_chosen(self, folder):
        whole, part = open_stack(folder), open_stack(folder, polarizations=["vh"])
        assert whole.polarizations == ("vv", "vh")
        assert part.polarizations == ("vh",)
        np.testing.assert_array_equal(part.read_pixels(0, 9)[0], whole.read_pixels(0, 9)[0][:, 1:])

    def test_chosen_but_not_there(self, folder):
        with pytest.raises(
            AlignsarError, match=r"products.polarizations=\[hh\]: .* has bands of VH, VV; choose"
        ):
            open_stack(folder, polarizations=["hh"])


def test_messages_of_a_nisar_run_do_not_speak_of_snap(tmp_path):
    file = FakeNisar(polarizations=("hh", "vv")).write(tmp_path / "product.h5")
    result = run("products=nisar", f"products.path={file}", *NO_REPORT, f"output={tmp_path / 'out'}")
    warnings = json.loads((tmp_path / "out" / "quality.json").read_text())["warnings"]
    assert "no heights in the product: positions are those on the ellipsoid" in warnings
    assert "SNAP" not in result.stdout + result.stderr + " ".join(warnings)

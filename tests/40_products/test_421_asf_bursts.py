"""Single bursts as ASF distributes them: the same burst as in the SAFE that it was cut from."""

import numpy as np
import pytest
from fake_bursts import write_bursts
from fake_safe import FakeSafe, write_safe

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.sentinel1.reader import open_sentinel1

BOTH = ("vv", "vh")


def only(path, **options):
    (product,) = open_products(path, **options).opened.values()
    return product


def refusal(path, **options):
    with pytest.raises(AlignsarError) as refused:
        open_products(path, **options)
    return str(refused.value)


@pytest.fixture
def root(tmp_path):
    return write_safe(tmp_path / "whole", FakeSafe(swaths=(1, 2), polarizations=BOTH, bursts=3))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "bursts"


def same(found, expected):
    """Whether two bursts are one: grid, places, pixels, tables."""
    assert (found.name, found.index, found.grid) == (expected.name, expected.index, expected.grid)
    assert found.transmission == expected.transmission
    np.testing.assert_array_equal(found.footprint, expected.footprint)
    for name, channel in expected.channels.items():
        np.testing.assert_array_equal(found.read(name), expected.read(name))
        own = found.channels[name]
        np.testing.assert_array_equal(own.calibration.sigma_nought, channel.calibration.sigma_nought)
        np.testing.assert_array_equal(own.noise.range_power, channel.noise.range_power)
        np.testing.assert_array_equal(own.noise.azimuth[0].factor, channel.noise.azimuth[0].factor)


class TestReads:
    @pytest.mark.parametrize("ipf", [3.61, 3.20])
    def test_a_burst_of_two_polarizations(self, tmp_path, folder, ipf):
        root = write_safe(tmp_path, FakeSafe(swaths=(1, 2), polarizations=BOTH, bursts=3, ipf=ipf))
        names = write_bursts(root, folder, [("iw1", p, 1) for p in BOTH], numbers={("iw1", 1): 110432})
        product = only(folder)
        assert product.product_id == names[0].replace("_VV", "").replace("_VH", "")
        assert product.polarizations == BOTH
        assert product.processor == f"Sentinel-1 IPF {ipf:06.2f}"
        (burst,) = product.bursts
        same(burst, open_sentinel1(root).bursts[1])

    def test_the_time_is_that_of_its_bursts(self, root, folder):
        write_bursts(root, folder, [("iw1", "vv", 2)])
        grid = open_sentinel1(root).bursts[2].grid
        first = np.timedelta64(round(1e6 * grid.first_azimuth_time), "us")
        assert abs(only(folder).start - (grid.epoch + first)) <= np.timedelta64(1, "us")

    def test_some_of_two_subswaths(self, root, folder):
        chosen = [("iw1", "vv", 0), ("iw1", "vv", 1), ("iw2", "vv", 1)]
        write_bursts(root, folder, chosen)
        whole = {(b.swath.lower(), b.index): b for b in open_sentinel1(root, polarizations=["vv"]).bursts}
        product = only(folder)
        assert len(product.bursts) == 3
        for burst in product.bursts:
            same(burst, whole[burst.swath.lower(), burst.index])

    def test_one_of_many_by_its_file(self, root, folder):
        names = write_bursts(root, folder, [("iw1", "vv", 0), ("iw2", "vv", 1)])
        for ending in (".tiff", ".xml"):
            (burst,) = only(folder / f"{names[1]}{ending}").bursts
            assert (burst.swath, burst.index) == ("IW2", 1)
            same(open_sentinel1(folder / f"{names[1]}{ending}").bursts[0], burst)

    def test_products_apart(self, tmp_path, folder):
        """By the end of their names, and by their times where these are the same by chance."""
        for parent, node in (("a", "2023-09-04T05:56:46.992390"), ("b", "2023-09-16T05:56:46.992390")):
            root = write_safe(tmp_path / parent, FakeSafe(bursts=1, node=node))
            write_bursts(root, folder, [("iw1", "vv", 0)])
        write_safe(folder, FakeSafe(bursts=1, node="2023-09-28T05:56:46.992390"))
        products = open_products(folder)
        assert sorted(p.date for p in products.opened.values()) == ["20230904", "20230916", "20230928"]
        choice = products.choose(reference="20230904")
        assert choice.selection.dates == ("20230904", "20230916", "20230928")
        assert sorted(len(files) for files in choice.files) == [2, 2, 5]
        assert {file.suffix for files in choice.files for file in files} == {".tiff", ".xml", ".safe"}

    def test_verified_by_nothing(self, root, folder):
        write_bursts(root, folder, [("iw1", "vv", 0)])
        assert open_products(folder, verify=True).choose().verify() == 0

    def test_a_real_annotation(self, real_data, folder):
        root = sorted(real_data("s1_pair_morocco_20230904_20230916").glob("*.SAFE"))[0]
        write_bursts(root, folder, [("iw1", "vv", 4)])
        (burst,) = only(folder).bursts
        expected = open_sentinel1(root, polarizations=["vv"], swaths=["iw1"]).bursts[4]
        assert burst.grid == expected.grid
        assert burst.transmission == expected.transmission
        np.testing.assert_allclose(burst.footprint, expected.footprint, atol=1e-9)


class TestRefuses:
    def test_one_of_two_files(self, root, folder):
        (name,) = write_bursts(root, folder, [("iw1", "vv", 0)])
        (folder / f"{name}.xml").unlink()
        assert f"{name}.xml is missing" in refusal(folder)

    def test_a_polarization_that_one_burst_lacks(self, root, folder):
        write_bursts(root, folder, [("iw1", "vv", 0), ("iw1", "vh", 0), ("iw1", "vv", 1)])
        assert "burst 110432 IW1 is there in VV, without VH; fetch that too" in refusal(folder)
        assert len(only(folder, polarizations=["vv"]).bursts) == 2

    def test_the_xml_of_another(self, root, folder):
        (name,) = write_bursts(root, folder, [("iw1", "vv", 0)])
        for ending in (".tiff", ".xml"):
            (folder / (name + ending)).rename(folder / (name.replace("110431", "110437") + ending))
        assert "its burst is not in" in refusal(folder)

    def test_a_tiff_of_another_size(self, root, folder):
        (name,) = write_bursts(root, folder, [("iw1", "vv", 0)])
        (root / "measurement").joinpath(
            f"{FakeSafe(swaths=(1, 2), polarizations=BOTH).stem(1, 'vv')}.tiff"
        ).replace(folder / f"{name}.tiff")
        assert "90 lines of 40 samples, but its annotation says 30 lines of 40" in refusal(folder)

    def test_an_xml_of_something_else(self, root, folder):
        (name,) = write_bursts(root, folder, [("iw1", "vv", 0)])
        (folder / f"{name}.xml").write_text("<a/>")
        assert "no element 'metadata'" in refusal(folder)

"""What an interpreter shows of products, orbits and stacks: one line, without their arrays."""

from fake_burst import BURSTS, FAKE, write_scene
from fake_nisar import FakeNisar
from fake_snap import write_znap
from synthetic_stack import simulate_stack

from alignsar_gpu.application.inputs import find_inputs
from alignsar_gpu.config import Config, DemConfig
from alignsar_gpu.device import Device
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.products.sentinel1 import Sentinel1ProductsConfig
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.snap.reader import open_stack
from alignsar_gpu.stack.block import load_stack

CPU = Device("cpu", "test", "asked for", 1 << 30)
LONGEST = 500


def check(thing, *words):
    text = repr(thing)
    assert "\n" not in text
    assert len(text) < LONGEST, text
    assert "array(" not in text
    for word in words:
        assert word in text


def test_a_stack_of_snap(tmp_path):
    write_znap(simulate_stack(lines=64, samples=70, dates=2, polarizations=("vv",), seed=1), tmp_path, [0, 1])
    product = open_stack(tmp_path)
    check(product, "SnapStack(", "vv", "64 lines x 70 samples", *(a.date for a in product.acquisitions))
    check(product.acquisitions[0], "Acquisition(", product.acquisitions[0].date)
    check(product.acquisitions[0].orbit, "Orbit(", "state vectors from")
    check(load_stack(product, CPU, 8, 16, 4), "Stack(", "lines 8 to 16 of 64")


def test_a_product_of_nisar(tmp_path):
    path = FakeNisar().write(tmp_path / "rslc.h5")
    check(open_nisar(path), "NisarProduct(", "lines x")


def test_sentinel1_before_and_after_it_is_coregistered(tmp_path):
    safe, dem = write_scene(tmp_path, FAKE)
    products = open_products(safe)
    check(products, "SlcProducts(", "1 products")
    (product,) = products.opened.values()
    check(product, "SlcProduct(", product.product_id, "vv, vh, 4 bursts")
    check(product.bursts[0], "Burst(t052_110431_iw1, vv, vh, ")
    check(product.orbit, "Orbit(")
    config = Config(
        products=Sentinel1ProductsConfig(path=str(safe), burst=BURSTS[0]),
        dem=DemConfig(path=str(dem), vertical_datum="ellipsoid"),
    )
    stack = find_inputs(config).open(CPU)
    check(stack, "CoregisteredStack(", "vv, vh")
    check(stack.grid, "RadarGrid(157 lines x 214 samples from 2023-09-04T")
    check(stack.terrain.dem, "Dem(", "ellipsoid, ")
    check(stack.terrain, "Terrain(")
    check(product.bursts[0].channels["vv"].calibration, "Calibration(")

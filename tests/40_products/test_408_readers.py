"""A format is a folder and a registration: readers by name, and what a stack may lack."""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_module
from pyproj import CRS
from synthetic_stack import simulate_stack

from alignsar_gpu.application.dataset.signature_choice import available, options_of
from alignsar_gpu.application.inputs import find_inputs
from alignsar_gpu.config import Config, ProductsConfig
from alignsar_gpu.config.keys import key
from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.frontend.composing import register, typed
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.products import readers
from alignsar_gpu.signatures import select
from alignsar_gpu.stack.product import missing, radar_grid

CPU = Device("cpu", "test", "asked for", 1 << 30)


@dataclass
class NumpyProductsConfig(ProductsConfig):
    """Phases of pairs of dates in a NumPy file."""

    reader: str = key("npy", "which reader", choices=("npy",))
    path: str = key("", "the file")
    wrapped: bool = key(default=True, text="whether phases are wrapped")


def find_pairs(keys):
    """The five lines of CONTRIBUTING, for a format of this test."""
    path = Path(keys.path)
    if not path.is_file():
        raise AlignsarError(f"products.path={path}: no such file; correct the path")
    return readers.StackSource(open=lambda: path, settings={"wrapped": keys.wrapped}, files=[[path]])


@pytest.fixture
def npy(monkeypatch):
    monkeypatch.setattr(readers, "_READERS", dict(readers.readers()))
    reader = readers.Reader(name="npy", schema=NumpyProductsConfig, opener=f"{__name__}:find_pairs")
    readers.register(reader)
    return reader


class TestRegistry:
    def test_the_formats_of_the_package(self):
        assert {"nisar", "sentinel1", "snap"} <= set(readers.readers())
        assert [name for name, reader in readers.readers().items() if reader.coregisters] == ["sentinel1"]

    def test_a_new_format_is_a_value_of_products(self, npy, tmp_path):
        path = tmp_path / "pairs.npy"
        path.write_bytes(b"content")
        register()
        with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
            config = typed(
                compose("config", ["products=npy", f"products.path={path}", "products.wrapped=false"])
            )
            with pytest.raises(AlignsarError, match=r"products\.unknown: no such key"):
                typed(compose("config", ["products=npy", "+products.unknown=1"]))
        inputs = find_inputs(config)
        assert inputs.settings == {"wrapped": False}
        assert inputs.files == [[path]]
        assert inputs.open(CPU) == path

    def test_its_errors_are_those_of_the_user(self, npy):
        with pytest.raises(AlignsarError, match=r"products\.path=nowhere: no such file"):
            find_inputs(Config(products=NumpyProductsConfig(path="nowhere")))

    def test_a_name_is_taken_once(self, npy):
        with pytest.raises(ValueError, match="registered twice"):
            readers.register(npy)

    def test_an_unknown_format(self):
        with pytest.raises(AlignsarError, match=r"products=doris9: no such reader; choose from .*sentinel1"):
            readers.reader_of("doris9")


@pytest.fixture(scope="module")
def stack():
    return simulate_stack(lines=64, samples=64, dates=2, polarizations=["vv"], seed=1)


def changed(stack, **attributes):
    """The same stack, but for some of what it says of itself."""
    other = copy.copy(stack)
    for name, value in attributes.items():
        object.__setattr__(other, name, value)
    return other


class TestWhatAStackLacks:
    """What a stack cannot tell, its signatures are left out for, by name and reason."""

    def choose(self, product, *names):
        config = Config(products=ProductsConfig())
        signatures = select(names)
        return available(product, signatures, options_of(product, config, None))

    def test_a_stack_of_pixels_lacks_only_what_it_does_not_have(self, stack):
        assert set(missing(stack)) == {"terrain", "noise"}
        chosen, left_out = self.choose(stack, "amplitude", "gamma0_flattened")
        assert [signature.name for signature in chosen] == ["amplitude"]
        assert left_out == ["left out, because the product has no terrain: gamma0_flattened"]

    def test_pairs_of_phases_have_no_pixels(self, stack):
        pairs = changed(stack, quantities=("unwrapped_phase", "coherence"), date_pairs=((0, 1),))
        assert missing(pairs)["slc"] == "the stack holds unwrapped_phase, coherence, not complex pixels"
        with pytest.raises(
            AlignsarError, match=r"no signature of signatures\.names .* not complex pixels: amplitude"
        ):
            self.choose(pairs, "amplitude")

    def test_a_map_grid_is_no_radar_grid(self, stack):
        grid = MapGrid(crs=CRS.from_epsg(32631), affine=(10.0, 0.0, 5e5, 0.0, -10.0, 5e6), shape=(64, 64))
        mapped = changed(stack, grid=grid)
        assert mapped.grid.shape == (64, 64)
        with pytest.raises(AlignsarError, match="the stack is on a map grid: amplitude, coherence"):
            self.choose(mapped, "amplitude", "coherence")
        with pytest.raises(AlignsarError, match="needs a stack in radar geometry"):
            radar_grid(mapped)
        assert np.isfinite(radar_grid(stack).first_slant_range)

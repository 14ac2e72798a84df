"""Stacks of small simulated products, brought together, for tests of what is left of phase and timing."""

import numpy as np
from scipy.ndimage import uniform_filter
from simulated_campaign import NOTHING, Small

from alignsar_gpu.config import DeviceConfig
from alignsar_gpu.coregistration.assemble import CoregistrationOptions, coregistered_stack
from alignsar_gpu.device import choose_device
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.simulate.ground.backscatter import FIELD
from alignsar_gpu.simulate.ground.files import write_scene

CPU = choose_device(DeviceConfig(kind="cpu"))
LOOKS = (5, 21)
COHERENT = {"temporal_decorrelation": False} | NOTHING


class Products:
    """Simulated products of some dates over a terrain of one class, and the terrain's DEM."""

    def __init__(self, folder, *, errors=None, kind=FIELD, scene=None, **passes):
        self.folder = folder
        products = folder / "products"
        products.mkdir()
        asked = {"subswaths": ("IW1", "IW2"), "samples": 900, "polarizations": ("vv",), "mean_height": 200.0}
        self.small = Small(
            products,
            kind=kind,
            errors=errors,
            passes=asked | passes,
            scene={"relief": 400.0} | COHERENT | (scene or {}),
        )
        write_scene(self.small.scene, folder / "scene")
        for date in range(len(self.small.views)):
            self.small.write(date)
        self.dem = open_dem([folder / "scene" / "dem.tif"], "ellipsoid")

    def choose(self, **choice):
        return open_products(self.folder / "products").choose(**choice)

    def stack(self, *, area=None, device=CPU, choice=None, dem=None, **options):
        chosen = self.choose(**(choice or {}))
        return coregistered_stack(
            chosen.selection,
            dem or self.dem,
            device,
            area=area,
            around=chosen.around,
            options=CoregistrationOptions(**options),
        )


class Interferogram:
    """Of the reference and another date of a stack: every pixel that is valid and neither layover nor shadow."""

    def __init__(self, stack, date=1):
        pixels, valid = stack.read_pixels(0, stack.grid.lines)
        ground = stack.read_ground(0, stack.grid.lines)
        self.valid = valid[0, 0] & valid[date, 0] & (ground.viewing.layover_shadow == 0)
        self.height = ground.height
        self.one, self.other = (np.where(self.valid, pixels[d, 0], 0) for d in (0, date))
        self.product = (self.one * np.conj(self.other)).astype(np.complex128)

    def looked(self, values):
        return uniform_filter(values.real, LOOKS) + 1j * uniform_filter(values.imag, LOOKS)

    @property
    def whole(self):
        """Pixels whose whole window is valid."""
        return uniform_filter(self.valid.astype(np.float64), LOOKS) > 0.999

    @property
    def phase(self):
        return np.angle(self.looked(self.product))

    @property
    def coherence(self):
        power = [
            self.looked(np.abs(image.astype(np.complex128)) ** 2 + 0j).real
            for image in (self.one, self.other)
        ]
        return np.abs(self.looked(self.product)) / np.sqrt(power[0] * power[1] + 1e-9)

    def mean_phase(self, lines=slice(None), samples=slice(None)):
        return np.angle(self.product[lines, samples].sum())

"""Bursts of two dates brought together: what is left of the phase, and the coherence, on simulated products."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import uniform_filter
from simulated_campaign import NOTHING, Small

from alignsar_gpu.coregistration.burst import BurstPair
from alignsar_gpu.coregistration.overlaps import timing_of
from alignsar_gpu.geometry.dem import open_dem
from alignsar_gpu.geometry.terrain import Terrain
from alignsar_gpu.products.selection import Match
from alignsar_gpu.products.sentinel1 import open_sentinel1
from alignsar_gpu.simulate.ground.backscatter import FIELD, URBAN
from alignsar_gpu.simulate.ground.files import write_scene

LOOKS = (5, 21)


class Pair:
    """A simulated pair of known baseline over a terrain, and its bursts brought together."""

    def __init__(self, folder, *, errors=None, swath="IW2", kind=FIELD, relief=400.0, baseline=150.0):
        self.small = Small(
            folder,
            kind=kind,
            errors=errors,
            passes={
                "baselines": (0.0, baseline),
                "noise_equivalent_sigma0": -50.0,
                "mean_height": 200.0,
                "samples": 900,
                "subswaths": (swath,),
                "polarizations": ("vv",),
            },
            scene={"relief": relief, "temporal_decorrelation": False} | NOTHING,
        )
        write_scene(self.small.scene, folder / "scene")
        for date in (0, 1):
            self.small.write(date)
        self.products = [open_sentinel1(safe) for safe in self.small.safes]
        self.dem = open_dem([folder / "scene" / "dem.tif"], "ellipsoid")

    def burst_pair(self, index, timing=0.0):
        first, second = (product.bursts[index] for product in self.products)
        assert first.burst_id == second.burst_id
        return BurstPair(
            reference=Match(product=self.products[0], burst=first),
            secondary=Match(product=self.products[1], burst=second),
            delay=second.grid.first_azimuth_time - first.grid.first_azimuth_time,
            timing=timing,
        )

    def together(self, index=0, timing=0.0):
        """Reference and flattened secondary over the valid lines of a burst, height, flags, what is valid."""
        pair = self.burst_pair(index, timing)
        first = pair.reference.burst
        terrain = Terrain(grid=first.grid, orbit=self.products[0].orbit, dem=self.dem, needed=first.valid)
        lines, samples = first.valid
        drawing = terrain.lines(lines.start, lines.stop)
        pixels, valid = pair.pixels(pair.places(lines.start, drawing), "vv")
        reference = first.read("vv", lines, slice(0, first.grid.samples))
        valid = valid & (drawing.flags == 0)
        valid[:, : samples.start] = False
        valid[:, samples.stop :] = False
        return reference, pixels, drawing.height, valid


@pytest.fixture(scope="module", params=["IW1", "IW2"])
def pair(request, tmp_path_factory):
    return Pair(tmp_path_factory.mktemp(f"pair{request.param}"), swath=request.param)


def looked(values):
    return uniform_filter(values.real, LOOKS) + 1j * uniform_filter(values.imag, LOOKS)


def test_nothing_but_noise_is_left_of_the_phase(pair):
    reference, pixels, height, valid = pair.together()
    assert valid.mean() > 0.8
    product = np.where(valid, reference * np.conj(pixels), 0.0)
    total = product.sum()
    assert abs(np.angle(total)) < 0.01
    averaged = looked(product)
    whole = uniform_filter(valid.astype(np.float64), LOOKS) > 0.999
    phase = np.angle(averaged[whole])
    slope = np.polyfit(height[whole] - height[whole].mean(), phase, 1)[0]
    assert abs(slope) * np.ptp(height[whole]) < 0.01  # from the lowest ground to the highest
    power = np.sqrt(looked(np.abs(reference) ** 2 + 0j).real * looked(np.abs(pixels) ** 2 + 0j).real)
    coherence = np.abs(averaged[whole]) / power[whole]
    assert np.median(coherence) > 0.98


def test_a_timing_error_is_found_in_the_overlap_and_taken_out(tmp_path):
    """0.04 line late; afterwards the bursts agree in phase where they overlap."""
    error = 0.04
    pair = Pair(tmp_path, errors=[(0.0, 0.0), (error, 0.0)], kind=URBAN)
    first, second = pair.burst_pair(0), pair.burst_pair(1)
    found = timing_of(first, second, pair.dem, "vv")
    interval = first.reference.burst.grid.azimuth_interval
    assert found.deviation / interval < 0.002
    assert abs(found.seconds / interval - error) < 3.5 * found.deviation / interval
    assert abs(found.phase) > 0.2
    mended = [replace(one, timing=found.seconds) for one in (first, second)]
    after = timing_of(*mended, pair.dem, "vv")
    assert abs(after.seconds) < found.deviation
    assert abs(after.phase) < 0.02

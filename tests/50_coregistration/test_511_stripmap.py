"""Scenes that are not steered: brought together by the same code, what they are late by found by correlation."""

from dataclasses import replace

import numpy as np
import pytest
from alignsar_gpu.kernels import ramp
from simulated_stack import CPU, Interferogram, Products

from alignsar_gpu.coregistration.assemble import CoregistrationOptions, coregistered_stack
from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.products.slc import RangePolynomial
from alignsar_gpu.simulate.ground.backscatter import URBAN

LATE = (2.3, -1.7)  # lines and samples


class WithoutCarrier:
    """Pixels of a burst as an antenna that does not steer would have them."""

    def __init__(self, match, polarization):
        self.own = match.burst.channels[polarization].measurement
        self.carrier = burst_carrier(match.burst, polarization, match.product.orbit)
        self.source = self.own.source

    def read(self, lines, samples):
        image = self.own.read(lines, samples)
        time = self.carrier.first_time + self.carrier.interval * np.arange(lines.start, lines.stop)
        return ramp(image, self.carrier.slope[samples], self.carrier.centroid[samples], time, -1)

    def read_stored(self, lines, samples, _):
        return self.read(lines, samples)


def scene_of(match):
    """A burst as a scene that is not divided into bursts."""
    channels = {
        name: replace(
            channel,
            measurement=WithoutCarrier(match, name),
            doppler_centroid=RangePolynomial(
                azimuth_time=channel.doppler_centroid.azimuth_time,
                slant_range_time=channel.doppler_centroid.slant_range_time,
                coefficients=np.zeros(1),
            ),
        )
        for name, channel in match.burst.channels.items()
    }
    return replace(match, burst=replace(match.burst, burst_id=None, steering_rate=0.0, channels=channels))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Two dates of a scene, the second late by more than two pixels."""
    products = Products(
        tmp_path_factory.mktemp("scenes"),
        kind=URBAN,
        subswaths=("IW2",),
        bursts=1,
        lines=640,
        samples=1100,
        baselines=(0.0, 60.0),
        errors=[(0.0, 0.0), LATE],
        noise_equivalent_sigma0=-12.0,
    )
    selection = products.choose().selection
    (found,) = selection.bursts.values()
    scene = {date: scene_of(match) for date, match in found.items()}
    return replace(selection, reference=selection.dates[0], bursts={"iw2": scene}), products.dem


def test_offsets_are_found_and_taken_out(scenes):
    selection, dem = scenes
    plain, stack = (
        coregistered_stack(selection, dem, CPU, options=CoregistrationOptions(timing=timing))
        for timing in (False, True)
    )
    timing = stack.facts["timing"]
    (offsets,) = timing["offsets"].values()
    assert offsets["degree"] in {0, 1, 2}
    assert offsets["share_of_patches"] > 0.7
    assert offsets["deviation_pixels"] < 0.02
    pair = stack.pairs[1, "iw2"]
    line, sample = np.mgrid[40:600:8, 40:1060:8]
    down, across = pair.field.at(line, sample)
    down += pair.shift.seconds / stack.grid.azimuth_interval
    across += pair.shift.metres / stack.grid.range_spacing
    assert np.abs(down - LATE[0]).max() < 0.05
    assert np.abs(across - LATE[1]).max() < 0.05
    assert np.sqrt(np.mean((down - LATE[0]) ** 2)) < 0.02
    (facts,) = timing["dates"].values()
    assert facts["azimuth_from"] == "parts of the band"
    before, after = Interferogram(plain), Interferogram(stack)
    assert np.median(before.coherence[before.whole]) < 0.3
    assert np.median(after.coherence[after.whole]) > 0.85  # the phase is that of two different carriers


def test_nothing_to_correlate_leaves_the_orbits(scenes):
    selection, dem = scenes
    (found,) = selection.bursts.values()
    second = selection.dates[1]
    rng = np.random.default_rng(1)

    class Noise:
        source = "noise"

        def read(self, lines, samples):
            shape = (lines.stop - lines.start, samples.stop - samples.start, 2)
            return rng.standard_normal(shape, dtype=np.float32).view(np.complex64)[..., 0]

        def read_stored(self, lines, samples, _):
            return self.read(lines, samples)

    burst = found[second].burst
    channels = {"vv": replace(burst.channels["vv"], measurement=Noise())}
    noise = replace(found[second], burst=replace(burst, channels=channels))
    stack = coregistered_stack(
        replace(selection, bursts={"iw2": found | {second: noise}}), dem, CPU, options=CoregistrationOptions()
    )
    timing = stack.facts["timing"]
    assert timing["offsets"][second]["degree"] is None
    assert timing["dates"][second]["azimuth_from"] == "orbit"
    places = stack.pairs[1, "iw2"].field.at([100.0], [100.0])
    assert not np.any(places)

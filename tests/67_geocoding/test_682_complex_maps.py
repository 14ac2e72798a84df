"""Complex pixels on a map: those nearest to its pixels keep interferograms, and nothing between them would be true."""

import numpy as np
import pytest
from band_limited import AZIMUTH, RANGE, Speckle
from geocoding_scene import Scene, on_map, tile_positions
from rough_terrain import GENTLE

BANDS = AZIMUTH["IW2"], RANGE["IW2"]
INTERVAL, RATE = 2.05e-3, -2200.0  # s between lines, and Hz/s of the Doppler centroid in a burst of TOPS
PHASE = 2 * np.pi * np.array([1 / 40.0, 1 / 150.0])  # of the interferogram, for a line and a sample
COHERENT = 0.8


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("scene"), steepness=0.6 * GENTLE, post=10.0)


def carrier(line, first):
    """Phasor of a burst at a line, the first so many lines after the middle of the burst."""
    return np.exp(1j * np.pi * RATE * ((line + first) * INTERVAL) ** 2)


def fringes(line, sample):
    return np.exp(1j * (PHASE[0] * line + PHASE[1] * sample))


@pytest.fixture(scope="module")
def mapped(scene):
    """Two dates of a burst on a map, and the first as it is at the map's pixels, all without carriers."""
    geocoding = scene.geocoding(scene.map_grid(10.0), partial=True)
    line, sample = tile_positions(geocoding)
    inside = (line > 0) & (line < scene.radar.lines - 1) & (sample > 0) & (sample < scene.radar.samples - 1)
    rng = np.random.default_rng(682)
    first, noise = (Speckle(rng, scene.radar.shape, BANDS) for _ in range(2))
    lines, samples = np.indices(scene.radar.shape)
    second = COHERENT * first.image() + np.sqrt(1 - COHERENT**2) * noise.image()
    dates = first.image(), second * np.conj(fringes(lines, samples))

    def nearest(first_line):
        found = (date * carrier(lines, first_line) for date in dates)
        return [on_map(geocoding, date.astype(np.complex64))[inside] for date in found]

    return nearest, (line[inside], sample[inside]), first.at(line[inside], sample[inside])


@pytest.mark.parametrize("first_line", [-48, 600])
def test_interferograms_are_those_of_the_image(mapped, first_line):
    """All dates of a pixel of the map are of the same pixel of the image: in the middle of a burst and at its end."""
    nearest, place, _ = mapped
    first, second = nearest(first_line)
    found = np.vdot(second * fringes(*place), first) / np.sqrt(
        np.vdot(first, first) * np.vdot(second, second)
    )
    assert abs(abs(found) - COHERENT) < 0.03
    assert abs(np.angle(found)) < 0.02


def test_their_phases_are_of_other_places(mapped):
    """Up to half a pixel away, where a carrier has turned: by several turns, but for the middle of a burst."""
    nearest, (line, _), truth = mapped
    for first_line, least, most in ((-48, 0.7, 0.9), (600, 0.0, 0.1)):
        first, _ = nearest(first_line)
        exact = truth * carrier(line, first_line)
        found = abs(np.vdot(exact, first)) / np.sqrt(np.vdot(first, first) * np.vdot(exact, exact)).real
        assert least < found < most

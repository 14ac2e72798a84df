"""Pictures of radar images for people: the layers they show, their colours and opacity."""

import numpy as np
import pytest

from alignsar_gpu.geocoding.visual import channels, describe, stretch, visual, visual_layers


def powers(*decibels):
    return np.array([decibels], dtype=np.float64).astype(np.float32)


def from_decibels(*values):
    return powers(*(10.0 ** (value / 10.0) for value in values))


class TestLayers:
    @pytest.mark.parametrize(
        ("names", "chosen"),
        [
            (["sigma0_vh", "sigma0_vv", "intensity_vv"], ("sigma0_vv", "sigma0_vh")),
            (["sigma0_hv", "sigma0_hh"], ("sigma0_hh", "sigma0_hv")),
            ([f"sigma0_{p}" for p in ("hh", "hv", "vh", "vv")], ("sigma0_vv", "sigma0_vh")),
            (["sigma0_vv", "sigma0_hh"], ("sigma0_hh", "sigma0_vv")),
            (["sigma0_vh", "coherence_vh"], ("sigma0_vh",)),
            (
                ["amplitude_vv", "amplitude_vh", "intensity_vv", "intensity_vh"],
                ("intensity_vv", "intensity_vh"),
            ),
            (["sigma0_vv", "intensity_vv", "intensity_vh"], ("sigma0_vv",)),
            (["gamma0_flattened_vv", "gamma0_flattened_vh"], ("gamma0_flattened_vv", "gamma0_flattened_vh")),
            (["coherence_vv", "height"], ()),
        ],
    )
    def test_are_chosen_by_what_there_is(self, names, chosen):
        assert visual_layers(names) == chosen

    def test_are_said(self):
        assert describe(("sigma0_vv",)) == "sigma0_vv in dB"
        said = "red: sigma0_vv in dB, green: sigma0_vh in dB, blue: sigma0_vv minus sigma0_vh in dB"
        assert describe(("sigma0_vv", "sigma0_vh")) == said


class TestChannels:
    def test_of_two_polarizations(self):
        shown = channels({"sigma0_vv": from_decibels(-8, 3), "sigma0_vh": from_decibels(-15, -2)})
        np.testing.assert_allclose(shown[:, 0], [[-8, 3], [-15, -2], [7, 5]], atol=1e-5)

    def test_of_an_amplitude(self):
        np.testing.assert_allclose(channels({"amplitude_vv": powers(100.0)}), [[[40.0]]], atol=1e-5)

    def test_limits_hold_most_of_the_pixels(self):
        values = np.linspace(-30, 0, 1001, dtype=np.float32)
        shown = np.stack([values, np.where(values < -29, -np.inf, values), np.full(1001, np.nan)])
        np.testing.assert_allclose(stretch(shown)[0], (-29.4, -0.6), atol=1e-4)
        assert -29 < stretch(shown)[1][0] < -28
        assert stretch(shown)[2] == (0.0, 1.0)
        (low, high), *_ = stretch(np.full((1, 5), np.float32(-7)))
        assert low < high


class TestPicture:
    def test_in_colours(self):
        layers = {"sigma0_vv": from_decibels(-20, -12, 0, 9), "sigma0_vh": from_decibels(-25, -21, -15, -50)}
        picture = visual(layers, [(-20, 0), (-25, -15), (5, 15)])
        assert picture.dtype == np.uint8
        np.testing.assert_array_equal(picture[0, 0], [0, 102, 255, 255])
        np.testing.assert_array_equal(picture[1, 0], [0, 102, 255, 0])
        np.testing.assert_array_equal(picture[2, 0], [0, 102, 255, 255])
        np.testing.assert_array_equal(picture[3, 0], [255] * 4)

    def test_in_grey(self):
        picture = visual({"sigma0_vv": from_decibels(-20, -15, 0)}, [(-20, 0)])
        for band in picture[:3, 0]:
            np.testing.assert_array_equal(band, [0, 64, 255])

    def test_no_data_in_any_layer_is_transparent(self):
        layers = {"sigma0_vv": powers(1, np.nan, 1), "sigma0_vh": powers(1, 1, np.nan)}
        picture = visual(layers, [(-1, 0)] * 3)
        np.testing.assert_array_equal(picture[:, 0], [[255, 0, 0], [255, 0, 0], [255, 0, 0], [255, 0, 0]])

    def test_no_power_is_black_and_there(self):
        """Subtracted noise leaves zeros and less."""
        layers = {"sigma0_vv": powers(0, -1, 1, 0), "sigma0_vh": powers(1, 1, 0, 0)}
        picture = visual(layers, [(-20, 0), (-20, 0), (-5, 5)])
        np.testing.assert_array_equal(
            picture[:, 0], [[0, 0, 255, 0], [255, 255, 0, 0], [0, 0, 255, 0], [255] * 4]
        )

    def test_does_not_depend_on_blocks(self):
        rng = np.random.default_rng(1)
        layers = {
            name: rng.exponential(size=(50, 37)).astype(np.float32) for name in ("sigma0_vv", "sigma0_vh")
        }
        limits = stretch(channels(layers))
        whole = visual(layers, limits)
        for first in range(0, 50, 7):
            part = visual({name: values[first : first + 7] for name, values in layers.items()}, limits)
            np.testing.assert_array_equal(part, whole[:, first : first + 7])

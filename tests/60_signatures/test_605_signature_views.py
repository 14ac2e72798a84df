"""Signatures of whole blocks: polarizations and dates compared, filters, radiometry, what is left out, the page."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_stack import simulate_stack

from alignsar_gpu import kernels
from alignsar_gpu.application.dataset.layers import layers as layers_of
from alignsar_gpu.application.dataset.signature_choice import available, coherence_looks, notes, options_of
from alignsar_gpu.config import Config, InterferometryConfig, SignaturesConfig
from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.signatures import Signature, all_signatures, groups, registry, select
from alignsar_gpu.signatures.block import signature_layers
from alignsar_gpu.signatures.channels import channels_of
from alignsar_gpu.signatures.options import SignatureOptions, Windows
from alignsar_gpu.signatures.radiometry import gains_and_noise
from alignsar_gpu.signatures.views.powers import Powers
from alignsar_gpu.stack.block import load_stack

CPU = Device("cpu", "test", "test", 1 << 30)
OPTIONS = SignatureOptions(windows=Windows(coherence=(3, 5), phase=(1, 1), matrix=(5, 5)))
SHAPE = (32, 61)


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=96, samples=61, dates=4, polarizations=("vv", "vh"), seed=11, flattened=True)


def layers(product, names, options=OPTIONS):
    stack = load_stack(product, CPU, 32, 64, options.halo)
    found = {}
    for name, date, values in signature_layers(stack, select(names), options):
        assert values.shape == SHAPE
        assert values.dtype == np.float32
        assert not np.isinf(values).any()
        found[name, date] = values.copy()
    return found


def config(**signatures):
    settings = Config(products=None)
    settings.signatures = SignaturesConfig(**signatures)
    settings.interferometry = InterferometryConfig()
    return settings


class TestRegistry:
    def test_every_output_of_the_kernels_is_a_signature_and_the_other_way_round(self):
        matrices = [s for s in all_signatures() if s.scope == "date"]
        assert {s.name for s in matrices} == {*kernels.DUAL_OUTPUTS, *kernels.QUAD_OUTPUTS}
        assert len({*kernels.DUAL_OUTPUTS, *kernels.QUAD_OUTPUTS}) == len(
            kernels.DUAL_OUTPUTS + kernels.QUAD_OUTPUTS
        )
        for signature in all_signatures():
            assert (signature.compute is None) == (signature.scope == "date")
            if signature.scope == "date":
                assert (signature.needs == "quad") == (signature.name in kernels.QUAD_OUTPUTS)

    def test_groups(self):
        found = groups()
        assert set(found["category2"]) == {*found["all_dual"], *found["all_quad"]}
        assert not set(found["covariance"]) & set(found["category2"])
        assert set(found["alignsar"]) >= {"amplitude", "entropy", "cross_product", "coherence"}
        together = {name for group in found.values() for name in group}
        assert together == {s.name for s in all_signatures()}

    def test_a_new_one_is_a_function_and_a_registration(self, product, monkeypatch):
        monkeypatch.setattr(registry, "_SIGNATURES", dict(registry._SIGNATURES))
        words = {"units": "dB", "label": "loudness", "formula": "10 log10(|s|^2)", "references": "this test"}
        registry.register(
            Signature(
                name="loudness", category=1, **words, compute=lambda view: 10 * np.log10(view.intensity)
            )
        )
        found = layers(product, ["loudness", "intensity"])
        np.testing.assert_array_equal(found["loudness_vh", 2], 10 * np.log10(found["intensity_vh", 2]))
        made = {one.name: one for one in layers_of(product, select(["loudness"]), config(), OPTIONS, None)}
        layer = made["loudness_vv"]
        assert layer.dated
        assert layer.attributes["units"] == "dB"
        assert layer.attributes["long_name"] == "VV loudness"
        assert "loudness" in groups()["category1"]

    def test_the_page_is_up_to_date(self):
        page = Path(__file__).parents[2] / "docs" / "signatures.py"
        spec = importlib.util.spec_from_file_location("signatures_page", page)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        table = module.table()
        assert module.TARGET.read_text(encoding="utf-8") == table
        for signature in all_signatures():
            assert f"| `{signature.name}{'' if signature.scope == 'date' else '_p'}` |" in table


class TestChannels:
    @pytest.mark.parametrize(
        ("needs", "there", "expected"),
        [
            ("pair", ("vv", "vh"), ("vv", "vh")),
            ("pair", ("vh", "vv"), ("vv", "vh")),
            ("pair", ("hh", "hv", "vh", "vv"), ("vv", "vh")),
            ("pair", ("hh", "vv"), ("hh", "vv")),
            ("co_cross", ("hh", "vv"), None),
            ("co_cross", ("hh", "hv"), ("hh", "hv")),
            ("pair", ("vv",), None),
            ("quad", ("hh", "hv", "vv"), ("hh", "hv", "hv", "vv")),
            ("quad", ("hh", "hv", "vh", "vv"), ("hh", "hv", "vh", "vv")),
            ("quad", ("hh", "vv"), None),
            ("quad", ("vv", "vh"), None),
            ("one", ("vv",), ("vv",)),
        ],
    )
    def test_which(self, needs, there, expected):
        assert channels_of(needs, there) == expected


class TestPolarizationsCompared:
    def test_powers_are_calibrated_and_averaged(self, product):
        found = layers(product, ["span", "intensity_sum", "sigma0"])
        for date in range(4):
            powers = found["sigma0_vv", date] + found["sigma0_vh", date]
            np.testing.assert_allclose(found["intensity_sum", date], powers, rtol=1e-5)
        inner = (slice(2, -2), slice(2, -2))
        power = np.where(np.isnan(found["intensity_sum", 0]), 0, found["intensity_sum", 0])
        windows = np.lib.stride_tricks.sliding_window_view(power, (5, 5)).mean(axis=(-1, -2))
        np.testing.assert_allclose(found["span", 0][inner], windows, rtol=1e-3)  # gains of the middle pixel

    def test_digital_numbers(self, product):
        found = layers(product, ["intensity_sum", "intensity"], replace(OPTIONS, quantity=None))
        total = found["intensity_vv", 1] + found["intensity_vh", 1]
        np.testing.assert_allclose(found["intensity_sum", 1], total, rtol=1e-6)

    def test_blocks_give_the_bits_of_the_whole(self, product):
        names = ["entropy", "alpha", "intensity_mean", "log_ratio_mean"]
        for kind in ("none", "lee", "refined_lee"):
            options = replace(OPTIONS, filter=kind)
            whole = load_stack(product, CPU, 0, 96, options.halo)
            expected = {(n, d): v.copy() for n, d, v in signature_layers(whole, select(names), options)}
            for key, values in layers(product, names, options).items():
                np.testing.assert_array_equal(values, expected[key][32:64])

    def test_filtered_matrices(self, product):
        """By hand: covariance of single pixels, the filter, the measures."""
        options = replace(OPTIONS, filter="lee", quantity=None)
        stack = load_stack(product, CPU, 32, 64, options.halo)
        pair = [stack.pixels[1, k] for k in range(2)]
        valid = stack.valid[1].all(axis=0)
        elements = kernels.DUAL_OUTPUTS[-4:]
        single = kernels.polarimetric_signatures(pair, valid, elements, window=(1, 1))
        planes = np.stack([single[name] for name in elements])
        smooth = kernels.speckle_filter(
            planes,
            valid,
            method="lee",
            window=(5, 5),
            looks=1.0,
            powers=2,
            first=stack.first,
            stop=stack.stop,
        )
        expected = kernels.matrix_signatures(smooth, valid[stack.core], ["entropy", "span"])
        found = layers(product, ["entropy", "span"], options)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name, 1], values)


class TestDatesCompared:
    def test_against_plain_numpy(self, product):
        names = ["sigma0", "coherence", "temporal"]
        found = layers(product, names)
        for p in ("vv", "vh"):
            power = np.stack([found[f"sigma0_{p}", d] for d in range(4)]).astype(float)
            with np.errstate(invalid="ignore"):
                mean, deviation = np.nanmean(power, axis=0), np.nanstd(power, axis=0, ddof=1)
                amplitude = np.sqrt(power)
                dispersion = np.nanstd(amplitude, axis=0, ddof=1) / np.nanmean(amplitude, axis=0)
            expected = {
                "intensity_mean": mean,
                "intensity_deviation": deviation,
                "coefficient_of_variation": deviation / mean,
                "amplitude_dispersion": dispersion,
            }
            secondaries = [d for d in range(4) if d != product.reference]
            coherence = np.stack([found[f"coherence_{p}", d] for d in secondaries])
            expected["coherence_mean"] = np.nanmean(coherence, axis=0)
            expected["coherence_minimum"] = np.nanmin(coherence, axis=0)
            for name, values in expected.items():
                np.testing.assert_allclose(found[f"{name}_{p}", None], values, rtol=1e-5, err_msg=name)
            assert np.isnan(found[f"log_ratio_previous_{p}", 0]).all()
            assert np.isnan(found[f"seasonal_amplitude_{p}", None]).all()  # five weeks are not a season
            for d in range(4):
                decibels = 10 * np.log10(power[d])
                np.testing.assert_allclose(
                    found[f"log_ratio_mean_{p}", d], decibels - 10 * np.log10(mean), atol=1e-4
                )
                assert np.isnan(found[f"relative_wetness_index_{p}", d]).all()  # of five dates or more
                if d:
                    change = decibels - 10 * np.log10(power[d - 1])
                    np.testing.assert_allclose(found[f"log_ratio_previous_{p}", d], change, atol=1e-4)


class TestFilters:
    @pytest.mark.parametrize("kind", ["boxcar", "lee", "refined_lee", "gamma_map"])
    def test_intensities_are_filtered_and_amplitude_and_phase_are_not(self, product, kind):
        plain = layers(product, ["amplitude", "intensity", "sigma0", "slc_phase", "coherence"])
        found = layers(
            product,
            ["amplitude", "intensity", "sigma0", "slc_phase", "coherence"],
            replace(OPTIONS, filter=kind),
        )
        for (name, date), values in found.items():
            same = np.array_equal(values, plain[name, date], equal_nan=True)
            assert same == name.startswith(("amplitude", "slc_phase", "coherence")), name
        ratio = found["sigma0_vv", 1] / plain["sigma0_vv", 1]
        filtered = found["intensity_vv", 1] / plain["intensity_vv", 1]
        np.testing.assert_allclose(ratio, filtered, rtol=1e-5)

    def test_over_the_dates(self, product):
        options = replace(OPTIONS, multitemporal=True)
        stack = load_stack(product, CPU, 32, 64, options.halo)
        powers = Powers(stack=stack, options=options)
        plain = Powers(stack=stack, options=OPTIONS)
        means = np.stack(
            [Powers(stack=stack, options=replace(OPTIONS, filter="boxcar")).intensity(d, 0) for d in range(4)]
        )
        single = np.stack([plain.intensity(d, 0) for d in range(4)])
        ratio = single / means
        for d in range(4):
            expected = np.where(np.isnan(single[d]), np.nan, means[d] * np.nanmean(ratio, axis=0))
            np.testing.assert_allclose(powers.intensity(d, 0), expected, rtol=1e-5)


class TestChoice:
    def test_what_the_product_lacks_is_left_out_and_said(self, product):
        options = options_of(product, config(), None)
        chosen, left_out = available(product, select(["category1", "category2"]), options)
        names = [s.name for s in chosen]
        assert names == [n for n in groups()["category1"] if n != "gamma0_flattened"] + list(
            groups()["all_dual"]
        )
        assert left_out[0] == "left out, because the product has no terrain: gamma0_flattened"
        assert left_out[1].startswith(
            "left out, because they compare HH, VV and a cross-polarization, and the product has VV"
        )
        assert left_out[1].endswith(" more")

    def test_one_polarization(self):
        two = simulate_stack(lines=32, samples=40, dates=2, polarizations=("vv",), seed=1, flattened=True)
        single = replace(two, acquisitions=two.acquisitions[:1], reference=0)
        options = options_of(single, config(), None)
        chosen, left_out = available(single, select(["amplitude", "entropy", "rvi", "coherence"]), options)
        assert [s.name for s in chosen] == ["amplitude"]
        assert left_out == [
            "left out, because there is no second date: coherence",
            "left out, because they compare a co-polarization and its cross-polarization, and the product has VV: rvi",
            "left out, because they compare two polarizations, and the product has VV: entropy",
        ]
        with pytest.raises(AlignsarError, match=r"no signature of signatures\.names can be computed"):
            available(single, select(["entropy"]), options)

    def test_without_calibration_powers_are_digital_numbers(self, product):
        bare = replace(product, acquisitions=tuple(replace(a, calibration={}) for a in product.acquisitions))
        options = options_of(bare, config(), None)
        assert options.quantity is None
        chosen, left_out = available(bare, select(["sigma0", "span", "dprbi"]), options)
        assert [s.name for s in chosen] == ["span"]
        assert left_out == ["left out, because the product has no calibration records: sigma0, dprbi"]
        assert "powers in digital numbers" in notes(chosen[0], options, None)
        with pytest.raises(AlignsarError, match=r"signatures\.radiometry=beta0: .* no calibration records"):
            options_of(bare, config(radiometry="beta0"), None)

    def test_indices_of_calibrated_powers(self, product):
        options = options_of(product, config(radiometry="digital_numbers"), None)
        _, left_out = available(product, select(["span", "dprsi", "sigma0"]), options)
        assert left_out == ["left out, because matrices are in digital numbers: dprsi"]

    def test_noise_that_is_not_there(self, product):
        with pytest.raises(AlignsarError, match=r"signatures\.noise=removed: .* has no noise records"):
            options_of(product, config(noise="removed"), None)

    def test_looks_are_stated_and_bias_is_removed(self, product):
        looks = coherence_looks(product, select(["coherence"]), config(), CPU)
        assert 25 < looks <= 34  # the simulated pixels are independent
        settings = config()
        settings.interferometry.coherence_bias = "removed"
        options = options_of(product, settings, looks)
        (coherence,) = select(["coherence"])
        assert f"33 pixels, {looks:g} independent looks" in notes(coherence, options, looks)
        assert "bias removed" in notes(coherence, options, looks)
        plain = layers(product, ["coherence"], replace(options, coherence_looks=None))
        found = layers(product, ["coherence"], options)
        secondary = next(d for d in range(4) if d != product.reference)
        low = plain["coherence_vv", secondary] < 0.3
        assert (found["coherence_vv", secondary][low] < plain["coherence_vv", secondary][low]).all()
        np.testing.assert_array_equal(
            found["coherence_vv", product.reference], plain["coherence_vv", product.reference]
        )
        assert coherence_looks(product, select(["amplitude"]), config(), CPU) is None
        with pytest.raises(AlignsarError, match=r"coherence_bias=removed: .* has 1\.4 independent looks"):
            options_of(product, settings, 1.4)


def test_amplitude_intensity_and_phase_are_computed_once_for_all_signatures_of_a_polarization(
    product, monkeypatch
):
    called = []

    def counted(pixels, valid):
        called.append(pixels.shape)
        return kernels.amplitude_intensity_phase(pixels, valid)

    monkeypatch.setattr("alignsar_gpu.signatures.views.powers.amplitude_intensity_phase", counted)
    found = layers(product, ["amplitude", "intensity", "slc_phase", "sigma0", "beta0", "gamma0"])
    assert len({name for name, _ in found}) == 12
    assert len(called) == 4 * 2  # dates and polarizations


def test_each_gain_is_interpolated_once_a_date_and_each_power_filtered_once(product, monkeypatch):
    gains, filtered = [], []

    def counted_gains(stack, date, polarization, quantity, noise):
        gains.append((date, polarization, quantity))
        return gains_and_noise(stack, date, polarization, quantity, noise)

    def counted_filter(images, *args, **kwargs):
        filtered.append(images.shape)
        return kernels.speckle_filter(images, *args, **kwargs)

    monkeypatch.setattr("alignsar_gpu.signatures.views.powers.gains_and_noise", counted_gains)
    monkeypatch.setattr("alignsar_gpu.signatures.views.powers.speckle_filter", counted_filter)
    monkeypatch.setattr("alignsar_gpu.signatures.radiometry.gains_and_noise", counted_gains)
    names = ["sigma0", "beta0", "gamma0", "span", "cross_correlation"]
    layers(product, names)
    assert len(gains) == len(set(gains)) == 4 * 2 * 3  # dates, polarizations, quantities
    gains.clear()
    layers(product, [*names, "intensity", "intensity_mean", "log_ratio_mean"], replace(OPTIONS, filter="lee"))
    assert len(set(gains)) == 4 * 2 * 3
    assert len(gains) == 4 * 2 * 4  # statistics over time go through all dates before
    assert len(filtered) == 4 * 2  # the matrices have a filter of their own

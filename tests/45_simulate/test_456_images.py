"""What the pixels of simulated products hold: speckle, carrier, spectrum, targets, phases, each against theory."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import uniform_filter
from simulated_campaign import Small, aligned, deramped, esa_doppler

from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.simulate.geometry import ellipsoid_point
from alignsar_gpu.simulate.ground.atmosphere import AtmosphereParameters
from alignsar_gpu.simulate.ground.backscatter import CLASSES, FIELD, FOREST, NAMES, URBAN, WATER
from alignsar_gpu.simulate.ground.targets.targets import PointTarget
from alignsar_gpu.simulate.radar.campaign import ground_on, make_campaign
from alignsar_gpu.simulate.radar.imaging import target_places
from alignsar_gpu.simulate.radar.passes.view import spectral_bands
from alignsar_gpu.simulate.radar.truth import write_truth


@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """Two dates over one field, 100 m apart."""
    folder = tmp_path_factory.mktemp("field")
    return Small(folder, kind=FIELD, passes={"baselines": (0.0, 100.0)})


def amplitude(channel, grid, quantity, lines, samples):
    line, sample = np.arange(lines.start, lines.stop), np.arange(samples.start, samples.stop)
    return channel.calibration.amplitude(quantity, grid.azimuth_time(line), grid.slant_range(sample), np)


def lag_one(pixels):
    """Complex lag-one correlation along azimuth, (line - 1, sample)."""
    return pixels[1:] * np.conj(pixels[:-1])


def test_speckle_is_fully_developed(field):
    inner = field.inside()
    for channel in field.pixels():
        intensity = np.abs(channel[inner]) ** 2
        assert abs(intensity.std() / intensity.mean() - 1.0) < 0.02
        assert np.percentile(intensity / intensity.mean(), 50) == pytest.approx(np.log(2.0), rel=0.02)


@pytest.mark.parametrize("kind", [WATER, FIELD, FOREST, URBAN], ids=NAMES.__getitem__)
def test_backscatter_and_correlation_come_out_of_the_product_s_own_calibration(tmp_path, kind):
    small = Small(tmp_path, kind=kind, passes={"dates": 1, "bursts": 1, "noise_equivalent_sigma0": -35.0})
    burst, (lines, samples) = small.burst(), small.inside()
    pixels = small.pixels()[:, lines, samples]
    product = small.views[0].product
    middle = burst.grid.slant_range(0.5 * (samples.start + samples.stop))
    incidence = np.degrees(
        small.campaign.mesh.incidence(small.campaign.mesh.coordinates.low[0] + 0.5, middle)
    )
    calibrated, power = [], []
    for number, (name, channel) in enumerate(burst.channels.items()):
        gain = amplitude(channel, burst.grid, "sigma_nought", lines, samples)
        noise = channel.noise.power(burst.grid, burst.index * burst.grid.lines, lines, samples, np)
        sigma0 = (np.abs(pixels[number]) ** 2 - noise) / gain**2
        calibrated.append(pixels[number] / gain)
        power.append(sigma0.mean())
        error = 10.0 * np.log10(sigma0.mean() / CLASSES[kind].sigma0(name, incidence))
        assert abs(error) < 0.2, name
    assert product.polarizations == ("vv", "vh")
    correlation = np.mean(calibrated[0] * np.conj(calibrated[1])) / np.sqrt(power[0] * power[1])
    assert abs(correlation - CLASSES[kind].correlation) < 0.02


@pytest.mark.parametrize("slope", [-8.0, 8.0])
def test_slopes_are_as_bright_as_their_facets(tmp_path, slope):
    """A plane that rises to the west: beta nought is sigma nought(local incidence) over the cosine of the angle
    between the normals of the plane and of the slant plane."""
    small = Small(tmp_path, kind=FIELD, passes={"dates": 1, "bursts": 1, "noise_equivalent_sigma0": -40.0})
    heights = small.scene.heights
    east = (heights.longitudes - heights.longitudes.mean()) * heights.plane.metres[0]
    tilted = np.broadcast_to(-np.tan(np.radians(slope)) * east, heights.shape).astype(np.float32)
    small.scene = replace(small.scene, heights=heights.with_values(np.ascontiguousarray(tilted)))
    small.campaign = make_campaign(small.views, 0, small.scene, 3, 2)
    burst, (lines, samples) = small.burst(), small.inside(margin=40)
    orbit, channel = small.views[0].product.orbit, burst.channels["vv"]
    time = float(burst.grid.azimuth_time(0.5 * (lines.start + lines.stop)))
    longitude, latitude = np.radians([heights.longitudes.mean(), heights.latitudes.mean()])
    up = np.array(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )
    eastward = np.array([-np.sin(longitude), np.cos(longitude), 0.0])
    normal = up + np.tan(np.radians(slope)) * eastward
    normal /= np.linalg.norm(normal)
    position, velocity = orbit.position_at(time), orbit.velocity_at(time)
    sight = ellipsoid_point(*np.degrees([longitude, latitude]), 0.0) - position
    across = np.cross(velocity, sight)
    projection = abs(normal @ across) / np.linalg.norm(across)
    local = np.degrees(np.arccos(-(normal @ sight) / np.linalg.norm(sight)))
    gain = amplitude(channel, burst.grid, "beta_nought", lines, samples)
    beta0 = np.mean(np.abs(small.pixels()[0][lines, samples]) ** 2 / gain**2)
    assert 10.0 * np.log10(beta0 * projection / CLASSES[FIELD].sigma0("vv", local)) == pytest.approx(
        0.0, abs=0.2
    )


def test_thermal_noise_is_what_the_product_annotates(tmp_path):
    """Water under strong noise, in power, over the lines of the burst too: descalloping makes its ends noisier."""
    small = Small(tmp_path, kind=WATER, passes={"dates": 1, "bursts": 1, "noise_equivalent_sigma0": -14.0})
    burst, (lines, samples) = small.burst(), small.inside()
    for number, (name, channel) in enumerate(burst.channels.items()):
        noise = channel.noise.power(burst.grid, 0, lines, samples, np)
        middle = burst.grid.slant_range(0.5 * (samples.start + samples.stop))
        incidence = np.degrees(
            small.campaign.mesh.incidence(small.campaign.mesh.coordinates.low[0] + 0.5, middle)
        )
        signal = CLASSES[WATER].sigma0(name, incidence)
        signal = signal * amplitude(channel, burst.grid, "sigma_nought", lines, samples) ** 2
        ratio = np.abs(small.pixels()[number][lines, samples]) ** 2 / (signal + noise)
        assert ratio.mean() == pytest.approx(1.0, abs=0.02)
        assert ratio[: len(ratio) // 4].mean() == pytest.approx(
            ratio[len(ratio) // 3 : len(ratio) // 2].mean(), rel=0.03
        )


def test_deramped_spectrum_is_the_processed_band_around_zero(field):
    view, burst, inner = field.views[0], field.burst(), field.inside(margin=2)
    images = deramped(burst, view.product.orbit, field.pixels())[0][inner]
    azimuth_band, range_band = spectral_bands(burst)
    rate = 1.0 / burst.grid.azimuth_interval
    assert abs(np.angle(lag_one(images).sum()) / (2.0 * np.pi) * rate) < 5.0
    for axis, band, width in ((0, azimuth_band, 313.0 / rate), (1, range_band, 48.3e6 / 6.434523812571428e7)):
        assert band.width == pytest.approx(width, rel=1e-4)
        taper = np.hanning(images.shape[axis])
        taper = taper[:, np.newaxis] if axis == 0 else taper
        spectrum = np.mean(np.abs(np.fft.fft(images * taper, axis=axis)) ** 2, axis=1 - axis)
        frequency = np.fft.fftfreq(images.shape[axis])
        inside = np.abs(frequency) < 0.5 * width - 0.01
        outside = np.abs(frequency) > 0.5 * width + 0.02
        window = band.hamming + (1.0 - band.hamming) * np.cos(2.0 * np.pi * frequency / width)
        shape = spectrum[inside] / window[inside] ** 2
        low, high = np.abs(frequency[inside]) < 0.25 * width, np.abs(frequency[inside]) > 0.25 * width
        assert shape[high].mean() == pytest.approx(shape[low].mean(), rel=0.03)
        assert spectrum[outside].mean() < 1e-3 * spectrum[inside].mean()


def test_local_doppler_follows_the_steering_law(field):
    view, burst, (lines, samples) = field.views[0], field.burst(), field.inside()
    rate = 1.0 / burst.grid.azimuth_interval
    products = lag_one(field.pixels()[0][lines, samples]).mean(axis=1)
    measured = np.unwrap(np.angle(products)) / (2.0 * np.pi) * rate
    line = np.arange(lines.start, lines.stop - 1) + 0.5
    middle = 0.5 * (samples.start + samples.stop)
    expected = esa_doppler(burst, view.product.orbit, np.array([middle]), line)[0]
    slope = np.polyfit(line, measured, 1)[0]
    assert slope == pytest.approx(np.polyfit(line, expected, 1)[0], rel=0.01)
    wrapped = np.exp(2j * np.pi * (measured - expected) / rate)
    assert abs(np.angle(wrapped.mean()) / (2.0 * np.pi) * rate) < 5.0


def reflectors(small, date=0, count=12, seed=1):
    """Strong targets at known coordinates around the bursts of a date."""
    rng = np.random.default_rng(seed)
    view = small.views[date]
    found = []
    for number in range(count):
        burst = view.product.bursts[number % len(view.product.bursts)]
        lines, samples = burst.valid
        line = rng.uniform(lines.start + 30, lines.stop - 30)
        sample = rng.uniform(samples.start + 30, samples.stop - 30)
        time, slant_range = burst.grid.azimuth_time([line]), burst.grid.slant_range([sample])
        height = np.array([50.0 + 10.0 * number])
        longitude, latitude = radar_to_ground(view.product.orbit, time, slant_range, height, "right")
        found.append(
            PointTarget(
                name=f"reflector {number}",
                kind="corner_reflector",
                longitude=float(longitude[0]),
                latitude=float(latitude[0]),
                height=float(height[0]),
                rcs_vv=3e5,
                rcs_vh=0.0,
                dates=tuple(range(len(small.views))),
            )
        )
    return found


def peak_of(chip):
    """Place of the peak of a deramped chip (line, sample), and the chip's value there, by its Fourier series."""
    spectrum = np.fft.fft2(chip)
    frequencies = [np.fft.fftfreq(count) for count in chip.shape]
    place = np.array(np.unravel_index(np.argmax(np.abs(chip)), chip.shape), dtype=np.float64)
    for reach in (0.5, 0.1, 0.02, 0.004):
        offsets = np.linspace(-reach, reach, 11)
        down = np.exp(2j * np.pi * np.outer(place[0] + offsets, frequencies[0]))
        across = np.exp(2j * np.pi * np.outer(frequencies[1], place[1] + offsets))
        values = np.abs(down @ spectrum @ across)
        best = np.unravel_index(np.argmax(values), values.shape)
        place += [offsets[best[0]], offsets[best[1]]]
    return place


def at(chip, line, sample):
    down = np.exp(2j * np.pi * np.fft.fftfreq(chip.shape[0]) * line)
    across = np.exp(2j * np.pi * np.fft.fftfreq(chip.shape[1]) * sample)
    return down @ np.fft.fft2(chip) @ across / chip.size


def test_reflectors_focus_where_ground_to_radar_says_and_carry_the_phase_of_their_range(tmp_path):
    small = Small(tmp_path, kind=WATER, passes={"baselines": (0.0, 140.0)})
    small.with_targets(reflectors(small))
    seen = 0
    for date, view in enumerate(small.views):
        for index in range(len(view.product.bursts)):
            burst = small.burst(date, index)
            grid, (lines, samples) = burst.grid, burst.valid
            orbit = view.product.orbit
            pixels = small.pixels(date, index)[0]
            flat = deramped(burst, orbit, pixels)
            for one in small.scene.targets:
                time, slant_range = ground_to_radar(
                    orbit, one.longitude, one.latitude, one.height, grid.first_azimuth_time + 0.3
                )
                line = float((time - grid.first_azimuth_time) / grid.azimuth_interval)
                sample = float((slant_range - grid.first_slant_range) / grid.range_spacing)
                if not (
                    lines.start + 20 < line < lines.stop - 20
                    and samples.start + 20 < sample < samples.stop - 20
                ):
                    continue
                top, left = round(line) - 16, round(sample) - 16
                chip = flat[top : top + 32, left : left + 32]
                place = peak_of(chip)
                assert abs(place[0] + top - line) < 0.02
                assert abs(place[1] + left - sample) < 0.02
                _, slope, reference, eta = esa_doppler(burst, orbit, np.array([sample]), np.array([line]))
                apart = float((eta - reference)[0])
                centroid = float(burst.channels["vv"].doppler_centroid.at(slant_range))
                carrier = np.pi * float(slope[0]) * apart**2 + 2.0 * np.pi * centroid * apart
                value = at(chip, line - top, sample - left) * np.exp(1j * carrier)
                turned = value * np.exp(4j * np.pi * float(slant_range) / grid.wavelength)
                assert abs(np.angle(turned)) < 0.1
                seen += 1
    assert seen >= 20


def test_reflectors_have_the_energy_of_their_cross_section(tmp_path):
    small = Small(tmp_path, kind=WATER, passes={"dates": 1, "bursts": 1, "noise_equivalent_sigma0": -45.0})
    small.with_targets(reflectors(small, count=1))
    burst, view = small.burst(), small.views[0]
    time, slant_range = target_places(ground_on(small.scene, 0), view)
    grid = burst.grid
    line = int(np.rint((time[0] - grid.first_azimuth_time) / grid.azimuth_interval))
    sample = int(np.rint((slant_range[0] - grid.first_slant_range) / grid.range_spacing))
    chip = small.pixels()[0][line - 24 : line + 25, sample - 24 : sample + 25]
    gain = amplitude(
        burst.channels["vv"], grid, "beta_nought", slice(line, line + 1), slice(sample, sample + 1)
    )
    orbit = view.product.orbit
    ends = [orbit.position_at(time[0] + step) for step in (-0.5, 0.5)]
    # The satellite's ground track is slower by the ratio of the radii; the look angle changes this by little.
    speed = np.linalg.norm(np.subtract(*ends)) * 6.371e6 / np.linalg.norm(ends[0])
    area = speed * grid.azimuth_interval * grid.range_spacing
    section = np.sum(np.abs(chip) ** 2) / float(gain[0, 0]) ** 2 * area
    assert 10.0 * np.log10(section / small.scene.targets[0].rcs_vv) == pytest.approx(0.0, abs=0.15)


def test_overlaps_see_an_azimuth_error_as_theory_says(tmp_path):
    error = 0.01
    quiet = {"noise_equivalent_sigma0": -40.0}
    small = aligned(tmp_path, URBAN, error=error, scene={"temporal_decorrelation": False}, passes=quiet)
    view, first, second = small.views[0], small.burst(index=0), small.burst(index=1)
    interval = first.grid.azimuth_interval
    step = (second.grid.first_azimuth_time - first.grid.first_azimuth_time) / interval
    shift = round(step)
    assert abs(step - shift) < 2e-3
    (above, samples), (below, _) = small.inside(index=0, margin=0), small.inside(index=1, margin=0)
    lines = slice(below.start + shift, above.stop)
    later = slice(lines.start - shift, lines.stop - shift)
    upper, lower = (
        small.pixels(0, index)[0][part, samples] * np.conj(small.pixels(1, index)[0][part, samples])
        for index, part in ((0, lines), (1, later))
    )
    line = np.arange(lines.start, lines.stop)
    sample = np.arange(samples.start, samples.stop)
    orbit = view.product.orbit
    apart = (
        esa_doppler(first, orbit, sample, line[:, np.newaxis])[0]
        - esa_doppler(second, orbit, sample, line[:, np.newaxis] - step)[0]
    ).mean()
    expected = 2.0 * np.pi * apart * error * interval
    measured = np.angle(np.sum(upper * np.conj(lower)))
    assert measured == pytest.approx(expected, rel=0.02)


def test_looks_under_two_squints_are_independent(tmp_path):
    small = aligned(tmp_path, URBAN)
    first, second = small.burst(index=0), small.burst(index=1)
    shift = round(
        (second.grid.first_azimuth_time - first.grid.first_azimuth_time) / first.grid.azimuth_interval
    )
    (above, samples), (below, _) = small.inside(index=0, margin=0), small.inside(index=1, margin=0)
    lines = slice(below.start + shift, above.stop)
    one = small.pixels(0, 0)[0][lines, samples]
    other = small.pixels(0, 1)[0][lines.start - shift : lines.stop - shift, samples]
    correlation = np.sum(one * np.conj(other)) / np.sqrt(
        np.sum(np.abs(one) ** 2) * np.sum(np.abs(other) ** 2)
    )
    assert abs(correlation) < 0.05


@pytest.mark.parametrize("kind", [WATER, FIELD, FOREST, URBAN], ids=NAMES.__getitem__)
def test_coherence_between_dates_is_that_of_the_class_less_noise(tmp_path, kind):
    small = aligned(tmp_path, kind)
    burst, (lines, samples) = small.burst(), small.inside()
    one, other = (small.pixels(date)[0][lines, samples] for date in (0, 1))
    noise = burst.channels["vv"].noise.power(burst.grid, burst.index * burst.grid.lines, lines, samples, np)
    power = np.sqrt(np.mean(np.abs(one) ** 2) * np.mean(np.abs(other) ** 2))
    coherence = np.abs(np.mean(one * np.conj(other))) / (power - noise.mean())
    expected = float(CLASSES[kind].coherence(12.0))
    assert coherence == pytest.approx(expected, abs=0.02)


def test_motion_and_atmosphere_are_in_the_phase_of_the_pixels(tmp_path):
    """Seen twice along the same pass: what is left of the phase is what the truth says."""
    scene = {
        "temporal_decorrelation": False,
        "relief": 400.0,
        "bowls": 2,
        "bowl_rate": 1.5,
        "atmosphere": AtmosphereParameters(),
    }
    small = aligned(tmp_path, URBAN, scene=scene, passes={"noise_equivalent_sigma0": -40.0})
    write_truth(tmp_path / "truth.zarr", small.campaign, small.views, 0, (1, 1), lambda _: None)
    burst, (lines, samples) = small.burst(), small.inside()
    truth = xr.open_zarr(tmp_path / "truth.zarr", group=burst.name).flattened_phase.values[1]
    expected = truth.astype(np.float64)[lines, samples]
    assert np.ptp(expected) > 0.5
    one, other = (small.pixels(date)[0][lines, samples] for date in (0, 1))
    error = uniform(one * np.conj(other) * np.exp(-1j * expected), (9, 15))
    assert abs(np.angle(error.mean())) < 0.005
    assert np.abs(np.angle(error)).max() < 0.05


def uniform(values, size):
    return uniform_filter(values.real, size) + 1j * uniform_filter(values.imag, size)

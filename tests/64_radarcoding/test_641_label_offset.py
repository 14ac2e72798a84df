"""Residual offset of labels: class maps of known offset under simulated speckle, and what cannot be measured."""

from functools import cache

import numpy as np
import pytest
from scipy.fft import fft2, ifft2
from scipy.ndimage import fourier_gaussian

from alignsar_gpu.radarcoding.offset.measurement import LabelOffset, OffsetMeter

FINE = 3  # cells of the ground in a pixel, each way
BANDS = (0.7, 0.9)  # part of the sampling rate that the image occupies, lines and samples
SHAPE = (160, 320)
SEARCH = (8, 16)
DECIBELS = (-14.0, -10.0, -8.0, -17.0, -2.0)  # three kinds of fields, roads, buildings
FIELDS, ROADS, BUILDINGS = 3, 3, 4
CHANCE = "nowhere in the search better than chance"


def estimate(fractions, image, **options):
    """The offset of the labels of a whole image, given at once."""
    meter = OffsetMeter(len(fractions), image.shape, **options)
    meter.add(fractions, image)
    return meter.result()


def smooth(rng, shape, lines, samples):
    noise = rng.standard_normal([count * FINE for count in shape], dtype=np.float32)
    return ifft2(fourier_gaussian(fft2(noise), (lines * FINE, samples * FINE))).real


@cache
def ground_map(seed=0, shape=SHAPE, *, roads=True, buildings=60):
    """Classes of fine cells: fields in blobs, roads about two pixels wide, buildings of one to several pixels."""
    rng = np.random.default_rng(seed)
    field = smooth(rng, shape, 5, 15)
    ground = np.digitize(field, np.quantile(field, np.arange(1, FIELDS) / FIELDS)).astype(np.uint8)
    if roads:
        course = smooth(rng, shape, 8, 24)
        slope = np.hypot(*np.gradient(course)) * FINE
        ground[np.abs(course) < slope] = ROADS
    for _ in range(buildings):
        line, sample = rng.integers(0, ground.shape)
        height, width = rng.integers(FINE, (4 * FINE, 8 * FINE))
        ground[line : line + height, sample : sample + width] = BUILDINGS
    ground.setflags(write=False)
    return ground


def area_fractions(ground, classes=BUILDINGS + 1):
    lines, samples = (count // FINE for count in ground.shape)
    cells = ground.reshape(lines, FINE, samples, FINE)
    return np.stack([np.mean(cells == k, axis=(1, 3), dtype=np.float32) for k in range(classes)])


def image_of(rng, ground, offset, *, looks=1, decibels=DECIBELS):
    """Intensity, a mean of single looks through a limited band; pixel p shows the ground of label p + offset."""
    amplitude = np.sqrt(10.0 ** (np.array(decibels) / 10.0)).astype(np.float32)[ground]
    total = 0.0
    for _ in range(looks):
        noise = rng.standard_normal((2, *ground.shape), dtype=np.float32)
        spectrum = fft2(amplitude * (noise[0] + 1j * noise[1]))
        for axis, (band, late) in enumerate(zip(BANDS, offset, strict=True)):
            spectrum = sampled(spectrum, axis, band, late)
        total = total + np.abs(ifft2(spectrum)) ** 2
    return (total / looks).astype(np.float32)


def sampled(spectrum, axis, band, late):
    """The frequencies of an axis that an image of whole pixels has, with Hamming's weights, moved to the offset."""
    count = spectrum.shape[axis] // FINE
    f = np.fft.fftfreq(count)
    weight = (0.75 + 0.25 * np.cos(2.0 * np.pi * f / band)) * (np.abs(f) <= band / 2.0)
    weight = weight * np.exp(2j * np.pi * f * ((FINE - 1) / 2.0 / FINE + late))
    taken = np.take(spectrum, np.round(f * count).astype(int) % spectrum.shape[axis], axis=axis)
    return (taken * np.expand_dims(weight, 1 - axis)).astype(np.complex64)


def expected_image(ground, offset, decibels=DECIBELS):
    """What `image_of` tends to with many looks: power through the square of the aperture's response."""
    spectrum = fft2((10.0 ** (np.array(decibels) / 10.0))[ground])
    for axis, (band, late) in enumerate(zip(BANDS, offset, strict=True)):
        f = np.fft.fftfreq(spectrum.shape[axis]) * FINE
        fine = np.linspace(-1.0, 1.0, 4001)
        weight = (0.75 + 0.25 * np.cos(2.0 * np.pi * fine / band)) * (np.abs(fine) <= band / 2.0)
        response = np.interp(f, fine, np.convolve(weight, weight, "same"), 0.0, 0.0) / np.sum(weight**2)
        turned = response * np.exp(2j * np.pi * f * ((FINE - 1) / 2.0 / FINE + late))
        spectrum = spectrum * np.expand_dims(turned, 1 - axis)
    return np.maximum(ifft2(spectrum).real[::FINE, ::FINE], 1e-4).astype(np.float32)


def speckle(rng, shape):
    return rng.exponential(size=shape).astype(np.float32)


def errors(found, offset):
    """Errors of lines and samples, and their deviations."""
    assert found.reason == ""
    error = np.array([found.lines - offset[0], found.samples - offset[1]])
    return error, np.array([found.lines_standard_deviation, found.samples_standard_deviation])


def assert_nothing(found, reason):
    assert reason in found.reason
    numbers = (
        found.lines,
        found.samples,
        found.lines_standard_deviation,
        found.samples_standard_deviation,
    )
    assert np.isnan(numbers).all()


@pytest.fixture(scope="module")
def ground():
    return ground_map()


@pytest.fixture(scope="module")
def fractions(ground):
    return area_fractions(ground)


@pytest.fixture(scope="module")
def late(ground):
    """An image that shows the ground of the labels 2.3 lines and -4.6 samples on."""
    return image_of(np.random.default_rng(7), ground, (2.3, -4.6), looks=2)


@pytest.mark.parametrize("offset", [(0.0, 0.0), (0.3, -1.7), (5.4, -12.6), (-7.25, 14.5)])
def test_offsets_are_found(offset):
    shape = (320, 640)
    ground = ground_map(1, shape, buildings=250)
    image = image_of(np.random.default_rng(2), ground, offset, looks=4)
    found = estimate(area_fractions(ground), image, search=(10, 40))
    error, deviation = errors(found, offset)
    assert np.all(np.abs(error) < 3.0 * deviation)
    assert np.all(np.abs(error) < 0.05)
    assert np.all(deviation < 0.05)
    assert 0.6 < found.correlation < 0.8
    assert found.correlation_unshifted <= found.correlation
    assert found.patches >= 32


def test_single_looks_do(ground, fractions):
    image = image_of(np.random.default_rng(3), ground, (5.4, -12.6))
    error, deviation = errors(estimate(fractions, image, search=SEARCH), (5.4, -12.6))
    assert np.all(np.abs(error) < 3.0 * deviation)
    assert np.all(deviation < 0.2)


def test_the_sign_is_that_of_the_labels(ground):
    # Labels that are moved down by two lines and right by three samples.
    image = image_of(np.random.default_rng(4), ground, (0.0, 0.0), looks=4)
    moved = np.roll(area_fractions(ground), (2, 3), axis=(1, 2))
    found = estimate(moved, image, search=SEARCH)
    assert found.lines == pytest.approx(2.0, abs=0.1)
    assert found.samples == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize(
    ("decibels", "looks"), [(DECIBELS, 2), ((-10.0, -8.5, -7.0, -12.0, -3.0), 1)], ids=["high", "low"]
)
def test_deviations_are_true_and_the_mean_is_not_off(decibels, looks):
    offset, found = (0.25, 1.25), []
    for seed in range(28):
        ground = ground_map(seed)
        image = image_of(np.random.default_rng([9, seed]), ground, offset, looks=looks, decibels=decibels)
        found.append(errors(estimate(area_fractions(ground), image, search=SEARCH), offset))
    error, deviation = np.array(found).swapaxes(0, 1)
    pull = np.sqrt(np.mean((error / deviation) ** 2, axis=0))
    assert np.all((pull > 0.7) & (pull < 1.4))
    bias, own = error.mean(axis=0), np.sqrt(np.mean(deviation**2, axis=0) / len(error))
    assert np.all(np.abs(bias) < np.maximum(0.02, 3.0 * own))
    if looks == 2:
        assert np.all(np.abs(bias) < 0.02)


@pytest.mark.parametrize("offset", [0.25, -0.25, 0.4])
@pytest.mark.parametrize("only", ["fields", "roads", "buildings"])
def test_without_speckle_hardly_any_bias_is_left_between_pixels(only, offset):
    ground = ground_map(5, roads=only == "roads", buildings=150 if only == "buildings" else 0)
    decibels = {
        "fields": (-14.0, -10.0, -8.0, -8.0, -8.0),
        "roads": (-10.0, -10.0, -10.0, -16.0, -10.0),
        "buildings": (-10.0, -10.0, -10.0, -10.0, 0.0),
    }
    error = [
        errors(
            estimate(
                area_fractions(ground), expected_image(ground, (own, own), decibels[only]), search=SEARCH
            ),
            (own, own),
        )[0]
        for own in (0.0, offset)
    ]
    assert np.all(np.abs(error[1] - error[0]) < 0.01)
    assert np.all(np.abs(error[1]) < 0.02)


def test_the_deviation_grows_as_contrast_shrinks(ground, fractions):
    rng, offset, found = np.random.default_rng(11), (1.3, 2.4), []
    for contrast in (1.0, 0.4):
        decibels = contrast * (np.array(DECIBELS) + 10.0) - 10.0
        image = image_of(rng, ground, offset, decibels=decibels)
        found.append(errors(estimate(fractions, image, search=SEARCH), offset))
    (_, high), (error, low) = found
    assert np.all((low > 1.6 * high) & (low < 4.0 * high))
    assert np.all(np.abs(error) < 3.0 * low)


def test_most_patches_thins_the_image_out(ground, fractions, late):
    every = estimate(fractions, late, search=SEARCH)
    some = estimate(fractions, late, search=SEARCH, most_patches=16)
    assert (every.patches, some.patches) == (36, 16)
    error, deviation = errors(some, (2.3, -4.6))
    assert np.all(np.abs(error) < 3.5 * deviation)
    assert some.lines_standard_deviation > every.lines_standard_deviation


def test_patches_beyond_the_parts_share_them(fractions, late):
    found = estimate(fractions, late, search=SEARCH, patch=(16, 32))
    assert found.patches == 64  # of 81 patches
    error, deviation = errors(found, (2.3, -4.6))
    assert np.all(np.abs(error) < 3.0 * deviation)
    assert found.lines == pytest.approx(estimate(fractions, late, search=SEARCH).lines, abs=0.1)


@pytest.mark.parametrize("seed", range(12))
def test_noise_is_no_offset(fractions, seed):
    found = estimate(fractions, speckle(np.random.default_rng(seed), SHAPE), search=SEARCH)
    assert_nothing(found, CHANCE)
    assert found.correlation < 0.05


def test_blocks_and_threads_change_nothing(fractions, late):
    whole = estimate(fractions, late, search=SEARCH, threads=1)
    for steps in ([1] * 160, [7] * 22 + [6], [100, 60], [159, 1], [0, 160]):
        meter = OffsetMeter(len(fractions), SHAPE, search=SEARCH, threads=3)
        first = 0
        for step in steps:
            meter.add(fractions[:, first : first + step], late[first : first + step])
            first += step
        assert meter.result() == whole
    assert whole.reason == ""


def test_gaps_that_labels_and_image_share_do_not_pull_towards_0(fractions, late):
    gone = np.zeros(SHAPE, dtype=bool)
    gone[:, :70] = gone[120:, 200:260] = True
    gone[30:34, 280:300] = True
    labels, image = np.where(gone, np.float32(np.nan), fractions), np.where(gone, np.float32(np.nan), late)
    error, deviation = errors(estimate(labels, image, search=SEARCH), (2.3, -4.6))
    assert np.all(np.abs(error) < 3.0 * deviation)
    noise = np.where(gone, np.float32(np.nan), speckle(np.random.default_rng(5), SHAPE))
    assert_nothing(estimate(labels, noise, search=SEARCH), CHANCE)


def test_masked_pixels_and_those_without_a_logarithm_do_not_count(fractions, late):
    rng = np.random.default_rng(6)
    masked = rng.random(SHAPE) < 0.3
    image = late.copy()
    image[masked] = rng.choice([np.nan, 0.0, -5.0, np.inf, -np.inf], size=np.count_nonzero(masked))
    error, deviation = errors(estimate(fractions, image, search=SEARCH), (2.3, -4.6))
    assert np.all(np.abs(error) < 3.0 * deviation)
    blank = np.where(masked, np.float32(np.nan), late)
    assert estimate(fractions, image, search=SEARCH) == estimate(fractions, blank, search=SEARCH)


def test_what_lies_beside_an_unknown_label_does_not_count(fractions, late):
    # An unknown pixel takes with it all pixels of the image that it may belong to, and only those.
    labels, image = fractions.copy(), late.copy()
    labels[2, 80, 160] = np.nan
    reach = (SEARCH[0] + 3, SEARCH[1] + 3)
    image[80 - reach[0] : 81 + reach[0], 160 - reach[1] : 161 + reach[1]] = np.nan
    unknown, gone = estimate(labels, late, search=SEARCH), estimate(fractions, image, search=SEARCH)
    assert unknown.lines == pytest.approx(gone.lines, abs=1e-4)
    assert unknown.samples == pytest.approx(gone.samples, abs=1e-4)
    assert unknown.correlation == pytest.approx(gone.correlation, abs=1e-5)
    assert unknown.correlation != estimate(fractions, late, search=SEARCH).correlation


def test_slow_changes_of_brightness_do_not_count(fractions, late):
    line, sample = np.meshgrid(*(np.linspace(-1.0, 1.0, count) for count in SHAPE), indexing="ij")
    image = (late * 10.0 ** (0.5 * sample + 0.3 * line)).astype(np.float32)
    error, deviation = errors(estimate(fractions, image, search=SEARCH), (2.3, -4.6))
    assert np.all(np.abs(error) < 3.0 * deviation)
    plain = estimate(fractions, late, search=SEARCH)
    assert np.all(
        deviation < 2.0 * np.array([plain.lines_standard_deviation, plain.samples_standard_deviation])
    )


def test_one_class_does(fractions, late):
    error, deviation = errors(estimate(fractions[ROADS:BUILDINGS], late, search=SEARCH), (2.3, -4.6))
    assert np.all(np.abs(error) < 3.0 * deviation)


def test_classes_that_say_the_same_or_nothing_change_little(fractions, late):
    plain = estimate(fractions, late, search=SEARCH)
    rest = 1.0 - fractions[:2].sum(axis=0, keepdims=True)
    more = np.concatenate([fractions, fractions[:1], rest, np.zeros_like(rest), np.ones_like(rest)])
    found = estimate(more, late, search=SEARCH)
    assert found.lines == pytest.approx(plain.lines, abs=0.01)
    assert found.samples == pytest.approx(plain.samples, abs=0.01)
    assert found.correlation == pytest.approx(plain.correlation, abs=1e-3)


def test_where_nothing_can_be_said_the_reason_is(fractions, late):
    blank = np.full(SHAPE, np.nan, dtype=np.float32)
    few = "0 parts of the image say something, 8 are needed: elsewhere "
    for labels, image, reason in [
        (fractions, blank, few + "the image has no data, or"),
        (np.full_like(fractions, np.nan), late, few + "the image has no data, or"),
        (fractions, np.full_like(late, 0.3), few + "the image is constant"),
        (np.zeros_like(fractions), late, few + "the labels do not vary"),
        (np.ones_like(fractions), late, few + "the labels do not vary"),
        (fractions[:, :50], late[:50], "50 x 320 pixels is too small for this search, which takes 54 x 70"),
        (fractions[:, :1], late[:1], "too small"),
    ]:
        found = estimate(labels, image, search=SEARCH)
        assert_nothing(found, reason)
        assert np.isnan(found.correlation)
        assert found.patches == 0
    part = OffsetMeter(len(fractions), SHAPE, search=SEARCH)
    assert_nothing(part.result(), "the image has no more")


def test_a_peak_at_the_border_of_the_search_is_none(ground, fractions):
    image = image_of(np.random.default_rng(8), ground, (0.0, 9.0), looks=4)
    found = estimate(fractions, image, search=(4, 6))
    assert_nothing(found, "best at the border of the search, 4 lines and 6 samples: search further")
    assert found.correlation > found.correlation_unshifted > 0.1


def test_periodic_fields_are_ambiguous():
    lines, samples = np.indices([count * FINE for count in SHAPE])
    ground = (((lines // (FINE * 4)) + (samples // (FINE * 5))) % 2).astype(np.uint8)
    image = image_of(np.random.default_rng(9), ground, (0.4, 0.7), looks=4)
    assert_nothing(estimate(area_fractions(ground, 2), image, search=(6, 12)), "agree as well ")


def test_borders_that_run_one_way_only_tell_no_offset_along_them():
    bounds = np.random.default_rng(10).integers(0, 2, 120).repeat(8)
    ground = np.broadcast_to(bounds[: SHAPE[1] * FINE], [count * FINE for count in SHAPE]).astype(np.uint8)
    image = image_of(np.random.default_rng(11), ground, (0.4, 0.7), looks=4)
    found = estimate(area_fractions(ground, 2), image, search=SEARCH)
    assert found.reason
    assert_nothing(found, found.reason)


def test_numbers_that_make_no_sense_are_refused(fractions, late):
    for wrong in (
        {"classes": 0},
        {"search": (2, 9)},
        {"patch": (0, 64)},
        {"most_patches": 7},
    ):
        with pytest.raises(ValueError, match=r"classes, search"):
            OffsetMeter(**{"classes": 5, "shape": SHAPE} | wrong)
    meter = OffsetMeter(5, SHAPE, search=SEARCH)
    with pytest.raises(ValueError, match=r"5 classes and 320 samples were announced"):
        meter.add(fractions[:4], late)
    with pytest.raises(ValueError, match=r"5 classes and 320 samples were announced"):
        meter.add(fractions[:, :, 1:], late[:, 1:])
    meter.add(fractions, late)
    with pytest.raises(ValueError, match=r"161 lines of 160 that were announced"):
        meter.add(fractions[:, :1], late[:1])
    assert isinstance(meter.result(), LabelOffset)

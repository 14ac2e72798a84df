"""Objects: connected regions of classes against a search pixel by pixel, whatever the strips and the device."""

from collections import deque

import numpy as np
import pytest
from geocoding_scene import CPU
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stand_in import device, stand_in

from alignsar_gpu.application.objects.means import Averaged, measure_objects
from alignsar_gpu.application.objects.regions import Classes, _Joining, find_objects

SIDES = [(-1, 0), (0, -1), (0, 1), (1, 0)]
CORNERS = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
IMAGES = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2))


def searched(classes, connectivity, smallest):
    """The pixels of every region, found one after the other: by class, then by the first pixel."""
    seen, found = np.zeros(classes.shape, bool), []
    for start in zip(*np.nonzero(classes), strict=True):
        if seen[start]:
            continue
        seen[start], queue, pixels = True, deque([start]), []
        while queue:
            pixel = queue.popleft()
            pixels.append(pixel)
            for step in SIDES + (CORNERS if connectivity == 8 else []):
                other = pixel[0] + step[0], pixel[1] + step[1]
                inside = 0 <= other[0] < classes.shape[0] and 0 <= other[1] < classes.shape[1]
                if inside and not seen[other] and classes[other] == classes[start]:
                    seen[other] = True
                    queue.append(other)
        if len(pixels) >= smallest:
            found.append(sorted(pixels))
    return sorted(found, key=lambda pixels: (classes[pixels[0]], pixels[0]))


def values_of(shape):
    """Values with holes, of which no two sums are alike."""
    values = np.random.default_rng(4).normal(size=shape).astype(np.float32)
    values[values > 1.3] = np.nan
    return values


def found_in(classes, height, connectivity, smallest=1, on=CPU):
    """The objects of an image in strips of a height, and the means of values and of angles over each."""
    lines, values = len(classes), values_of(classes.shape)
    image = Classes(read=lambda part: classes[part], count=2, connectivity=connectivity, device=on)
    strips = [slice(first, min(first + height, lines)) for first in range(0, lines, height)]
    objects = find_objects(image, strips, smallest)
    layers = [
        Averaged(name="plain", read=lambda part: values[part]),
        Averaged(name="angle", read=lambda part: values[part], turn=2.0 * np.pi),
    ]
    return objects, measure_objects(image, objects, layers)


@settings(max_examples=60, deadline=None)
@given(IMAGES, st.integers(1, 9), st.sampled_from([4, 8]), st.integers(1, 4))
def test_are_the_regions_that_a_search_finds(classes, height, connectivity, smallest):
    objects, means = found_in(classes, height, connectivity, smallest)
    expected, values, facts = (
        searched(classes, connectivity, smallest),
        values_of(classes.shape),
        objects.facts,
    )
    assert objects.count == len(expected)
    for number, pixels in enumerate(expected):
        line, sample = np.transpose(pixels)
        about = {name: int(facts[name][number]) for name in facts}
        assert about == {
            "class": classes[pixels[0]],
            "pixels": len(pixels),
            "first_pixel": line[0] * classes.shape[1] + sample[0],
            "first_line": line.min(),
            "last_line": line.max(),
            "first_sample": sample.min(),
            "last_sample": sample.max(),
            "line_sum": line.sum(),
            "sample_sum": sample.sum(),
        }
        inside = values[line, sample].astype(np.float64)
        inside = inside[np.isfinite(inside)]
        plain, angle = means["plain"], means["angle"]
        assert plain.count[number] == angle.count[number] == inside.size
        if not inside.size:
            assert np.isnan([plain.mean[number], plain.deviation[number], angle.mean[number]]).all()
            continue
        assert plain.total[number] == pytest.approx(inside.sum(), abs=1e-12)
        assert plain.mean[number] == pytest.approx(inside.mean(), abs=1e-12)
        assert plain.deviation[number] == pytest.approx(inside.std(), abs=1e-7)
        phasor = np.exp(1j * inside).mean()
        assert angle.mean[number] == pytest.approx(np.angle(phasor), abs=1e-12)
        assert angle.deviation[number] == pytest.approx(
            np.sqrt(-2.0 * np.log(min(abs(phasor), 1.0))), abs=1e-7
        )


def differing(one, other):
    """Names of what is not the same in two answers of `found_in`, to the last bit."""
    (objects, means), (others, other_means) = one, other
    names = [name for name in objects.facts if not np.array_equal(objects.facts[name], others.facts[name])]
    return names + [
        f"{name}.{part}"
        for name, found in means.items()
        for part in vars(found)
        if not np.array_equal(getattr(found, part), getattr(other_means[name], part), equal_nan=True)
    ]


@pytest.mark.parametrize("connectivity", [4, 8])
def test_strips_and_the_device_make_no_difference(connectivity):
    """A spiral, which crosses every strip many times, and noise."""
    spiral = np.zeros((41, 41), np.uint8)
    for ring in range(0, 20, 2):
        spiral[ring : 41 - ring, ring : 41 - ring] = 1
        spiral[ring + 1 : 40 - ring, ring + 1 : 40 - ring] = 2
        spiral[ring + 1, ring] = 2
        spiral[ring + 2, ring + 1] = 1
    noise = np.random.default_rng(2).integers(0, 3, (41, 41), dtype=np.uint8)
    for image in (spiral, noise):
        whole = found_in(image, 41, connectivity, 3)
        assert whole[0].count >= 2
        for height in (1, 2, 7, 40):
            assert not differing(found_in(image, height, connectivity, 3), whole)
        with stand_in():
            for height in (2, 41):
                assert not differing(found_in(image, height, connectivity, 3, device()), whole)


def test_small_regions_are_forgotten(monkeypatch):
    """Of noise, nothing is held but objects and what reached the last line: of each strip, some twenty regions do."""
    held = []
    finish = _Joining.finish
    monkeypatch.setattr(
        _Joining,
        "finish",
        lambda self: held.append(sum(len(strip.own) for strip in self._strips)) or finish(self),
    )
    noise = np.random.default_rng(3).integers(0, 3, (400, 64), dtype=np.uint8)
    objects, _ = found_in(noise, 20, 4, 25)
    in_objects = sum(len(own) for own, _ in objects.numbers)
    assert objects.count >= 10
    assert in_objects <= held[0] <= in_objects + 20

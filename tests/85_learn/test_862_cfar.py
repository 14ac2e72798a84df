"""Constant false-alarm rate: the rate that is asked for, in speckle, and means counted one by one."""

import numpy as np
import pytest

pytest.importorskip("torch")

from alignsar_gpu.learn.detection.cfar import Cfar, connected

SPECKLE = np.random.default_rng(0).exponential(1.0, (500, 500))
GUARD, TRAINING = (3, 5), (7, 11)


def cfar(rate=1e-3, **keys):
    return Cfar(**{"guard": GUARD, "training": TRAINING, "false_alarms": rate} | keys)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("rate", [1e-2, 1e-3])
def test_rate_is_that_of_speckle(rate, dark):
    way = cfar(rate, dark=dark)
    compared = way.compare(7.0 * SPECKLE)
    false = np.count_nonzero(way.detect(compared.ratio, compared.cells))
    expected = rate * SPECKLE.size
    assert abs(false - expected) < 4.0 * np.sqrt(2.0 * expected)  # neighbours share their means: 2


def test_rate_of_several_looks():
    looks = np.random.default_rng(1).gamma(4.0, 1.0, (500, 500))
    way = cfar(1e-2, looks=4.0)
    compared = way.compare(looks)
    share = way.detect(compared.ratio, compared.cells).mean()
    assert share == pytest.approx(1e-2, abs=4e-4 * 2)


def test_threshold_of_one_look_has_a_closed_form():
    cells = np.array([1.0, 10.0, 60.0, 1000.0])
    for rate in (1e-2, 1e-6):
        np.testing.assert_allclose(
            cfar(rate).threshold(cells), cells * (rate ** (-1.0 / cells) - 1.0), rtol=1e-9
        )


def test_means_are_counted_one_by_one():
    rng = np.random.default_rng(2)
    image = rng.exponential(1.0, (20, 30))
    image[rng.random(image.shape) < 0.1] = np.nan
    found = cfar().compare(image)
    for line, sample in rng.integers((0, 0), image.shape, (40, 2)).tolist():
        rows, columns = np.indices(image.shape)
        down, across = np.abs(rows - line), np.abs(columns - sample)
        wide = (down <= TRAINING[0] // 2) & (across <= TRAINING[1] // 2)
        near = (down <= GUARD[0] // 2) & (across <= GUARD[1] // 2)
        around = image[wide & ~near & np.isfinite(image)]
        if np.isnan(image[line, sample]):
            assert np.isnan(found.ratio[line, sample])
            assert found.cells[line, sample] == 0
            continue
        assert found.cells[line, sample] == around.size
        assert found.around[line, sample] == pytest.approx(around.mean())
        assert found.ratio[line, sample] == pytest.approx(image[line, sample] / around.mean())


def test_nothing_known_is_nothing_detected():
    compared = cfar().compare(np.full((9, 9), np.nan))
    assert not cfar().detect(compared.ratio, compared.cells).any()


def test_smoothed_images_show_dark_patches():
    image = SPECKLE[:100, :200].copy()
    image[40:50, 80:110] *= 0.05
    way = Cfar(
        smooth=(3, 7),
        guard=(15, 45),
        training=(31, 91),
        false_alarms=1e-6,
        looks=21.0,
        dark=True,
        smallest=20,
    )
    compared = way.compare(image)
    found = connected(way.detect(compared.ratio, compared.cells), 1.0 / compared.ratio, way, 3)
    assert found.image.tolist() == [3]
    assert np.abs(found.box[0] - [40, 80, 10, 30]).max() <= 5


def test_pixels_that_touch_are_one_detection():
    detected = np.zeros((12, 12), bool)
    detected[2:4, 3:6] = detected[4, 6] = True  # touches at a corner
    detected[9, 9] = True
    strength = np.where(detected, np.arange(144.0).reshape(12, 12), 0.0)
    found = connected(detected, strength, cfar(), 0)
    assert found.box.tolist() == [[2, 3, 3, 4], [9, 9, 1, 1]]
    assert found.score.tolist() == [54.0, 117.0]
    assert len(connected(detected, strength, cfar(smallest=2), 0)) == 1
    assert len(connected(np.zeros((4, 4), bool), np.zeros((4, 4)), cfar(), 0)) == 0


@pytest.mark.parametrize("apart", [(0, 1), (1, 1), (2, 0), (2, 4), (3, 0), (0, 5), (2, 5)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_parts_of_an_object_need_not_touch(apart, mirrored):
    detected = np.zeros((20, 20), bool)
    detected[8, 8] = detected[8 + apart[0], 8 - apart[1] if mirrored else 8 + apart[1]] = True
    found = connected(detected, np.where(detected, 1.0, 0.0), cfar(join=(5, 9)), 0)
    assert len(found) == (1 if apart[0] <= 2 and apart[1] <= 4 else 2)
    assert found.box[:, 2:].prod() == (np.prod(np.array(apart) + 1) if len(found) == 1 else 1)

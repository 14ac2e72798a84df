"""Products of one subswath or one burst: the bistatic delay without a burst of IW2."""

import numpy as np
import pytest
from fake_safe import FakeSafe, annotations_in, rewrite, write_safe

from alignsar_gpu.coregistration.corrections.corrections import Corrections, location_shift
from alignsar_gpu.products.selection import Match
from alignsar_gpu.products.sentinel1.bursts import NOMINAL_BULK
from alignsar_gpu.products.sentinel1.reader import open_sentinel1

METRES_PER_SECOND = 6800.0  # of the beam on the ground


def without_bursts(folder, swath):
    """The product, cut so that a subswath keeps its annotation, but none of its bursts."""
    for file in annotations_in(folder):
        if f"-{swath}-" in file.name:
            rewrite(file, "<burstList.*</burstList>", '<burstList count="0"/>')
    return folder


def transmission(folder):
    return open_sentinel1(folder).bursts[0].transmission


class TestBulkDelay:
    @pytest.fixture
    def folder(self, tmp_path):
        return write_safe(tmp_path, FakeSafe(swaths=(1, 2), pixels=False))

    def test_a_subswath_without_bursts_says_it(self, folder):
        whole = transmission(folder)
        assert not whole.bulk_is_nominal
        assert transmission(without_bursts(folder, "iw2")) == whole

    def test_by_the_width_of_the_image_where_bursts_have_none(self, folder):
        whole = transmission(folder)
        for file in annotations_in(without_bursts(folder, "iw2"))[1:]:
            rewrite(file, "<samplesPerBurst>40", "<samplesPerBurst>0")
        assert transmission(folder) == whole

    def test_nominal_where_it_lacks(self, folder):
        for file in annotations_in(folder)[1:]:
            file.unlink()
        pulses = transmission(folder)
        assert pulses.bulk_is_nominal
        assert pulses.bulk_delay == NOMINAL_BULK["IW"]
        product = open_sentinel1(folder)
        match = Match(product=product, burst=product.bursts[0])
        shift = location_shift(match, "vv", Corrections(bistatic=True))
        assert np.isfinite(shift.azimuth(0.0, 0.0, 0.0))

    def test_nominal_where_the_annotation_is_incomplete(self, folder):
        for file in annotations_in(without_bursts(folder, "iw2"))[1:]:
            rewrite(file, "<slantRangeTime>[^<]*</slantRangeTime>", "")
        assert transmission(folder).bulk_is_nominal

    def test_the_real_ones_lie_around_the_nominal_one(self, real_data):
        for path in real_data("s1_pair_morocco_20230904_20230916").glob("*.SAFE"):
            delay = transmission(path).bulk_delay
            assert delay == pytest.approx(2.926372e-3, abs=1e-9)
            assert abs(delay - NOMINAL_BULK["IW"]) * METRES_PER_SECOND < 0.05

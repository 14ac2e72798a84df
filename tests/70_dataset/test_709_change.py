"""Masks of change between two dates."""

import numpy as np
import pytest

from alignsar_gpu.dataset.chips.change import Changes
from alignsar_gpu.errors import AlignsarError

LAYERS = {
    "cover": {"array": "classes", "units": "1"},
    "season": {"array": "dated_classes", "units": "1"},
    "built": {"array": "targets", "units": "days since 2022-01-01"},
}
DAYS = np.array(["2022-01-10", "2022-01-22"], dtype="datetime64[D]")


def test_of_classes_and_of_days():
    season = np.array([[1, 1, 255, 2], [1, 2, 1, 255]], dtype=float)
    built = np.array([[9.0, 9.5, 21.0, np.nan]] * 2)  # on the first day, the same, on the second, unknown
    labels = np.stack([season, built], axis=1)[:, :, np.newaxis]
    mask = Changes.of(["season", "built"], LAYERS).mask(labels, DAYS)
    assert mask.tolist() == [[[0, 1, 255, 255]], [[0, 0, 1, 255]]]
    later = Changes.of(["built"], LAYERS).mask(np.array([[[[10.0, 22.0, np.inf]]]] * 2), DAYS)
    assert later.tolist() == [[1, 0, 0]]


def test_labels_that_tell_no_change_are_refused():
    with pytest.raises(AlignsarError, match="label=cover: is the same on all dates"):
        Changes.of(["cover"], LAYERS)
    with pytest.raises(AlignsarError, match="names no day"):
        Changes.of(["built"], {"built": {"array": "targets", "units": "days since when"}})

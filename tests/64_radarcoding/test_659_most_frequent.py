"""The value that most points of a pixel have, against counting them one by one."""

from collections import Counter

import numpy as np
import pytest

from alignsar_gpu.radarcoding.points.statistics import PointStatistics

SHAPE = (6, 9)
MOST = 1 << 24  # whole numbers up to here are float32


@pytest.mark.parametrize("memory", [1 << 20, 24 * 40])
def test_it_is_the_value_of_most_points_and_the_least_of_equal_ones(memory, tmp_path):
    rng = np.random.default_rng(2)
    line, sample = rng.uniform(-0.5, [[5.5], [8.5]], (2, 400))
    value = rng.choice([3.0, 7.0, 11.0, -2.0, MOST], 400)
    value[::50] = np.nan
    statistics = PointStatistics(SHAPE, 0, ("most_frequent", "count"), memory, tmp_path)
    for part in np.array_split(np.arange(400), 7):
        statistics.add(line[part], sample[part], value[part])
    found = statistics.result()
    counted: dict[tuple[int, int], Counter[float]] = {}
    for i, j, number in zip(np.rint(line).astype(int), np.rint(sample).astype(int), value, strict=True):
        if np.isfinite(number):
            counted.setdefault((i, j), Counter())[number] += 1
    ties = 0
    for place in np.ndindex(SHAPE):
        numbers = counted.get(place, Counter())
        best = max(numbers.values(), default=0)
        equal = sorted(number for number, count in numbers.items() if count == best)
        ties += len(equal) > 1
        assert np.array_equal(found["most_frequent"][place], equal[0] if equal else np.nan, equal_nan=True)
        assert found["count"][place] == numbers.total()
    assert ties > 3

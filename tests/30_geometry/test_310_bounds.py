"""The table of bounds, and what is said of a value outside."""

import numpy as np
import pytest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import BOUNDS, require


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_every_bound_has_a_unit_and_a_source(name):
    bound = BOUNDS[name]
    assert bound.low < bound.high
    assert bound.what
    assert bound.unit
    assert len(bound.source) > 10


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_ends_are_allowed_and_what_is_beyond_is_not(name):
    bound = BOUNDS[name]
    require(name, [bound.low, bound.high], "here")
    for value in (
        np.nextafter(bound.low, -np.inf),
        np.nextafter(bound.high, np.inf),
        np.nan,
        np.inf,
        -np.inf,
    ):
        with pytest.raises(AlignsarError, match="here: "):
            require(name, [bound.low, value], "here")


def test_the_message_names_value_bounds_and_unit():
    with pytest.raises(
        AlignsarError, match=r"a.xml: radar frequency is 1e\+06 Hz, and can only be 5.39e\+09 to 5.42e\+09 Hz"
    ):
        require("s1_radar_frequency", 1e6, "a.xml")

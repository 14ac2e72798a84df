"""Where the arithmetic runs, and with how many threads."""

import numba
import pytest

from alignsar_gpu.device import cpu_threads, limited_threads
from alignsar_gpu.errors import AlignsarError


def test_threads_are_limited_inside_the_block_alone():
    before = numba.get_num_threads()
    with limited_threads(1):
        assert cpu_threads() == numba.get_num_threads() == 1
        with limited_threads(None):
            assert cpu_threads() == 1
    assert cpu_threads() == before


def test_an_error_inside_gives_the_threads_back():
    before = numba.get_num_threads()
    with pytest.raises(KeyError), limited_threads(1):
        raise KeyError
    assert numba.get_num_threads() == before


def test_more_threads_than_there_are():
    with pytest.raises(AlignsarError, match=r"device\.threads=100000: "), limited_threads(100_000):
        pass
    with pytest.raises(AlignsarError, match=r"device\.threads=0: "), limited_threads(0):
        pass

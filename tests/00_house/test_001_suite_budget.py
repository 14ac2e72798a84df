"""The budget of the suite: a run that costs more than it may fails, with and without workers."""

from collections import Counter
from pathlib import Path

import pytest
from suite_budget import (
    BUDGET,
    COMPILING,
    MARGIN,
    OUTSIDE_LAYERS,
    REFERENCE,
    STARTING,
    UNLIMITED,
    Costs,
    passed_budgets,
)  # fmt: skip

pytest_plugins = ["pytester"]
TESTS = Path(__file__).parents[1]
CONFTEST = """
from pathlib import Path
from suite_budget import SuiteBudget

def pytest_configure(config):
    config.pluginmanager.register(SuiteBudget(Path(__file__).parent, {budget!r}))
"""
WORK = """
import time

def test_work():
    start = time.process_time()
    while time.process_time() < start + 0.3:
        pass
"""


def costs(seconds, *, slowness=1.0, **more):
    calibrations = [slowness * REFERENCE] * 3
    return Costs(files=Counter(seconds), calibrations=calibrations, **more)


def test_every_layer_has_a_budget():
    layers = {folder.name for folder in TESTS.iterdir() if list(folder.glob("test_*.py"))}
    assert layers == {*BUDGET, *UNLIMITED}


def test_files_of_a_layer_are_added_up():
    seconds = {"20_a/test_1.py": 2.0, "20_a/test_2.py": 3.0, "30_b/test_3.py": 4.0}
    given = costs(seconds, slowness=2.0, compiling=Counter({"20_a/test_1.py": 6.0}), starting=[1.0, 2.0])
    assert given.by_layer() == pytest.approx({"20_a": 2.5, "30_b": 2.0, COMPILING: 3.0, STARTING: 1.0})


def test_workers_are_added_up():
    both = Costs()
    for seconds in (1.0, 2.0):
        worker = costs({"20_a/test_1.py": seconds}, starting=[seconds])
        both.add(worker.as_dict())
    assert both.by_layer()["20_a"] == pytest.approx(3.0)
    assert both.by_layer()[STARTING] == pytest.approx(2.0)


@pytest.mark.parametrize("slowness", [0.5, 1.0, 3.0])
def test_more_than_the_budget_and_its_margin_is_told(slowness):
    budget = {"20_a": 10} | OUTSIDE_LAYERS
    allowed = 10 * MARGIN * slowness
    assert not passed_budgets(costs({"20_a/test_1.py": 0.99 * allowed}, slowness=slowness), budget)
    lines = passed_budgets(costs({"20_a/test_1.py": 1.01 * allowed}, slowness=slowness), budget)
    assert list(lines) == ["20_a"]
    assert f"20_a took {1.01 * 10 * MARGIN:.0f} CPU seconds" in lines["20_a"]


def test_compiling_has_a_budget_of_its_own():
    budget = {"20_a": 10} | OUTSIDE_LAYERS
    compiling = Counter({"20_a/test_1.py": 1.01 * MARGIN * OUTSIDE_LAYERS[COMPILING]})
    assert list(passed_budgets(costs({"20_a/test_1.py": 1.0}, compiling=compiling), budget)) == [COMPILING]


def test_a_layer_without_a_budget_is_told():
    assert "has no budget" in passed_budgets(costs({"99_new/test_1.py": 0.1}), OUTSIDE_LAYERS)["99_new"]


def run_suite(pytester, budget, *arguments):
    """Two files of 0.3 CPU seconds each in one layer (one that has no need of numba) of a suite of its own."""
    pytester.makeini("[pytest]\n")
    pytester.makeconftest(CONFTEST.format(budget={"00_house": budget, COMPILING: 100, STARTING: 100}))
    layer = pytester.mkdir("00_house")
    for name in ("one", "two"):
        (layer / f"test_{name}.py").write_text(WORK)
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)


def check_failed(result):
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*FAILED 00_house::budget*00_house took*"])


def test_a_suite_that_costs_too_much_fails(pytester):
    check_failed(run_suite(pytester, 0.01))


def test_one_with_workers_does_too(pytester):
    pytest.importorskip("xdist")
    check_failed(run_suite(pytester, 0.01, "-n", "2", "--dist", "loadfile"))


def test_one_that_does_not_passes_and_shows_its_slowest_files(pytester):
    result = run_suite(pytester, 100)
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*compiling*", "*the slowest files*", "*0.3*0.0*00_house/test_*.py"])

"""What the suite may cost: CPU seconds of every layer of tests and of compiling; a run that costs more fails.

Seconds are user and system time of the process that runs a test and of the processes it starts, so they hardly
depend on what else the machine does. They are divided by how much slower than the reference machine this one
is, which a short loop beside every file of tests measures. What numba compiles is counted by itself: which
layer needs a kernel first depends on the order of the files and on what the cache has kept.
"""

import hashlib
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest

# CPU seconds on the reference machine with an empty compile cache, by folder below tests/.
BUDGET = {
    "00_house": 6,
    "10_config": 12,
    "15_opening": 5,
    "20_kernels": 42,
    "30_geometry": 18,
    "40_products": 29,
    "45_simulate": 42,
    "50_coregistration": 66,
    "60_signatures": 8,
    "64_radarcoding": 56,
    "67_geocoding": 12,
    "70_dataset": 8,
    "75_catalog": 4,  # pictures, schemas of all extensions, catalogues joined in every order
    "80_report": 9,
    "85_learn": 70,  # each application is trained, on small scenes
    "90_application": 235,
}
COMPILING, STARTING = "compiling", "starting"
OUTSIDE_LAYERS = {COMPILING: 46, STARTING: 22}
UNLIMITED = {"fuzz", "gpu"}  # as long as one likes; the device's
# Layers that may run where there is no numba, or that have no need to wait for it.
WITHOUT_NUMBA = {"00_house", "gpu"}
MARGIN = 1.5
# Seconds that `calibration` takes on the reference machine.
REFERENCE = 0.005
SLOWEST = 10


def layer_of(name):
    """The folder below tests/ of a file there."""
    return name.split("/")[0]


def cpu_seconds():
    """User and system time of this process and of those that it has started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def calibration():
    """CPU seconds of a fixed piece of work of the kinds that the suite does."""
    start = time.thread_time()
    total = 0
    for number in range(60_000):
        total += number * number % 7
    values = json.loads(json.dumps({str(number): [number, total] for number in range(2000)}))
    hashlib.sha256(b"".join(sorted(name.encode() for name in values)) * 500).digest()
    return time.thread_time() - start


@dataclass
class Costs:
    """CPU seconds by file, those of compiling apart, and by what was not a test."""

    files: Counter = field(default_factory=Counter)
    compiling: Counter = field(default_factory=Counter)
    starting: list = field(default_factory=list)
    calibrations: list = field(default_factory=list)

    def add(self, other):
        self.files.update(other["files"])
        self.compiling.update(other["compiling"])
        self.starting += other["starting"]
        self.calibrations += other["calibrations"]

    def as_dict(self):
        """For another process: plain containers."""
        return {
            "files": dict(self.files),
            "compiling": dict(self.compiling),
            "starting": self.starting,
            "calibrations": self.calibrations,
        }

    @property
    def slowness(self):
        """How many times longer than the reference machine this one takes."""
        return median(self.calibrations) / REFERENCE if self.calibrations else 1.0

    def by_layer(self):
        """CPU seconds on the reference machine of layers, of compiling, and of starting one process of tests."""
        costs = Counter()
        for name, seconds in self.files.items():
            costs[layer_of(name)] += seconds
        costs[COMPILING] = sum(self.compiling.values())
        costs[STARTING] = max(self.starting, default=0.0)
        return {layer: seconds / self.slowness for layer, seconds in costs.items()}


def passed_budgets(costs, budget):
    """One line for every layer that costs more than it may, or that has no budget."""
    lines = {}
    for layer, seconds in costs.by_layer().items():
        if layer in UNLIMITED:
            continue
        if layer not in budget:
            lines[layer] = f"{layer} has no budget: give it one in {Path(__file__).name}"
        elif seconds > MARGIN * budget[layer]:
            lines[layer] = (
                f"{layer} took {seconds:.0f} CPU seconds of the reference machine, and may take {MARGIN} x "
                f"{budget[layer]}: make its tests cheaper, or give it more in {Path(__file__).name} and say why"
            )
    return lines


class SuiteBudget:
    """Plugin of pytest that measures the costs of a session, shows them and fails it where they are too high.

    With pytest-xdist each worker measures its own, and the controller adds them up.
    """

    def __init__(self, root, budget):
        self.root, self.budget = Path(root), budget
        self.costs, self.current = Costs(), None
        self.began, self.in_tests = cpu_seconds(), 0.0

    def pytest_collection_finish(self, session):
        if {layer_of(self._name(item)) for item in session.items} - WITHOUT_NUMBA:
            listen_to_compilers(self._compiled)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        name = self._name(item)
        if name != self.current:
            self.current = name
            self._calibrate()
        start = cpu_seconds()
        compiled = self.costs.compiling[name]
        result = yield
        seconds = cpu_seconds() - start
        self.in_tests += seconds
        self.costs.files[name] += seconds - (self.costs.compiling[name] - compiled)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        if self.costs.files:
            self._calibrate()
            self.costs.starting.append(cpu_seconds() - self.began - self.in_tests)
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["suite_budget"] = self.costs.as_dict()
            return
        for layer, message in passed_budgets(self.costs, self.budget).items():
            report = pytest.TestReport(
                nodeid=f"{layer}::budget", location=(layer, None, "budget"), keywords={}, outcome="failed",
                longrepr=message, when="call",
            )  # fmt: skip
            session.config.hook.pytest_runtest_logreport(report=report)
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        self.costs.add(getattr(node, "workeroutput", {}).get("suite_budget", Costs().as_dict()))

    def pytest_terminal_summary(self, terminalreporter):
        if not self.costs.files or hasattr(terminalreporter.config, "workeroutput"):
            return
        write, slowness = terminalreporter.write_line, self.costs.slowness
        terminalreporter.write_sep("=", f"CPU seconds (this machine: {slowness:.2f} x the reference)")
        for layer, seconds in sorted(self.costs.by_layer().items()):
            write(f"{seconds * slowness:7.1f}  {layer}  ({seconds:.0f} of {self.budget.get(layer, 'any')})")
        files, compiling = self.costs.files + self.costs.compiling, self.costs.compiling
        write(f"{files.total():7.1f}  all tests; the slowest files, and what they compiled:")
        for name, seconds in files.most_common(SLOWEST):
            write(f"{seconds:7.1f} {compiling[name]:7.1f}  {name}")

    def _name(self, item):
        path = item.path
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def _calibrate(self):
        self.costs.calibrations.append(calibration())

    def _compiled(self, seconds):
        self.costs.compiling[self.current] += seconds


def listen_to_compilers(tell):
    """Call ``tell`` with the CPU seconds of everything that numba compiles from now on."""
    from numba.core import event  # noqa: PLC0415

    class Compiles(event.Listener):
        """Compiling holds a lock, and starts inside itself for functions that are called."""

        depth, start = 0, 0.0

        def on_start(self, event):
            if not self.depth:
                self.start = time.thread_time()
            self.depth += 1

        def on_end(self, event):
            self.depth -= 1
            if not self.depth:
                tell(time.thread_time() - self.start)

    event.register("numba:compile", Compiles())


class OneThread:
    """Plugin of pytest for workers, which share the cores: compiled loops take one thread but where a test asks."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self):
        if "numba" in sys.modules:
            sys.modules["numba"].set_num_threads(1)

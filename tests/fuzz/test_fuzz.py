"""False values and damage in every format: each input ends in AlignsarError or in an accepted product.

Without another traceback, a hang, more than 1 GiB of memory, or an accepted value that cannot be. Inputs that failed
are kept in ``tests/fuzz/seeds`` and tried again first. All of it: ``python -m pytest tests/fuzz --fuzz-inputs=20000``.
"""

import itertools
import time
from collections import Counter
from pathlib import Path

import pytest
from fuzz_inputs import CHANGES, changed
from fuzz_targets import TARGETS
from fuzz_worker import ACCEPTED, REFUSED, Worker
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase

SEEDS = Path(__file__).parent / "seeds"
A_ROUND = 100  # inputs that are made from one seed


@pytest.fixture(params=TARGETS, ids=lambda target: target.name)
def target(request):
    return request.param


def fuzz(target, seeds, inputs, until, counts):
    """Try rounds of inputs until there were enough; a failure is made smaller, kept and raised."""
    worker = Worker(target)
    try:
        for number in seeds:

            @seed(number)
            @settings(
                max_examples=min(A_ROUND, inputs - sum(counts.values())) if inputs else A_ROUND,
                deadline=None,
                database=DirectoryBasedExampleDatabase(SEEDS / target.name),
                phases=(Phase.reuse, Phase.generate, Phase.shrink),
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            )
            @given(CHANGES)
            def one_round(changes):
                if until is not None and time.monotonic() > until and counts.total():
                    return
                found = worker.outcome(changed(target.files(), changes))
                counts[found if found in {REFUSED, ACCEPTED} else "failed"] += 1
                assert found in {REFUSED, ACCEPTED}, f"{target.name}, seed {number}: {found}"

            one_round()
            enough = counts.total() >= inputs if inputs else time.monotonic() > until
            if enough:
                return
    finally:
        worker.close()


def test_fuzz(target, request, record_property):
    inputs, seconds = (request.config.getoption(name) for name in ("--fuzz-inputs", "--fuzz-seconds"))
    first = request.config.getoption("--fuzz-seed")
    first = time.time_ns() % 1_000_000_000 if first is None else first
    worker = Worker(target)
    assert worker.outcome(target.files()) == ACCEPTED, "the product is valid before anything is done to it"
    worker.close()
    counts = Counter()
    share = -(-inputs // len(TARGETS))
    until = time.monotonic() + seconds / len(TARGETS) if seconds else None
    try:
        fuzz(target, itertools.count(first), share, until, counts)
    finally:
        print(f"{target.name}, seed {first}: {dict(counts)}")  # noqa: T201
        record_property("inputs", counts.total())
    assert counts.total()

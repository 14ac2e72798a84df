"""False values and damage in every format: each input ends in AlignsarError or in an accepted product.

Without another traceback, a hang, more than 1 GiB of memory, or an accepted value that cannot be. Inputs that failed
are kept in ``tests/fuzz/seeds`` and tried again first. All of it: ``python -m pytest tests/fuzz --fuzz-inputs=20000``.
"""

import itertools
import json
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from fuzz_inputs import CHANGES, Change, changed
from fuzz_targets import TARGETS
from fuzz_worker import ACCEPTED, REFUSED, Worker
from hypothesis import HealthCheck, Phase, given, seed, settings

SEEDS = Path(__file__).parent / "seeds"
A_ROUND = 100  # inputs that are made from one seed


@pytest.fixture(params=TARGETS, ids=lambda target: target.name)
def target(request):
    return request.param


def a_round(target, worker, number, enough, counts):
    """Try the inputs of one seed; a failure is made smaller, kept and raised."""

    @seed(number)
    @settings(
        max_examples=A_ROUND,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(CHANGES)
    def one(changes):
        if counts.total() and enough():
            return
        found = worker.outcome(changed(target.files(), changes))
        counts[found if found in {REFUSED, ACCEPTED} else "failed"] += 1
        if found not in {REFUSED, ACCEPTED}:
            failed[:] = [changes]
        assert found in {REFUSED, ACCEPTED}, f"{target.name}, seed {number}: {found}"

    failed = []
    try:
        one()
    finally:
        if failed:  # the last is the smallest
            keep(target, failed[0])


def kept(target):
    """Inputs that failed once."""
    path = SEEDS / f"{target.name}.json"
    return (
        [[Change(**c) for c in changes] for changes in json.loads(path.read_text())] if path.exists() else []
    )


def keep(target, changes):
    SEEDS.mkdir(exist_ok=True)
    content = [[asdict(change) for change in case] for case in (*kept(target), changes)]
    (SEEDS / f"{target.name}.json").write_text(json.dumps(content, indent=1) + "\n")


def test_fuzz(target, request):
    inputs, seconds = (request.config.getoption(name) for name in ("--fuzz-inputs", "--fuzz-seconds"))
    first = request.config.getoption("--fuzz-seed")
    first = time.time_ns() % 1_000_000_000 if first is None else first
    counts, until = Counter(), time.monotonic() + seconds / len(TARGETS)
    share = -(-inputs // len(TARGETS))

    def enough():
        return counts.total() >= share if inputs else time.monotonic() > until

    worker = Worker(target)
    try:
        valid = worker.outcome(target.files())
        assert valid == ACCEPTED, f"the product is not valid before anything is done to it: {valid}"
        for changes in kept(target):
            found = worker.outcome(changed(target.files(), changes))
            assert found in {REFUSED, ACCEPTED}, f"{target.name}, {changes}: {found}"
        for number in itertools.count(first):
            a_round(target, worker, number, enough, counts)
            if enough():
                break
    finally:
        worker.close()
        print(f"{target.name}, seed {first}: {dict(counts)}")  # noqa: T201
    assert counts.total()

"""Options of the fuzzer: how many inputs, or for how long."""

import pytest


def pytest_addoption(parser):
    parser.addoption("--fuzz-inputs", type=int, default=0, help="inputs of all formats together")
    parser.addoption("--fuzz-seconds", type=float, default=0.0, help="seconds for all formats together")
    parser.addoption(
        "--fuzz-seed", type=int, default=None, help="of the inputs; another one each time by default"
    )


def pytest_collection_modifyitems(config, items):
    """Without one of the options nothing is fuzzed: it takes as long as one likes."""
    if config.getoption("--fuzz-inputs", 0) or config.getoption("--fuzz-seconds", 0.0):
        return
    for item in items:
        if "target" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="name --fuzz-inputs=NUMBER or --fuzz-seconds=SECONDS"))

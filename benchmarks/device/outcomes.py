"""A plugin of pytest: what became of each test, a line of JSON in the file OUTCOMES, as soon as it is known."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MESSAGE = 2000  # characters of a failure that are kept


def pytest_runtest_logreport(report: Any) -> None:
    if report.when != "call" and report.outcome == "passed":
        return
    message = "" if report.outcome == "passed" else report.longreprtext[-MESSAGE:]
    keep(report.nodeid, report.outcome, round(report.duration, 2), message)


def pytest_collectreport(report: Any) -> None:
    if report.outcome != "passed":
        keep(report.nodeid, report.outcome, 0.0, report.longreprtext[-MESSAGE:])


def keep(test: str, outcome: str, seconds: float, message: str) -> None:
    row = {"test": test, "outcome": outcome, "seconds": seconds, "message": message}
    with Path(os.environ["OUTCOMES"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")

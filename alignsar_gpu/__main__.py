"""The command line: ``alignsar_gpu +experiment=NAME key=value ...``, or ``python -m alignsar_gpu``."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alignsar_gpu import interrupts

# As `python -m` and as the console script: no traceback of an interrupt while modules are imported.
if __name__ == "__main__" or sys.argv[0].endswith("/alignsar_gpu"):
    interrupts.leave_at_once_from_now()

import hydra
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from alignsar_gpu import doctor
from alignsar_gpu.errors import CANNOT_WRITE, AlignsarError
from alignsar_gpu.frontend.arguments import prepare
from alignsar_gpu.frontend.composing import one_line, register
from alignsar_gpu.frontend.help import help_page
from alignsar_gpu.frontend.help_keys import help_keys
from alignsar_gpu.frontend.multirun import Jobs
from alignsar_gpu.frontend.performing import give_name, perform
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from omegaconf import DictConfig

    from alignsar_gpu.application.pipeline import Summary
    from alignsar_gpu.application.simulation import SimulationSummary

FULL_ERROR = "HYDRA_FULL_ERROR"
# Modules of `frontend` that take all arguments.
COMMANDS = {"check": "checking", "catalog": "cataloguing", "serve": "serving"}


def _print_rows(rows: list[tuple[str, str]]) -> None:
    for label, text in rows:
        print(f"{label:10} {text}")  # noqa: T201


def _print_summary(summary: Summary) -> None:
    if not summary.seconds and summary.unchecked:
        print(  # noqa: T201
            f"kept: {summary.output} holds this dataset as it was made; whether {', '.join(summary.unchecked)} has "
            "changed since cannot be checked (delete the folder to make the dataset again)"
        )
        return
    if not summary.seconds:
        print(f"nothing to do: {summary.output} holds this dataset already, every file as it was written")  # noqa: T201
        return
    rows = [
        *((label, f"{path}   {text}".rstrip()) for label, path, text in summary.shown),
        ("device", f"{summary.device} ({summary.device.reason})"),
        ("stages", "  ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.seconds.items())),
        *(("warning", warning) for warning in summary.warnings),
    ]
    _print_rows(rows)


def _print_simulation(summary: SimulationSummary) -> None:
    output = summary.output
    if not summary.seconds:
        print(f"nothing to do: {output} holds these products already, every file as it was written")  # noqa: T201
        return
    rows = [
        ("products", f"{output / 'products'}   (SAFE, one a date)"),
        ("orbits", f"{output / 'orbits'}   (EOF)"),
        ("scene", f"{output / 'scene'}   (dem.tif, land cover, targets, changes)"),
        ("truth", f"{output / 'truth.zarr'}   (xarray.open_zarr(..., group=BURST_ID))"),
        ("stages", "  ".join(f"{name} {seconds:.1f} s" for name, seconds in summary.seconds.items())),
    ]
    _print_rows(rows)


def _run(composed: DictConfig, jobs: Jobs) -> None:
    give_name(composed)
    jobs.begin(composed)
    _, summary = perform(composed, when_simulated=_print_simulation, working=interrupts.raising)
    if summary is not None:
        _print_summary(summary)


def _answer(arguments: list[str]) -> str:
    """Return what is printed for an option that asks for help or the version; an empty text where there is none."""
    if "--version" in arguments:
        return f"alignsar_gpu {VERSION}\n"
    if "--help-keys" in arguments:
        return help_keys(*arguments[arguments.index("--help-keys") + 1 :][:1])
    if "--help" in arguments or "-h" in arguments:
        return help_page(VERSION)
    return ""


@contextmanager
def _raising_hydra() -> Iterator[None]:
    """Let Hydra raise its errors instead of ending the process."""
    before = os.environ.get(FULL_ERROR)
    os.environ[FULL_ERROR] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[FULL_ERROR]
        else:
            os.environ[FULL_ERROR] = before


@contextmanager
def _arguments(prepared: list[str]) -> Iterator[None]:
    """Give Hydra other arguments than those of the process."""
    before = sys.argv
    sys.argv = [before[0], *prepared]
    try:
        yield
    finally:
        sys.argv = before


def main() -> int:
    """Run the command line; returns the exit status.

    0, 2 for an error that the user can put right, 130 or 143 after SIGINT or SIGTERM.
    """
    try:
        with interrupts.leaving_at_once():
            if sys.argv[1:] == ["doctor"]:
                return doctor.main()
            return _command(*sys.argv[1:]) if sys.argv[1:2] and sys.argv[1] in COMMANDS else _main()
    except KeyboardInterrupt as interrupt:
        print(f"alignsar_gpu: {interrupt}", file=sys.stderr)  # noqa: T201
        return getattr(interrupt, "status", 128 + signal.SIGINT)


def _command(name: str, *arguments: str) -> int:
    # Imported here: what it reads with is heavy.
    command = importlib.import_module(f"alignsar_gpu.frontend.{COMMANDS[name]}")
    try:
        return int(command.main(arguments))
    except AlignsarError as error:
        print(f"alignsar_gpu: error: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _main() -> int:
    show_all = os.environ.get(FULL_ERROR) == "1"
    failures: list[Exception] = []
    jobs = Jobs()

    @hydra.main(version_base="1.3", config_path="pkg://alignsar_gpu.configs", config_name="config")
    def job(composed: DictConfig) -> None:
        started, before = time.perf_counter(), len(failures)
        try:
            _run(composed, jobs)
        except (AlignsarError, OmegaConfBaseException) as error:  # Hydra would add lines of its own
            failures.append(error)
        except OSError as error:
            if error.errno not in CANNOT_WRITE:
                raise
            failures.append(error)
        seconds = f"{time.perf_counter() - started:.1f} s"
        jobs.end(seconds if len(failures) == before else "failed")

    try:
        if answer := _answer(sys.argv[1:]):
            print(answer, end="")  # noqa: T201
            return 0
        register()
        with _raising_hydra(), _arguments(prepare(sys.argv[1:])):
            job()
    except (AlignsarError, HydraException, OmegaConfBaseException) as error:
        failures.append(error)
    finally:
        if jobs.rows:
            print(jobs.table())  # noqa: T201
    if show_all and failures:
        raise failures[0]
    for failure in failures:
        print(f"alignsar_gpu: error: {one_line(failure)}", file=sys.stderr)  # noqa: T201
    return 2 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

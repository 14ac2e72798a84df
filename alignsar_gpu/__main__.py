"""The command line: ``python -m alignsar_gpu +experiment=NAME key=value ...``."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, cast

import hydra
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from alignsar_gpu.application.folder import CANNOT_WRITE
from alignsar_gpu.config import Config, check_together, register, validate
from alignsar_gpu.environment import check_environment
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.readers import reader_of, readers
from alignsar_gpu.radarcoding.kinds import layers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.application.pipeline import Summary
    from alignsar_gpu.application.simulation import SimulationSummary

FULL_ERROR = "HYDRA_FULL_ERROR"
# What Hydra says of values that it takes for something else, and what to write instead.
QUOTING = {
    "Ambiguous value": "a list is written in brackets: key=[a,b]",
    "no viable alternative": "quote a value with brackets, commas or spaces twice: 'key=\"value\"'",
}


def one_line(error: Exception) -> str:
    """The message of ``error`` on one line, with what caused it, if it says more."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={name}: there is no {name!r}; choose from {', '.join(error.options)}"
    if isinstance(error, AlignsarError):
        return str(error)
    if isinstance(error, OSError):
        where = f" {error.filename}" if error.filename else ""
        return (
            f"cannot write{where} ({error.strerror}); put that right, and the same command continues the run"
        )
    messages = [str(e).strip().splitlines() for e in (error, error.__cause__) if e is not None]
    message = ": ".join(lines[0].rstrip(".") for lines in messages if lines)
    return "; ".join([message, *(hint for words, hint in QUOTING.items() if words in message)])


def _unknown_keys(node: DictConfig, prefix: str = "") -> list[str]:
    """Keys that no class of the configuration has: Hydra's ``+key=value`` adds what it is told to."""
    kind = OmegaConf.get_type(node)
    if kind is dict:  # its keys are names that users give
        return []
    known = {item.name for item in fields(kind)} if kind is not None and is_dataclass(kind) else set()
    unknown = []
    for name in map(str, node):
        if name not in known:
            unknown.append(f"{prefix}{name}")
        elif not OmegaConf.is_missing(node, name) and isinstance(node[name], DictConfig):
            unknown += _unknown_keys(node[name], f"{prefix}{name}.")
    return unknown


def typed(composed: DictConfig) -> Config:
    """The composed configuration as checked values. Raises AlignsarError or OmegaConf's errors by key."""
    unknown = _unknown_keys(composed)
    if unknown:
        raise AlignsarError(f"{', '.join(unknown)}: no such key; --help lists the keys")
    missing = sorted(OmegaConf.missing_keys(composed))
    if "products" in missing:
        raise AlignsarError(
            "no products: choose an experiment (+experiment=demo, +experiment=amsterdam, ...; --help lists them) "
            "or a reader (products=snap products.path=FOLDER, products=sentinel1 products.path=SAFE dem.path=FILE)"
        )
    if missing:
        raise AlignsarError(f"{', '.join(missing)}: must be given, for example {missing[0]}=...")
    config = cast("Config", OmegaConf.to_object(composed))
    config.radarcoding.layers = layers_of(config.radarcoding.layers)
    validate(config)
    reader = config.products.reader
    check_together(config, coregisters=reader != "none" and reader_of(reader).coregisters)
    return config


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


def _run(composed: DictConfig) -> None:
    config = typed(composed)
    check_environment()
    # imported late, so that --help and a wrong key answer at once
    from alignsar_gpu.application.pipeline import check, run  # noqa: PLC0415
    from alignsar_gpu.application.published import Published  # noqa: PLC0415
    from alignsar_gpu.application.simulation import simulate_products  # noqa: PLC0415
    from alignsar_gpu.device import limited_threads  # noqa: PLC0415
    from alignsar_gpu.progress import start_log  # noqa: PLC0415

    start_log()
    published = Published(composed)
    with limited_threads(config.device.threads):
        if config.products.reader != "none":
            check(config)
        if config.simulate is not None:
            _print_simulation(simulate_products(config, published.configuration))
        if config.products.reader != "none":
            _print_summary(run(config, published))


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


def main() -> int:
    """Run the command line; returns the exit status: 0, or 2 for an error that the user can put right."""
    show_all = os.environ.get(FULL_ERROR) == "1"
    register()
    readers()
    failures: list[Exception] = []

    @hydra.main(version_base="1.3", config_path="pkg://alignsar_gpu.configs", config_name="config")
    def job(composed: DictConfig) -> None:
        try:
            _run(composed)
        except (AlignsarError, OmegaConfBaseException) as error:  # Hydra would add lines of its own
            failures.append(error)
        except OSError as error:
            if error.errno not in CANNOT_WRITE:
                raise
            failures.append(error)
        except KeyboardInterrupt:
            failures.append(AlignsarError("interrupted; the same command continues the run"))

    try:
        with _raising_hydra():
            job()
    except (HydraException, OmegaConfBaseException) as error:
        failures.append(error)
    if show_all and failures:
        raise failures[0]
    for failure in failures:
        print(f"alignsar_gpu: error: {one_line(failure)}", file=sys.stderr)  # noqa: T201
    return 2 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""SAR benchmark datasets for machine learning, on the GPU or the CPU."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Look up ``__version__`` on first use: reading the distribution's metadata takes longer than the import."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("alignsar_gpu")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

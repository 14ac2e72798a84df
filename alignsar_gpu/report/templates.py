"""Templates of the report: the page and its pictures."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import jinja2


@cache
def environment(package: str) -> jinja2.Environment:
    """Return templates that are the files of a package; every text that is filled in is escaped."""
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: files(package).joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def own_file(name: str) -> str:
    """Read a text file of this package."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def fill(name: str, **words: Any) -> str:
    """Fill the template ``name`` with ``words``; every text is escaped."""
    return environment(__package__).get_template(name).render(**words)

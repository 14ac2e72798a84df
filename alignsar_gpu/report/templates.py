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
        loader=jinja2.FunctionLoader(lambda name: template_text(package, name)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template_text(package: str, name: str) -> str:
    """Read a text file of a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def own_file(name: str) -> str:
    """Read a text file of this package."""
    return template_text(__package__, name)


def fill(name: str, **words: Any) -> str:
    """Fill the template ``name`` with ``words``; every text is escaped."""
    return environment(__package__).get_template(name).render(**words)

"""Arguments of the command line, made into what Hydra's parser takes for the same values.

Hydra reads ``~``, brackets, commas, spaces, ``=``, ``#``, ``!`` and letters with accents as parts of a grammar. A value
of a key that takes text is quoted here, so that it comes through as typed, unless it begins with a quote, ``[``, ``{``
or ``${``.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.override_parser.types import Quote, QuotedString

from alignsar_gpu.errors import AlignsarError, did_you_mean
from alignsar_gpu.frontend.groups import AUTO, options_of
from alignsar_gpu.frontend.keys import LAYER, keys_named
from alignsar_gpu.products.readers import reader_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OVERRIDE = re.compile(r"(?P<sign>\+{0,2})(?P<name>[^=~+@]+)=(?P<value>.*)", re.DOTALL)
# Options of Hydra that take the next argument.
TAKING = {
    *(
        "--cfg",
        "-c",
        "--package",
        "-p",
        "--config-path",
        "-cp",
        "--config-name",
        "-cn",
        "--config-dir",
        "-cd",
    ),
    *("--experimental-rerun", "--info", "-i"),
}
MULTIRUN = {"--multirun", "-m"}
WHOLE_QUOTE = re.compile(r"""(?P<quote>["'])(?:\\.|(?!(?P=quote)|\\).)*(?P=quote)""", re.DOTALL)
# A part of a sweep: up to a comma outside of quotes and brackets; and what Hydra sweeps over by itself.
PART = re.compile(
    r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|[^,])+|(?<=,)$"""
)
SWEEP = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag)\(.*\)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Override:
    """An argument KEY=VALUE; ``sign`` is what stands before the key: nothing, + or ++."""

    sign: str
    name: str
    value: str

    def __str__(self) -> str:
        return f"{self.sign}{self.name}={self.value}"


def quoted(text: str) -> str:
    """Quote a text so that Hydra takes it as it is."""
    return QuotedString(text=text, quote=Quote.double).with_quotes()


def unquoted(value: str) -> str:
    """Return the text that Hydra takes a value for."""
    if not WHOLE_QUOTE.fullmatch(value):
        return value
    return re.sub(r"\\+(?=" + value[0] + "|$)", lambda found: found[0][: len(found[0]) // 2], value[1:-1])


def prepare(arguments: Sequence[str]) -> list[str]:
    """Rewrite the arguments of a command for Hydra. Raises AlignsarError for what it could not make sense of."""
    places = list(_overrides(arguments))
    sweeps = not MULTIRUN.isdisjoint(arguments)
    prepared, found = list(arguments), []
    for place in places:
        match = OVERRIDE.fullmatch(arguments[place])
        if match is None:
            _check_word(arguments, place)
            continue
        override = Override(**match.groupdict())
        if override.name == "experiment" and not override.sign:
            raise AlignsarError(f"{override}: did you mean +{override}?")
        override = _as_typed(override, sweeps=sweeps)
        prepared[place] = str(override)
        found.append(override)
    return _with_reader(prepared, found, sweeps=sweeps)


def _overrides(arguments: Sequence[str]) -> Iterator[int]:
    """Find the arguments that are no options of Hydra's, nor values of them."""
    for place, argument in enumerate(arguments):
        if not argument.startswith("-") and (place == 0 or arguments[place - 1] not in TAKING):
            yield place


def _check_word(arguments: Sequence[str], place: int) -> None:
    """Raise AlignsarError for an argument without ``=``, with what may have been meant."""
    word = arguments[place]
    if word.startswith("~") or "@" in word:
        return
    experiments = options_of("experiment")
    if word in experiments:
        raise AlignsarError(f"{word}: did you mean +experiment={word}?")
    if place and "=" in arguments[place - 1] and not Path(word).exists():
        words = takewhile(lambda argument: "=" not in argument, arguments[place:])
        raise AlignsarError(
            f"{word}: an argument has the form KEY=VALUE; quote a value with spaces: "
            f"{shlex.quote(' '.join([arguments[place - 1], *words]))}"
        )
    if Path(word).exists():
        raise AlignsarError(f"{word}: an argument has the form KEY=VALUE; did you mean products.path={word}?")
    near = did_you_mean(word, [f"+experiment={name}" for name in experiments])
    raise AlignsarError(f"{word}: an argument has the form KEY=VALUE; {near or '--help shows some'}")


def _as_typed(override: Override, *, sweeps: bool) -> Override:
    """Quote the value of a key that takes text; layers of labels are new keys, which need a sign."""
    if not override.sign and LAYER.match(override.name):
        override = replace(override, sign="++")
    keys = keys_named(override.name)
    if not any(key.is_text for key in keys):
        return override
    unset = any(key.may_be_none for key in keys)
    if not sweeps:
        return replace(override, value=_quoted_value(override.value, unset=unset))
    if SWEEP.fullmatch(override.value):
        return override
    parts = PART.findall(override.value) or [override.value]
    return replace(override, value=",".join(_quoted_value(part, unset=unset) for part in parts))


def _quoted_value(value: str, *, unset: bool) -> str:
    if value.startswith(("[", "{", "${")) or WHOLE_QUOTE.fullmatch(value) or (unset and value == "null"):
        return value
    return quoted(value)


def _with_reader(arguments: list[str], found: Sequence[Override], *, sweeps: bool) -> list[str]:
    """Choose the reader by the files at products.path, where no other is chosen."""
    values = {override.name: override.value for override in found}
    path, reader = values.get("products.path"), values.get("products")
    has_configuration = "experiment" in values or any(argument in TAKING for argument in arguments)
    if reader != AUTO and (reader is not None or has_configuration or path is None):
        return arguments
    if path is None or "${" in path or sweeps:
        raise AlignsarError(
            f"products={AUTO}: finds the reader by the files at products.path=FOLDER; name the reader instead "
            f"(products={' or products='.join(o for o in options_of('products') if o not in {AUTO, 'none'})})"
        )
    name = reader_at(Path(unquoted(path)).expanduser()).name
    kept = [argument for argument in arguments if argument.lstrip("+") != f"products={AUTO}"]
    return [*kept, f"products={name}"]

"""Arguments of the command line, made into what Hydra's parser takes for the same values.

Hydra reads ``~``, brackets, commas, spaces, ``=``, ``#``, ``!`` and letters with accents as parts of a grammar. A value
of a key that takes text is quoted here, so that it comes through as typed, unless it begins with a quote, ``[``, ``{``
or ``${``.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from hydra.core.override_parser.types import Quote, QuotedString

from alignsar_gpu.config.radarcoding import check_layer_name
from alignsar_gpu.errors import AlignsarError, choose_from, did_you_mean
from alignsar_gpu.frontend.groups import AUTO, options_of, simulates
from alignsar_gpu.frontend.keys import LAYER, LAYERS, keys_named
from alignsar_gpu.products.readers import reader_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OVERRIDE = re.compile(r"(?P<sign>\+{0,2})(?P<name>[^=~+@]+)=(?P<value>.*)", re.DOTALL)
MULTIRUN = {"--multirun", "-m"}
MODES = MULTIRUN | {"--run", "-r", "--cfg", "-c", "--info", "-i"}  # of Hydra, one at a time
CONFIGURATIONS = {
    "--config-path",
    "-cp",
    "--config-name",
    "-cn",
    "--config-dir",
    "-cd",
    "--experimental-rerun",
}
TAKING = CONFIGURATIONS | {
    "--cfg",
    "-c",
    "--info",
    "-i",
    "--package",
    "-p",
}  # options that take the next argument
OPTIONS = MODES | TAKING | {"--hydra-help", "--resolve", "--shell-completion", "-sc"}
OURS = ("--help", "--help-keys", "--version")
DOCTOR = "doctor"
COMMANDS = (DOCTOR, "check", "catalog", "serve")
WHOLE_QUOTE = re.compile(r"""(?P<quote>["'])(?:\\.|(?!(?P=quote)|\\).)*(?P=quote)""", re.DOTALL)
# A part of a sweep: up to a comma outside of quotes and brackets; and what Hydra sweeps over by itself.
PART = re.compile(
    r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|[^,])+|(?<=,)$"""
)
SWEEP = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag)\(.*\)", re.DOTALL)


SIMULATE = "simulate"
NOTHING_SIMULATED = "nothing is simulated here; add simulate=default, or choose +experiment=simulate"


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
    options = [argument for place, argument in enumerate(arguments) if place not in places]
    _check_options(options)
    sweeps = not MULTIRUN.isdisjoint(options)
    prepared, found = [], []
    for place in places:
        match = OVERRIDE.fullmatch(arguments[place])
        if match is None:
            _check_word(arguments, place)
            prepared.append(arguments[place])
            continue
        override = Override(**match.groupdict())
        if override.name == "experiment" and not override.sign:
            raise AlignsarError(f"{override}: did you mean +{override}?")
        override = _as_present(override)
        override = _as_typed(override, sweeps=sweeps)
        prepared.append(str(override))
        found.append(override)
    may_choose = CONFIGURATIONS.isdisjoint(options)  # in files of their own, users choose there
    if may_choose:
        _check_simulated(found)
    prepared = _with_reader(prepared, found, may_choose=may_choose, sweeps=sweeps)
    return [*prepared, *options]  # Hydra overlooks arguments that options stand between


def _overrides(arguments: Sequence[str]) -> Iterator[int]:
    """Find the arguments that are no options of Hydra's, nor values of them."""
    for place, argument in enumerate(arguments):
        before = arguments[place - 1] if place else ""
        if not argument.startswith("-") and (before not in TAKING or (before in MODES and "=" in argument)):
            yield place


def _check_options(options: Sequence[str]) -> None:
    """Raise AlignsarError for an option that there is not, and for two of which one excludes the other."""
    for option in options:
        name = option.partition("=")[0]
        if name.startswith("-") and not any(known.startswith(name) for known in OPTIONS):
            near = did_you_mean(name, [*OURS, *(known for known in OPTIONS if known.startswith("--"))])
            raise AlignsarError(f"{option}: no such option; {near or '--help shows them'}")
    modes = [option for option in options if option in MODES]
    if len(modes) > 1:
        raise AlignsarError(f"{' '.join(modes)}: one excludes the other; give one of them")


def _check_word(arguments: Sequence[str], place: int) -> None:
    """Raise AlignsarError for an argument without ``=``, with what may have been meant."""
    word = arguments[place]
    if word.startswith("~") or "@" in word:
        return
    experiments = options_of("experiment")
    if word in experiments:
        raise AlignsarError(f"{word}: did you mean +experiment={word}?")
    if word.startswith("=") or keys_named(word) or options_of(word):
        raise AlignsarError(f"{word}: an argument has the form KEY=VALUE; give both, without spaces around =")
    is_path = os.path.exists(word)  # noqa: PTH110  (no error for what cannot be a path)
    if place and "=" in arguments[place - 1] and not is_path:
        words = takewhile(lambda argument: "=" not in argument, arguments[place:])
        raise AlignsarError(
            f"{word}: an argument has the form KEY=VALUE; quote a value with spaces: "
            f"{shlex.quote(' '.join([arguments[place - 1], *words]))}"
        )
    if is_path:
        raise AlignsarError(f"{word}: an argument has the form KEY=VALUE; did you mean products.path={word}?")
    if word == DOCTOR:
        raise AlignsarError(f"{word}: takes no other arguments; leave them out")
    near = did_you_mean(word, [*COMMANDS, *OURS, *(f"+experiment={name}" for name in experiments)])
    raise AlignsarError(f"{word}: an argument has the form KEY=VALUE; {near or '--help shows some'}")


def _as_present(override: Override) -> Override:
    """Leave out the sign of what is there. Raises AlignsarError for a group without an option, or with several."""
    options = options_of(override.name)
    if options and (override.value in {"", "null"} or override.value.startswith(("[", "{"))):
        raise AlignsarError(f"{override}: {choose_from(override.value, options)}")
    is_there = override.name != "experiment" and (options or keys_named(override.name))
    return replace(override, sign="") if is_there else override


def _check_simulated(found: Sequence[Override]) -> None:
    """Raise AlignsarError for keys of simulations where there is none."""
    values = {override.name: override.value for override in found}
    if SIMULATE in values or any(map(simulates, values.get("experiment", "").split(","))):
        return
    for override in found:
        if override.name.startswith(f"{SIMULATE}."):
            raise AlignsarError(f"{override}: {NOTHING_SIMULATED}")


def _as_typed(override: Override, *, sweeps: bool) -> Override:
    """Quote the value of a key that takes text; layers of labels are new keys, which need a sign."""
    if LAYER.match(override.name):
        _check_layer(override.name.split(".")[2])
        override = replace(override, sign=override.sign or "++")
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


def _check_layer(name: str) -> None:
    """Raise AlignsarError for a name of a layer that Hydra's grammar has not, too."""
    check_layer_name(name)
    if not name.isascii():
        raise AlignsarError(f"{LAYERS}.{name}: on the command line the letters of a layer's name are a to z")


def _quoted_value(value: str, *, unset: bool) -> str:
    if value.startswith(("[", "{", "${")) or WHOLE_QUOTE.fullmatch(value) or (unset and value == "null"):
        return value
    return quoted(value)


def _with_reader(
    arguments: list[str], found: Sequence[Override], *, may_choose: bool, sweeps: bool
) -> list[str]:
    """Choose the reader by the files at products.path, where no other is chosen."""
    values = {override.name: override.value for override in found}
    path, reader = values.get("products.path"), values.get("products")
    chosen = reader is not None or "experiment" in values or not may_choose
    if reader != AUTO and (chosen or path is None):
        return arguments
    if path is None or "${" in path or (sweeps and not WHOLE_QUOTE.fullmatch(path)):
        raise AlignsarError(
            f"products={AUTO}: finds the reader by the files at products.path=FOLDER; name the reader instead "
            f"(products={' or products='.join(o for o in options_of('products') if o not in {AUTO, 'none'})})"
        )
    name = reader_at(unquoted(path)).name
    kept = [argument for argument in arguments if argument.lstrip("+") != f"products={AUTO}"]
    return [*kept, f"products={name}"]

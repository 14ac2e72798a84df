"""The folder that a run writes: nothing in it looks finished before it is.

While a run works, everything goes into ``<output>/.unfinished``: the products of its stages, and a journal of finished
units with the checksums of their files. A run that stops anywhere is continued by the same command, which keeps the
units whose files still have those checksums. When all is there, ``.unfinished/manifest.json`` is written, the products
are renamed into their place, and the manifest last.

The manifest knows of every stage what it depends on (its fingerprint) and what it made. Files of a finished run are
taken for whole where size and time are those that ``.checked.json`` has; others are read once. A run on a finished
folder makes only the stages that are new, changed or damaged, and those that read their products; finished products of
others are links in the working place meanwhile.

``<output>/run.log`` has what was said while running. It is no product: the manifest does not know it, and a run that is
continued, or adds to a finished one, appends to it.

``<output>/simulated`` may hold the folder of a simulation whose products the run reads: it is left alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.application.journal import JOURNAL, Journal, read_json
from alignsar_gpu.config.keys import as_given
from alignsar_gpu.errors import CANNOT_WRITE, LISTED, AlignsarError
from alignsar_gpu.progress import LOGGER, RUN_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.dataset.shards import Written

MANIFEST = "manifest.json"
CHECKED = ".checked.json"  # sizes and times of the files that were found whole
FORMAT = 1  # of a finished folder; one more whenever earlier ones cannot be taken over any more
WORK = ".unfinished"
SIMULATED = "simulated"
CONFIGURATION = "run.yaml"
LOG = "run.log"
LAYOUT = "layout"  # the unit that is there before any work is done
HALF_WRITTEN = ("*.part", "*.partial")  # files and folders of ours, files of zarr's, left by what was killed


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    """What the folder knows of a stage.

    Attributes
    ----------
    name : of the stage.
    digest : of its settings and the files that it reads from elsewhere.
    products : names of the files and folders that it may make.
    reads : stages whose products it reads.
    """

    name: str
    digest: str
    products: tuple[str, ...]
    reads: tuple[str, ...] = ()


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _tree(text: str) -> dict[str, Any]:
    tree = OmegaConf.to_container(OmegaConf.create(text))
    return {str(name): value for name, value in tree.items()} if isinstance(tree, dict) else {}


def _differences(old: str, new: str, without: Iterable[str]) -> str:
    """The keys that two configurations differ in, without those of some groups."""
    before, after = (_flat(_tree(text)) for text in (old, new))
    changed = [
        f"{name}: {as_given(before.get(name, 'unset'))} there, {as_given(after.get(name, 'unset'))} now"
        for name in sorted({*before, *after} - {"output"})
        if before.get(name) != after.get(name) and name.split(".")[0] not in without
    ]
    more = [f"and {len(changed) - LISTED} more"] if len(changed) > LISTED else []
    return ", ".join([*changed[:LISTED], *more]) or "the input files or the software have changed"


def refuse_foreign(path: Path) -> None:
    """Raise AlignsarError for a place that no run may write: a file, or a folder with things of somebody else."""
    if path.exists() and not path.is_dir():
        raise AlignsarError(f"output={path}: is a file; give a folder that the run may write")
    known = (path / MANIFEST, path / WORK / "state.json")  # of a run that is finished, or on the way
    if not path.is_dir() or any(file.exists() for file in known):
        return
    own = {WORK, SIMULATED, *((LOG,) if (path / WORK).is_dir() else ())}
    if any(inside.name not in own for inside in path.iterdir()):
        raise AlignsarError(
            f"output={path}: is not empty and is no run of alignsar_gpu; choose another output"
        )


class RunFolder:
    """An output folder, opened for one run. Use as a context manager.

    Parameters
    ----------
    path : of the folder.
    stages : that are wanted, in the order in which they are made. The first is the root: a folder whose root has other
        settings holds another run, and is refused.
    configuration : as text, kept in the manifest and in run.yaml.
    adding : whether ``stages`` are added to a finished run, the root not among them.
    """

    def __init__(
        self, path: Path, stages: Sequence[StageRecord], configuration: str, *, adding: bool = False
    ) -> None:
        self.path, self.work, self._adding = path, path / WORK, adding
        self._stages, self._configuration = {stage.name: stage for stage in stages}, configuration
        self._root = stages[0]
        self.journal = Journal(self.work)

    def __enter__(self) -> RunFolder:
        """Take the folder: AlignsarError when it is another run's, or somebody else is writing it."""
        refuse_foreign(self.path)
        self._look()
        self._refuse_others()
        self._refuse_links()
        self._new = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            self._lock = (self.work / "lock").open("w")
        except OSError as error:
            raise AlignsarError(
                f"output={self.path}: cannot be written ({error.strerror}); choose another"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise AlignsarError(
                f"output={self.path}: another run is writing it; wait, or choose another"
            ) from None
        if (self.work / MANIFEST).exists():  # stopped while its products were put in place
            self.publish()
        self._look()
        self.damage = self._find_damage()
        self.pending = self._find_pending()
        return self

    def _look(self) -> None:
        """Read the manifest, and compute the fingerprint of every stage that is wanted or there."""
        self._known = read_json(self.path / MANIFEST)
        found = {name: entry["fingerprint"] for name, entry in self._known.get("stages", {}).items()}
        for stage in self._stages.values():
            read = [found[name] for name in stage.reads if name in found]
            digest = hashlib.sha256(json.dumps([stage.digest, *read]).encode()).hexdigest()
            found[stage.name] = digest if read else stage.digest
        self._fingerprints = found

    def __exit__(self, _: object, error: BaseException | None, trace: object) -> None:
        """Let the folder go; of a run that stopped before any unit was finished, nothing is left.

        An interrupt gets a note that says what is kept.
        """
        if error is not None:
            if isinstance(error, KeyboardInterrupt):
                error.add_note(self.kept())
            RUN_LOG.note(f"stopped    {error}")
        RUN_LOG.close_file()
        self._lock.close()
        if not self.pending or not self._has_units:
            shutil.rmtree(self.work, ignore_errors=True)
            if self.pending and not self._known:
                (self.path / LOG).unlink(missing_ok=True)
            for folder in self._new:
                if not folder.is_dir() or any(folder.iterdir()):
                    break
                folder.rmdir()

    @property
    def _has_units(self) -> bool:
        return bool(self.journal.units - {LAYOUT}) or (self.work / MANIFEST).exists()

    def kept(self) -> str:
        """Say what the same command need not do again if the run stops here."""
        count = len(self.journal.units - {LAYOUT})
        if not self._has_units:
            before = "what was there before is kept, and " if self._known or self._simulated else ""
            return f"no part was finished in {self.path} yet: {before}the same command starts again"
        return f"{count} finished part{'s' * (count != 1)} kept in {self.path}: the same command continues"

    @property
    def _simulated(self) -> bool:
        return (self.path / SIMULATED / MANIFEST).exists()

    def _refuse_others(self) -> None:
        """Raise AlignsarError for a folder that holds another run."""
        state = read_json(self.work / "state.json")
        held = state or self._known
        if held and held.get("format") != FORMAT:
            raise AlignsarError(
                f"output={self.path}: is of another version of alignsar_gpu (format {held.get('format', 0)}, this one "
                f"writes {FORMAT}); make it again: choose another output, or delete that folder"
            )
        if self._adding:
            self._refuse_unfinished(state)
            return
        finished = self._known.get("stages", {}).get(self._root.name, {})
        root = state.get("stages", {}).get(self._root.name, finished)
        others = [name for name in self._stages if name != self._root.name]
        if held and root.get("fingerprint") != self._fingerprints[self._root.name]:
            raise AlignsarError(
                f"output={self.path}: holds {'an unfinished' if state else 'another'} run with other settings "
                f"({_differences(held.get('configuration', ''), self._configuration, others)}); "
                "choose another output, or delete that folder"
            )

    def _refuse_links(self) -> None:
        """Raise AlignsarError for links that the run would not find its way through, or that lead nowhere."""
        if self.work.is_symlink():
            raise AlignsarError(
                f"output={self.path}: {WORK} in it is a link; remove that, and let the run make a folder"
            )
        for product in self._known_products():
            place = self.path / product
            if place.is_symlink() and not place.exists():
                raise AlignsarError(
                    f"output={self.path}: {product} in it is a link to {place.readlink()}, which is not there; make "
                    "that available, or remove the link"
                )

    def _known_products(self) -> list[str]:
        return [name for entry in self._known.get("stages", {}).values() for name in entry["products"]]

    def _refuse_unfinished(self, state: Mapping[str, Any]) -> None:
        """Raise AlignsarError for a folder to which nothing can be added yet."""
        others = set(state.get("stages", {})) - set(self._stages)
        if not self._known or others:
            raise AlignsarError(
                f"output={self.path}: holds no finished run to add {self._root.name} to; "
                f"{'finish it by the command that began it' if state else 'name the folder that a run has written'}"
            )

    def _find_damage(self) -> dict[str, str]:
        """What is missing or changed in a finished run, by the name of its stage; empty when all is as written."""
        stages = self._known.get("stages", {})
        owners = {product: name for name, entry in stages.items() for product in entry["products"]}
        last = next(reversed(stages), None)  # made anew, it writes run.yaml anew
        checked, found, looked = read_json(self.path / CHECKED), {}, False
        for name, known in self._known.get("files", {}).items():
            file, stage = self.path / name, owners.get(name.split("/")[0], last)
            if stage is None or stage in found:
                continue
            if not file.is_file():
                found[stage] = f"{name} is missing"
            elif checked.get(name) != _size_and_time(file):
                looked = True
                if file.stat().st_size != known["size"] or self.journal.checksums.of(file) != known["sha256"]:
                    found[stage] = f"{name} has changed"
        if looked and not found:
            self._note_checked()
        return found

    def require_whole(self) -> None:
        """Raise AlignsarError where products are damaged that are not made here."""
        for name, damage in self.damage.items():
            if name not in self._stages:
                raise AlignsarError(
                    f"output={self.path}: {damage}; make it again first, by the command that made the run"
                )

    def _note_checked(self) -> None:
        """Note sizes and times of all files of the manifest, which are whole."""
        names = read_json(self.path / MANIFEST)["files"]
        with suppress(OSError):  # where that is not possible, every run reads the files
            noted = {name: _size_and_time(self.path / name) for name in names}
            write_text(self.work / CHECKED, json.dumps(noted))
            (self.work / CHECKED).replace(self.path / CHECKED)

    def _find_pending(self) -> tuple[str, ...]:
        """The stages to make: new, changed or damaged ones, and those that read their products."""
        there = self._known.get("stages", {})
        pending: list[str] = []
        for name, stage in self._stages.items():
            same = name in there and there[name]["fingerprint"] == self._fingerprints[name]
            if not same or name in self.damage or any(read in pending for read in stage.reads):
                pending.append(name)
        return tuple(pending)

    def begin(self) -> bool:
        """Start or continue; True when an unfinished run is continued.

        Units of stages that have other settings by now are forgotten. Finished products of other stages are linked into
        the working place.
        """
        state = self.work / "state.json"
        before = read_json(state).get("stages", {})
        if not before:  # of a run that nothing is known of
            shutil.rmtree(self.work / JOURNAL, ignore_errors=True)
        for half in [path for pattern in HALF_WRITTEN for path in self.work.rglob(pattern)]:
            _remove(half)
        for name, stage in self._stages.items():
            if name in before and before[name]["fingerprint"] != self._fingerprints[name]:
                self._forget(stage)
        self._link_products()
        stages = {name: {"fingerprint": self._fingerprints[name]} for name in self._stages}
        facts = {"format": FORMAT, "stages": stages, "configuration": self._configuration}
        write_text(state, json.dumps(facts))
        RUN_LOG.open(self.path / LOG)
        return bool(before)

    def _link_products(self) -> None:
        """Link finished products of stages that are not made now into the working place, and say what becomes of links.

        The user may have put links in the place of products, to another disk, say. A product that is made anew takes
        the place of the link; what that leads to is not touched.
        """
        for product in [name for stage in self.pending for name in self._stages[stage].products]:
            if (self.work / product).is_symlink():  # from before it had to be made
                (self.work / product).unlink()
            if (self.path / product).is_symlink():
                LOGGER.warning(
                    "output     %s is a link to %s: it is made anew here in place of the link, and what is there stays",
                    *(product, (self.path / product).readlink()),
                )
        for name, entry in self._known.get("stages", {}).items():
            for product in entry["products"] if name not in self.pending else ():
                if not (self.work / product).is_symlink():
                    (self.work / product).symlink_to(f"../{product}")

    def _forget(self, stage: StageRecord) -> None:
        self.journal.forget(f"{stage.name}_*")
        for product in stage.products:
            _remove(self.work / product)

    def record(
        self, unit: str, files: Iterable[Path] = (), written: Mapping[Path, Written] = MappingProxyType({})
    ) -> None:
        """Write into the journal that ``unit`` is finished, and consists of ``files`` and of parts of files that grow.

        Units of other stages than the first are named STAGE/UNIT. Raises AlignsarError when the folder has been
        removed.
        """
        self._require_lock()
        self.journal.record(unit, files, written)

    def is_recorded(self, unit: str) -> bool:
        """Whether ``unit`` was finished before, and its files still are what they were."""
        return self.journal.is_recorded(unit)

    def _require_lock(self) -> None:
        """Raise AlignsarError if somebody has removed the folder, or made it anew."""
        try:
            there = (self.work / "lock").stat()
        except FileNotFoundError:
            there = None
        if there is None or not os.path.samestat(there, os.fstat(self._lock.fileno())):
            raise AlignsarError(
                f"output={self.path}: was removed while the run was writing it; run the same command again"
            )

    def _require_units(self) -> None:
        """Raise AlignsarError if files of finished units are gone."""
        name = self.journal.lost()
        if name is not None:
            raise AlignsarError(
                f"output={self.path}: {name} was removed while the run went on; the same command makes it again"
            )

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the system refuses while the run writes (a full disk, ...) into an AlignsarError."""
        try:
            yield
        except OSError as error:
            if error.errno not in CANNOT_WRITE and self.work.exists():
                raise
            self._require_lock()
            raise AlignsarError(
                f"output={self.path}: {error.filename or 'a file in it'} cannot be written ({error.strerror}); put "
                f"that right; {self.kept()}"
            ) from None

    def seal(self, changed: Sequence[Path] = ()) -> None:
        """Write the manifest of all products: from here on those below ``work`` are whole.

        ``changed`` are inputs that are others by now. Raises AlignsarError where there are such, and when products have
        been removed.
        """
        if changed:
            shutil.rmtree(self.work / JOURNAL, ignore_errors=True)
            raise AlignsarError(
                f"{', '.join(map(str, changed))}: changed while the run read it; nothing is kept, run the same command "
                "again"
            )
        self._require_lock()
        self._require_units()
        write_text(self.work / CONFIGURATION, self._configuration)
        made = {
            name: [product for product in self._stages[name].products if (self.work / product).exists()]
            for name in self.pending
        }
        kept = {name: entry for name, entry in self._known.get("stages", {}).items() if name not in made}
        tops = {product for entry in kept.values() for product in entry["products"]}
        files = {
            name: known for name, known in self._known.get("files", {}).items() if name.split("/")[0] in tops
        }
        for product in [CONFIGURATION, *(name for names in made.values() for name in names)]:
            files |= self._described(self.work / product)
        stages = kept | {
            name: {"fingerprint": self._fingerprints[name], "products": names} for name, names in made.items()
        }
        manifest = {
            "format": FORMAT,
            "configuration": self._configuration,
            "stages": {name: stages[name] for name in self._in_order(stages)},
            "files": dict(sorted(files.items())),
        }
        write_text(self.work / MANIFEST, json.dumps(manifest, indent=1))

    def _in_order(self, names: Iterable[str]) -> list[str]:
        """Names of stages in the order in which they are made; those that are not wanted now come last."""
        order = list(self._stages)
        return sorted(names, key=lambda name: order.index(name) if name in order else len(order))

    def _described(self, top: Path) -> dict[str, dict[str, Any]]:
        """Size and checksum of every file of a product."""
        return {
            str(file.relative_to(self.work)): {
                "size": file.stat().st_size,
                "sha256": self.journal.checksums.of(file),
            }
            for file in (sorted(top.rglob("*")) if top.is_dir() else [top])
            if file.is_file()
        }

    def publish(self) -> None:
        """Rename the sealed products into place, the manifest last. May be repeated after an interruption."""
        manifest = read_json(self.work / MANIFEST)
        now = {product for entry in manifest["stages"].values() for product in entry["products"]}
        for product in set(self._known_products()) - now:
            _remove(self.path / product)
        for name in [*sorted(now), CONFIGURATION]:
            made, place = self.work / name, self.path / name
            if made.exists() and not made.is_symlink():
                if made.is_dir() or place.is_dir():  # a file takes the place of a file at once
                    _remove(place)
                made.replace(place)
        (self.work / MANIFEST).replace(self.path / MANIFEST)
        self._note_checked()
        self.pending = ()


def _size_and_time(path: Path) -> list[int]:
    about = path.stat()
    return [about.st_size, about.st_mtime_ns]


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.parent.exists():
        path.unlink(missing_ok=True)

"""The protocol of a stage: one step of a run, with what it adds and how."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from omegaconf import OmegaConf

from alignsar_gpu.application.fingerprints import InputFiles
from alignsar_gpu.application.folder import StageRecord
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.published import Published
    from alignsar_gpu.config import Config
    from alignsar_gpu.device import Device
    from alignsar_gpu.progress import StageTimer


@dataclass(kw_only=True, eq=False)
class Run:
    """What all stages of a run share.

    Attributes
    ----------
    config : the configuration.
    published : the same as it stands in run.yaml, and what keeps paths out of the files that are written.
    device : where the arithmetic runs.
    timer : of the stages.
    inputs : the files that they read.
    """

    config: Config
    published: Published
    device: Device
    timer: StageTimer
    inputs: InputFiles = field(default_factory=InputFiles)


class Stage(ABC):
    """One step of a run: what it adds to the output folder, from what, and how.

    A subclass says so by its class attributes and methods, and is listed in `application.pipeline.STAGES`. It is made
    for one run; nothing is read or computed before `make`, but for what `settings` and `files` need.

    Attributes
    ----------
    name : of the stage, in the manifest, in progress and in warnings.
    reads : stages whose products it reads. They are made before it; when they are made anew, so is it.
    products : files and folders that it may make, by the names that they have in the output folder.
    shown : rows of the summary: a label, and a product (or a file of it) with a remark.
    """

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ()
    products: tuple[str, ...] = ()
    shown: tuple[tuple[str, str, str], ...] = ()

    def __init__(self, run: Run) -> None:
        self.run = run

    @classmethod
    def is_wanted(cls, config: Config) -> bool:  # noqa: ARG003  (some are always wanted)
        """Return whether the configuration asks for the stage. One that is there and not asked for is left alone."""
        return True

    def settings(self) -> Mapping[str, Any]:
        """Return the keys that decide what the stage makes, as plain values."""
        return {}

    def files(self) -> Sequence[Sequence[Path | str]]:
        """Return the files that it reads from outside the output folder; those that belong together in one sequence.

        A text names what lies on a server.
        """
        return ()

    def record(self) -> StageRecord:
        """Return what the output folder keeps of the stage: its fingerprint changes with its settings and files."""
        facts = {"stage": self.name, "software": VERSION, **self.settings()}
        return StageRecord(
            name=self.name,
            digest=self.run.inputs.fingerprint(facts, *self.files()),
            products=self.products,
            reads=self.reads,
        )

    @abstractmethod
    def make(self, folder: RunFolder) -> None:
        """Make the products in ``folder.work``, where those of the stages that it reads are too.

        Units that ``folder`` has recorded are kept, so that a run that was stopped is continued.
        """

    def warnings(self) -> Sequence[str]:
        """Return what users must know, a sentence each; asked for after `make`."""
        return ()


def keys_there(file: Path, name: str, schema: type) -> Any:
    """Return a group of keys of a run that is there already, from its run.yaml; defaults without one."""
    known = OmegaConf.select(OmegaConf.load(file), name) if file.is_file() else None
    keys = OmegaConf.to_container(known, resolve=True) if known is not None else {}
    return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), keys))


def keys_of(node: Any, *without: str) -> dict[str, Any]:
    """Return the keys of a part of the configuration as plain values, without some."""
    return {name: value for name, value in asdict(node).items() if name not in without}

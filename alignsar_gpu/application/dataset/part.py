"""The protocol of a part of the dataset: a stage that adds layers to the cube, or goes along while it is filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.application.dataset.coverage import Coverage
    from alignsar_gpu.application.dataset.description import Scene
    from alignsar_gpu.dataset.cube import CubeLayer, CubeLayout
    from alignsar_gpu.dataset.flow import Flow
    from alignsar_gpu.dataset.writer import CubeWriter
    from alignsar_gpu.geocoding.map_grid import MapGrid
    from alignsar_gpu.signatures import Signature
    from alignsar_gpu.signatures.derived import Rule
    from alignsar_gpu.signatures.options import SignatureOptions
    from alignsar_gpu.stack.block import Stack
    from alignsar_gpu.stack.ground import Ground
    from alignsar_gpu.stack.product import StackProduct

CUBE = "cube.zarr"
TABLES = "labels"  # the folder of tables of layers of ids


@dataclass(kw_only=True, eq=False)
class Plan:
    """What is made of a stack, before anything is computed.

    Attributes
    ----------
    product : the stack, opened.
    scene : its geometry in the middle of the image.
    signatures, options : what is extracted, and how.
    looks : independent looks of the coherence window; None where there is no coherence.
    left_out : why signatures are left out, a sentence each.
    derived : layers that are not stored but computed from others, with how.
    work : the folder that the products are made in.
    layers : of the cube, those of all parts so far.
    layout : of the cube; set when all layers are known.
    coverage : of the cube; set when it is filled.
    parts : that have something to do.
    map_grid : of the map that will be made of the cube; None where none is, and where its place is not known yet.
    """

    product: StackProduct
    scene: Scene
    signatures: Sequence[Signature]
    options: SignatureOptions
    looks: float | None
    left_out: Sequence[str]
    work: Path
    derived: Mapping[str, Rule]
    layers: list[CubeLayer] = field(default_factory=list)
    layout: CubeLayout = field(init=False)
    coverage: Coverage = field(init=False)
    parts: Sequence[Part] = ()
    map_grid: MapGrid | None = None


class Part(Stage):
    """A stage that is made with the cube, and has its fingerprint in that of the dataset.

    The stack goes by once, block by block; whoever needs pixels takes them then (`write_block`). What needs the filled
    layers of parts before it is done in `make`, what needs the whole cube in `measure`.
    """

    def layers(self, plan: Plan) -> Sequence[CubeLayer]:  # noqa: ARG002  (some add none)
        """Return the layers that it adds to the cube; ``plan.layers`` has those of the parts before it."""
        return ()

    def begin(self, plan: Plan) -> bool:
        """Take the plan, with the cube's layout; return whether there is anything to do for this stack."""
        self.plan = plan
        return True

    def create(self) -> Sequence[Path]:
        """Create the stores that it fills beside the cube, empty; return their files."""
        return ()

    def write_block(self, stack: Stack, ground: Ground) -> None:
        """Take what it needs from a row of chunks of the stack while it is on the device."""

    def open_stores(self, flow: Flow) -> Sequence[CubeWriter]:  # noqa: ARG002
        """Open the stores that it fills beside the cube; return their writers."""
        return ()

    def measure(self) -> Mapping[str, Any]:
        """Measure something on the cube once all layers are filled; return attributes for it."""
        return {}

    def facts(self) -> Mapping[str, Any]:
        """Return what was found, for quality.json; asked for after `make`."""
        return {}

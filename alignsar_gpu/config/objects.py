"""The keys of `objects`: connected regions of the classes of labels, and what is measured of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from alignsar_gpu.config.keys import about, as_given, key
from alignsar_gpu.errors import AlignsarError


@dataclass
class ObjectsConfig:
    """Connected regions of the classes of labels; none without objects.layers."""

    layers: list[str] | None = field(
        default=None,
        metadata=about(
            "labels whose objects are listed: layers of classes, and shares of a class, which count from a half on; "
            "unset or empty: no objects are listed",
            may_be_empty=True,
        ),
    )
    signatures: list[str] = field(
        default_factory=list,
        metadata=about(
            "what is averaged over each object: names of layers, signatures or groups of signatures; empty: all layers "
            "but labels",
            may_be_empty=True,
        ),
    )
    connectivity: int = key(
        8,
        "neighbours by which pixels are connected: 4 (sides), or 8 (corners too)",
        bounds=(4, 8),
        multiple_of=4,
    )
    smallest: int = key(16, "pixels that an object has at least; smaller ones are left out", bounds=(1, None))

    @property
    def is_wanted(self) -> bool:
        """Whether objects are to be listed."""
        return bool(self.layers)


def check_objects(config: ObjectsConfig) -> None:
    """Raise AlignsarError, naming the key, for keys of objects that do not fit together."""
    default = ObjectsConfig()
    given = [name for name, value in vars(config).items() if value != getattr(default, name)]
    if given and config.layers is None:
        value = as_given(getattr(config, given[0]))
        raise AlignsarError(
            f"objects.{given[0]}={value}: objects need objects.layers too, such as [land_cover]"
        )

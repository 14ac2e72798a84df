"""The keys of `chips`: small images for machine learning, cut from the cube or its map, and how they are split."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from alignsar_gpu.config.keys import about, as_given, key
from alignsar_gpu.errors import AlignsarError

SPLITS = ("blocks", "folds", "regions", "dates", "scenes")
BOXED = ("yolo", "coco")
PRODUCTS = ("zarr", "webdataset", *BOXED)
LEAKS = (
    "neighbouring pixels and chips share speckle windows, ground and weather, so a test on a random choice of them "
    "measures memory"
)


@dataclass
class SharesConfig:
    """Shares of the chips, by=blocks: their sum is 1."""

    train: float = key(0.7, "share of the chips for training", bounds=(0.0, 1.0))
    validation: float = key(0.15, "share for validation; 0: none", bounds=(0.0, 1.0))
    test: float = key(0.15, "share for testing; 0: none", bounds=(0.0, 1.0))

    @property
    def there(self) -> dict[str, float]:
        """Shares that are not 0, by the name of the split."""
        return {name: share for name, share in vars(self).items() if share > 0.0}


@dataclass
class SplitDatesConfig:
    """First and last day of each split, by=dates, as YYYYMMDD; empty: there is none."""

    train: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "by=dates: first and last day for training, [20220101,20221231]; both are included",
            may_be_empty=True,
        ),
    )
    validation: list[str] = dataclasses.field(
        default_factory=list, metadata=about("by=dates: first and last day for validation", may_be_empty=True)
    )
    test: list[str] = dataclasses.field(
        default_factory=list, metadata=about("by=dates: first and last day for testing", may_be_empty=True)
    )

    @property
    def there(self) -> dict[str, list[str]]:
        """Days of splits that there are, by their names."""
        return {name: list(days) for name, days in vars(self).items() if days}


@dataclass
class SplitConfig:
    """Which chips are for training, and which for testing: by ground or by time, so that nothing leaks."""

    by: str = key(
        "blocks",
        "what decides: blocks of ground, folds of them, regions of a file, dates, or scenes",
        choices=SPLITS,
        refusals=dict.fromkeys(("random", "pixels", "chips"), LEAKS),
    )
    shares: SharesConfig = dataclasses.field(default_factory=SharesConfig)
    block: float | None = key(
        None,
        "by=blocks, folds: side of a block on the ground, m; unset: four times the buffer",
        bounds=(0.0, None),
    )
    buffer: float | None = key(
        None,
        "least distance of chips of different splits, m; unset: the least that is allowed, a chip and the widest "
        "window of its layers",
        bounds=(0.0, None),
    )
    seed: int = key(0, "seed of the random choice of blocks", bounds=(0, None))
    balance: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "labels whose classes (of ids: whose features) all splits get their share of; empty: the first one with "
            "classes, else all area fractions",
            may_be_empty=True,
        ),
    )
    folds: int = key(5, "by=folds: number of folds", bounds=(2, 100))
    scene: str = key(
        "train", "by=scenes: split of all chips of this run", choices=("train", "validation", "test")
    )
    regions: str | None = key(None, "by=regions: vector file of polygons, each with the name of its split")
    field: str = key("split", "by=regions: column of the file that names the split")
    dates: SplitDatesConfig = dataclasses.field(default_factory=SplitDatesConfig)
    file: str | None = key(
        None,
        "by=blocks, folds: splits.geojson of another dataset, whose blocks keep their splits",
    )


@dataclass
class BoxesConfig:
    """Boxes of objects, which detectors are trained by: chips.products yolo and coco."""

    layers: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "labels whose objects have boxes: layers of classes, shares of a class (from a half on), ids of features, "
            "counts of points",
            may_be_empty=True,
        ),
    )
    image: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "one or three inputs that the 8-bit images show, as grey or as red, green and blue; empty: the first three "
            "of a single date, VV before VH and powers before others",
            may_be_empty=True,
        ),
    )
    shape: str = key(
        "straight",
        "boxes in the label files of yolo: straight (detect), or oriented (obb), of the least area",
        choices=("straight", "oriented"),
    )
    smallest: int = key(4, "pixels that an object has at least, but for points", bounds=(1, None))
    least_visible: float = key(
        0.3,
        "share of an object that a chip shows at least; of less, yolo has no box, and coco one with iscrowd=1",
        bounds=(0.0, 1.0),
    )
    point: list[int] = dataclasses.field(
        default_factory=lambda: [5, 11],
        metadata=about(
            "least lines and samples of a box around points, those in pixels that touch in one",
            bounds=(1, 1024),
        ),
    )


@dataclass
class ChipsConfig:
    """Chips, small images for machine learning, cut from the cube or its map; none without chips.size."""

    size: list[int] | None = dataclasses.field(
        default=None,
        metadata=about(
            "lines and samples of a chip, [256,256]; on a map rows and columns; unset or empty: no chips are made",
            bounds=(1, 8192),
            may_be_empty=True,
        ),
    )
    stride: list[int] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "lines and samples from one chip to the next; empty: the size, so that chips touch",
            bounds=(1, 8192),
            may_be_empty=True,
        ),
    )
    halo: int = key(0, "pixels around each chip that are stored with it", bounds=(0, 1024))
    geometry: str = key(
        "radar",
        "radar: cut from the cube; map: from map.zarr, which geocoding.resolution makes",
        choices=("radar", "map"),
    )
    layers: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "inputs: names of layers, signatures or groups of signatures; empty: all layers but labels",
            may_be_empty=True,
        ),
    )
    labels: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about("layers that are labels; empty: all that radarcoding made", may_be_empty=True),
    )
    ignore: list[str] = dataclasses.field(
        default_factory=list,
        metadata=about(
            "classes of labels that count as unknown (255), [land_cover.road]; empty: none", may_be_empty=True
        ),
    )
    dates: str = key(
        "each",
        "each: a place has chips of the dates with enough data; together: of all its dates, or none",
        choices=("each", "together"),
    )
    least_valid: float = key(0.9, "least share of pixels with data", bounds=(0.0, 1.0))
    least_labelled: float = key(0.0, "least share of pixels whose labels are known", bounds=(0.0, 1.0))
    type: str = key("float32", "type of number that inputs are stored as", choices=("float32", "float16"))
    digits: int | None = key(
        None, "significant digits that inputs are rounded to; unset: exact", bounds=(2, 6)
    )
    compressed: bool = key(
        True,  # noqa: FBT003
        "compress the chips; false: more space (speckle: a fifth), read two to three times as fast from memory",
    )
    onto: str | None = key(
        None,
        "folder of chips that these are added to; the new version of that dataset lies in this run's folder",
    )
    products: list[str] = dataclasses.field(
        default_factory=lambda: ["zarr"],
        metadata=about(
            "what is written: zarr (chips.zarr), and besides webdataset (tar shards), yolo and coco (8-bit images with "
            "boxes of objects)",
            choices=PRODUCTS,
        ),
    )
    boxes: BoxesConfig = dataclasses.field(default_factory=BoxesConfig)
    split: SplitConfig = dataclasses.field(default_factory=SplitConfig)

    @property
    def is_wanted(self) -> bool:
        """Whether chips are to be made."""
        return bool(self.size)

    @property
    def box_products(self) -> list[str]:
        """Products that have boxes."""
        return [name for name in BOXED if name in self.products]


def check_chips(config: ChipsConfig) -> None:
    """Raise AlignsarError, naming the key, for keys of chips that do not fit together."""
    for name in ("size", "stride"):
        value = getattr(config, name)
        if value and len(value) != 2:
            raise AlignsarError(f"chips.{name}={as_given(value)}: give two numbers, such as [256,256]")
    default = ChipsConfig()
    given = [n for n in vars(default) if n != "size" and getattr(config, n) != getattr(default, n)]
    if given and config.size is None:
        raise AlignsarError(f"chips.{given[0]}: chips need chips.size too, such as [256,256]")
    if config.type == "float16" and config.digits is not None:
        raise AlignsarError(
            f"chips.digits={config.digits}: chips.type=float16 is rounded to 3 digits already; leave out one of them"
        )
    if "zarr" not in config.products:
        raise AlignsarError(
            f"chips.products={as_given(config.products)}: all else is written from zarr; add it, "
            f"{as_given(['zarr', *config.products])}"
        )
    if config.onto is not None and (config.split.file is not None or config.split.block is not None):
        raise AlignsarError(
            f"chips.onto={config.onto}: has its own blocks; leave out chips.split.file and block"
        )
    if config.is_wanted:
        _check_split(config.split)
        _check_boxes(config)


def _check_boxes(config: ChipsConfig) -> None:
    boxes, products = config.boxes, as_given(config.box_products)
    if config.box_products and not boxes.layers:
        raise AlignsarError(
            f"chips.products={products}: needs chips.boxes.layers, the labels whose objects have boxes, such as "
            "[building]"
        )
    if config.box_products and config.onto is not None:
        raise AlignsarError(
            f"chips.products={products}: boxes are those of one run, and chips.onto={config.onto} has others; leave "
            "one of them out"
        )
    default = BoxesConfig()
    given = [name for name, value in vars(boxes).items() if value != getattr(default, name)]
    if given and not config.box_products:
        raise AlignsarError(
            f"chips.boxes.{given[0]}={as_given(getattr(boxes, given[0]))}: boxes are made by "
            "chips.products=[zarr,yolo] or [zarr,coco]"
        )
    if len(boxes.image) not in {0, 1, 3}:
        raise AlignsarError(
            f"chips.boxes.image={as_given(boxes.image)}: give one layer (grey) or three (red, green, blue)"
        )
    if len(boxes.point) != 2:
        raise AlignsarError(f"chips.boxes.point={as_given(boxes.point)}: give two numbers, such as [5,11]")


def _check_split(split: SplitConfig) -> None:
    needs = {"regions": split.regions, "dates": split.dates.there}
    for name, value in needs.items():
        if split.by == name and not value:
            raise AlignsarError(f"chips.split.{name}: must be given with chips.split.by={name}")
        if split.by != name and value:
            raise AlignsarError(f"chips.split.{name}: is for chips.split.by={name}; this is by={split.by}")
    if split.file is not None and split.by not in {"blocks", "folds"}:
        raise AlignsarError(
            f"chips.split.file: holds blocks, and chips.split.by={split.by} has none; leave it out"
        )
    for name, dates in split.dates.there.items():
        if len(dates) != 2:
            raise AlignsarError(
                f"chips.split.dates.{name}={as_given(dates)}: give its first and last date, [20220101,20221231]"
            )
    if split.block is not None and split.block <= (split.buffer or 0.0):
        raise AlignsarError(
            f"chips.split.block={split.block:g}: a block is not larger than the buffer of {split.buffer or 0.0:g} m, "
            "so no chip would be left; give a block of three to six times the buffer"
        )
    if split.by == "blocks" and not split.shares.train:
        raise AlignsarError(
            "chips.split.shares.train=0: there must be chips for training; give a share above 0"
        )
    total = sum(split.shares.there.values())
    if split.by == "blocks" and abs(total - 1.0) > 1e-6:
        raise AlignsarError(
            f"chips.split.shares={as_given(vars(split.shares))}: their sum is {total:g}; it must be 1"
        )

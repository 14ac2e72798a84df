"""A small coregistered stack with known truth, and its reader ``products=synthetic``: for tests of whole runs."""

from dataclasses import asdict, dataclass, field

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.config.products import ProductsConfig
from alignsar_gpu.products.readers import Reader, StackSource, readers, register
from synthetic_stack.stack import SimulatedStack, Truth, simulate_stack

__all__ = ["SimulatedStack", "SyntheticProductsConfig", "Truth", "find_stack", "simulate_stack"]


@dataclass
class SyntheticProductsConfig(ProductsConfig):
    """A small coregistered stack with known truth, made on the spot."""

    reader: str = key("synthetic", "which reader", choices=("synthetic",))
    lines: int = key(288, "lines (azimuth)", bounds=(64, 2048))
    samples: int = key(832, "samples (range)", bounds=(64, 2048))
    dates: int = key(4, "number of dates", bounds=(2, 30))
    polarizations: list[str] = field(
        default_factory=lambda: ["vv", "vh"], metadata=about("polarizations", choices=("vv", "vh"))
    )
    revisit_days: int = key(12, "days from a date to the next", bounds=(12, 396), multiple_of=12)
    seed: int = key(1, "seed of everything random", bounds=(0, 2**32 - 1))
    flattened: bool = key(default=False, text="deliver the secondaries already flattened")


def find_stack(keys):
    options = {name: value for name, value in asdict(keys).items() if name != "reader"}
    return StackSource(open=lambda: simulate_stack(**options), settings=asdict(keys))


if "synthetic" not in readers():
    register(Reader(name="synthetic", schema=SyntheticProductsConfig, opener="synthetic_stack:find_stack"))

"""What the device is and how fast it copies; begins a new record of it.

python -m device.facts FOLDER NOTE [--tiny]: results to gpu-<device>.json in the folder, whose path goes to NOTE.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .machine import clocks, copy_bandwidth, default_record, facts, find_device, transfer_bandwidths
from .record import Record


def keep(record: Record, **parts: Any) -> None:
    record.update(**parts)
    for name, part in parts.items():
        print(f"{name}: {part}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("note", type=Path)
    parser.add_argument("--tiny", action="store_true", help="little is copied, to rehearse")
    options = parser.parse_args()
    cupy = find_device()
    record = Record(default_record(cupy, options.folder))
    options.note.write_text(str(record.path))
    record.path.unlink(missing_ok=True)
    keep(record, **facts(cupy))
    bandwidth = copy_bandwidth(cupy, tiny=options.tiny)
    keep(record, copy_gigabytes_per_second=round(bandwidth / 1e9, 4), clocks_after_copying=clocks())
    transfers = transfer_bandwidths(cupy, tiny=options.tiny)
    rates = {name: round(rate / 1e9, 3) for name, rate in transfers.items()}
    keep(record, transfer_gigabytes_per_second=rates)


if __name__ == "__main__":
    main()

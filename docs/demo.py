"""Puts docs/demo.png and docs/labels.png together from pictures in the report of the demo.

``python -m alignsar_gpu +experiment=demo`` makes that report.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

SHEETS = {
    "demo.png": ("composite_20220114.png", "phase_vv_20220126.png", "timing_overlaps.png"),
    "labels.png": ("composite_20220114.png", "classes_land_cover.png", "label_cover_urban.png"),
}
WIDTH = 1600


def sheet_of(pictures: list[Image.Image]) -> Image.Image:
    """Pictures beside each other."""
    height = max(picture.height for picture in pictures)
    sheet = Image.new("RGB", (sum(picture.width for picture in pictures), height), "white")
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, (height - picture.height) // 2))
        left += picture.width
    size = WIDTH, round(height * WIDTH / sheet.width)
    return sheet.resize(size, Image.Resampling.LANCZOS).quantize(256)


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, default=Path("outputs/demo/report"))
    parser.add_argument("--output", type=Path, default=Path("docs"), help="folder of the sheets")
    options = parser.parse_args()
    for name, pictures in SHEETS.items():
        sheet = sheet_of([Image.open(options.report / picture).convert("RGB") for picture in pictures])
        sheet.save(options.output / name, optimize=True)


if __name__ == "__main__":
    main()

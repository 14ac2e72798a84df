"""Puts docs/demo.png together from pictures in the report of ``python -m alignsar_gpu +experiment=demo``."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

PICTURES = ("composite_20220114.png", "phase_vv_20220126.png", "timing_overlaps.png")
WIDTH = 1600


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path, default=Path("outputs/demo/report"))
    parser.add_argument("--output", type=Path, default=Path("docs/demo.png"))
    options = parser.parse_args()
    pictures = [Image.open(options.report / name).convert("RGB") for name in PICTURES]
    height = max(picture.height for picture in pictures)
    sheet = Image.new("RGB", (sum(picture.width for picture in pictures), height), "white")
    left = 0
    for picture in pictures:
        sheet.paste(picture, (left, (height - picture.height) // 2))
        left += picture.width
    size = WIDTH, round(height * WIDTH / sheet.width)
    sheet.resize(size, Image.Resampling.LANCZOS).quantize(256).save(options.output, optimize=True)


if __name__ == "__main__":
    main()

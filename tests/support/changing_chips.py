"""Chips of places where something changes between two dates: brighter or darker, and no longer coherent."""

import json
from datetime import date

import numpy as np
from fake_chips import DATES, PLACES, SIZE, make_chips, seal

from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.dataset.chips.layout import ChipArray

LABELS = ("changed_on", "gone_on", "built_on")
DAYS = [(date.fromisoformat(day) - date(1970, 1, 1)).days for day in DATES]
POWER = 10.0  # by which pixels become brighter or darker


def arrays_of(images):
    return (
        ChipArray(name="images", layers=images, dtype="float32"),
        ChipArray(name="valid", layers=(), dtype="bool"),
        ChipArray(name="ground", layers=("height",), dtype="float32"),
        ChipArray(name="classes", layers=("land_cover",), dtype="uint8"),
        ChipArray(name="targets", layers=(*LABELS, "subsiding"), dtype="float32"),
    )


def make_changing_chips(folder, images=("sigma0_vv", "slc_vv_real", "slc_vv_imag"), *, changes=True, seed=0):
    """Write chips on three dates, whose left half changes in every other place, after the first date or the second."""
    rng = np.random.default_rng(seed)
    event = np.full((PLACES, SIZE, SIZE), np.inf)
    gone = np.zeros((PLACES, 1, 1), dtype=bool)
    for place in range(0, PLACES if changes else 0, 2):
        event[place, :, : SIZE // 2] = DAYS[1 + place // 2 % 2]
        gone[place] = place // 2 % 2
    values = _images(rng, event, gone)
    sinks = np.zeros_like(event)
    sinks[1::2, :2] = 0.75  # where nothing else changes
    targets = [event, np.where(gone, event, np.inf), np.where(gone, np.inf, event), sinks]
    given = {
        "images": np.stack([values[name] for name in images], axis=1),
        "targets": np.stack(targets, axis=1).astype(np.float32),
    }
    make_chips(folder, arrays_of(images), values=given)
    layers = json.loads((folder / DATASET).read_text())["layers"]
    for name in LABELS:
        layers[name]["units"] = "days since 1970-01-01"
    seal(folder, layers=layers, id="changing")
    return folder


def _images(rng, event, gone):
    """Layers of all chips [chip, line, sample], date by date: what is there, as it was before and is afterwards."""
    speckle = rng.normal(size=(2, 2, *event.shape)).astype(np.float32)
    before, after = speckle[0] + 1j * speckle[1]
    power = np.where(gone, 1.0 / POWER, POWER)
    dates = [np.where(event <= day, np.sqrt(power) * after, before) for day in DAYS]
    slc = np.concatenate(dates).astype(np.complex64)
    return {"sigma0_vv": np.abs(slc) ** 2, "slc_vv_real": slc.real, "slc_vv_imag": slc.imag}

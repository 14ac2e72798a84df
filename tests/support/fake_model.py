"""A file of a model in the form of safetensors, made without PyTorch, and how a catalogue lists it."""

import json

from alignsar_gpu.catalog.models import CataloguedModel

FACTS = {
    "task": "land_cover",
    "model": "unet",
    "arguments": {"channels": 3, "outputs": 2, "width": 4},
    "label": "land_cover",
    "classes": {"water": 3, "bare_soil": 7},
    "channels": [
        {"layer": "sigma0_vv", "date": 0},
        {"layer": "sigma0_vv", "date": 1},
        {"layer": "height", "date": None},
    ],
    "scaling": {"decibels": [10.0, 10.0, 0.0], "mean": [-11.0, -11.5, 30.0], "deviation": [4.0, 4.0, 12.0]},
    "seed": 1,
    "software": "alignsar_gpu test",
    "dataset": "fake-chips",
}


def write_weights(path, **facts):
    """Write weights of two tensors, 10 numbers."""
    header = {
        "__metadata__": {"alignsar_gpu": json.dumps(FACTS | facts)},
        "bias": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]},
        "weight": {"dtype": "F32", "shape": [3, 2], "data_offsets": [16, 40]},
    }
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(40))
    return path


def fake_model(learn, **facts):
    """A model with two seeds and a card in a folder, as a catalogue lists it."""
    weights = [write_weights(learn / f"unet/seed-{seed}.safetensors", seed=seed, **facts) for seed in (1, 2)]
    card = learn / "unet/README.md"
    card.write_text("# U-Net\n")
    return CataloguedModel(name="unet", title="U-Net", weights=weights, card=card, scores={"macro_f1": 0.85})

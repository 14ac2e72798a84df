"""Made-up results of trainings, as metrics.json and the files beside it hold them."""

import json

import numpy as np

CLASSES = {"water": 1, "bare_soil": 2, "forest": 5}
CHANNELS = [
    {"layer": "sigma0_vv", "date": 0},
    {"layer": "coherence_vv", "date": 1},
    {"layer": "height", "date": None},
]


def score(mean, deviation=0.01):
    return {"mean": mean, "deviation": deviation, "low": mean - 0.05, "high": mean + 0.04}


def history(epochs=4):
    return [{"epoch": n, "loss": 1.0 / (1 + n), "score": 0.5 + 0.1 * n} for n in range(epochs)]


def of_classes(**values):
    return {name: {key: value - 0.1 * n for key, value in values.items()} for n, name in enumerate(CLASSES)}


def model(title, mean, *, seeds=(1, 2), **more):
    one = {"test": {"macro_f1": mean, "classes": of_classes(f1=mean)}, "history": history()}
    return {
        "title": title,
        "channels": CHANNELS,
        "seeds": {str(seed): one for seed in seeds},
        "test": {"macro_f1": score(mean), "accuracy": score(mean + 0.05), "kappa": score(mean - 0.05)},
        "confusion": [[90, 8, 2], [10, 80, 10], [0, 0, 0]],
        "others": {"alps": {"macro_f1": score(mean - 0.2)}},
        "worst": ["place_1", "place_2"],
        **more,
    }


def land_cover(folder):
    """Two models of land cover, one of them a network with weights' files, and its worst samples."""
    forest = model("Random forest", 0.6, seeds=(1,))
    forest["seeds"]["1"]["history"] = []
    forest["test"]["macro_f1"]["deviation"] = None
    metrics = {
        "task": "land_cover", "label": "land_cover", "classes": CLASSES, "dataset": "demo-chips",
        "samples": {"train": 1200, "validation": 100, "test": 150},
        "models": {"random_forest": forest, "unet": model("U-Net <new>", 0.85)},
    }  # fmt: skip
    generator = np.random.default_rng(1)
    classes = generator.integers(0, 3, (2, 8, 32)).astype(np.uint8)
    classes[0, 0] = 255
    image = generator.normal(-12, 3, (2, 8, 32)).astype(np.float32)
    arrays = {
        "image": image,
        "truth": classes,
        "predicted": classes % 2,
        "ids": np.array(["place_1", "place_2"]),
    }
    return _written(folder, metrics, arrays)


def detection(folder):
    """A model of detection."""
    curve = {"x": [0.01, 0.1, 1.0], "y": [0.3, 0.6, 0.9]}
    by_section = {"x": [10, 20, 30], "y": [0.2, 0.6, 1.0], "low": [0.1, 0.4, 0.8], "high": [0.3, 0.7, 1.0]}
    found = {
        "title": "Network of centres",
        "seeds": {"1": {"test": {"map50": 0.8, "classes": of_classes(ap50=0.8)}, "history": history()}},
        "test": {"map50": score(0.8), "map50_95": score(0.4), "detected": score(0.7)},
        "curves": {"froc": curve, "froc_water": curve, "by_cross_section": by_section},
        "others": {},
        "worst": ["chip_1"],
    }
    metrics = {
        "task": "detection", "label": "", "classes": {"water": 1}, "channels": CHANNELS, "dataset": "demo-chips",
        "samples": {"train": 12, "validation": 4, "test": 5}, "false_alarms_per_km2": 0.1, "models": {"unet": found},
    }  # fmt: skip
    boxes = np.array([[0, 1.0, 4.0, 3.0, 8.0]])
    arrays = {
        "image": np.zeros((1, 8, 32), np.float32), "boxes_truth": boxes, "boxes_predicted": boxes[:0],
        "ids": np.array(["chip_1"]),
    }  # fmt: skip
    return _written(folder, metrics, arrays)


def change(folder):
    """A floor and a network of change, of two kinds of change; the floor tells no kinds."""
    curve = {
        "x": [0.1, 0.5, 1.0],
        "y": [0.9, 0.8, 0.2],
        "x_title": "recall",
        "y_title": "precision",
        "area": 0.6,
    }
    scores = {name: score(0.5) for name in ("f1", "precision", "recall", "iou")}
    shared = {
        "test": scores,
        "curves": {"precision_recall": curve},
        "others": {},
        "worst": [],
        "channels": CHANNELS,
    }
    one = {"test": {"f1": 0.5}, "history": []}
    metrics = {
        "task": "change", "label": "a,b", "classes": {"unchanged": 0, "a": 1, "b": 2}, "dataset": "demo-chips",
        "samples": {"train": 12, "validation": 4, "test": 5},
        "models": {
            "log_ratio": {"title": "Log ratio", "seeds": {"1": one}, "confusion": [[9, 1], [4, 5]], **shared},
            "unet": {"title": "Siamese", "seeds": {"1": one}, "confusion": np.eye(3).tolist(), **shared},
        },
    }  # fmt: skip
    return _written(folder, metrics, None)


def _written(folder, metrics, arrays):
    (folder / "unet").mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "unet/seed-1.safetensors").touch()
    if arrays:
        np.savez(folder / "unet/worst.npz", **arrays)
    return metrics

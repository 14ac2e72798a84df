"""A cube of one's own, and models with random weights that predict it."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import torch
from chipped_cube import cube_of, with_label
from geocoding_scene import CPU

from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.application.stage import Run
from alignsar_gpu.dataset.cube import finish_cube, write_dataset
from alignsar_gpu.learn.channels import Channel, Scaling
from alignsar_gpu.learn.model_files import ModelFacts, model_path, save_model
from alignsar_gpu.learn.networks import build
from alignsar_gpu.progress import StageTimer

LABEL = {"flag_values": [0, 3, 7, 255], "flag_meanings": "none water forest unknown"}
CLASSES = {"water": 3, "forest": 7}
TEST = {"macro_f1": {"mean": 0.75, "deviation": None}}
METRICS = {
    "models": {name: {"title": "U-Net", "test": TEST} for name in ("unet", "complex_unet", "ann", "heatmap")}
}

torch.set_num_threads(1)


def labelled(dates=2, **more):
    """A cube with a label of classes, and pixels without data."""
    cube = cube_of(**{"lines": 70, "samples": 150} | more, dates=dates)
    lines, samples = cube.sizes["azimuth"], cube.sizes["range"]
    cube["valid"][:, 10:20, 30:60] = False
    classes = np.where(np.arange(samples) < samples // 2, 3, 7).astype(np.uint8)
    return with_label(cube, "land_cover", np.broadcast_to(classes, (lines, samples)).copy(), **LABEL)


def model_of(
    folder,
    channels,
    *,
    seed=3,
    name="unet",
    task="land_cover",
    classes=None,
    label="land_cover",
    outputs=None,
):
    """A model with random weights, in a file; its normalisation is as if it had been trained."""
    torch.manual_seed(seed)
    classes = classes or CLASSES
    kind = "categories" if name == "heatmap" else "outputs"
    arguments = {"channels": len(channels), kind: outputs or len(classes)}
    network = build(name, arguments if name == "ann" else arguments | {"width": 4})
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0.0, 0.2)
        network.eval()
        last = getattr(network, "head", None) or list(network.modules())[-1]
        last.bias -= network(torch.randn(1, len(channels), 32, 64)).mean(
            dim=(0, 2, 3)
        )  # no class is likelier
    count = len(channels)
    scaling = Scaling(
        decibels=[10.0] + [0.0] * (count - 1), mean=[20.0] + [0.5] * (count - 1), deviation=[5.0] * count
    )
    facts = ModelFacts(
        task=task, model=name, arguments=network.arguments(), label=label, classes=classes, channels=channels,
        scaling=scaling,
        seed=1, software="alignsar_gpu test", dataset="made",
    )  # fmt: skip
    return save_model(model_path(folder / name, 1), network.eval(), facts)


@contextmanager
def unfinished(output, cube):
    """A folder of a run that is being made, or made further, whose cube is there; and the run."""
    run = Run(config=SimpleNamespace(), published=lambda facts: facts, device=CPU, timer=StageTimer())
    with RunFolder(output, [StageRecord(name="root", digest="f", products=("cube.zarr",))], "") as folder:
        folder.begin()
        if not (folder.work / "cube.zarr").exists():
            write_dataset(folder.work / "cube.zarr", cube)
            finish_cube(folder.work / "cube.zarr", {})
        folder.record("root/cube")
        yield folder, run


DATED = [Channel(layer="sigma0_vv", date=0), Channel(layer="coherence_vv", date=1), Channel(layer="height")]

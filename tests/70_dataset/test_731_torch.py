"""Chips for PyTorch and torchgeo: by workers, with transforms; skipped where these are not installed."""

import multiprocessing

import numpy as np
import pytest
from fake_chips import SIZE, make_chips

from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples

torch = pytest.importorskip("torch")
ours = pytest.importorskip("alignsar_gpu.torch")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("torch") / "chips"
    make_chips(folder, holes=True)
    return folder


def doubled(sample):
    """A transform that other processes find by its name."""
    return {**sample, "image": 2.0 * sample["image"]}


class TestWorkers:
    @pytest.mark.parametrize("context", ["fork", "spawn"])
    def test_read_the_same(self, made, context):
        expected = Samples(made, "train", SampleOptions(label=["land_cover", "cover_water"]))
        chips = ours.ChipDataset(made, "train", doubled, label=["land_cover", "cover_water"])
        loader = torch.utils.data.DataLoader(
            chips, batch_size=3, num_workers=2, multiprocessing_context=multiprocessing.get_context(context)
        )
        batches = list(loader)
        assert [name for batch in batches for name in batch["id"]] == [one["id"] for one in expected]
        for name, dtype in (("image", torch.float32), ("mask", torch.int64), ("target", torch.float32)):
            found = torch.concatenate([batch[name] for batch in batches])
            wanted = np.stack([one[name] for one in expected]) * (2 if name == "image" else 1)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found.numpy(), wanted)

    def test_all_dates_together(self, made):
        loader = torch.utils.data.DataLoader(ours.ChipDataset(made, "test", dates="together"), batch_size=4)
        (batch,) = loader
        assert batch["image"].shape == (4, 3, 3, SIZE, SIZE)
        assert batch["pairs"].shape == (4, 2, 1, SIZE, SIZE)
        assert batch["valid"].shape == (4, 3, SIZE, SIZE)


def test_torchgeo(made):
    theirs = pytest.importorskip("torchgeo.datasets")
    geo = pytest.importorskip("alignsar_gpu.torchgeo")
    chips = geo.Chips(made, "val", label="land_cover", transforms=doubled)
    assert isinstance(chips, theirs.NonGeoDataset)
    assert "size: 8" in str(chips)
    plain = Samples(made, "validation", SampleOptions(label="land_cover"))
    np.testing.assert_array_equal(chips[5]["image"].numpy(), 2.0 * plain[5]["image"])
    row = plain.index.set_index("id").loc[plain[5]["id"]]
    assert chips[5]["bounds"].tolist() == list(row["footprint"].bounds)
    assert chips.crs == plain.index["footprint"].crs
    module = geo.ChipDataModule(made, batch_size=8, label="land_cover")
    module.setup("validate")
    (batch,) = module.val_dataloader()
    np.testing.assert_allclose(module.aug(batch)["image"].numpy(), [one["image"] for one in plain], rtol=1e-6)

"""A small piece of one's own product, filled with simulated pixels: bursts chosen by their ids."""

import numpy as np
import pytest
from command_line import refuse, run

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.products import open_products
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
from alignsar_gpu.simulate.safe.planning import plan_passes
from alignsar_gpu.simulate.safe.product import copy_metadata, write_metadata

MOROCCO = "s1_pair_morocco_20230904_20230916"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Products of two dates without their pixels, which no template needs."""
    folder = tmp_path_factory.mktemp("templates")
    passes = PassParameters(
        longitude=5.8,
        latitude=52.05,
        pass_direction="ascending",
        first_day=np.datetime64("2022-01-01"),
        dates=2,
        bursts=3,
        lines=120,
        samples=260,
    )
    return [write_metadata(plan, folder) for plan in plan_passes(passes)]


class TestCut:
    def check(self, copy, template, names):
        whole = {burst.name: burst for burst in open_sentinel1(template).bursts}
        part = open_sentinel1(copy, verify=True)
        assert [burst.name for burst in part.bursts] == names
        for burst in part.bursts:
            own = whole[burst.name]
            assert burst.grid == own.grid
            assert burst.transmission.rank == own.transmission.rank
            np.testing.assert_allclose(
                burst.footprint, own.footprint, atol=0.01
            )  # heights of the next burst are gone
            for name, channel in burst.channels.items():
                calibration = channel.calibration, own.channels[name].calibration
                for kind in ("azimuth_time", "slant_range", "sigma_nought"):
                    np.testing.assert_array_equal(*(getattr(table, kind) for table in calibration))
        return part

    def test_a_simulated_product(self, made, tmp_path):
        names = [burst.name for burst in open_sentinel1(made[0], swaths=["iw1"]).bursts][1:]
        copy = copy_metadata(made[0], tmp_path, ["IW1"], ["vv", "vh"], names)
        part = self.check(copy, made[0], names)
        assert [burst.index for burst in part.bursts] == [0, 1]

    def test_a_real_product(self, real_data, tmp_path):
        safe = sorted(real_data(MOROCCO).glob("*.SAFE"))[0]
        name = open_sentinel1(safe, swaths=["iw1"]).bursts[4].name
        part = self.check(copy_metadata(safe, tmp_path, ["IW1"], ["vv"], [name]), safe, [name])
        whole = open_sentinel1(safe, swaths=["iw1"])
        noise, own = part.bursts[0].channels["vv"].noise, whole.bursts[4].channels["vv"].noise
        lines = part.bursts[0].grid.lines
        for mine, theirs in zip(noise.azimuth, own.azimuth, strict=True):
            inside = (theirs.line >= 4 * lines) & (theirs.line < 5 * lines)
            np.testing.assert_array_equal(mine.factor, theirs.factor[inside])
            np.testing.assert_array_equal(mine.line, theirs.line[inside] - 4 * lines)

    def test_a_burst_that_is_not_there(self, made, tmp_path):
        with pytest.raises(AlignsarError, match="has no burst t001_000001_iw1; there are t"):
            copy_metadata(made[0], tmp_path, ["IW1"], ["vv"], ["t001_000001_iw1"])
        assert not list(tmp_path.iterdir())


def test_one_burst_of_one_subswath_of_two_dates(made, tmp_path):
    name = open_sentinel1(made[0], swaths=["iw1"]).bursts[1].name
    output = tmp_path / "out"
    run(
        "+experiment=simulate",
        f"simulate.templates=[{','.join(map(str, made))}]",
        f"simulate.template_bursts=[{name}]",
        "simulate.polarizations=[vv]",
        "simulate.scene.cover_posting=20",
        f"output={output}",
    )
    products = open_products(output / "products", verify=True).opened.values()
    assert [[burst.name for burst in product.bursts] for product in products] == [[name]] * 2
    assert all((np.abs(product.bursts[0].read("vv")) > 0).mean() > 0.95 for product in products)
    assert (output / "truth.zarr" / name).is_dir()


@pytest.mark.parametrize(
    "key",
    ["bursts=2", "samples=300", "lines=100", "dates=3", "baselines=[10.0]", "longitude=4.0", "noise=-20.0"],
)
def test_what_cannot_be_combined(key, tmp_path):
    words = f"simulate.{key}: cannot be combined with simulate.templates"
    refuse(
        words.replace(",", ", "), "+experiment=simulate", "simulate.templates=[/a.SAFE]", f"simulate.{key}"
    )


def test_bursts_without_templates():
    refuse("there are no templates", "+experiment=simulate", "simulate.template_bursts=[t052_110431_iw1]")

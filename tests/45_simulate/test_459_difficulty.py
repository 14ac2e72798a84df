"""Difficulty of simulated scenes: contrast of the classes, seasons, fields and roads, each against its closed form."""

import datetime as dt

import numpy as np
import pytest
from simulated_campaign import Small

from alignsar_gpu.config.simulation import SimulateSceneConfig, check_scene
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.backscatter import (
    CLASSES,
    FIELD,
    FOREST,
    GRASSLAND,
    ROAD,
    URBAN,
    with_contrast,
)
from alignsar_gpu.simulate.ground.land.map import LandParameters
from alignsar_gpu.simulate.ground.raster import Bounds
from alignsar_gpu.simulate.ground.scene import SceneParameters, make_scene
from alignsar_gpu.simulate.ground.seasons import SUMMER, in_season, season_of
from alignsar_gpu.simulate.radar.radiometry import tabulate

BOX = Bounds(west=6.0, south=50.75, east=6.07, north=50.79)
DAYS = np.array(["2022-01-14", "2022-04-15", "2022-07-15"], "datetime64[D]")


def decibels(one, polarization, incidence):
    return 10.0 * np.log10(one.sigma0(polarization, incidence))


def scene_of(days=DAYS, box=BOX, **keys):
    parameters = SceneParameters(**{"relief": 20.0, "cover_posting": 10.0} | keys)
    return make_scene(box, days, seed=2, wavelength=0.0555, parameters=parameters)


class TestContrast:
    @pytest.mark.parametrize("contrast", [0.5, 0.0, 2.0])
    def test_scales_differences_of_all_classes_at_all_angles(self, contrast):
        changed = with_contrast(CLASSES, contrast)
        for polarization in ("vv", "vh"):
            for incidence in (25.0, 38.0, 52.0):
                before = np.array([decibels(one, polarization, incidence) for one in CLASSES])
                after = np.array([decibels(one, polarization, incidence) for one in changed])
                assert after.mean() == pytest.approx(before.mean())
                assert after - after.mean() == pytest.approx(contrast * (before - before.mean()), abs=1e-9)
        assert [one.coherence(12.0) for one in changed] == [one.coherence(12.0) for one in CLASSES]

    def test_one_leaves_all_as_it_is(self):
        assert with_contrast(CLASSES, 1.0) == CLASSES

    def test_images_of_two_classes_differ_by_half(self, tmp_path):
        """Measured, without noise to speak of: forest against grassland."""
        found = []
        for contrast in (1.0, 0.5):
            power = []
            for kind in (FOREST, GRASSLAND):
                small = Small(
                    tmp_path / f"{contrast}{kind}",
                    kind=kind,
                    passes={
                        "dates": 1,
                        "bursts": 1,
                        "lines": 160,
                        "samples": 500,
                        "noise_equivalent_sigma0": -60.0,
                    },
                    scene={"contrast": contrast},
                )
                power.append(
                    np.mean(np.abs(small.pixels()[(slice(None), *small.inside())]) ** 2, axis=(1, 2))
                )
            found.append(10.0 * np.log10(power[0] / power[1]))
        usual = [
            getattr(CLASSES[FOREST], p).decibels - getattr(CLASSES[GRASSLAND], p).decibels
            for p in ("vv", "vh")
        ]
        assert found[0] == pytest.approx(usual, abs=0.4)  # the law of the incidence angle has its part
        assert found[1] == pytest.approx(0.5 * found[0], abs=0.12)


class TestSeason:
    def test_is_highest_in_the_middle_of_summer(self):
        assert season_of(SUMMER, 50.0) == pytest.approx(1.0)
        assert season_of(SUMMER + 365.25 / 2, 50.0) == pytest.approx(-1.0)
        assert season_of(SUMMER, -30.0) == pytest.approx(-1.0)

    def test_scene_has_the_backscatter_of_each_day(self):
        scene = scene_of(season=2.0)
        for date, day in enumerate(DAYS.tolist()):
            season = np.cos(2.0 * np.pi * (day.timetuple().tm_yday - 196) / 365.25)
            for index, share in {FIELD: 1.0, GRASSLAND: 0.5, FOREST: -0.25, URBAN: 0.0, ROAD: 0.0}.items():
                own, usual = scene.classes_on(date)[index], CLASSES[index]
                for polarization in ("vv", "vh"):
                    added = decibels(own, polarization, 40.0) - decibels(usual, polarization, 40.0)
                    assert added == pytest.approx(2.0 * share * season, abs=1e-9)

    def test_coherence_of_two_dates_is_that_of_the_classes_times_what_both_keep(self):
        scene = scene_of(season=2.0)
        for first, second in ((0, 1), (0, 2), (1, 2)):
            apart = float(scene.days[second] - scene.days[first])
            kept = 1.0
            for date in (first, second):
                day = dt.date.fromisoformat(scene.names[date]).timetuple().tm_yday
                kept *= 1.0 - 0.15 * 2.0 * 0.5 * (1.0 + season_of(day, 50.77))
            coherence = scene.coherence(first, second)
            assert coherence[FIELD] == pytest.approx(np.sqrt(kept) * float(CLASSES[FIELD].coherence(apart)))
            assert coherence[URBAN] == float(CLASSES[URBAN].coherence(apart))

    def test_scatterers_have_that_coherence(self):
        """The loops mix what stays, what fades and what is new by the tables of each date."""
        scene = scene_of(season=3.0)
        tables = [tabulate(scene.classes_on(date), scene.days, date) for date in (0, 2)]
        (stays, close), (stays_too, close_too) = (table.coherence[FIELD] for table in tables)
        fading = np.prod(tables[1].steps[FIELD, 1:])
        found = np.sqrt(stays * stays_too) + np.sqrt((close - stays) * (close_too - stays_too)) * fading
        assert found == pytest.approx(scene.coherence(0, 2)[FIELD])

    def test_none_by_default_and_none_of_what_never_changes(self):
        scene = scene_of()
        assert scene.classes_on(2) is scene.classes is not None
        still = scene_of(season=2.0, temporal_decorrelation=False)
        assert still.coherence(0, 2) == [1.0] * len(CLASSES)
        assert in_season(CLASSES, 0.0, 1.0) == CLASSES

    def test_days_that_are_numbers_count_from_new_year(self):
        scene = scene_of(days=np.array([0.0, 196.0]), season=2.0)
        assert scene.classes_on(1)[FIELD].vv.decibels == pytest.approx(CLASSES[FIELD].vv.decibels + 2.0)


def test_larger_blocks_of_fields_have_fewer_roads():
    box = Bounds(west=6.0, south=50.75, east=6.1, north=50.8)

    def share_of_roads(**land):
        scene = scene_of(box=box, land=LandParameters(town_share=0.0, **land))
        return float((scene.base.values == ROAD).mean())

    assert share_of_roads(block_size=2500.0) < 0.7 * share_of_roads()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"contrast": -1.0}, "contrast must lie in 0 to 4"),
        ({"season": 9.0}, "season in 0 to 6 dB"),
        ({"land": {"block_size": 0.0}}, "block_size must lie in 200 to 20000"),
    ],
)
def test_what_cannot_be_is_refused(wrong, text):
    with pytest.raises(AlignsarError, match=text):
        SceneParameters(
            **{name: LandParameters(**own) if name == "land" else own for name, own in wrong.items()}
        )


@pytest.mark.parametrize("given", [[1.0, 2.0, 3.0], [5.0, -5.0]])
def test_cross_sections_that_are_no_range(given):
    with pytest.raises(
        AlignsarError, match=r"simulate.scene.ship_cross_section=\[.*: give one number of dB, or two"
    ):
        check_scene(SimulateSceneConfig(ship_cross_section=given))
    with pytest.raises(AlignsarError, match=r"simulate.scene.slick_length=\[.*: give two that rise"):
        check_scene(SimulateSceneConfig(slick_length=[900.0, 300.0]))

"""The data of demo_detection, of a small scene: objects as labels and boxes of each date, with their cross-sections."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr
from command_line import run

from alignsar_gpu.simulate.ground.backscatter import CLASSES, FIELD, with_contrast
from alignsar_gpu.simulate.ground.seasons import kept_coherence, season_of

SMALL = [
    *(
        "+experiment=demo_detection",
        "learn.task=null",
        "card.write=false",
        "device=cpu",
        "simulate.dates=2",
        "simulate.bursts=1",
    ),
    *("simulate.swaths=[iw1]", "simulate.lines=160", "simulate.samples=700", "chips.size=[32,128]"),
    *(
        "simulate.scene.ships=150",
        "simulate.scene.tank_farms=10",
        "simulate.scene.contrast=0.9",
        "simulate.scene.season=1",
        "simulate.scene.cover_posting=20",
        "simulate.scene.sea_share=0.4",
    ),
    *(
        f"chips.split.shares.{name}={share}"
        for name, share in (("train", 1.0), ("validation", 0.0), ("test", 0.0))
    ),
]
METRES = 111_000.0  # of a degree


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("detection") / "out"
    run(*SMALL, f"output={output}")
    return output


@pytest.fixture(scope="module")
def cube(output):
    return xr.open_zarr(output / "cube.zarr", chunks=None)


def table(output, name):
    return pd.read_parquet(output / "labels" / f"{name}.parquet").set_index("number")


def boxes(output):
    """All boxes, with the row of the index of their chip."""
    index = geopandas.read_parquet(output / "chips" / "index.parquet")
    files = sorted((output / "chips" / "coco").glob("*.json"))
    found = pd.concat([pd.DataFrame(json.loads(file.read_text())["annotations"]) for file in files])
    return found.assign(chip=found["image_id"] - 1).merge(index, on="chip", suffixes=("", "_of_chip"))


def test_a_ship_is_in_the_image_of_its_day_alone(output, cube):
    ships, days = table(output, "ship"), cube["time"].values.astype("datetime64[D]").astype(str)
    assert cube["ship"].dims == ("time", "azimuth", "range")
    assert cube["tank"].dims == ("azimuth", "range")
    assert cube["ship"].attrs["features_of_images"] == "that are valid on the day of each image"
    for date, day in enumerate(days):
        there = np.unique(cube["ship"].values[date])
        there = there[there > 0]
        assert len(there) > 3
        assert set(ships["date"].astype(str).str[:10][there]) == {day}


def test_boxes_are_those_of_the_date_and_lead_to_the_cross_section(output, cube):
    ships, found = table(output, "ship"), boxes(output)
    found = found[found["category_id"] == 1]
    assert set(found["date"]) == set(cube["time"].dt.strftime("%Y%m%d").values)
    own = ships.loc[found["object"]]
    assert (own["date"].astype(str).str[:10].str.replace("-", "").to_numpy() == found["date"]).all()
    truth = geopandas.read_file(output / "simulated" / "scene" / "objects.geojson").set_index("name")
    truth = truth.loc[own["name"]]
    assert own["rcs_vv"].to_numpy() == pytest.approx(truth["rcs_vv"].to_numpy())
    middles = np.array([shape.centroid.coords[0] for shape in truth.geometry])
    whole = (found["visible"] == 1.0).to_numpy()
    assert whole.sum() > 3
    for (_, box), place in zip(found[whole].iterrows(), middles[whole], strict=True):
        sample, line, width, height = box["bbox"]
        lines = slice(box["first_line"] + line, box["first_line"] + line + height)
        samples = slice(box["first_sample"] + sample, box["first_sample"] + sample + width)
        longitude, latitude = (float(cube[name][lines, samples].mean()) for name in ("longitude", "latitude"))
        apart = (longitude - place[0]) * np.cos(np.radians(latitude)), latitude - place[1]
        assert METRES * np.hypot(*apart) < 45.0  # the height of its scatterers, towards the radar, and a line


def test_a_tank_has_its_box_on_all_dates(output, cube):
    tanks = boxes(output).query("category_id == 2")
    assert len(tanks)
    for _, of_tank in tanks.groupby(["object", "place"]):
        assert len(of_tank) == len(cube["time"])
        assert of_tank["bbox"].map(tuple).nunique() == 1


def test_the_report_shows_the_objects_of_each_date(output):
    page = " ".join((output / "report" / "index.html").read_text().split())
    assert "Of the features that are valid on the day of each image." in page
    assert "none of the ground where it is known" not in page
    for name in (
        "objects_ship_20220114",
        "objects_oil_slick_20220126",
        "label_object_ship_20220114",
        "objects_tank",
    ):
        assert (output / "report" / f"{name}.svg").exists()


def test_contrast_and_season_reach_the_scene(output):
    truth = zarr.open_group(output / "simulated" / "truth.zarr", mode="r")
    assert truth.attrs["sigma0_vv_db"] == pytest.approx(
        [one.vv.decibels for one in with_contrast(CLASSES, 0.9)]
    )
    (burst,) = (group for _, group in truth.groups())
    days = [(np.datetime64(0, "D") + int(day)).item().timetuple().tm_yday for day in burst["date"][:]]
    kept = [kept_coherence(1.0, season_of(day, 50.8)) for day in days]
    field = (burst["land_cover"][0] == FIELD) & (burst["land_cover"][1] == FIELD)
    want = float(CLASSES[FIELD].coherence(12.0)) * np.sqrt(np.prod(kept))
    assert burst["coherence"][1][field] == pytest.approx(want, rel=1e-6)

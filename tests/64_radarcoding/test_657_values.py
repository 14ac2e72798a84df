"""Values of features in pixels, means and ids, against brute force: dense places through the exact geometry."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from dense_places import dense_places, outline, partition
from rough_terrain import scene
from stand_in import device as stand_in_device
from stand_in import stand_in

from alignsar_gpu.application.labels.sources import open_labels
from alignsar_gpu.application.labels.writer import LabelWriter
from alignsar_gpu.config import RadarcodingConfig
from alignsar_gpu.device import Device
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.tiles import ImageTile
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig

CPU = Device("cpu", "test", "asked for", 1 << 30)
LINES, SAMPLES = slice(4, 10), slice(20, 100)
SHARE_ERROR = 0.02  # of an area, on rough terrain: 4 times the mean error that docs/labels.md promises
NEVER = np.zeros(0)
FIRST = 1986.0  # year of the first value


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    size = {"lines": 16, "samples": 160}
    return LevelGround(terrain=scene(tmp_path_factory.mktemp("rough"), steepness=0.3, size=size))


@pytest.fixture(scope="module")
def frame(rough):
    """Parcels: 3 of 4 of a partition, with years, dates and ids beyond 32 bits; every tenth is one with that before."""
    shapes = partition(rough, 700)
    rng = np.random.default_rng(4)
    rng.shuffle(shapes)
    rows = len(shapes)
    number = np.arange(rows) - (np.arange(rows) % 10 == 9)
    frame = geopandas.GeoDataFrame(
        {
            "id": 9_000_000_000_000_000_000 + number * 1_000_003,
            "text": [f"NL.{k:08d}" for k in number],
            "year": FIRST + rng.integers(0, 40, rows).astype(float),
            "use": np.array(["arable", "grass", "forest"])[rng.integers(0, 3, rows)],
        },
        geometry=shapes,
        crs=4326,
    )
    frame["date"] = [f"{int(year)}-07-02" for year in frame.year]
    frame = frame[rng.random(rows) < 0.75].reset_index(drop=True)
    frame.loc[::17, "year"] = np.nan
    return frame


@pytest.fixture(scope="module")
def path(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "parcels.parquet"
    frame.to_parquet(path)
    return path


@dataclass
class Made:
    labels: Any
    cells: dict[str, np.ndarray]
    scene: LabelScene

    def table(self, tmp_path):
        ((name, write),) = self.labels.vectors.tables(self.scene)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name)
        return pd.read_parquet(tmp_path / name)


def make(level, layers, device=CPU, lines=slice(0, 16), times=NEVER, **keys):
    settings = RadarcodingConfig(layers=layers, **keys)
    labels = open_labels(
        SimpleNamespace(radarcoding=settings, dem=SimpleNamespace(standard_deviation=None)), 1 << 28
    )
    place = LabelScene(level_ground=level, device=device, times=times, reference=0)
    for source in labels.vectors.sources:
        source.file.validity.set_images(times.astype("datetime64[ns]"), 0)
    writer = LabelWriter(labels=labels, scene=place, product=None, layout=None)
    return Made(labels, writer.cells(place, lines), place)


def layer(path, method="mean", attribute="year", coverage="everywhere", **keys):
    return VectorLayerConfig(path=str(path), method=method, attribute=attribute, coverage=coverage, **keys)


@pytest.fixture(scope="module")
def made(rough, path):
    return make(
        rough,
        {"year": layer(path), "date": layer(path, attribute="date"), "parcel": layer(path, "largest", "id")},
    )


@pytest.fixture(scope="module")
def truth(rough, frame):
    """Of each pixel of a tile: places in all, with years, sums of these; and places of each feature."""
    tile = ImageTile(lines=LINES, samples=SAMPLES)
    tree, years = shapely.STRtree(frame.geometry.values), frame.year.to_numpy()
    size = tile.shape[0] * tile.shape[1]
    total, known, sums, own = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros((len(frame), size))
    for longitude, latitude in dense_places(rough, tile):
        height = rough.terrain.dem.height_at(longitude, latitude)
        i, j = (
            np.floor(np.nan_to_num(seen, nan=-1e9) + 0.5).astype(int) - part.start
            for seen, part in zip(
                rough.terrain.to_radar(longitude, latitude, height), (LINES, SAMPLES), strict=True
            )
        )
        inside = (i >= 0) & (i < tile.shape[0]) & (j >= 0) & (j < tile.shape[1])
        pixel = (i * tile.shape[1] + j)[inside]
        total += np.bincount(pixel, minlength=size)
        place, which = tree.query(shapely.points(longitude[inside], latitude[inside]), predicate="intersects")
        np.add.at(own, (which, pixel[place]), 1.0)
        has = np.isfinite(years[which])
        known += np.bincount(pixel[place[has]], minlength=size)
        sums += np.bincount(pixel[place[has]], years[which[has]], minlength=size)
    return SimpleNamespace(total=total, known=known, sums=sums, own=own, shape=tile.shape)


def test_means_are_those_of_brute_force(made, truth):
    got = made.cells["year"][LINES, SAMPLES].ravel().astype(float)
    share = truth.known / truth.total
    with np.errstate(invalid="ignore"):
        wanted = truth.sums / truth.known
    assert np.isnan(got[truth.known == 0]).mean() > 0.9  # a sliver may have no place
    sure = (truth.total >= 400) & (share > 0.2)
    mixed = sure & ((truth.own > 0).sum(axis=0) > 1)
    error = (got - wanted)[mixed]
    assert mixed.sum() > 100
    # Of values that spread over 40: what docs/labels.md promises of shares, times that.
    assert np.abs(error).mean() < 0.005 * 40.0
    assert abs(error.mean()) < 0.001 * 40.0
    assert np.nanmin(got) >= FIRST
    assert np.nanmax(got) <= FIRST + 39.0


def test_area_times_mean_adds_up_to_that_of_shares(rough, path, frame, tmp_path):
    """By year and by class, the same: to the steps that areas are counted in."""
    few = frame.dropna(subset="year").copy()
    few["year"] = few.year // 20 * 20
    few.to_parquet(tmp_path / "few.parquet")
    names = sorted({f"{year:g}" for year in few.year})
    values = {f"y{name}": [name] for name in names}
    shares = layer(tmp_path / "few.parquet", "fraction", "year", values=values)
    cells = make(
        rough, {"share": shares, "mean": layer(tmp_path / "few.parquet")}, overlaps="keep", label=""
    ).cells
    area = cells["ground_area"].astype(float)
    own = np.stack([cells[f"share_y{name}"] for name in names]).astype(float)
    wanted = (own * np.array(names, dtype=float)[:, None, None]).sum(axis=0)
    inside = np.isfinite(cells["mean"]) & np.isfinite(area)
    got = cells["mean"] * own.sum(axis=0)
    assert np.isclose((got * area)[inside].sum(), (wanted * area)[inside].sum(), rtol=1e-6)
    clear = inside & (own.sum(axis=0) > 0.1)
    np.testing.assert_allclose(cells["mean"][clear], wanted[clear] / own.sum(axis=0)[clear], rtol=1e-6)


def test_dates_become_days(made, frame, truth):
    year, days = made.cells["year"], made.cells["date"]
    one = (truth.own > 0).sum(axis=0) == 1
    one &= truth.own.max(axis=0) == truth.total
    inside = days[LINES, SAMPLES].ravel()[one]
    which = truth.own.argmax(axis=0)[one]
    wanted = (pd.to_datetime(frame.date.to_numpy()[which]) - pd.Timestamp(1970, 1, 1)).days
    assert len(wanted) > 100
    assert (
        np.mean(np.abs(inside - wanted) < 2e-3) > 0.8
    )  # others have slivers of neighbours without any place
    np.testing.assert_allclose(inside, wanted, atol=0.005 * 40 * 366)
    assert year.dtype == days.dtype == np.float32
    units = {spec.name: spec.attributes.get("units") for spec in made.labels.layers}
    assert (units["date"], units["year"], units["parcel"]) == ("days since 1970-01-01", "1", "1")


def test_ids_are_those_of_the_largest_area(made, frame, truth, tmp_path):
    table = made.table(tmp_path).set_index("number")
    got = made.cells["parcel"][LINES, SAMPLES].ravel()
    assert got.dtype == np.int32
    assert table.index.tolist() == list(range(1, len(table) + 1))
    objects, first = np.unique(frame.id, return_index=True)
    assert table.index.size == table.id.nunique() == np.isin(table.id, objects).sum()
    areas = np.stack([truth.own[frame.id == value].sum(axis=0) for value in objects]) / truth.total
    second, largest = np.sort(areas, axis=0)[[-2, -1]]
    sure = (largest - second > SHARE_ERROR) & (truth.total >= 400)
    assert sure.sum() > 300
    assert (got[sure] > 0).all()
    np.testing.assert_array_equal(table.id.loc[got[sure]], objects[areas.argmax(axis=0)][sure])
    assert (got[areas.max(axis=0) == 0.0] == 0).mean() > 0.9
    # the row of a parcel is one join away, with the attributes of the first of its features
    rows = frame.iloc[first].set_index("id").loc[table.id]
    assert table.text.tolist() == rows.text.tolist()
    only = ~table.id.isin(frame.id[frame.id.duplicated()]).to_numpy()
    assert only.sum() > 50
    assert table.use[only].tolist() == rows.use[only].tolist()
    assert list(table.columns) == ["id", "text", "year", "use", "date"]


def test_any_tiles_have_the_same_bits(rough, path, made):
    layers = {"year": layer(path), "parcel": layer(path, "largest", "id")}
    for lines, budget in ((slice(3, 9), 1 << 30), (slice(0, 16), 1 << 22)):
        device = Device("cpu", "test", "asked for", budget)
        cells = make(rough, layers, device, lines).cells
        for name, values in cells.items():
            np.testing.assert_array_equal(values, made.cells[name][lines], err_msg=name)


def test_chunks_of_rings_have_the_same_bits(rough, path, made, monkeypatch):
    monkeypatch.setattr("alignsar_gpu.radarcoding.vectors.values.areas.BYTES_AT_A_TIME", 20_000)
    cells = make(rough, {"year": layer(path), "parcel": layer(path, "largest", "id")}).cells
    for name, values in cells.items():
        np.testing.assert_array_equal(values, made.cells[name], err_msg=name)


def test_on_a_device_they_have_the_same_bits(rough, path, made):
    with stand_in():
        device = stand_in_device()
        cells = make(rough, {"year": layer(path), "parcel": layer(path, "largest", "id")}, device).cells
    for name in ("year", "parcel"):
        np.testing.assert_array_equal(cells[name], made.cells[name], err_msg=name)


def test_what_a_map_does_not_cover_is_unknown(rough, frame, tmp_path):
    west, _, east, _ = outline(rough).bounds
    half = frame[frame.geometry.bounds.maxx < 0.5 * (west + east)]
    half.to_parquet(tmp_path / "half.parquet")
    cells = make(
        rough,
        {
            "year": layer(tmp_path / "half.parquet", coverage="extent"),
            "parcel": layer(tmp_path / "half.parquet", "largest", "id", coverage="extent"),
        },
    ).cells
    known = cells["labelled_parcel"]
    assert 0.2 < known.mean() < 0.8
    assert (cells["parcel"][~known] == -1).all()
    assert (cells["parcel"][known] >= 0).all()
    assert np.isnan(cells["year"][~known]).all()
    assert "label" not in cells


def test_lines_roofs_and_points_have_values_where_they_have_shares(rough, tmp_path):
    """Lines with a width, areas above the terrain, discs: seen where their shares are."""
    longitude, latitude = rough.to_ground(np.linspace(2.0, 14.0, 9), np.linspace(20.0, 140.0, 9))
    places = np.stack([longitude, latitude], axis=1)
    shapes = {
        "line": ([shapely.LineString(places)], {"width": 40.0}),
        "roof": ([shapely.Point(place).buffer(3e-4) for place in places], {"height": "rise"}),
        "disc": ([shapely.Point(place) for place in places], {"buffer": 30.0}),
    }
    layers = {}
    for name, (geometry, keys) in shapes.items():
        rows = {"id": [f"{name}-{k}" for k in range(len(geometry))], "rise": 40.0}
        geopandas.GeoDataFrame(rows, geometry=geometry, crs=4326).to_parquet(tmp_path / f"{name}.parquet")
        path = tmp_path / f"{name}.parquet"
        layers[name] = layer(path, "largest", "id", **keys)
        layers[f"rise_{name}"] = layer(path, "mean", "rise", **keys)
        layers[f"share_{name}"] = layer(path, "fraction", None, **keys)
    cells = make(rough, layers, overlaps="keep").cells
    for name, (geometry, _) in shapes.items():
        number, share = cells[name], cells[f"share_{name}"]
        assert np.array_equal(number > 0, share > 0) or np.max(share[(number > 0) != (share > 0)]) < 1e-6
        assert set(np.unique(number)) == set(range(len(geometry) + 1))
        assert np.array_equal(np.unique(cells[f"rise_{name}"][number > 0]), [40.0])


def test_a_map_with_nothing_here_has_no_values_and_an_empty_table(rough, tmp_path):
    """Its features lie around the scene: that there is none is known."""
    west, south, east, north = outline(rough).bounds
    corners = [
        shapely.box(x, y, x + 0.01, y + 0.01) for x in (west - 1.0, east + 1.0) for y in (south, north)
    ]
    rows = {"id": ["a", "b", "c", "d"], "year": [1.0, 2.0, 3.0, 4.0]}
    geopandas.GeoDataFrame(rows, geometry=corners, crs=4326).to_parquet(tmp_path / "far.parquet")
    path = tmp_path / "far.parquet"
    made = make(rough, {"year": layer(path), "parcel": layer(path, "largest", "id")})
    assert made.cells["year"].dtype == np.float32
    assert np.isnan(made.cells["year"]).all()
    assert made.cells["labelled_year"].mean() > 0.9
    assert (made.cells["parcel"][made.cells["labelled_parcel"]] == 0).all()
    table = made.table(tmp_path)
    assert (len(table), list(table.columns)) == (0, ["number", "id", "year"])
    assert made.labels.facts(np.zeros(0, "datetime64[ns]"))["parcel"]["rows"] == 0


TIMES = np.array(["2022-01-03", "2022-02-08", "2022-02-09", "2022-03-22"], "datetime64[ns]")


@pytest.fixture(scope="module")
def dated(frame):
    rng = np.random.default_rng(8)
    begin = rng.choice(["2021-01-01", "2022-02-08", "2022-03-01", ""], len(frame))
    end = rng.choice(["2022-01-20", "2022-02-20", "2030-01-01", ""], len(frame))
    return frame.assign(begin=begin, end=end)


def there(dated, day):
    """Whether features are valid on a day; without a beginning or an end there is no such limit."""
    return ((dated.begin <= day) & ((dated.end >= day) | (dated.end == ""))).to_numpy()


@pytest.fixture(scope="module")
def dated_path(dated, tmp_path_factory):
    path = tmp_path_factory.mktemp("dated") / "parcels.parquet"
    dated.to_parquet(path)
    return path


def layers_of(path, **keys):
    keys |= {"coverage": "everywhere"}
    return {
        "use": VectorLayerConfig(path=str(path), attribute="use", **keys),
        "year": layer(path, **keys),
        "parcel": layer(path, "largest", "id", table=["text"], **keys),
    }


@pytest.fixture(scope="module")
def of_dates(rough, dated_path):
    keys = {"valid_from": "begin", "valid_until": "end", "each_date": True}
    return make(rough, layers_of(dated_path, **keys), times=TIMES)


class TestEachDate:
    """Features that come and go: each date has those of its day; two of four dates have the same."""

    def test_shares_are_those_of_brute_force(self, of_dates, dated, truth):
        inside, total = (LINES, SAMPLES), np.maximum(truth.total, 1.0)
        for date, day in enumerate(TIMES.astype("datetime64[D]").astype(str)):
            valid = there(dated, day)
            assert 0.2 < valid.mean() < 0.8
            for use in ("arable", "grass", "forest"):
                of_use = valid & (dated.use == use).to_numpy()
                share = (truth.own[of_use].sum(axis=0) / total).reshape(truth.shape)
                found = of_dates.cells[f"use_{use}"][date][inside]
                assert np.abs(found - share).mean() < SHARE_ERROR / 4.0

    def test_each_date_is_a_map_of_its_features_alone(self, of_dates, rough, dated, tmp_path):
        ids = of_dates.table(tmp_path).set_index("number")["id"]
        for date, day in enumerate(TIMES.astype("datetime64[D]").astype(str)):
            file = tmp_path / f"{day}.parquet"
            dated[there(dated, day)].to_parquet(file)
            alone = make(rough, layers_of(file))
            for name in ("use_arable", "use_grass", "use_forest", "label"):
                assert np.array_equal(of_dates.cells[name][date], alone.cells[name], equal_nan=True)
            both = of_dates.cells["year"][date], alone.cells["year"]
            assert np.allclose(*both, rtol=0.0, atol=1e-3, equal_nan=True)
            own = alone.table(tmp_path).set_index("number")["id"]
            found, want = of_dates.cells["parcel"][date], alone.cells["parcel"]
            assert np.array_equal(found > 0, want > 0)
            assert np.array_equal(ids.loc[found[found > 0]], own.loc[want[want > 0]])
            assert not np.array_equal(of_dates.cells["label"][0], of_dates.cells["label"][date]) or date == 0

    def test_what_layers_are(self, of_dates):
        """The label too is of each date, and shares that vary are not used for the offset."""
        dated = {layer.name: layer.dated for layer in of_dates.labels.layers}
        masks = {"labelled_use": False, "labelled_year": False, "labelled_parcel": False}
        assert {name: value for name, value in dated.items() if not value} == masks | {"ground_area": False}
        assert of_dates.cells["labelled_use"].ndim == 2
        assert of_dates.labels.fractions == []
        assert not [text for text in of_dates.labels.vectors.warnings() if "begin or end" in text]

    def test_layers_of_each_date_and_of_all_dates_hide_only_their_like(self, rough, dated_path, dated):
        keys = {"valid_from": "begin", "valid_until": "end"}
        whole = VectorLayerConfig(path=str(dated_path), coverage="everywhere")
        some = VectorLayerConfig(path=str(dated_path), coverage="everywhere", where="use = 'grass'")
        layers = {
            "a": whole,
            "b": some,
            **{name: replace(one, **keys, each_date=True) for name, one in (("c", whole), ("d", some))},
        }
        cells = make(rough, layers, times=TIMES, overlaps="last").cells
        known = cells["labelled_a"]
        assert np.abs(cells["a"] + cells["b"])[known].max() <= 1.0 + 1e-6
        assert cells["c"].shape == (4, *cells["a"].shape)
        for date in range(4):
            apart = make(rough, {"c": layers["c"], "d": layers["d"]}, times=TIMES, overlaps="last").cells
            assert np.array_equal(cells["c"][date], apart["c"][date], equal_nan=True)

    def test_strips_tiles_and_the_stand_in_change_no_bit(self, of_dates, rough, dated_path, monkeypatch):
        monkeypatch.setattr("alignsar_gpu.application.labels.writer.PART_SAMPLES", 48)
        keys = {"valid_from": "begin", "valid_until": "end", "each_date": True}
        with stand_in():
            one = make(
                rough,
                layers_of(dated_path, **keys),
                times=TIMES,
                lines=slice(4, 10),
                device=stand_in_device(),
            )
        for name, values in one.cells.items():
            assert np.array_equal(values, of_dates.cells[name][..., 4:10, :], equal_nan=True), name

    def test_a_map_with_dates_that_ends_inside_the_scene(self, rough, dated, tmp_path):
        """What it covers is the box around all its features, those of other days too."""
        west, south, east, north = outline(rough).bounds
        part = dated[dated.geometry.within(shapely.box(west, south, 0.5 * (west + east), north))]
        part.to_parquet(tmp_path / "part.parquet")
        found = make(
            rough,
            {"use": VectorLayerConfig(path=str(tmp_path / "part.parquet"), valid_from="begin")},
            times=TIMES,
        )
        assert 0.1 < found.cells["labelled_use"].mean() < 0.9

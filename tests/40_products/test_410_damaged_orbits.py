"""One damaged state vector in any format: annotation, orbit file, NISAR, SNAP. And a grid that lies elsewhere."""

import re
import shutil

import h5py
import numpy as np
import pytest
from fake_nisar import FakeNisar
from fake_safe import FakeSafe, annotations_in, rewrite, write_safe
from fake_snap import write_dimap
from synthetic_stack import simulate_stack

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.orbit_check import AT_ENDS, INSIDE, _misfits
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.products.nisar.reader import open_nisar
from alignsar_gpu.products.sentinel1.annotation import read_annotation
from alignsar_gpu.products.sentinel1.checks import _distances
from alignsar_gpu.products.sentinel1.orbit_files import read_orbit_file
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.snap.reader import open_stack
from alignsar_gpu.products.xml import parse_xml

OFF = r"off the flight between its neighbours"


def refusal(path, **options):
    with pytest.raises(AlignsarError) as raised:
        open_sentinel1(path, **options)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def change_number(path, before, change):
    """Change the number that follows a pattern in a file."""
    text = path.read_text()
    match = re.search(before + r"(-?[\d.e+-]+)", text, re.DOTALL)
    path.write_text(text[: match.start(1)] + repr(change(float(match[1]))) + text[match.end(1) :])


FOURTH = r"(?:<orbit>.*?){4}"


class TestAnnotation:
    @pytest.fixture
    def root(self, tmp_path):
        return write_safe(tmp_path, FakeSafe())

    @pytest.mark.parametrize(
        ("where", "change"),
        [
            ("<position>.*?<x>", lambda x: x + 10.0),
            ("<position>.*?<z>", lambda z: -z),
            ("<velocity>.*?<y>", lambda y: -y),
        ],
    )
    def test_one_vector(self, root, where, change):
        change_number(annotations_in(root)[0], FOURTH + where, change)
        assert re.search(rf"annotation of S1A.* state vector 4 of 1..* {OFF}", refusal(root))

    def test_one_time(self, root):
        (path,) = annotations_in(root)
        text = path.read_text()
        times = re.findall(r"(?<=<orbit><time>)[^<]*", text)
        late = str(np.datetime64(times[6]) + np.timedelta64(1, "s"))
        path.write_text(text.replace(f"<orbit><time>{times[6]}", f"<orbit><time>{late}"))
        assert "state vector 7 of 1" in refusal(root)

    def test_all_vectors_mirrored(self, root):
        """Each flies well, but elsewhere: the geolocation grid knows."""
        (path,) = annotations_in(root)
        text = path.read_text()
        path.write_text(re.sub(r"<z>(-?)", lambda match: "<z>" if match[1] else "<z>-", text))
        message = refusal(root)
        assert (
            "geolocationGrid: distance of the geolocation grid from where orbit, times and ranges put it is"
            in message
        )

    @pytest.mark.parametrize(
        ("where", "change", "what"),
        [
            (
                "<geolocationGrid.*?<latitude>",
                lambda v: v + 0.01,
                r"put it is 1113.19 m, and can only be 0 to 50 m",
            ),
            ("<geolocationGrid.*?<longitude>", lambda v: -v, "put it is .* m"),
            ("<geolocationGrid.*?<height>", lambda v: v + 500.0, "put it is .* m"),
            (
                "<geolocationGrid.*?<slantRangeTime>",
                lambda v: v + 1e-7,
                "slant ranges and those of its samples is 14.9",
            ),
            (
                "<imageInformation>.*?<slantRangeTime>",
                lambda v: v + 1e-6,
                "those of its samples is 149.896 m",
            ),
            ("<rangeSamplingRate>", lambda v: 1.01 * v, "those of its samples is"),
        ],
    )
    def test_the_geolocation_grid(self, root, where, change, what):
        change_number(annotations_in(root)[0], where, change)
        assert re.search(what, refusal(root))

    def test_a_burst_a_second_late(self, root):
        (path,) = annotations_in(root)
        (time,) = re.findall(r"<burst><azimuthTime>([^<]*)", path.read_text())[:1]
        rewrite(
            path,
            f"<burst><azimuthTime>{time}",
            f"<burst><azimuthTime>{np.datetime64(time) + np.timedelta64(1, 's')}",
        )
        assert "time from a burst's first line to the geolocation grid's nearest row is 1 s" in refusal(root)

    def test_an_annotation_without_places_is_read(self, root):
        rewrite(annotations_in(root)[0], "<(latitude|longitude)>.*?</(latitude|longitude)>", "", count=0)
        assert open_sentinel1(root).bursts


class TestOrbitFile:
    @pytest.fixture
    def folder(self, tmp_path, real_data):
        for file in real_data("s1_iw_slc_azores_20220918").glob("*.EOF"):
            shutil.copyfile(file, tmp_path / file.name)
        return tmp_path

    @pytest.mark.parametrize(
        ("axis", "change"), [("X", lambda x: x + 10.0), ("Y", lambda y: -y), ("VZ", lambda z: z + 1.0)]
    )
    def test_one_vector(self, folder, real_data, axis, change):
        annotation = next(real_data("s1_iw_slc_azores_20220918").glob("*.xml"))
        assert open_sentinel1(annotation, orbits=folder).orbit.source.startswith("RESORB")
        (path,) = folder.iterdir()
        unit = "m/s" if axis.startswith("V") else "m"
        change_number(path, rf'<UTC>UTC=2022-09-18T07:49:2.*?<{axis} unit="{unit}">', change)
        assert re.search(f"RESORB.* {OFF}", refusal(annotation, orbits=folder))

    def test_utc_and_tai_that_do_not_go_together(self, folder, real_data):
        annotation = next(real_data("s1_iw_slc_azores_20220918").glob("*.xml"))
        (path,) = folder.iterdir()
        rewrite(path, "<UTC>UTC=2022-09-18T07:49:25", "<UTC>UTC=2022-09-18T07:49:26")
        assert (
            "UTC and TAI of its state vectors do not go together: 1 s apart at 2022-09-18 07:49:26"
            in refusal(annotation, orbits=folder)
        )


def test_nisar(tmp_path):
    path = FakeNisar().write(tmp_path / "product.h5")
    with h5py.File(path, "r+") as file:
        file["science/LSAR/RSLC/metadata/orbit/position"][5, 1] += 10.0
    with pytest.raises(AlignsarError, match=rf"product.h5.*state vector 6 of 13.* {OFF}"):
        open_nisar(path)


class TestNisarGeolocation:
    """The grid of places in the product knows an orbit that flies well, but elsewhere."""

    @pytest.fixture
    def path(self, tmp_path):
        path = FakeNisar().write(tmp_path / "product.h5")
        product = open_nisar(path)
        grid, orbit = product.grid, product.acquisitions[0].orbit
        time, ranges = grid.azimuth_time(np.arange(0, grid.lines, 10)), grid.slant_range(np.arange(0, 60, 20))
        heights = np.array([-500.0, 0.0, 500.0])
        places = radar_to_ground(
            orbit, time[:, np.newaxis], ranges, heights[:, np.newaxis, np.newaxis], "right"
        )
        with h5py.File(path, "r+") as file:
            group = file.create_group("science/LSAR/RSLC/metadata/geolocationGrid")
            group["epsg"], group["heightAboveEllipsoid"], group["slantRange"] = (
                np.int32(4326),
                heights,
                ranges,
            )
            group["coordinateX"], group["coordinateY"] = places
            group["zeroDopplerTime"] = time
            group["zeroDopplerTime"].attrs["units"] = np.bytes_(f"seconds since {grid.epoch}T00:00:00")
        return path

    def test_that_agrees(self, path):
        assert open_nisar(path).grid.lines == 40

    def test_of_a_mirrored_orbit(self, path):
        with h5py.File(path, "r+") as file:
            for name in ("position", "velocity"):
                vectors = file[f"science/LSAR/RSLC/metadata/orbit/{name}"]
                vectors[...] = vectors[...] * [1.0, 1.0, -1.0]
        with pytest.raises(AlignsarError, match=r"geolocationGrid: distance of the geolocation grid .* m"):
            open_nisar(path)

    def test_of_a_place_beside(self, path):
        with h5py.File(path, "r+") as file:
            file["science/LSAR/RSLC/metadata/geolocationGrid/coordinateX"][1, 2, 1] += 0.01
        with pytest.raises(AlignsarError, match="geolocationGrid: distance of the geolocation grid"):
            open_nisar(path)

    @pytest.mark.parametrize(("name", "value"), [("epsg", np.int32(32633)), ("slantRange", np.ones(3))])
    def test_that_cannot_be_compared(self, path, name, value):
        with h5py.File(path, "r+") as file:
            del file[f"science/LSAR/RSLC/metadata/geolocationGrid/{name}"]
            file[f"science/LSAR/RSLC/metadata/geolocationGrid/{name}"] = value
        assert open_nisar(path).grid.lines == 40


def test_snap(tmp_path):
    product = simulate_stack(lines=16, samples=20, dates=2, polarizations=("vv",), seed=410, flattened=True)
    path = write_dimap(product, tmp_path, [0, 1])
    assert open_stack(path).acquisitions[0].orbit.position.any()
    change_number(path, r'orbit_vector4".*?x_pos"[^>]*>', lambda x: x + 10.0)
    with pytest.raises(AlignsarError, match=rf"stack.dim: orbit .*state vector 4 of .* {OFF}"):
        open_stack(path)


class TestRealOrbits:
    """The bounds hold with a wide margin."""

    def test_of_annotations_and_orbit_files(self, real_data):
        morocco = sorted(real_data("s1_pair_morocco_20230904_20230916").glob("*.SAFE"))
        azores = real_data("s1_iw_slc_azores_20220918")
        products = [open_sentinel1(path) for path in (*morocco, next(azores.glob("*.xml")))]
        orbits = [product.orbit for product in products]
        start = products[-1].start
        (file,) = azores.glob("*.EOF")
        orbits.append(read_orbit_file(file, orbits[-1].epoch, start, start + np.timedelta64(25, "s")))
        for orbit in orbits:
            misfits = _misfits(orbit.time, orbit.position, orbit.velocity)
            assert misfits[2:-2, 0].max() < INSIDE[0] / 50.0
            assert misfits[2:-2, 1].max() < INSIDE[1] / 100.0
            assert misfits[:, 0].max() < AT_ENDS[0] / 15.0
            assert misfits[:, 1].max() < AT_ENDS[1] / 20.0

    @pytest.mark.parametrize(("from_file", "metres"), [(False, 0.02), (True, 0.5)])
    def test_the_geolocation_grid_agrees(self, real_data, from_file, metres):
        azores = real_data("s1_iw_slc_azores_20220918")
        path = next(azores.glob("*.xml"))
        orbit = open_sentinel1(path, orbits=azores if from_file else None).orbit
        grid = read_annotation(parse_xml(path.read_bytes(), path.name)).geolocation
        assert _distances(grid, grid.places, orbit).max() < metres

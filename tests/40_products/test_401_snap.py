"""SNAP stacks: ZNAP and BEAM-DIMAP give back what was put into them; everything broken is refused."""

import json
import shutil
import zipfile

import numpy as np
import pytest
from fake_snap import date_name, write_dimap, write_znap
from synthetic_stack import simulate_stack
from synthetic_stack import stack as simulated

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.relative_orbit import RELATIVE_ORBIT_OFFSETS, sentinel1_relative_orbit
from alignsar_gpu.products.snap.bands import BAND, input_files
from alignsar_gpu.products.snap.metadata import parse_json
from alignsar_gpu.products.snap.reader import open_stack


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=64, samples=97, dates=3, polarizations=("vv", "vh"), seed=11, flattened=True)


@pytest.fixture(scope="module")
def raw_product():
    return simulate_stack(lines=64, samples=97, dates=2, polarizations=("vv",), seed=12, flattened=False)


def write_all(product, folder):
    for date in range(len(product.acquisitions)):
        write_znap(product, folder, [date], ground=date == product.reference, chunks=(20, 30))


def check_equal(stack, product):
    assert stack.grid.shape == product.grid.shape
    assert stack.polarizations == tuple(product.polarizations)
    assert stack.reference == product.reference
    pixels, valid = stack.read_pixels(0, product.grid.lines)
    expected, expected_valid = product.read_pixels(0, product.grid.lines)
    np.testing.assert_array_equal(valid, expected_valid)
    np.testing.assert_array_equal(pixels, expected)
    some, _ = stack.read_pixels(13, 41)
    np.testing.assert_array_equal(some, expected[:, :, 13:41])
    ground, truth = stack.read_ground(5, 9), product.read_ground(5, 9)
    for name in ("longitude", "latitude", "height"):
        np.testing.assert_array_equal(getattr(ground, name), np.float32(getattr(truth, name)))
    for ours, theirs in zip(stack.acquisitions, product.acquisitions, strict=True):
        for name in (
            "product_id",
            "absolute_orbit",
            "relative_orbit",
            "pass_direction",
            "flattened",
        ):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert ours.platform == theirs.platform.removeprefix("Simulated ")
        assert ours.date == theirs.date
        np.testing.assert_allclose(ours.orbit.time, theirs.orbit.time, atol=1e-6)
        np.testing.assert_array_equal(ours.orbit.position, theirs.orbit.position)


class TestRoundTrip:
    def test_znap_folder_of_dates(self, product, tmp_path):
        write_all(product, tmp_path)
        check_equal(open_stack(tmp_path), product)

    def test_one_znap_with_all_dates(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        check_equal(open_stack(path), product)

    def test_zipped_znap(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2], name="all")
        zipped = tmp_path / "zipped" / "all.znap.zip"
        zipped.parent.mkdir()
        with zipfile.ZipFile(zipped, "w") as archive:
            for file in sorted(path.rglob("*")):
                if file.is_file():
                    archive.write(file, file.relative_to(tmp_path))
        check_equal(open_stack(zipped), product)

    def test_dimap(self, product, tmp_path):
        path = write_dimap(product, tmp_path, [0, 1, 2])
        check_equal(open_stack(path), product)
        check_equal(open_stack(tmp_path), product)

    def test_dates_are_joined_by_name_not_by_order(self, product, tmp_path):
        """Product files whose names sort in another order than their dates."""
        for name, date in (("a", 2), ("b", 0), ("c", 1)):
            write_znap(product, tmp_path, [date], name=name)
        stack = open_stack(tmp_path)
        assert [a.product_id for a in stack.acquisitions] == [a.product_id for a in product.acquisitions]
        np.testing.assert_array_equal(stack.read_pixels(0, 64)[0], product.read_pixels(0, 64)[0])

    def test_first_line_time_is_corrected_by_the_coordinates(self, product, tmp_path):
        """SNAP's subsets of debursted products carry a first line time that is off by a line or more."""
        write_znap(product, tmp_path, [0, 1, 2], shift_lines=1.2)
        stack = open_stack(tmp_path)
        error = (
            stack.grid.first_azimuth_time - product.grid.first_azimuth_time
        ) / product.grid.azimuth_interval
        assert abs(error) < 0.01
        assert stack.facts["geolocation"]["azimuth_time_corrected_by_lines"] == pytest.approx(-1.2, abs=0.01)

    def test_seconds_after_midnight(self, tmp_path, monkeypatch):
        """The state vectors begin on the day before: all times still count from the acquisition's midnight."""
        monkeypatch.setattr(simulated, "CENTRE_TIME", 6.0)
        product = simulate_stack(lines=64, samples=97, dates=2, polarizations=("vv",), seed=2)
        assert all(a.orbit.time[0] < 0 for a in product.acquisitions)
        write_all(product, tmp_path)
        stack = open_stack(tmp_path)
        check_equal(stack, product)
        for ours, theirs in zip(stack.acquisitions, product.acquisitions, strict=True):
            assert ours.orbit.epoch == theirs.orbit.epoch
        assert abs(stack.facts["geolocation"]["azimuth_time_corrected_by_lines"]) < 0.01

    def test_without_coordinates_tie_points_serve(self, product, tmp_path):
        write_znap(product, tmp_path, [0, 1, 2], ground=False)
        stack = open_stack(tmp_path)
        ground, truth = stack.read_ground(0, 64), product.read_ground(0, 64)
        assert not stack.has_heights
        assert np.isnan(ground.height).all()
        # bilinear between points at the terrain's height: tens of metres
        assert np.abs(ground.latitude - truth.latitude).max() < 2e-3
        assert np.abs(ground.longitude - truth.longitude).max() < 5e-3

    def test_input_files_are_all_files(self, product, tmp_path):
        path = write_dimap(product, tmp_path, [0, 1, 2])
        files = {file.name for file in input_files(path)}
        assert {"stack.dim", "latitude_VV.img", "latitude_VV.hdr", "latitude.img"} <= files


@pytest.mark.parametrize(
    ("name", "swath", "polarization", "date"),
    [
        ("i_VV_31Mar2023", None, "VV", "31Mar2023"),
        ("i_IW3_VV_mst_31Mar2023", "IW3", "VV", "31Mar2023"),
        ("i_IW1_VH_slv12_06Jan2023", "IW1", "VH", "06Jan2023"),
        ("i_S4_HH_slv1_06Jan2023", "S4", "HH", "06Jan2023"),
        ("i_HV_mst_06Jan2023", None, "HV", "06Jan2023"),
        ("i_IW2_VV_ref_06Jan2023", "IW2", "VV", "06Jan2023"),
    ],
)
def test_names_of_bands(name, swath, polarization, date):
    match = BAND.fullmatch(name)
    assert (match["swath"], match["polarization"], match["date"]) == (swath, polarization, date)


@pytest.mark.parametrize("name", ["i_ifg_VV_31Mar2023_06Jan2023", "q_VV_31Mar2023", "Intensity_VV", "i_VV"])
def test_names_that_are_none(name):
    assert BAND.fullmatch(name) is None


class TestPhaseState:
    def test_by_the_processing_graph(self, product, raw_product, tmp_path):
        for name, source in (("flat", product), ("raw", raw_product)):
            (tmp_path / name).mkdir()
            write_all(source, tmp_path / name)
        assert all(a.flattened for a in open_stack(tmp_path / "flat").acquisitions)
        states = [a.flattened for a in open_stack(tmp_path / "raw").acquisitions]
        assert states == [i == raw_product.reference for i in range(2)]

    @pytest.mark.parametrize(("state", "expected"), [("flattened", True), ("raw", False)])
    def test_stated_by_the_configuration(self, product, tmp_path, state, expected):
        write_all(product, tmp_path)
        stack = open_stack(tmp_path, phase_state=state)
        secondaries = [a for i, a in enumerate(stack.acquisitions) if i != stack.reference]
        assert {a.flattened for a in secondaries} == {expected}
        assert "configuration" in secondaries[0].flattened_how

    def test_half_of_it_is_refused(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        metadata = path / "SNAP" / "product_metadata.json"
        metadata.write_text(metadata.read_text().replace("$2.topo_", "$2.other_"))
        with pytest.raises(
            AlignsarError, match=r"only one of flat-earth .* products\.phase_state=flattened or =raw"
        ):
            open_stack(tmp_path)


class TestCalibration:
    def test_vectors_and_their_place(self, product, tmp_path):
        write_znap(product, tmp_path, [0, 1, 2])
        stack = open_stack(tmp_path)
        truth = product.acquisitions[product.reference].calibration
        found = stack.acquisitions[product.reference].calibration
        assert set(found) == {"vv", "vh"}
        for polarization, records in found.items():
            for quantity in ("sigma_nought", "beta_nought", "gamma_nought"):
                expected = getattr(truth[polarization], quantity)
                np.testing.assert_allclose(getattr(records, quantity), expected, rtol=1e-10)
            np.testing.assert_allclose(records.slant_range, truth[polarization].slant_range, atol=1e-6)
            np.testing.assert_allclose(records.azimuth_time, truth[polarization].azimuth_time, atol=1e-6)

    def test_secondaries_borrow_and_say_so(self, product, tmp_path):
        write_znap(product, tmp_path, [0, 1, 2])
        stack = open_stack(tmp_path)
        source = product.acquisitions[product.reference].product_id
        for acquisition in stack.acquisitions:
            assert {record.source for record in acquisition.calibration.values()} == {source}

    def test_records_of_another_date_are_not_taken_for_the_reference(self, product, tmp_path):
        other = next(i for i in range(3) if i != product.reference)
        write_znap(product, tmp_path, [0, 1, 2], calibrated=other)
        stack = open_stack(tmp_path)
        assert not stack.acquisitions[stack.reference].calibration
        assert {r.source for r in stack.acquisitions[other].calibration.values()} == {
            product.acquisitions[other].product_id
        }


@pytest.mark.parametrize(
    ("platform", "absolute", "relative"),
    [
        ("Sentinel-1A", 47884, 37),
        ("Sentinel-1B", 29750, 149),
        ("Sentinel-1C", 172, 1),
        ("Sentinel-1D", 216, 175),
    ],
)
def test_relative_orbits(platform, absolute, relative):
    assert sentinel1_relative_orbit(platform, absolute) == relative
    assert sentinel1_relative_orbit(platform, absolute + 175) == relative
    assert sentinel1_relative_orbit(platform, absolute + 1) == relative % 175 + 1


def test_sentinel1c_counts_otherwise_since_it_moved_in_june_2026():
    assert sentinel1_relative_orbit("Sentinel-1C", 8018) == 147
    assert sentinel1_relative_orbit("Sentinel-1C", 8019) == 46
    assert sentinel1_relative_orbit("Sentinel-1A", 8019) == sentinel1_relative_orbit("Sentinel-1A", 8018) + 1


def test_relative_orbit_offsets_of_all_platforms():
    assert RELATIVE_ORBIT_OFFSETS == {
        "Sentinel-1A": 73,
        "Sentinel-1B": 27,
        "Sentinel-1C": 172,
        "Sentinel-1D": 42,
    }
    with pytest.raises(AlignsarError, match="Sentinel-1A"):
        sentinel1_relative_orbit("ENVISAT", 1)


class TestBadInput:
    """Each is one clear message that says what, where, and what to do."""

    def refuse(self, path, words):
        with pytest.raises(AlignsarError, match=words) as caught:
            open_stack(path).read_pixels(0, 64)
        assert "\n" not in str(caught.value)

    def test_missing_or_empty_folder(self, tmp_path):
        self.refuse(tmp_path / "nowhere", "no such file or folder")
        self.refuse(tmp_path, r"holds no \.znap")

    def test_truncated_chunk(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        chunk = path / f"i_VV_{date_name(product.acquisitions[0])}" / "0.0"
        chunk.write_bytes(chunk.read_bytes()[:1000])
        self.refuse(tmp_path, "a chunk of band .* cut off or damaged")

    def test_missing_chunk(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2], chunks=(20, 30))
        (path / f"q_VH_{date_name(product.acquisitions[0])}" / "1.2").unlink()
        self.refuse(tmp_path, "1 of the 16 chunks of band .* are missing")

    def test_metadata_cut_in_half(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        metadata = path / "SNAP" / "product_metadata.json"
        text = metadata.read_text()
        metadata.write_text(text[: len(text) // 2])
        self.refuse(tmp_path, r"product_metadata\.json: not complete JSON")
        metadata.unlink()
        self.refuse(tmp_path, r"product_metadata\.json: cannot be read")
        metadata.write_text('{"a": 1}')
        self.refuse(tmp_path, "not the metadata that SNAP writes")

    def test_metadata_that_lacks_something(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        metadata = path / "SNAP" / "product_metadata.json"
        whole = metadata.read_text()
        metadata.write_text(whole.replace("line_time_interval", "line_time"))
        self.refuse(tmp_path, "no attribute 'line_time_interval' in 'Abstracted_Metadata'")
        metadata.write_text(whole.replace("Orbit_State_Vectors", "Other"))
        self.refuse(tmp_path, "no element 'Orbit_State_Vectors'")
        metadata.write_text(json.dumps([n for n in json.loads(whole) if n["name"] != "Slave_Metadata"]))
        self.refuse(tmp_path, "no metadata of that date")

    def test_two_dates_of_different_size(self, product, tmp_path):
        write_znap(product, tmp_path, [product.reference])
        write_znap(product, tmp_path, [0 if product.reference else 1], stop=60)
        self.refuse(tmp_path, r"6[04] x 97 pixels .* 6[04] x 97: not one coregistered stack")

    def test_different_grids(self, product, tmp_path):
        write_znap(product, tmp_path, [product.reference])
        write_znap(product, tmp_path, [0 if product.reference else 1], shift_lines=5)
        self.refuse(tmp_path, "do not lie on one reference grid: first_line_time")

    def test_reference_date_missing(self, product, tmp_path):
        write_znap(product, tmp_path, [0 if product.reference else 1])
        self.refuse(tmp_path, "pixels of the reference date .* are missing")

    def test_a_date_twice(self, product, tmp_path):
        for name in ("a", "b"):
            write_znap(product, tmp_path, [product.reference], name=name)
        self.refuse(tmp_path, "give each date once")

    def test_imaginary_part_missing(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        shutil.rmtree(path / f"q_VV_{date_name(product.acquisitions[0])}")
        self.refuse(tmp_path, "no imaginary part")

    def test_polarization_missing_on_one_date(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        for part in "iq":
            shutil.rmtree(path / f"{part}_VH_{date_name(product.acquisitions[1])}")
        self.refuse(tmp_path, "give the same polarizations on every date")

    def test_no_stack_at_all(self, product, tmp_path):
        path = write_znap(product, tmp_path, [0, 1, 2])
        for band in path.glob("[iq]_*"):
            shutil.rmtree(band)
        self.refuse(tmp_path, "no complex bands of a coregistered stack")

    def test_not_a_zarr_group_or_zip(self, tmp_path):
        (tmp_path / "x.znap.zip").write_bytes(b"PK\x03\x04 cut off")
        self.refuse(tmp_path, "cannot be opened as a zip")

    def test_dimap_image_cut_off(self, product, tmp_path):
        write_dimap(product, tmp_path, [0, 1, 2])
        image = tmp_path / "stack.data" / f"i_VV_{date_name(product.acquisitions[1])}.img"
        image.write_bytes(image.read_bytes()[:-100])
        self.refuse(tmp_path, "bytes where its header promises")
        image.unlink()
        self.refuse(tmp_path, "missing .* though stack.dim names it")

    def test_dimap_document(self, product, tmp_path):
        path = write_dimap(product, tmp_path, [0, 1, 2])
        whole = path.read_text()
        path.write_text(whole[: len(whole) // 2])
        self.refuse(path, r"stack\.dim: not complete XML")
        path.write_text(whole.replace("stack.data/", "../../etc/", 1))
        self.refuse(path, "lies outside the product")
        bomb = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><x>&b;</x>"
        path.write_text(bomb)
        self.refuse(path, "declares XML entities")
        path.write_text(whole.replace("name='metadata'", "name='other'"))
        self.refuse(path, "not a product that SNAP has written")
        path.write_text(whole.replace("<NROWS>64", "<NROWS>65", 1))
        self.refuse(path, "files do not belong together")

    @pytest.mark.parametrize("write", [write_znap, write_dimap])
    def test_damage_anywhere_is_read_or_refused(self, write, product, tmp_path):
        """Descriptions cut off, or with bytes changed or missing, at random places: never another error."""
        path = write(product, tmp_path, [0, 1, 2])
        described = {".json", ".dim", ".hdr", ".zarray", ".zattrs", ".zgroup"}
        files = sorted(f for f in tmp_path.rglob("*") if f.suffix in described or f.name in described)
        rng = np.random.default_rng(9)
        messages = []
        for turn in range(80):
            file = files[rng.integers(len(files))]
            whole = file.read_bytes()
            at, count = int(rng.integers(len(whole))), int(rng.integers(1, 100))
            changed = bytes(rng.integers(32, 127, count, dtype=np.uint8))
            file.write_bytes(
                whole[:at] + (b"", changed, b"")[turn % 3] + (b"" if turn % 3 == 0 else whole[at + count :])
            )
            try:
                open_stack(path).read_pixels(0, 64)
            except AlignsarError as error:
                messages.append(str(error))
            file.write_bytes(whole)
        assert len(messages) > 10
        assert not any("\n" in message for message in messages)
        check_equal(open_stack(path), product)

    def test_values_of_the_wrong_kind(self):
        tree = parse_json(
            '[{"name": "a", "attributes": [{"name": "n", "data": {"type": "ascii", "elems": "x"}}]}]', "f"
        )
        node = tree.require("a")
        for call, words in (
            (node.number, "a number"),
            (node.numbers, "a list of numbers"),
            (node.time, "a UTC time"),
        ):
            with pytest.raises(AlignsarError, match=f"attribute 'n' of 'a' should be {words}"):
                call("n")

"""Orbit files: the real restituted one of the Azores, and made-up ones with every flaw."""

import zipfile

import numpy as np
import pytest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.orbit_files import find_orbit, orbit_file_of, read_orbit_file
from alignsar_gpu.products.xml import parse_xml

MIDNIGHT = np.datetime64("2022-09-18", "us")
FIRST, LAST = np.datetime64("2022-09-18T07:49:21.4", "us"), np.datetime64("2022-09-18T07:49:46.9", "us")
AROUND = FIRST - np.timedelta64(400, "s"), LAST + np.timedelta64(400, "s")
RADIUS, RATE = 7.07e6, 1.05e-3


def compact(time):
    return str(time.astype("datetime64[s]")).replace("-", "").replace(":", "")


def circle(time):
    """Position and velocity on a circle in the plane y = 0, at a time (s since midnight)."""
    angle = RATE * time
    position = RADIUS * np.array([np.cos(angle), 0.0, np.sin(angle)])
    return position, RADIUS * RATE * np.array([-np.sin(angle), 0.0, np.cos(angle)])


def osv(time, quality):
    position, velocity = circle(float((time - MIDNIGHT) / np.timedelta64(1, "us")) * 1e-6)
    leap = time + np.timedelta64(37, "s")
    numbers = "".join(
        f'<{axis} unit="m">{value:.6f}</{axis}>' for axis, value in zip("XYZ", position, strict=True)
    )
    numbers += "".join(
        f'<V{axis} unit="m/s">{value:.6f}</V{axis}>' for axis, value in zip("XYZ", velocity, strict=True)
    )
    return (
        f"<OSV><TAI>TAI={leap}</TAI><UTC>UTC={time}</UTC><UT1>UT1={time}</UT1><Absolute_Orbit>+45056</Absolute_Orbit>"
        f"{numbers}<Quality>{quality}</Quality></OSV>"
    )


def eof(
    folder,
    *,
    kind="RESORB",
    unit="A",
    mission=None,
    start="2022-09-18T05:31:55",
    stop="2022-09-18T08:49:25",
    created="2022-09-18T09:32:41",
    inside_kind=None,
    frame="EARTH_FIXED",
    reference="UTC",
    quality="NOMINAL",
    vectors=AROUND,
    without=(),
    count=None,
    namespace="",
    packed=False,
):
    """Write an orbit file; vectors every 10 s over ``vectors`` but for the indices ``without``."""
    start, stop, created = (np.datetime64(time, "s") for time in (start, stop, created))
    stem = f"S1{unit}_OPER_AUX_{kind}_OPOD_{compact(created)}_V{compact(start)}_{compact(stop)}"
    times = np.arange(vectors[0], vectors[1], np.timedelta64(10, "s"))
    kept = [time for index, time in enumerate(times) if index not in without]
    text = (
        f'<?xml version="1.0" ?>\n<Earth_Explorer_File{namespace}><Earth_Explorer_Header><Fixed_Header>'
        f"<File_Name>{stem}</File_Name><Mission>{mission or f'Sentinel-1{unit}'}</Mission>"
        f"<File_Type>AUX_{inside_kind or kind}</File_Type><Validity_Period><Validity_Start>UTC={start}</Validity_Start>"
        f"<Validity_Stop>UTC={stop}</Validity_Stop></Validity_Period></Fixed_Header><Variable_Header>"
        f"<Ref_Frame>{frame}</Ref_Frame><Time_Reference>{reference}</Time_Reference></Variable_Header>"
        f'</Earth_Explorer_Header><Data_Block type="xml"><List_of_OSVs count="{len(kept) if count is None else count}">'
        f"{''.join(osv(time, quality) for time in kept)}</List_of_OSVs></Data_Block></Earth_Explorer_File>"
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.EOF"
    if not packed:
        path.write_text(text)
        return path
    path = folder / f"{stem}.EOF.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{stem}.EOF", text)
    return path


def find(folder, platform="Sentinel-1A", first=FIRST, last=LAST):
    return find_orbit(folder, platform, first, last, MIDNIGHT)


def read(path, **options):
    return read_orbit_file(path, MIDNIGHT, FIRST, LAST, **options)


class TestContent:
    @pytest.mark.parametrize(
        "options", [{}, {"packed": True}, {"namespace": ' xmlns="http://eop-cfi.esa.int/CFI"'}]
    )
    def test_vectors(self, tmp_path, options):
        orbit = read(eof(tmp_path, **options), platform="Sentinel-1A")
        assert orbit.epoch == MIDNIGHT
        assert (
            orbit.source == "RESORB S1A_OPER_AUX_RESORB_OPOD_20220918T093241_V20220918T053155_20220918T084925"
        )
        begin, end = (float((time - MIDNIGHT) / np.timedelta64(1, "s")) for time in (FIRST, LAST))
        assert 170.0 <= begin - orbit.time[0] <= 180.0
        assert 170.0 <= orbit.time[-1] - end <= 180.0
        expected = np.array([circle(time) for time in orbit.time])
        np.testing.assert_allclose(orbit.position, expected[:, 0], atol=1e-6)
        np.testing.assert_allclose(orbit.velocity, expected[:, 1], atol=1e-6)

    def test_over_midnight(self, tmp_path):
        """Times go on counting beyond the epoch's day, on either side."""
        first, last = MIDNIGHT - np.timedelta64(10, "s"), MIDNIGHT + np.timedelta64(15, "s")
        path = eof(
            tmp_path,
            start="2022-09-17T22:00:00",
            stop="2022-09-18T02:00:00",
            vectors=(first - np.timedelta64(300, "s"), last + np.timedelta64(300, "s")),
        )
        orbit = read_orbit_file(path, MIDNIGHT, first, last)
        assert orbit.time[0] == -190.0
        np.testing.assert_allclose(orbit.position_at(0.0), circle(0.0)[0], atol=1e-4)

    def test_quality_is_recorded(self, tmp_path):
        orbit = read(eof(tmp_path, quality="DEGRADED"))
        assert orbit.source.endswith(
            f"({len(orbit.time)} of {len(orbit.time)} vectors not of nominal quality)"
        )

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"mission": "Sentinel-1B"}, r"the orbit of Sentinel-1B, but the acquisition is of Sentinel-1A"),
            ({"frame": "MEAN_OF_DATE"}, r"Ref_Frame is 'MEAN_OF_DATE', only 'EARTH_FIXED' can be used"),
            ({"reference": "TAI"}, r"Time_Reference is 'TAI', only 'UTC' can be used"),
            ({"inside_kind": "PREORB"}, r"holds 'PREORB', not one of POEORB, RESORB"),
            (
                {"start": "2022-09-18T07:49:30"},
                r"valid from 2022-09-18 07:49:30 .* but the acquisition is from 2022-09-18 07:49:21",
            ),
            ({"count": 7}, r"state vectors, but it announces '7'; the file is damaged"),
            ({"without": range(38, 41)}, r"no state vectors for 40 s after 2022-09-18 07:48:51"),
            (
                {"vectors": (MIDNIGHT, MIDNIGHT + np.timedelta64(60, "s"))},
                r"no state vector within 180 s of .* against its header",
            ),
            (
                {"vectors": (AROUND[0], LAST - np.timedelta64(5, "s"))},
                r"give an orbit that covers it",
            ),
            (
                {"vectors": (FIRST - np.timedelta64(8, "s"), AROUND[1])},
                r"with 2 more vectors on either side",
            ),
        ],
    )
    def test_refused(self, tmp_path, options, message):
        path = eof(tmp_path, **options)
        with pytest.raises(AlignsarError, match=message):
            read(path, platform="Sentinel-1A")

    def test_cut_off(self, tmp_path):
        path = eof(tmp_path)
        path.write_text(path.read_text()[:-3000])
        with pytest.raises(AlignsarError, match=rf"{path.name}: broken XML .* fetch it again"):
            read(path)

    def test_not_a_number(self, tmp_path):
        path = eof(tmp_path)
        path.write_text(path.read_text().replace('<VY unit="m/s">0.000000', '<VY unit="m/s">?'))
        with pytest.raises(AlignsarError, match=r"VY: '\?' is not a number"):
            read(path)

    def test_entity_bomb(self, tmp_path):
        path = eof(tmp_path)
        bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>\n<Earth_Explorer_File>&b;'
        path.write_text(path.read_text().replace("<Earth_Explorer_File>", bomb, 1))
        with pytest.raises(AlignsarError, match="declares a document type or entities"):
            read(path)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(AlignsarError, match=r"gone\.EOF: cannot be read \(No such file"):
            read(tmp_path / "gone.EOF")

    def test_too_large(self, tmp_path):
        path = eof(tmp_path)
        with path.open("r+b") as file:
            file.truncate(65 << 20)
        with pytest.raises(AlignsarError, match="too many for an orbit file"):
            read(path)


class TestZip:
    def test_cut_off(self, tmp_path):
        path = eof(tmp_path, packed=True)
        path.write_bytes(path.read_bytes()[:-200])
        with pytest.raises(AlignsarError, match=r"EOF\.zip: damaged archive .* fetch the orbit file again"):
            read(path)

    def test_damaged_inside(self, tmp_path):
        path = eof(tmp_path, packed=True)
        data = bytearray(path.read_bytes())
        data[200:260] = bytes(60)
        path.write_bytes(data)
        with pytest.raises(AlignsarError, match="damaged archive"):
            read(path)

    def test_two_files(self, tmp_path):
        path = eof(tmp_path, packed=True)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("../other.EOF", "")
        with pytest.raises(AlignsarError, match=r"expected one \.EOF file in the archive, found 2"):
            read(path)

    def test_bomb(self, tmp_path):
        path = eof(tmp_path, packed=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.EOF", bytes(65 << 20))
        assert path.stat().st_size < 100_000
        with pytest.raises(AlignsarError, match=r"unpacks to \d+ bytes"):
            read(path)


class TestFind:
    def test_precise_before_restituted(self, tmp_path):
        eof(tmp_path)
        day = {"start": "2022-09-17T22:59:42", "stop": "2022-09-19T00:59:42"}
        eof(tmp_path / "precise", kind="POEORB", created="2022-10-08T08:11:00", **day)
        newest = eof(tmp_path / "precise", kind="POEORB", created="2022-10-09T08:11:00", **day, packed=True)
        assert find(tmp_path).source == f"POEORB {newest.name.removesuffix('.EOF.zip')}"

    def test_restituted_where_no_precise_one_covers(self, tmp_path):
        wanted = eof(tmp_path)
        eof(tmp_path, kind="POEORB", start="2022-09-15T22:59:42", stop="2022-09-17T00:59:42")
        assert find(tmp_path).source == f"RESORB {wanted.stem}"

    def test_most_margin(self, tmp_path):
        eof(tmp_path, start="2022-09-18T07:48:20", stop="2022-09-18T11:00:00", created="2022-09-18T12:00:00")
        wanted = eof(tmp_path)
        assert find(tmp_path).source == f"RESORB {wanted.stem}"

    def test_of_the_right_platform(self, tmp_path):
        eof(tmp_path, unit="C", start="2022-09-17T22:59:42", stop="2022-09-19T00:59:42", kind="POEORB")
        wanted = eof(tmp_path)
        assert find(tmp_path).source == f"RESORB {wanted.stem}"

    def test_unpacked_into_a_folder_of_its_name(self, tmp_path):
        path = eof(tmp_path / "elsewhere")
        (tmp_path / path.name).mkdir()
        path.rename(tmp_path / path.name / path.name)
        assert find(tmp_path).source == f"RESORB {path.stem}"

    def test_a_file_instead_of_a_folder(self, tmp_path):
        path = eof(tmp_path)
        assert find(path).source == f"RESORB {path.stem}"

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(AlignsarError, match=r"orbits: no such folder of orbit files"):
            find(tmp_path / "orbits")

    def test_no_orbit_files(self, tmp_path):
        (tmp_path / "S1A_OPER_AUX_RESORB_OPOD_20229918T093241_V20220918T053155_20220918T084925.EOF").touch()
        (tmp_path / "notes.txt").touch()
        with pytest.raises(AlignsarError, match=r"no orbit files there \(S1\?_OPER"):
            find(tmp_path)

    def test_other_platforms_only(self, tmp_path):
        eof(tmp_path, unit="B")
        eof(tmp_path, unit="D")
        with pytest.raises(
            AlignsarError, match=r"no orbit files of Sentinel-1A there, only of Sentinel-1B, Sentinel-1D"
        ):
            find(tmp_path)

    def test_other_dates_only(self, tmp_path):
        eof(tmp_path)
        day = np.timedelta64(1, "D")
        with pytest.raises(
            AlignsarError,
            match=r"covers 2022-09-19 07:49:21 to 2022-09-19 07:49:46 with 30 s to spare; there: "
            r"RESORB 2022-09-18 05:31:55 to 2022-09-18 08:49:25$",
        ):
            find(tmp_path, first=FIRST + day, last=LAST + day)

    def test_too_close_to_the_end(self, tmp_path):
        eof(tmp_path, stop="2022-09-18T07:50:00")
        with pytest.raises(AlignsarError, match="with 30 s to spare"):
            find(tmp_path)

    def test_a_long_list_is_cut(self, tmp_path):
        for day in range(1, 10):
            eof(tmp_path, start=f"2022-08-0{day}T05:00:00", stop=f"2022-08-0{day}T08:00:00")
        with pytest.raises(
            AlignsarError, match=r"there: RESORB 2022-08-09 .*2022-08-04 08:00:00 and 3 more$"
        ):
            find(tmp_path)

    def test_name_and_content_disagree(self, tmp_path):
        eof(tmp_path, kind="POEORB", inside_kind="RESORB")
        with pytest.raises(AlignsarError, match="its name says POEORB, its header RESORB"):
            find(tmp_path)
        eof(tmp_path / "b", unit="B", mission="Sentinel-1A")
        with pytest.raises(
            AlignsarError, match="the orbit of Sentinel-1A, but the acquisition is of Sentinel-1B"
        ):
            find(tmp_path / "b", "Sentinel-1B")

    def test_names(self, tmp_path):
        stem = "S1A_OPER_AUX_RESORB_OPOD_20220918T093241_V20220918T053155_20220918T084925"
        for suffix in (".EOF", ".EOF.zip", ".eof"):
            file = orbit_file_of(tmp_path / f"{stem}{suffix}")
            assert (file.platform, file.kind) == ("Sentinel-1A", "RESORB")
            assert file.stop == np.datetime64("2022-09-18T08:49:25")
        for name in (f"{stem}.txt", f"x{stem}.EOF", stem.replace("RESORB", "PREORB") + ".EOF"):
            assert orbit_file_of(tmp_path / name) is None


def test_azores(real_data):
    """Restituted against annotation orbit: 19 mm as the data's description says, and nothing like a second."""
    folder = real_data("s1_iw_slc_azores_20220918")
    orbit = find(folder)
    assert orbit.source.startswith("RESORB S1A_OPER_AUX_RESORB_OPOD_20220918T093241_V20220918T053155_")
    assert np.all(np.diff(orbit.time) == 10.0)
    (path,) = folder.glob("s1a-*.xml")
    annotation = list(parse_xml(path.read_bytes(), path.name).all("generalAnnotation/orbitList/orbit"))
    seconds = np.array(
        [float((o.time("time") - MIDNIGHT) / np.timedelta64(1, "us")) * 1e-6 for o in annotation]
    )
    theirs = np.array([[o.number(f"position/{axis}") for axis in "xyz"] for o in annotation])
    inside = (seconds > orbit.time[0]) & (seconds < orbit.time[-1])
    assert inside.sum() >= 10
    apart = np.linalg.norm(orbit.position_at(seconds[inside]) - theirs[inside], axis=1)
    assert apart.mean() == pytest.approx(0.019, abs=0.005)
    assert apart.max() < 0.05

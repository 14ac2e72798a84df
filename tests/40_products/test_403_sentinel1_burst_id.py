"""Burst ids of Sentinel-1: as ESA annotates them, and right at the equator."""

import re
from dataclasses import replace

import numpy as np
import pytest
from fake_safe import ORBIT, FakeSafe, write_safe

from alignsar_gpu.products.sentinel1.annotation import read_annotation
from alignsar_gpu.products.sentinel1.burst_id import (
    ascending_node,
    burst_id,
    burst_number,
    relative_orbit_at,
    relative_orbit_of,
)
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.xml import parse_xml

MOROCCO = "s1_pair_morocco_20230904_20230916"
AZORES = "s1_iw_slc_azores_20220918"


@pytest.mark.parametrize(
    ("sensing", "node", "track", "swath", "number"),
    [
        # ids that annotations say: node and sensing time of the burst (IPF 3.40 and later)
        ("2022-04-14T10:22:15.647501", "2022-04-14T09:46:57.033303", 171, "IW1", 365916),
        ("2022-10-10T14:32:29.345783", "2022-10-10T14:02:11.848637", 159, "EW5", 308684),
        # the node given is that before the last
        ("2023-04-22T18:46:39.515927", "2023-04-22T17:03:10.235250", 15, "IW2", 32322),
    ],
)
def test_annotated_ids(sensing, node, track, swath, number):
    since = (np.datetime64(sensing) - np.datetime64(node)) / np.timedelta64(1, "s")
    assert burst_number(swath[:2], swath, since, track) == number


def test_id_belongs_to_one_relative_orbit():
    """The products S1A_IW_SLC__1SDV_20230115T162143 (tracks 174, 175) and ..._20221024T184148 (15, 16)."""
    assert [relative_orbit_of("IW", n) for n in range(373734, 373743)] == [174] * 6 + [175] * 3
    assert [relative_orbit_of("IW", n) for n in (32217, 32226)] == [15, 16]
    assert relative_orbit_of("IW", 1) == 1
    assert relative_orbit_of("IW", 375887) == 175
    assert burst_id("IW", "IW3", 18023) == "t009_018023_iw3"


def test_relative_orbit_at_node_longitudes():
    """Neighbouring nodes in time lie 24.7 degrees apart, neighbouring ones on the map 2.06."""
    tracks = [relative_orbit_at(0.146 - 360.0 * 12 / 175 * k) for k in range(176)]
    assert [track for track, _ in tracks] == [*range(1, 176), 1]
    assert max(abs(off) for _, off in tracks) < 1e-9
    track, off = relative_orbit_at(0.146 - 0.3 * 360.0 / 175)
    assert track == 1
    assert off == pytest.approx(0.3)


@pytest.mark.parametrize("swaths", [(1, 2, 3), (3,)], ids=["all", "IW3"])
@pytest.mark.parametrize(
    ("orbit", "first", "tracks"),
    [(46796, 373737, [174] * 3 + [175] * 3), (46797, 375885, [175] * 3 + [1] * 3)],
    ids=["174 to 175", "175 to 1"],
)
def test_ids_over_the_node(tmp_path, swaths, orbit, first, tracks):
    fake = FakeSafe(absolute_orbit=orbit, first_number=first, bursts=6, ipf=3.0, swaths=swaths, pixels=False)
    product = open_sentinel1(write_safe(tmp_path, fake))
    numbers = [(first + k - 1) % 375887 + 1 for k in range(6)]
    for swath in swaths:
        own = [b.burst_id for b in product.bursts if b.swath == f"IW{swath}"]
        assert own == [f"t{t:03d}_{n:06d}_iw{swath}" for t, n in zip(tracks, numbers, strict=True)]
    assert all(0 <= b.anx_time < ORBIT for b in product.bursts)
    assert product.relative_orbit == tracks[0]
    # annotated ids give the same text
    annotated = replace(fake, ipf=3.61)
    if first + 6 < 375887:
        (tmp_path / "new").mkdir()
        other = open_sentinel1(write_safe(tmp_path / "new", annotated))
        assert [b.burst_id for b in other.bursts] == [b.burst_id for b in product.bursts]


@pytest.mark.parametrize(
    "changed",
    [
        {"first_number": 210499, "absolute_orbit": 30620},  # numbered for the orbit before the node
        {"first_number": 32322, "absolute_orbit": 48213, "late": -ORBIT},  # node of an orbit ago
        {"late": 3.0},
        {"numbered_orbit": 50175},
        {"off_track": 0.4},
    ],
    ids=["numbered before the node", "old node", "wrong node", "wrong number", "off the repeat orbit"],
)
def test_ids_do_not_depend_on_what_annotations_get_wrong(tmp_path, changed):
    fake = FakeSafe(**changed, ipf=3.0, swaths=(1, 2, 3), pixels=False)
    product = open_sentinel1(write_safe(tmp_path, fake))
    numbers = [int(b.burst_id.split("_")[1]) for b in product.bursts]
    assert numbers == [fake.first_number, fake.first_number + 1] * 3
    known = "annotated orbit number" if fake.off_track else "state vectors"
    assert product.facts["node_relative_orbit_from"] == known


def test_computed_ids_of_real_products(real_data):
    """All 63 bursts of Morocco and the Azores, from their state vectors alone."""
    folder = real_data(MOROCCO)
    files = [*folder.glob("*.SAFE/annotation/*-vv-*.xml"), *real_data(AZORES).glob("s1a*.xml")]
    count = 0
    for file in files:
        product = open_sentinel1(file)
        found = read_annotation(parse_xml(file.read_bytes(), file.name))
        first = product.bursts[0].grid.first_azimuth_time
        node = ascending_node(product.orbit, first)
        track, off = relative_orbit_at(node.longitude)
        assert track == product.relative_orbit
        assert abs(off) < 0.001
        text = re.search("<ascendingNodeTime>(.*?)<", file.read_text())[1]
        annotated = (np.datetime64(text) - product.orbit.epoch) / np.timedelta64(1, "s")
        assert node.time == pytest.approx(annotated, abs=0.03)
        for burst in found.bursts:
            sensing = (burst.sensing_time - product.orbit.epoch) / np.timedelta64(1, "s")
            swath = found.header.swath
            assert burst_number("IW", swath, sensing - node.time, track) == burst.number
            # far from the next id: the middle of the beam cycle lies in the middle of ESA's piece
            for jitter in (-1.2, 1.2):
                assert burst_number("IW", swath, sensing - node.time + jitter, track) == burst.number
            count += 1
    assert count == 63

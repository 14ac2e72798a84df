"""NetCDF files by compliance-checker (IOOS), for cf:1.11 and acdd: what it finds, and why that stays.

It is no dependency of the tests, for it brings twenty packages: ``pip install compliance-checker==6.1.0``. It needs no
network as long as files name the table of standard names that it brings.
"""

import json
import warnings

import pytest
from fake_cube import fake_cube, write_netcdf

suite = pytest.importorskip("compliance_checker.runner", reason="compliance-checker is not installed")

# What only a user can say, and fake_cube does not.
GIVEN = {
    "date_created": "2026-11-30T12:00:00Z",
    "naming_authority": "org.example",
    "geospatial_vertical_min": -0.25 * 12,
    "geospatial_vertical_max": 3.0 + 0.5 * 6,
}
STANDARD_NAMES = {  # as the layers of a run have them
    "sigma0_vv": "surface_backwards_scattering_coefficient_of_radar_wave",
    "sigma0_vh": "surface_backwards_scattering_coefficient_of_radar_wave",
    "height": "height_above_reference_ellipsoid",
    "incidence_angle": "angle_of_incidence",
}
# Why a finding stays.
ORDER = (
    "time, azimuth, range is the order that CF wants; the checker knows azimuth and range as no axes X and Y"
)
NAMES = "CF has no standard name for it"
VERTICAL = "heights are a layer, and no vertical coordinate"


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """Messages of a check (cf or acdd) by the name of what was checked."""
    folder = tmp_path_factory.mktemp("run")
    cube = fake_cube().assign_attrs(GIVEN)
    for layer, standard_name in STANDARD_NAMES.items():
        cube[layer].attrs["standard_name"] = standard_name
    path = write_netcdf(cube, folder / "netcdf")[1]
    found = {}
    suite.CheckSuite.load_all_available_checkers()
    for check in ("cf:1.11", "acdd"):
        report = folder / f"{check[:2]}.json"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the checker's own, of its libraries
            suite.ComplianceChecker.run_checker(
                str(path), [check], 0, "normal", output_filename=str(report), output_format="json"
            )
        (content,) = json.loads(report.read_text()).values()
        found[check] = {
            level: {one["name"]: one["msgs"] for one in content[level] if one["msgs"]}
            for level in ("high_priorities", "medium_priorities", "low_priorities")
        }
    return found


def test_cf_has_no_error_and_one_warning(findings):
    assert findings["cf:1.11"]["high_priorities"] == {}
    (messages,) = findings["cf:1.11"]["medium_priorities"].values()
    assert all("recommended order T, Z, Y, X" in message for message in messages), ORDER
    assert findings["cf:1.11"]["low_priorities"] == {}


def test_acdd_misses_names_that_cf_does_not_have(findings):
    for name, messages in findings["acdd"]["high_priorities"].items():
        assert messages == ["standard_name"], (name, NAMES)
        assert not any(f'"{text}"' in name for text in (*STANDARD_NAMES, "longitude", "latitude", "time"))
    assert set(findings["acdd"]["medium_priorities"]) == {"geospatial_vertical_extents_match"}, VERTICAL

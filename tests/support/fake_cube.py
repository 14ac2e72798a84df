"""A small cube with everything that the pipeline writes, for tests of what reads cubes.

Nothing in it is symmetric: lines, samples, dates and polarizations all leave their own mark on every
layer, the reference is not the first date, and product ids do not sort like dates.
"""

import numpy as np
import xarray as xr

from alignsar_gpu.dataset.netcdf.files import netcdf_files, write_date

MIDNIGHT = np.datetime64("2022-01-10", "ns")  # of the reference date
SENTINEL1_ORBIT_OFFSETS = {"Sentinel-1A": 73, "Sentinel-1B": 27}
RELATIVE_ORBIT = 88
WAVELENGTH = 0.05546576
REFERENCE = 1

GLOBAL = {
    "Conventions": "CF-1.11, ACDD-1.3",
    "title": "SAR benchmark dataset of a place that does not exist",
    "summary": "Signatures of a coregistered Sentinel-1 stack in radar geometry, made up for tests.",
    "keywords": "SAR, InSAR, Sentinel-1, benchmark dataset",
    "id": "fake-stack",
    "license": "CC-BY-4.0",
    "creator_name": "A. Tester",
    "creator_email": "tester@example.org",
    "creator_url": "https://example.org/tester",
    "institution": "Institute of Tests",
    "project": "Tests of alignsar_gpu",
    "publisher_name": "The Test Press",
    "publisher_email": "press@example.org",
    "publisher_url": "https://example.org",
    "acknowledgement": "Nobody was harmed.",
    "source": "made up by tests/fake_cube.py",
    "references": "doi:10.21105/joss.00000",
    "processing_level": "L1",
    "product_version": "1",
    "software": "alignsar_gpu 0.1.0",
    "device": "cpu: a test",
    "fingerprint": "0123456789abcdef" * 4,
    "reference_date": "2022-01-10",
    "instrument_mode": "IW",
    "swath": "IW3",
    "pass_direction": "ascending",
    "look_side": "right",
    "relative_orbit": RELATIVE_ORBIT,
    "radar_frequency": 5.405e9,
    "wavelength": WAVELENGTH,
    "azimuth_spacing": 13.937,
    "range_spacing": 2.329562,
    "azimuth_interval": 0.0020555563,
    "looks_azimuth": 1,
    "looks_range": 1,
    "coherence_window_lines": 3,
    "coherence_window_samples": 11,
    "flattened": "true",
    "crop_first_line": 421,
    "crop_first_sample": 9876,
    "incidence_angle_mid": 43.21,
    "heading": 347.5,
}

LAYERS = {
    "amplitude": ("1", "amplitude", [0.0, None]),
    "intensity": ("1", "intensity", [0.0, None]),
    "sigma0": ("1", "backscatter coefficient sigma nought", [0.0, None]),
    "beta0": ("1", "radar brightness beta nought", [0.0, None]),
    "slc_phase": ("rad", "SLC phase", [-np.pi, np.pi]),
    "interferometric_phase": ("rad", "interferometric phase", [-np.pi, np.pi]),
    "coherence": ("1", "interferometric coherence", [0.0, 1.0]),
}


def fake_cube(
    lines: int = 7,
    samples: int = 13,
    dates: int = 3,
    polarizations: tuple[str, ...] = ("vv", "vh"),
    *,
    complex_slc: bool = True,
) -> xr.Dataset:
    """The Dataset that ``cube.zarr`` holds, ``dates`` dates of ``lines`` x ``samples`` pixels.

    Dates are 6 days apart around the reference, Sentinel-1B and Sentinel-1A in turn. Invalid (NaN) pixels:
    the last sample of line 0 in all dates, and one more pixel of another line in each date.
    """
    line, sample = np.mgrid[0:lines, 0:samples].astype(np.float64)
    azimuth = 62741.5 + GLOBAL["azimuth_interval"] * (np.arange(lines) - (lines - 1) / 2)
    slant_range = 905000.0 + GLOBAL["range_spacing"] * np.arange(samples)
    reference = min(REFERENCE, dates - 1)
    days = 6 * (np.arange(dates) - reference)

    per_date = _per_date(days, reference)
    valid = np.ones((dates, lines, samples), dtype=bool)
    valid[:, 0, -1] = False
    for date in range(dates):
        valid[date, (1 + date) % lines, (2 * date + 1) % samples] = False

    cube = xr.Dataset(
        coords={
            "time": ("time", _times(days), {"long_name": "zero-Doppler time of the scene centre (UTC)"}),
            "azimuth": (
                "azimuth",
                azimuth,
                {"units": "s", "long_name": "zero-Doppler azimuth time since midnight of the reference date"},
            ),
            "range": ("range", slant_range, {"units": "m", "long_name": "slant range"}),
            **per_date,
        },
        attrs={
            **GLOBAL,
            "reference_product_id": str(per_date["product_id"][1][reference]),
            "polarizations": ",".join(polarizations),
            "crop_lines": lines,
            "crop_samples": samples,
        },
    )
    _add_geometry(cube, line, sample)
    cube["valid"] = (
        ("time", "azimuth", "range"),
        valid,
        {"units": "1", "long_name": "pixel is valid in all polarizations", "valid_range": [0, 1]},
    )
    for number, polarization in enumerate(polarizations):
        for name, values in _layers(line, sample, dates, number, reference).items():
            _add_layer(cube, name, polarization, np.where(valid, values, np.nan))
        if complex_slc:
            phase = cube[f"slc_phase_{polarization}"].values
            pixels = (cube[f"amplitude_{polarization}"].values * np.exp(1j * phase)).astype(np.complex64)
            pixels[~valid] = complex(np.nan, np.nan)
            cube[f"slc_{polarization}"] = (
                ("time", "azimuth", "range"),
                pixels,
                {"units": "1", "long_name": f"{polarization.upper()} single-look complex pixel"},
            )
    cube = cube.set_coords(["longitude", "latitude"])
    half = np.timedelta64(round(1e9 * (azimuth[-1] - azimuth[0]) / 2), "ns")
    cube.attrs["time_coverage_start"] = f"{(cube.time.values[0] - half).astype('datetime64[us]')}Z"
    cube.attrs["time_coverage_end"] = f"{(cube.time.values[-1] + half).astype('datetime64[us]')}Z"
    return cube


def _times(days: np.ndarray) -> np.ndarray:
    """Scene centres: each pass is some hundredths of a second off the repeat cycle."""
    nanoseconds = np.round(62741.5e9 + 37e6 * days + 123457000 * (days != 0)).astype("timedelta64[ns]")
    return MIDNIGHT + days.astype("timedelta64[D]") + nanoseconds


def _per_date(days: np.ndarray, reference: int) -> dict[str, tuple]:
    """The variables along time."""
    platforms = [("Sentinel-1A", "Sentinel-1B")[(index - reference) % 2] for index in range(len(days))]
    orbits = [
        SENTINEL1_ORBIT_OFFSETS[platform] + RELATIVE_ORBIT - 1 + 175 * (230 + index)
        for index, platform in enumerate(platforms)
    ]
    baseline = np.array([0.0 if day == 0 else 33.75 - 4.5 * day for day in days])
    with np.errstate(divide="ignore"):
        ambiguity = np.where(baseline == 0, np.nan, 17500.0 / baseline)

    def text(long_name: str, values: list[str]) -> tuple:
        return ("time", np.array(values, dtype=object), {"long_name": long_name})

    return {
        # The first letter runs against the dates: a listing sorted by name has another order.
        "product_id": text(
            "product that the pixels come from",
            [f"{chr(ord('Z') - index)}_SLC_{orbit:06d}" for index, orbit in enumerate(orbits)],
        ),
        "platform": text("satellite", platforms),
        "processor": text("processor of the product", [f"IPF 3.{40 + i}" for i in range(len(days))]),
        "orbit_source": text("orbit state vectors", [f"orbit_{day:+d}.EOF" for day in days]),
        "calibration_source": text("calibration records", [f"calibration_{day:+d}.xml" for day in days]),
        "flattened_how": text("how flattening is known", ["made without a topographic phase"] * len(days)),
        "absolute_orbit": (
            "time",
            np.array(orbits, dtype=np.int32),
            {"units": "1", "long_name": "absolute orbit"},
        ),
        "perpendicular_baseline": (
            "time",
            baseline,
            {"units": "m", "long_name": "perpendicular baseline at the scene centre"},
        ),
        "temporal_baseline": (
            "time",
            days.astype(np.float64),
            {"units": "day", "long_name": "temporal baseline"},
        ),
        "height_of_ambiguity": (
            "time",
            ambiguity,
            {
                "units": "m",
                "long_name": "height of ambiguity",
                "comment": "not defined for the reference date",
            },
        ),
    }


def _add_geometry(cube: xr.Dataset, line: np.ndarray, sample: np.ndarray) -> None:
    """Longitude, latitude, height and incidence of an ascending pass; one pixel lies outside the DEM."""
    dims = ("azimuth", "range")
    longitude = 4.9 + 4.9e-5 * sample - 2.7e-5 * line
    latitude = 52.3 + 1.22e-4 * line + 6.1e-6 * sample
    height = (3.0 + 0.5 * line - 0.25 * sample).astype(np.float32)
    for layer in (longitude, latitude, height):
        layer[-1, 0] = np.nan
    cube["longitude"] = (dims, longitude, _attrs("degrees", "longitude", [-180.0, 180.0], "longitude"))
    cube["latitude"] = (dims, latitude, _attrs("degrees", "latitude", [-90.0, 90.0], "latitude"))
    cube["height"] = (dims, height, _attrs("m", "height above the WGS84 ellipsoid"))
    incidence = (43.0 + 0.01 * sample + 1e-4 * line).astype(np.float32)
    cube["incidence_angle"] = (dims, incidence, _attrs("degrees", "incidence angle", [0.0, 90.0]))
    for name in ("lat", "lon"):
        values = cube["latitude" if name == "lat" else "longitude"].values
        cube.attrs[f"geospatial_{name}_min"] = float(np.nanmin(values))
        cube.attrs[f"geospatial_{name}_max"] = float(np.nanmax(values))


def _layers(
    line: np.ndarray, sample: np.ndarray, dates: int, polarization: int, reference: int
) -> dict[str, np.ndarray]:
    """Values (date, line, sample) of every layer of a polarization; exact in float32 where it matters."""
    date = np.arange(dates)[:, None, None]
    amplitude = 1.0 + 100 * line + sample + 2000 * date + 10000 * polarization
    wrapped = np.pi * (((0.37 * line + 0.11 * sample + 0.7 * date + polarization) % 2) - 1)
    other = date != reference
    return {
        "amplitude": amplitude,
        "intensity": amplitude**2,
        "sigma0": amplitude**2 / 1e6,
        "beta0": amplitude**2 / 7e5,
        "slc_phase": wrapped,
        "interferometric_phase": np.where(other, -wrapped / 2, 0.0),
        "coherence": np.where(other, 0.2 + 0.05 * line + 0.01 * sample + 0.02 * polarization, 1.0),
    }


def _add_layer(cube: xr.Dataset, name: str, polarization: str, values: np.ndarray) -> None:
    units, long_name, valid_range = LAYERS[name]
    attrs = _attrs(units, f"{polarization.upper()} {long_name}", valid_range)
    attrs["references"] = "doi:10.1016/j.jag.2021.102722"
    attrs["description"] = f"made up {long_name}"
    if name in {"interferometric_phase", "coherence"}:
        attrs["comment"] = "0 and 1 on the reference date by definition"
    if None in valid_range:
        del attrs["valid_range"]
    cube[f"{name}_{polarization}"] = (("time", "azimuth", "range"), values.astype(np.float32), attrs)


def _attrs(
    units: str, long_name: str, valid_range: list | None = None, standard_name: str | None = None
) -> dict[str, object]:
    attrs: dict[str, object] = {"units": units, "long_name": long_name}
    if valid_range is not None:
        attrs["valid_range"] = valid_range
    if standard_name is not None:
        attrs["standard_name"] = standard_name
    return attrs


def write_netcdf(cube, folder):
    """Every date of the cube as a file; their paths, in time order."""
    paths = netcdf_files(cube, folder)
    for index, path in enumerate(paths):
        write_date(cube, index, path)
    return sorted(paths)

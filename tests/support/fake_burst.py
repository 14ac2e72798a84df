"""A made Sentinel-1 product with mountains below it: what products=sentinel1 is tested on."""

from dataclasses import dataclass

import numpy as np
import rasterio
from fake_safe import FakeSafe, write_safe
from rasterio import Affine

STEP = 0.002  # degrees from a post to the next
WEST, SOUTH, EAST, NORTH = -9.2, 31.1, -7.6, 32.1  # around all bursts


@dataclass(frozen=True, kw_only=True)
class FakeBursts(FakeSafe):
    """Two subswaths of two bursts in VV and VH, and some pixels without data."""

    swaths: tuple[int, ...] = (1, 2)
    polarizations: tuple[str, ...] = ("vv", "vh")
    lines: int = 160
    samples: int = 220

    def pixels_of(self, swath, polarization):
        """Zero in the first two lines and samples of a block of one polarization."""
        pixels = super().pixels_of(swath, polarization)
        if polarization == "vh":
            pixels[40:42, 50:52] = 0
        return pixels


FAKE = FakeBursts()
BURSTS = ("t052_110431_iw1", "t052_110432_iw1", "t052_110431_iw2", "t052_110432_iw2")


def relief(longitude, latitude):
    """Ridges from north to south with slopes of up to 45 degrees on either side, and valleys across."""
    return 900.0 + 700.0 * np.sin(132.0 * longitude) * np.cos(20.0 * latitude)


def write_dem(path, box=(WEST, SOUTH, EAST, NORTH), *, step=STEP, height=relief):
    """A raster of heights on longitude and latitude over (west, south, east, north)."""
    west, south, east, north = box
    columns, rows = round((east - west) / step) + 1, round((north - south) / step) + 1
    longitude, latitude = west + step * np.arange(columns), north - step * np.arange(rows)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    transform = Affine(step, 0.0, west - step / 2, 0.0, -step, north + step / 2)
    with rasterio.open(path, "w", width=columns, height=rows, transform=transform, **profile) as file:
        file.write(height(longitude[None, :], latitude[:, None]).astype(np.float32), 1)
    return path


def write_scene(folder, fake=FAKE, *, zipped=False):
    """The product and the DEM in a folder: their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return write_safe(folder, fake, zipped=zipped), write_dem(folder / "dem.tif")


def write_orbit(folder, orbit, kind="POEORB", platform="Sentinel-1A"):
    """An orbit file with the vectors of ``orbit``, named and written as ESA does; its path."""
    times = orbit.epoch.astype("datetime64[us]") + np.round(orbit.time * 1e6).astype("timedelta64[us]")

    def compact(time):
        return str(time.astype("datetime64[s]")).replace("-", "").replace(":", "")

    vectors = "".join(
        f"<OSV><UTC>UTC={time}</UTC>"
        + "".join(f"<{axis}>{value!r}</{axis}>" for axis, value in zip("XYZ", position.tolist(), strict=True))
        + "".join(
            f"<V{axis}>{value!r}</V{axis}>" for axis, value in zip("XYZ", velocity.tolist(), strict=True)
        )
        + "<Quality>NOMINAL</Quality></OSV>"
        for time, position, velocity in zip(times, orbit.position, orbit.velocity, strict=True)
    )
    unit = platform[-1]
    stem = f"S1{unit}_OPER_AUX_{kind}_OPOD_{compact(times[-1])}_V{compact(times[0])}_{compact(times[-1])}"
    text = (
        f"<Earth_Explorer_File><Earth_Explorer_Header><Fixed_Header><File_Name>{stem}</File_Name>"
        f"<Mission>{platform}</Mission><File_Type>AUX_{kind}</File_Type><Validity_Period>"
        f"<Validity_Start>UTC={times[0]}</Validity_Start><Validity_Stop>UTC={times[-1]}</Validity_Stop>"
        "</Validity_Period></Fixed_Header><Variable_Header><Ref_Frame>EARTH_FIXED</Ref_Frame>"
        "<Time_Reference>UTC</Time_Reference></Variable_Header></Earth_Explorer_Header><Data_Block>"
        f'<List_of_OSVs count="{len(times)}">{vectors}</List_of_OSVs></Data_Block></Earth_Explorer_File>'
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.EOF"
    path.write_text(text)
    return path

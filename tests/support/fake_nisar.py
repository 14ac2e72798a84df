"""Small RSLC products in NISAR's layout, written as ISCE3 writes them, with known content."""

from dataclasses import dataclass
from functools import cached_property

import h5py
import numpy as np
from fake_orbit import earth_fixed

HALF = np.dtype([("r", "<f2"), ("i", "<f2")])
AFTER_NODE = 650.0  # seconds from the node to the first line
VECTORS = np.arange(-60.0, 61.0, 10.0)  # seconds around the first line


@dataclass(frozen=True, kw_only=True)
class FakeNisar:
    """One product; times are given as the units of its tables and the seconds since then."""

    band: str = "LSAR"
    kind: str = "RSLC"
    frequency: str = "A"
    polarizations: tuple = ("hh", "hv", "vh", "vv")
    stored: np.dtype = HALF
    lines: int = 40
    samples: int = 60
    first: str = "2026-07-20T23:59:58.250"  # UTC of the first line
    epoch: str = "2026-07-20T23:59:50"
    orbit_epoch: str = "2026-07-20 23:00:00"
    look: str = "Right"
    longitude: float = 20.0
    early_layout: bool = False  # with the axes of the calibration tables where early products have them
    flat_tables: bool = False
    seed: int = 5

    azimuth_interval = 1.0 / 1520.0
    first_slant_range = 850e3
    range_spacing = 6.245676208
    centre_frequency = 1257.5e6

    def since(self, epoch, seconds=0.0):
        """Times (s after the first line) as seconds since an epoch."""
        offset = np.datetime64(self.first, "ns") - np.datetime64(epoch.replace(" ", "T"), "ns")
        return offset / np.timedelta64(1, "s") + np.asarray(seconds)

    @cached_property
    def azimuth_time(self):
        """Of the lines, seconds since ``epoch``."""
        return self.since(self.epoch, self.azimuth_interval * np.arange(self.lines))

    @cached_property
    def slant_range(self):
        return self.first_slant_range + self.range_spacing * np.arange(self.samples)

    @cached_property
    def vectors(self):
        """Positions and velocities at ``VECTORS``."""
        return earth_fixed(AFTER_NODE + VECTORS, self.longitude)

    def pixels(self, polarization):
        """Numbers that half precision holds exactly."""
        rng = np.random.default_rng([self.seed, *polarization.encode()])
        real, imaginary = rng.integers(-2000, 2000, (2, self.lines, self.samples))
        return ((real + (real == 0)) / 8 + 1j * imaginary / 8).astype(np.complex64)

    @cached_property
    def tables(self):
        """beta0, sigma0 and gamma0 at every tenth line and sample: 1, and sigma0 = beta0 sin, gamma0 = beta0 tan."""
        shape = len(self.azimuth_time[::10]), len(self.slant_range[::10])
        theta = (
            np.radians(np.linspace(33.0, 35.0, shape[1])) + np.linspace(0.0, 0.001, shape[0])[:, np.newaxis]
        )
        ones = np.ones(shape)
        if self.flat_tables:
            return {"beta0": ones, "sigma0": ones, "gamma0": ones}
        return {"beta0": ones, "sigma0": 1 / np.sqrt(np.sin(theta)), "gamma0": 1 / np.sqrt(np.tan(theta))}

    def write(self, path):
        """The product at ``path``, which is returned."""
        with h5py.File(path, "w") as file:
            band = file.create_group(f"science/{self.band}")
            self._identification(band.create_group("identification"))
            product = band.create_group(self.kind)
            self._swaths(product.create_group("swaths"))
            metadata = product.create_group("metadata")
            self._orbit(metadata.create_group("orbit"))
            self._calibration(metadata.create_group("calibrationInformation"))
            metadata["processingInformation/algorithms/softwareVersion"] = np.bytes_("0.25.3")
        return path

    def _identification(self, group):
        for name, value in {
            "missionId": "NISAR",
            "lookDirection": self.look,
            "orbitPassDirection": "Ascending",
            "granuleId": "NISAR_L1_PR_RSLC_FAKE",
            "productType": self.kind,
            "listOfObservationModes": "L:SHNA:20M",
        }.items():
            group[name] = np.bytes_(value)
        group["absoluteOrbitNumber"], group["trackNumber"] = np.uint32(4321), np.uint8(98)

    def _swaths(self, group):
        group["zeroDopplerTime"] = self.azimuth_time
        group["zeroDopplerTime"].attrs["units"] = np.bytes_(f"seconds since {self.epoch}")
        images = group.create_group(f"frequency{self.frequency}")
        images["slantRange"] = self.slant_range
        images["processedCenterFrequency"] = self.centre_frequency
        images["listOfPolarizations"] = np.bytes_([p.upper() for p in self.polarizations])
        images["numberOfSubSwaths"] = np.uint8(1)
        images["validSamplesSubSwath1"] = np.full((self.lines, 2), (0, self.samples), dtype=np.uint32)
        for polarization in self.polarizations:
            chunks = min(self.lines, 16), min(self.samples, 16)
            image = images.create_dataset(
                polarization.upper(),
                (self.lines, self.samples),
                self.stored,
                chunks=chunks,
                compression="gzip",
            )
            image[...] = stored(self.pixels(polarization), self.stored)

    def _orbit(self, group):
        group["time"] = self.since(self.orbit_epoch, VECTORS)
        # what happened to be in memory behind the text, as ISCE3 has written it
        group["time"].attrs["units"] = np.bytes_(
            f"seconds since {self.orbit_epoch}".encode() + b"\xe0\x03\xb0"
        )
        group["position"], group["velocity"] = self.vectors
        group["orbitType"] = np.bytes_("MOE")

    def _calibration(self, group):
        tables = group.create_group("geometry")
        axes = group if self.early_layout else tables
        axes["zeroDopplerTime"] = self.azimuth_time[::10]
        axes["zeroDopplerTime"].attrs["units"] = np.bytes_(f"seconds since {self.epoch}")
        axes["slantRange"] = self.slant_range[::10]
        for name, table in self.tables.items():
            tables[name] = table.astype(np.float32)


def stored(pixels, dtype):
    """Complex numbers as they are stored: themselves, or pairs."""
    if dtype.names is None:
        return pixels.astype(dtype)
    pairs = np.empty(pixels.shape, dtype)
    pairs["r"], pairs["i"] = pixels.real, pixels.imag
    return pairs

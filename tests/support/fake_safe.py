"""Small Sentinel-1 SAFE products of any mode, platform and processor version, on a true Sentinel-1 orbit."""

import hashlib
import re
import warnings
import zipfile
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import rasterio
from fake_orbit import earth_fixed
from rasterio.errors import NotGeoreferencedWarning

from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.range_doppler import radar_to_ground

EPOCH = np.datetime64("2023-09-04", "D")
C = 299792458.0
ORBIT = 12 * 86400.0 / 175
OFFSETS = {"S1A": 73, "S1B": 27, "S1C": 172, "S1D": 42}
STEERING = {
    "IW": (1.590368784, 0.979863325, 1.397440818),
    "EW": (2.390895448, 2.811502724, 2.366195855, 2.512694636, 2.122855427),
    "SM": (0.0,),
}
BEAM = {
    "IW": (2.758273, 2.299849, (0.0, 0.832, 1.910)),
    "EW": (3.038376, 2.299970, (0.0, 0.683, 1.242, 1.854, 2.419)),
}
PULSES = {"IW": (5.823674372819869e-4, 9), "EW": (6.0e-4, 8), "SM": (5.3e-4, 9)}  # interval and rank
CHIRP_RATE = 1.078230321255894e12
SLANT_RANGE_TIME = {"IW": 5.334431e-3, "EW": 4.973e-3, "SM": 5.2726e-3}
BAND = (0.65, 0.85)  # in azimuth and in range, shares of the sampling rates


@dataclass(frozen=True, kw_only=True)
class FakeSafe:
    """What to write. Bursts are placed by ESA's definition of their ids; stripmap where burst ``first_number`` is.

    ``node`` is the UTC time of the ascending node of the relative orbit that ``absolute_orbit`` has;
    ``numbered_orbit`` what the annotation says instead, ``late`` seconds that its ascendingNodeTime is wrong by.
    """

    mission: str = "S1A"
    mode: str = "IW"
    swaths: tuple[int, ...] = (1,)
    polarizations: tuple[str, ...] = ("vv",)
    bursts: int = 2
    lines: int = 30
    samples: int = 40
    ipf: float = 3.61
    absolute_orbit: int = 50174
    numbered_orbit: int | None = None
    node: str = "2023-09-04T05:56:46.992390"
    late: float = 0.0
    first_number: int = 110431
    pixels: bool = True
    off_track: float = 0.0

    @property
    def relative_orbit(self):
        return (self.absolute_orbit - OFFSETS[self.mission]) % 175 + 1

    @property
    def spacing(self):
        """Between the lines: bursts of 3.1 s."""
        return 3.1 / self.lines

    @property
    def sampling(self):
        """Of the samples: a subswath of 0.36 ms."""
        return self.samples / 0.36e-3

    def name_of(self, swath):
        return f"S{swath}" if self.mode == "SM" else f"{self.mode}{swath}"

    def sensing(self, swath, index):
        """Seconds after the node when a burst's first echo is received."""
        beam, preamble, starts = BEAM["IW" if self.mode == "SM" else self.mode]
        start = 0.0 if self.mode == "SM" else starts[swath - 1]
        number = self.first_number + index
        return preamble + (number - 1) * beam - (self.relative_orbit - 1) * ORBIT + start + 0.005

    def first_line(self, swath, index):
        """Zero-Doppler time of a burst's first line, seconds after the node, whole microseconds."""
        return round(self.sensing(swath, index) - 1.15, 6)

    def utc(self, seconds):
        return np.datetime64(self.node, "us") + np.timedelta64(round(seconds * 1e6), "us")

    def valid(self, swath):
        """Lines and samples that are valid."""
        if self.mode == "SM":
            return slice(0, self.lines), slice(0, self.samples)
        return slice(1, self.lines - 2), slice(2 + swath, self.samples - 3)

    def pixels_of(self, swath, polarization):
        """The image of all bursts, one below the other, (bursts * lines, samples) complex64."""
        seed = [swath, ["vv", "vh", "hh", "hv"].index(polarization)]
        parts = np.random.default_rng(seed).integers(-3000, 3000, (2, self._image_lines, self.samples))
        return (parts[0] + 1j * parts[1]).astype(np.complex64)

    @property
    def _image_lines(self):
        return self.lines * (1 if self.mode == "SM" else self.bursts)

    @cached_property
    def product_id(self):
        first, last = (
            self.first_line(self.swaths[0], 0),
            self.first_line(self.swaths[-1], self.bursts - 1) + 3.1,
        )
        times = "_".join(str(self.utc(t))[:19].replace("-", "").replace(":", "") for t in (first, last))
        kind = {1: "S", 2: "D"}[len(self.polarizations)] + self.polarizations[0][0].upper()
        mode = self.name_of(self.swaths[0]) if self.mode == "SM" else self.mode
        return f"{self.mission}_{mode}_SLC__1S{kind}_{times}_{self.absolute_orbit:06d}_0609E3_DAA1"

    def stem(self, swath, polarization):
        number = list(self.polarizations).index(polarization) * len(self.swaths) + swath
        return (
            f"{self.mission}-{self.name_of(swath)}-slc-{polarization}-20230904t063731-20230904t063756-"
            f"{self.absolute_orbit:06d}-0609e3-{number:03d}"
        ).lower()


def _element(name, content, **attributes):
    inside = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{name}{inside}>{content}</{name}>"


def _numbers(name, values):
    values = list(values)
    return _element(name, " ".join(str(v) for v in values), count=len(values))


def _list(name, members):
    members = list(members)
    return _element(name, "".join(members), count=len(members))


def _fields(**fields):
    return "".join(_element(name, value) for name, value in fields.items())


def _header(fake, swath, polarization):
    return _element(
        "adsHeader",
        _fields(
            missionId=fake.mission,
            productType="SLC",
            polarisation=polarization.upper(),
            mode=fake.name_of(swath) if fake.mode == "SM" else fake.mode,
            swath=fake.name_of(swath),
            startTime=fake.utc(fake.first_line(swath, 0)),
            stopTime=fake.utc(fake.first_line(swath, fake.bursts - 1) + 3.1),
            absoluteOrbitNumber=fake.numbered_orbit or fake.absolute_orbit,
            missionDataTakeId=395747,
            imageNumber="001",
        ),
    )


def _vectors(fake, swath):
    """Times (s after the node), positions and velocities."""
    first = fake.first_line(swath, 0) - 65.0
    times = np.arange(np.floor(first), fake.first_line(swath, fake.bursts - 1) + 75.0, 10.0)
    longitude = 0.146 - ((fake.relative_orbit - 1) * 12 + fake.off_track) * 360.0 / 175
    return times, *earth_fixed(times, longitude)


def _orbit_list(fake, swath):
    vectors = zip(*_vectors(fake, swath), strict=True)
    axes = "xyz"
    return _list(
        "orbitList",
        (
            _element(
                "orbit",
                _fields(time=fake.utc(time), frame="Earth Fixed")
                + _element(
                    "position", _fields(**dict(zip(axes, (repr(float(v)) for v in position), strict=True)))
                )
                + _element(
                    "velocity", _fields(**dict(zip(axes, (repr(float(v)) for v in velocity), strict=True)))
                ),
            )
            for time, position, velocity in vectors
        ),
    )


def _polynomial(fake, record, name, time, coefficients):
    time_and_t0 = _fields(azimuthTime=fake.utc(time), t0=SLANT_RANGE_TIME[fake.mode])
    if name == "azimuthFmRatePolynomial" and fake.ipf < 2.43:
        return _element(record, time_and_t0 + _fields(**{f"c{k}": c for k, c in enumerate(coefficients)}))
    return _element(record, time_and_t0 + _numbers(name, coefficients))


def _middles(fake, swath):
    return [fake.first_line(swath, i) + 1.55 for i in range(-1, fake.bursts + 1)]


def _general(fake, swath):
    rates = [
        _polynomial(fake, "azimuthFmRate", "azimuthFmRatePolynomial", time, (-2331.0 - k, 4.5e5, -7.8e7))
        for k, time in enumerate(_middles(fake, swath))
    ]
    information = _fields(
        **{"pass": "Descending" if 0.25 < fake.first_line(swath, 0) % ORBIT / ORBIT < 0.75 else "Ascending"},
        rangeSamplingRate=fake.sampling,
        radarFrequency=5.405000454334350e09,
        azimuthSteeringRate=STEERING[fake.mode][0 if fake.mode == "SM" else swath - 1],
    )
    interval, rank = PULSES[fake.mode]
    values = _fields(pri=interval, rank=rank, txPulseRampRate=CHIRP_RATE)
    downlink = _element(
        "downlinkInformation",
        _fields(
            swath=fake.name_of(swath), azimuthTime=fake.utc(fake.first_line(swath, 0)), prf=1.0 / interval
        )
        + _element("downlinkValues", values),
    )
    return _element(
        "generalAnnotation",
        _element("productInformation", information)
        + _list("downlinkInformationList", [downlink])
        + _orbit_list(fake, swath)
        + _list("azimuthFmRateList", rates),
    )


def _bursts(fake, swath):
    lines, samples = fake.valid(swath)
    valid = [lines.start <= line < lines.stop for line in range(fake.lines)]
    for index in range(fake.bursts):
        first = fake.first_line(swath, index)
        number = fake.first_number + index
        yield _element(
            "burst",
            _fields(
                azimuthTime=fake.utc(first),
                azimuthAnxTime=first - fake.late,
                sensingTime=fake.utc(fake.sensing(swath, index)),
                byteOffset=0,
            )
            + _numbers("firstValidSample", (samples.start if inside else -1 for inside in valid))
            + _numbers("lastValidSample", (samples.stop - 1 if inside else -1 for inside in valid))
            + (_element("burstId", number, absolute=107768871 + index) if fake.ipf >= 3.40 else ""),
        )


def _geolocation(fake, swath):
    rows = [fake.first_line(swath, i) for i in range(fake.bursts)]
    rows.append(rows[-1] + 3.1)
    pixels = [0, fake.samples // 2, fake.samples - 1]
    times, position, velocity = _vectors(fake, swath)
    orbit = Orbit(epoch=EPOCH, time=times, position=position, velocity=velocity, source="node")
    ranges = 0.5 * C * (SLANT_RANGE_TIME[fake.mode] + np.array(pixels) / fake.sampling)
    heights = 100.0 * np.arange(len(rows))[:, np.newaxis] + pixels
    places = radar_to_ground(orbit, np.array(rows)[:, np.newaxis], ranges, heights, "right")
    for row, time in enumerate(rows):
        for column, pixel in enumerate(pixels):
            longitude, latitude = (float(place[row, column]) for place in places)
            yield _element(
                "geolocationGridPoint",
                _fields(
                    azimuthTime=fake.utc(time),
                    slantRangeTime=SLANT_RANGE_TIME[fake.mode] + pixel / fake.sampling,
                    line=row * fake.lines,
                    pixel=pixel,
                    latitude=latitude,
                    longitude=longitude,
                    height=100.0 * row + pixel,
                ),
            )


def _processing(fake):
    bands = (("rangeProcessing", BAND[1] * fake.sampling), ("azimuthProcessing", BAND[0] / fake.spacing))
    parameters = "".join(
        _element(tag, _fields(windowType="Hamming", windowCoefficient=0.75, processingBandwidth=bandwidth))
        for tag, bandwidth in bands
    )
    flags = _fields(bistaticDelayCorrectionApplied="true")
    return flags + _list("swathProcParamsList", [_element("swathProcParams", parameters)])


def annotation(fake, swath, polarization):
    """A product annotation as text."""
    tops = fake.mode != "SM"
    doppler = [
        _polynomial(fake, "dcEstimate", "dataDcPolynomial", time, (-10.0 - k, 1.1e4, -1.8e7))
        for k, time in enumerate(_middles(fake, swath))
    ]
    image = _fields(
        productFirstLineUtcTime=fake.utc(fake.first_line(swath, 0)),
        ascendingNodeTime=fake.utc(fake.late),
        slantRangeTime=SLANT_RANGE_TIME[fake.mode],
        azimuthTimeInterval=fake.spacing,
        numberOfSamples=fake.samples,
        numberOfLines=fake._image_lines,
    )
    timing = _fields(linesPerBurst=fake.lines if tops else 0, samplesPerBurst=fake.samples if tops else 0)
    content = (
        _header(fake, swath, polarization)
        + _general(fake, swath)
        + _element(
            "imageAnnotation",
            _element("imageInformation", image) + _element("processingInformation", _processing(fake)),
        )
        + _element("dopplerCentroid", _list("dcEstimateList", doppler))
        + _element("swathTiming", timing + _list("burstList", _bursts(fake, swath) if tops else ()))
        + _element("geolocationGrid", _list("geolocationGridPointList", _geolocation(fake, swath)))
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<product>{content}</product>\n'


def _vector_times(fake, swath):
    return [(i * fake.lines, fake.utc(fake.first_line(swath, i))) for i in range(fake.bursts + 1)]


def calibration(fake, swath, polarization):
    pixels = [0, fake.samples // 2, fake.samples - 1]
    vectors = (
        _element(
            "calibrationVector",
            _fields(azimuthTime=time, line=line)
            + _numbers("pixel", pixels)
            + "".join(
                _numbers(name, (value + swath + pixel / 10 for pixel in pixels))
                for name, value in (
                    ("sigmaNought", 300.0),
                    ("betaNought", 237.0),
                    ("gamma", 280.0),
                    ("dn", 237.0),
                )
            ),
        )
        for line, time in _vector_times(fake, swath)
    )
    content = _header(fake, swath, polarization) + _list("calibrationVectorList", vectors)
    return f"<calibration>{content}</calibration>"


def noise(fake, swath, polarization):
    pixels = [0, fake.samples // 2, fake.samples - 1]
    old = fake.ipf < 2.90
    record, values = ("noiseVector", "noiseLut") if old else ("noiseRangeVector", "noiseRangeLut")
    vectors = _list(
        f"{record}List",
        (
            _element(
                record,
                _fields(azimuthTime=time, line=line)
                + _numbers("pixel", pixels)
                + _numbers(values, (500.0 + pixel for pixel in pixels)),
            )
            for line, time in _vector_times(fake, swath)
        ),
    )
    lines = range(0, fake._image_lines, 10)
    block = _fields(
        swath=fake.name_of(swath),
        firstAzimuthLine=0,
        firstRangeSample=0,
        lastAzimuthLine=fake._image_lines - 1,
        lastRangeSample=fake.samples - 1,
    )
    block += _numbers("line", lines) + _numbers("noiseAzimuthLut", (1.0 + line / 1000 for line in lines))
    azimuth = "" if old else _list("noiseAzimuthVectorList", [_element("noiseAzimuthVector", block)])
    return f"<noise>{_header(fake, swath, polarization)}{vectors}{azimuth}</noise>"


def manifest(fake):
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" '
        'xmlns:safe="http://www.esa.int/safe/sentinel-1.0"><metadataSection><safe:processing><safe:facility>'
        f'<safe:software name="Sentinel-1 IPF" version="{fake.ipf:06.2f}"/>'
        "</safe:facility></safe:processing></metadataSection></xfdu:XFDU>\n"
    )


def write_tiff(path, pixels):
    profile = {"driver": "GTiff", "count": 1, "dtype": "complex_int16"}
    height, width = pixels.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", height=height, width=width, **profile) as raster:
            raster.write(pixels, 1)


def write_safe(parent, fake, *, zipped=False):
    """Write the product into a folder and return its path: a SAFE folder, or a zip of one."""
    root = parent / f"{fake.product_id}.SAFE"
    (root / "annotation" / "calibration").mkdir(parents=True)
    (root / "manifest.safe").write_text(manifest(fake))
    if fake.pixels:
        (root / "measurement").mkdir()
    for swath in fake.swaths:
        for polarization in fake.polarizations:
            stem = fake.stem(swath, polarization)
            (root / "annotation" / f"{stem}.xml").write_text(annotation(fake, swath, polarization))
            for kind, content in (("calibration", calibration), ("noise", noise)):
                text = content(fake, swath, polarization)
                (root / "annotation" / "calibration" / f"{kind}-{stem}.xml").write_text(text)
            if fake.pixels and (fake.bursts or fake.mode == "SM"):
                write_tiff(root / "measurement" / f"{stem}.tiff", fake.pixels_of(swath, polarization))
    return zip_of(root) if zipped else root


def zip_of(root):
    """The zip of a SAFE folder, beside it."""
    archive = root.with_name(root.name.removesuffix(".SAFE") + ".zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for file in sorted(root.rglob("*")):
            target.write(file, f"{root.name}/{file.relative_to(root).as_posix()}")
    return archive


def annotations_in(root):
    return sorted((root / "annotation").glob("*.xml"))


def rewrite(path, pattern, new, *, count=1):
    """Replace what a pattern finds in a file; it must find something."""
    text, found = re.subn(pattern, new, path.read_text(), count=count, flags=re.DOTALL)
    assert found
    path.write_text(text)


def _data_object(root, file):
    digest = hashlib.md5(file.read_bytes()).hexdigest()
    return (
        f'<dataObject ID="{file.stem}"><byteStream mimeType="text/xml" size="{file.stat().st_size}"><fileLocation '
        f'locatorType="URL" href="./{file.relative_to(root).as_posix()}"/><checksum checksumName="MD5">{digest}'
        "</checksum></byteStream></dataObject>"
    )


def with_sums(root):
    """The product, with the sums of all its files in its manifest."""
    listed = "".join(_data_object(root, file) for file in root.glob("*/**/*.*"))
    rewrite(
        root / "manifest.safe", "</xfdu:XFDU>", f"<dataObjectSection>{listed}</dataObjectSection></xfdu:XFDU>"
    )
    return root

"""Sentinel-1 product annotation (one subswath and polarization) as plain values.

Sentinel-1 Product Specification, S1-RS-MDA-52-7441, section on the L1 product annotation data set.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.products.sentinel1.relative_orbit import RELATIVE_ORBIT_OFFSETS
from alignsar_gpu.products.slc import UNKNOWN_BAND, Band

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.products.xml import Xml

MOST = 1_000_000  # lines or samples; an image has up to some 50 000
TOPS = ("IW", "EW")
STEERING_BOUNDS = "s1_steering_rate", "s1_stripmap_steering_rate"
COEFFICIENTS = ("c0", "c1", "c2")  # one element each in old products


@dataclass(frozen=True, kw_only=True)
class Header:
    """Platform, mode, subswath, polarization and orbit that identify an annotation.

    Attributes
    ----------
    platform : "Sentinel-1A", ...
    mode : "IW", "EW" or "SM".
    swath : "IW1", "S4", ...
    polarization : "vv", ...
    absolute_orbit : as counted at the start of the product, or of the data before it.
    """

    platform: str
    mode: str
    swath: str
    polarization: str
    absolute_orbit: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TimedPolynomial:
    """A polynomial in two-way slant-range time (s) around ``slant_range_time``, constant first."""

    azimuth_time: np.datetime64
    slant_range_time: float
    coefficients: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class AnnotatedBurst:
    """One annotated burst, or the one image of a stripmap product.

    Attributes
    ----------
    index : its place in the subswath, from 0.
    azimuth_time : zero-Doppler time of the first line.
    sensing_time : when its first echo was received; None in stripmap.
    number : ESA's relative burst id; None before IPF 3.40 and in stripmap.
    first_valid_sample, last_valid_sample : (lines,) int64, both inclusive; -1 where a line has none.
    """

    index: int
    azimuth_time: np.datetime64
    sensing_time: np.datetime64 | None
    number: int | None
    first_valid_sample: NDArray[np.int64]
    last_valid_sample: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Downlink:
    """Pulse parameters of the instrument from a time on.

    ``pulse_interval`` in seconds, ``rank`` the pulses in the air, ``chirp_rate`` in Hz/s, rising if positive.
    """

    azimuth_time: np.datetime64
    pulse_interval: float
    rank: int
    chirp_rate: float


@dataclass(frozen=True, kw_only=True, eq=False)
class StateVectors:
    """Orbit state vectors: ``time`` (n,) datetime64[us], ``position``, ``velocity`` (n, 3) Earth-fixed, m and m/s."""

    time: NDArray[np.datetime64]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class GeolocationGrid:
    """Places of some lines and samples of an image on the ground.

    Attributes
    ----------
    azimuth_time : (n, m) datetime64[us], slightly later at far range. slant_range_time : (n, m) two-way seconds.
    sample : (m,) of the image.
    height : (n, m) above the ellipsoid, m.
    places : (2, n, m) longitude and latitude, degrees; None where the annotation has been stripped of them.
    """

    azimuth_time: NDArray[np.datetime64]
    slant_range_time: NDArray[np.float64]
    sample: NDArray[np.float64]
    height: NDArray[np.float64]
    places: NDArray[np.float64] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotation:
    """A product annotation. Times are continuous (`geometry.time_scale`), datetime64[us].

    Attributes
    ----------
    source : the file, for messages.
    azimuth_time_interval : seconds. slant_range_time : two-way, of the first sample, seconds.
    range_sampling_rate, radar_frequency : Hz.
    steering_rate : of the antenna, radians per second.
    lines, samples : of one burst, or of the image in stripmap.
    bursts : in the order of the image, one or more; those whose pixels may be there.
    doppler_centroids, azimuth_fm_rates : Hz and Hz/s, one or more.
    downlinks : in time order; none where the annotation has been stripped of them.
    bistatic_applied : whether the bulk of the bistatic delay is out of the azimuth times; None if it does not say.
    azimuth_band, range_band : processed.
    """

    source: str
    header: Header
    pass_direction: Literal["ascending", "descending"]
    azimuth_time_interval: float
    slant_range_time: float
    range_sampling_rate: float
    radar_frequency: float
    steering_rate: float
    lines: int
    samples: int
    bursts: tuple[AnnotatedBurst, ...]
    doppler_centroids: tuple[TimedPolynomial, ...]
    azimuth_fm_rates: tuple[TimedPolynomial, ...]
    state_vectors: StateVectors
    geolocation: GeolocationGrid
    downlinks: tuple[Downlink, ...]
    bistatic_applied: bool | None
    azimuth_band: Band
    range_band: Band


def _whole(xml: Xml, path: str, least: int = 0, most: int = MOST) -> int:
    value = xml.number(path)
    if not (value.is_integer() and least <= value <= most):
        raise AlignsarError(f"{xml.where}/{path}: {value:g} is not a whole number from {least} to {most}")
    return int(value)


def _bounded(xml: Xml, path: str, name: str) -> float:
    """A number within the bounds of ``name`` in `geometry.bounds`."""
    value = xml.number(path)
    require(name, value, f"{xml.where}/{path}")
    return value


def _mode(document: Xml) -> str:
    mode = document.text("adsHeader/mode").upper()
    if mode in TOPS:
        return mode
    if mode == "SM" or (len(mode) == 2 and mode[0] == "S" and mode[1].isdigit()):
        return "SM"
    raise AlignsarError(
        f"{document.where}: mode {mode[:20]!r} is not supported, only IW, EW and stripmap (SM)"
    )


def read_header(document: Xml) -> Header:
    """Read which subswath and polarization an annotation is of; AlignsarError if it is no Sentinel-1 SLC."""
    if document.element.tag != "product" or document.find("adsHeader") is None:
        raise AlignsarError(f"{document.where}: not a Sentinel-1 product annotation")
    platform = f"Sentinel-{document.text('adsHeader/missionId').upper().removeprefix('S')}"
    if platform not in RELATIVE_ORBIT_OFFSETS:
        known = ", ".join(RELATIVE_ORBIT_OFFSETS)
        raise AlignsarError(f"{document.where}: mission {platform[:20]!r} is not one of {known}")
    kind = document.text("adsHeader/productType").upper()
    if kind != "SLC":
        raise AlignsarError(
            f"{document.where}: a {kind[:20]} product, which has no phase; give the SLC product of this scene"
        )
    polarization = document.text("adsHeader/polarisation").lower()
    if polarization not in {"vv", "vh", "hh", "hv"}:
        raise AlignsarError(f"{document.where}: unknown polarization {polarization[:20]!r}")
    return Header(
        platform=platform,
        mode=_mode(document),
        swath=document.text("adsHeader/swath").upper(),
        polarization=polarization,
        absolute_orbit=_whole(document, "adsHeader/absoluteOrbitNumber", least=1),
    )


def _polynomials(document: Xml, path: str, name: str) -> tuple[TimedPolynomial, ...]:
    found = []
    for record in document.all(path):
        if record.find(name) is not None:
            coefficients = record.numbers(name)
        else:
            coefficients = np.array([record.number(c) for c in COEFFICIENTS])
        if not coefficients.size:
            raise AlignsarError(f"{record.where}/{name}: has no coefficients")
        found.append(
            TimedPolynomial(
                azimuth_time=record.time("azimuthTime"),
                slant_range_time=record.number("t0"),
                coefficients=coefficients,
            )
        )
    if not found:
        raise AlignsarError(f"{document.where}: no element {path!r}; the file is damaged or of another kind")
    return tuple(found)


def _valid_samples(burst: Xml, lines: int, samples: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first, last = burst.numbers("firstValidSample"), burst.numbers("lastValidSample")
    for name, values in (("firstValidSample", first), ("lastValidSample", last)):
        if values.shape != (lines,) or not np.all((values >= -1) & (values < samples) & (values % 1 == 0)):
            raise AlignsarError(
                f"{burst.where}/{name}: expected {lines} whole numbers from -1 to {samples - 1}, one a line; "
                f"found {values.size}"
            )
    if np.any((first < 0) != (last < 0)) or np.any(last < first):
        raise AlignsarError(f"{burst.where}: on some lines the last valid sample lies before the first")
    return first.astype(np.int64), last.astype(np.int64)


def _bursts(document: Xml, lines: int, samples: int) -> tuple[AnnotatedBurst, ...]:
    bursts: list[AnnotatedBurst] = []
    for burst in document.all("swathTiming/burstList/burst"):
        first, last = _valid_samples(burst, lines, samples)
        bursts.append(
            AnnotatedBurst(
                index=len(bursts),
                azimuth_time=burst.time("azimuthTime"),
                sensing_time=burst.time("sensingTime"),
                number=None if burst.find("burstId") is None else _whole(burst, "burstId", least=1),
                first_valid_sample=first,
                last_valid_sample=last,
            )
        )
    if any(later.azimuth_time <= earlier.azimuth_time for earlier, later in pairwise(bursts)):
        raise AlignsarError(f"{document.where}: the bursts of swathTiming/burstList are not in time order")
    return tuple(bursts)


def _image(image: Xml, lines: int, samples: int) -> AnnotatedBurst:
    """All of a stripmap image, whose lines are valid throughout."""
    return AnnotatedBurst(
        index=0,
        azimuth_time=image.time("productFirstLineUtcTime"),
        sensing_time=None,
        number=None,
        first_valid_sample=np.zeros(lines, dtype=np.int64),
        last_valid_sample=np.full(lines, samples - 1, dtype=np.int64),
    )


def _state_vectors(document: Xml) -> StateVectors:
    vectors = list(document.all("generalAnnotation/orbitList/orbit"))
    if len(vectors) < 2:
        raise AlignsarError(f"{document.where}: {len(vectors)} orbit state vectors; the file is damaged")
    for vector in vectors:
        if vector.text("frame") != "Earth Fixed":
            raise AlignsarError(f"{vector.where}: frame {vector.text('frame')[:20]!r} is not 'Earth Fixed'")
    return StateVectors(
        time=np.array([vector.time("time") for vector in vectors]),
        position=np.array([[v.number(f"position/{axis}") for axis in "xyz"] for v in vectors]),
        velocity=np.array([[v.number(f"velocity/{axis}") for axis in "xyz"] for v in vectors]),
    )


def _geolocation(document: Xml) -> GeolocationGrid:
    points = list(document.all("geolocationGrid/geolocationGridPointList/geolocationGridPoint"))
    places = [(_whole(p, "line", least=-MOST), _whole(p, "pixel", least=-MOST)) for p in points]
    rows, columns = sorted({line for line, _ in places}), sorted({pixel for _, pixel in places})
    order = sorted(range(len(points)), key=places.__getitem__)
    if not points or [places[i] for i in order] != [(row, column) for row in rows for column in columns]:
        raise AlignsarError(
            f"{document.where}: its {len(points)} geolocation points are not a grid; the file is damaged"
        )
    shape = len(rows), len(columns)
    time = np.array([points[i].time("azimuthTime") for i in order]).reshape(shape)
    slant_range_time = np.array([points[i].number("slantRangeTime") for i in order]).reshape(shape)
    if np.any(np.diff(time[:, 0]) <= np.timedelta64(0)) or np.any(np.diff(slant_range_time[0]) <= 0):
        raise AlignsarError(f"{document.where}: the times of its geolocation grid do not increase")
    on_ground = None
    if points[0].find("longitude") is not None:
        named = [[points[i].number(name) for i in order] for name in ("longitude", "latitude")]
        on_ground = np.array(named).reshape(2, *shape)
    return GeolocationGrid(
        azimuth_time=time,
        slant_range_time=slant_range_time,
        sample=np.array(columns, dtype=np.float64),
        places=on_ground,
        height=np.array([_bounded(points[i], "height", "height") for i in order]).reshape(shape),
    )


def _downlinks(document: Xml, swath: str) -> tuple[Downlink, ...]:
    records = [
        record
        for record in document.all("generalAnnotation/downlinkInformationList/downlinkInformation")
        if record.text("swath").upper() == swath
    ]
    found = []
    for record in records:
        rate = record.number("downlinkValues/txPulseRampRate")
        rank = _whole(record, "downlinkValues/rank")
        require("s1_rank", rank, f"{record.where}/downlinkValues/rank")
        require("s1_chirp_rate", abs(rate), f"{record.where}/downlinkValues/txPulseRampRate")
        found.append(
            Downlink(
                azimuth_time=record.time("azimuthTime"),
                pulse_interval=_bounded(record, "downlinkValues/pri", "s1_pulse_interval"),
                rank=rank,
                chirp_rate=rate,
            )
        )
    return tuple(sorted(found, key=lambda downlink: downlink.azimuth_time))


def _bistatic_applied(document: Xml) -> bool | None:
    flag = document.find("imageAnnotation/processingInformation/bistaticDelayCorrectionApplied")
    if flag is None:
        return None
    text = flag.text().lower()
    if text not in {"true", "false"}:
        raise AlignsarError(f"{flag.where}: {text[:20]!r} is neither true nor false")
    return text == "true"


def _band(document: Xml, axis: str, rate: float) -> Band:
    """The band that an image sampled at ``rate`` (Hz) was processed to."""
    path = f"imageAnnotation/processingInformation/swathProcParamsList/swathProcParams/{axis}Processing"
    processing = document.find(path)
    if processing is None:
        return UNKNOWN_BAND
    windowed = processing.text("windowType").upper() != "NONE"
    width = processing.number("processingBandwidth") / rate
    require("s1_band", width, f"{processing.where}/processingBandwidth")
    hamming = _bounded(processing, "windowCoefficient", "s1_window") if windowed else 1.0
    return Band(width=width, hamming=hamming)


def middle_slant_range_time(document: Xml) -> float | None:
    """Return the two-way slant-range time (s) of a subswath's middle sample, even of one without bursts.

    None where its annotation is incomplete. Raises AlignsarError, with the element, where values are senseless.
    """
    first, rate = (
        "imageAnnotation/imageInformation/slantRangeTime",
        "generalAnnotation/productInformation/rangeSamplingRate",
    )
    sizes = ("swathTiming/samplesPerBurst", "imageAnnotation/imageInformation/numberOfSamples")
    samples = [_whole(document, path) for path in sizes if document.find(path) is not None]
    if not any(samples) or document.find(first) is None:
        return None
    width = next(filter(None, samples)) / _bounded(document, rate, "s1_range_sampling_rate")
    return _bounded(document, first, "s1_slant_range_time") + 0.5 * width


def read_annotation(document: Xml) -> Annotation | None:
    """Read a product annotation; None for a subswath without bursts, whose annotation may be incomplete.

    Raises AlignsarError, with the element, where values are missing or senseless.
    """
    header = read_header(document)
    general = document.require("generalAnnotation/productInformation")
    image = document.require("imageAnnotation/imageInformation")
    direction = general.text("pass").lower()
    if direction not in {"ascending", "descending"}:
        raise AlignsarError(f"{general.where}/pass: {direction[:20]!r} is neither ascending nor descending")
    interval = _bounded(image, "azimuthTimeInterval", "s1_azimuth_time_interval")
    rate = _bounded(general, "rangeSamplingRate", "s1_range_sampling_rate")
    if header.mode == "SM":
        lines, samples = (_whole(image, name, least=1) for name in ("numberOfLines", "numberOfSamples"))
        bursts: tuple[AnnotatedBurst, ...] = (_image(image, lines, samples),)
    else:
        lines = _whole(document, "swathTiming/linesPerBurst")
        samples = _whole(document, "swathTiming/samplesPerBurst")
        bursts = _bursts(document, lines, samples)
        if not bursts:
            return None
    return Annotation(
        source=document.where,
        header=header,
        pass_direction="ascending" if direction == "ascending" else "descending",
        azimuth_time_interval=interval,
        slant_range_time=_bounded(image, "slantRangeTime", "s1_slant_range_time"),
        range_sampling_rate=rate,
        radar_frequency=_bounded(general, "radarFrequency", "s1_radar_frequency"),
        steering_rate=float(
            np.radians(_bounded(general, "azimuthSteeringRate", STEERING_BOUNDS[header.mode == "SM"]))
        ),
        lines=lines,
        samples=samples,
        bursts=bursts,
        doppler_centroids=_polynomials(
            document, "dopplerCentroid/dcEstimateList/dcEstimate", "dataDcPolynomial"
        ),
        azimuth_fm_rates=_polynomials(
            document, "generalAnnotation/azimuthFmRateList/azimuthFmRate", "azimuthFmRatePolynomial"
        ),
        state_vectors=_state_vectors(document),
        geolocation=_geolocation(document),
        downlinks=_downlinks(document, header.swath),
        bistatic_applied=_bistatic_applied(document),
        azimuth_band=_band(document, "azimuth", 1.0 / interval),
        range_band=_band(document, "range", rate),
    )

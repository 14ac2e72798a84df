"""Write the product annotation of a simulated subswath and polarization (``annotation/*.xml``).

Laid out as the Sentinel-1 Product Specification (S1-RS-MDA-52-7441) says for IPF 3.71. What only an instrument could
have measured is empty where the specification allows it, and zero where it does not: nothing is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.simulate.safe.manifest import data_take, image_number, mission
from alignsar_gpu.simulate.safe.motion import attitudes, heading, orbits
from alignsar_gpu.simulate.safe.plan.iw_mode import (
    AZIMUTH_INTERVAL,
    RADAR_FREQUENCY,
    RANGE_SAMPLING_RATE,
    RANGE_SPACING,
    RANGE_WINDOW,
    SUBSWATHS,
)
from alignsar_gpu.simulate.safe.records import (
    BIT_ERRORS,
    OPTIONS,
    OPTIONS_AFTER,
    quality,
    raw_data_analysis,
    statistics,
)
from alignsar_gpu.simulate.safe.xml_writing import Text, document, element, fields, listed, numbers, utc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from alignsar_gpu.products.slc import RangePolynomial
    from alignsar_gpu.simulate.safe.plan.product import ProductPlan
    from alignsar_gpu.simulate.safe.plan.swaths import SwathPlan

HEIGHT_STEP = 10.0  # s


@dataclass(frozen=True)
class _AnnotationWriter:
    """The annotation of one subswath in one polarization."""

    plan: ProductPlan
    swath: SwathPlan
    polarization: str

    def utc(self, time: float) -> str:
        return utc(self.plan.epoch, time)

    def product(self) -> Element:
        return element(
            "product",
            header(self.plan, self.swath, self.polarization),
            quality(self.utc(self.swath.first_time)),
            self._general(),
            self._image(),
            element("dopplerCentroid", listed("dcEstimateList", self._doppler_centroids())),
            element("antennaPattern", listed("antennaPatternList", self._antenna_patterns())),
            self._timing(),
            element("geolocationGrid", listed("geolocationGridPointList", self._geolocation())),
            element("coordinateConversion", listed("coordinateConversionList", ())),
            element("swathMerging", listed("swathMergeList", ())),
        )

    def _general(self) -> Element:
        information: dict[str, Text | Element] = {
            "pass": self.plan.parameters.pass_direction.capitalize(),
            "timelinessCategory": "Fast-24h",
            "platformHeading": heading(self.plan),
            "projection": "Slant Range",
            "rangeSamplingRate": RANGE_SAMPLING_RATE,
            "radarFrequency": RADAR_FREQUENCY,
            "azimuthSteeringRate": SUBSWATHS[self.swath.name].steering_rate,
        }
        first = self.utc(self.swath.first_time)
        return element(
            "generalAnnotation",
            fields("productInformation", information),
            listed("downlinkInformationList", [self._downlink()]),
            listed("orbitList", orbits(self.plan)),
            listed("attitudeList", attitudes(self.plan)),
            listed("rawDataAnalysisList", [raw_data_analysis(first)]),
            listed("replicaInformationList", [self._replica()]),
            listed("noiseList", ()),
            listed("terrainHeightList", self._terrain_heights()),
            listed(
                "azimuthFmRateList",
                (
                    self._polynomial("azimuthFmRate", record, "azimuthFmRatePolynomial")
                    for record in self.swath.azimuth_fm_rates
                ),
            ),
        )

    def _downlink(self) -> Element:
        beam = SUBSWATHS[self.swath.name]
        interval = 1.0 / beam.pulse_rate
        rank = int(self.swath.slant_range_time // interval)
        first, last = self.swath.bursts[0], self.swath.bursts[-1]
        echo = self.swath.samples / RANGE_SAMPLING_RATE + beam.pulse_length
        values: dict[str, Text | Element] = {
            "pri": interval,
            "rank": rank,
            "dataTakeId": data_take(self.plan) % 65536,
            "eccNumber": 8,
            "rxChannelId": 0,
            "instrumentConfigId": 1,
            "dataFormat": fields(
                "dataFormat",
                {
                    "baqBlockLength": 256,
                    "echoFormat": "Bypass",
                    "noiseFormat": "Bypass",
                    "calibrationFormat": "Bypass",
                    "meanBitRate": 0.0,
                },
            ),
            "rangeDecimation": fields(
                "rangeDecimation",
                {
                    "decimationFilterBandwidth": beam.range_bandwidth,
                    "samplingFrequencyAfterDecimation": RANGE_SAMPLING_RATE,
                    "filterLength": 0,
                },
            ),
            "rxGain": 0.0,
            "txPulseLength": beam.pulse_length,
            "txPulseStartFrequency": -0.5 * beam.pulse_length * beam.ramp_rate,
            "txPulseRampRate": beam.ramp_rate,
            "swathNumber": beam.number,
            "swlList": listed("swlList", [self._timed("swl", echo)]),
            "swstList": listed(
                "swstList", [self._timed("swst", self.swath.slant_range_time - rank * interval)]
            ),
            "pointingStatusList": listed("pointingStatusList", ()),
        }
        return fields(
            "downlinkInformation",
            {
                "swath": self.swath.name,
                "azimuthTime": self.utc(self.swath.first_time),
                "firstLineSensingTime": self.utc(first.sensing_time),
                "lastLineSensingTime": self.utc(last.sensing_time + self._sensed()),
                "prf": beam.pulse_rate,
                "bitErrorCount": fields("bitErrorCount", dict.fromkeys(BIT_ERRORS, 0)),
                "downlinkValues": fields("downlinkValues", values),
            },
        )

    def _timed(self, tag: str, value: float) -> Element:
        """A value that holds from the first line on."""
        return fields(tag, {"azimuthTime": self.utc(self.swath.first_time), "value": value})

    def _sensed(self) -> float:
        """Seconds that a burst is sensed: it is centred within its zero-Doppler times."""
        burst = self.swath.bursts[0]
        middle = burst.azimuth_time + 0.5 * (self.swath.lines - 1) * AZIMUTH_INTERVAL
        return 2.0 * (middle - burst.sensing_time)

    def _replica(self) -> Element:
        """The chirp as designed: its amplitude, and its phase in cycles after t seconds."""
        beam = SUBSWATHS[self.swath.name]
        reference = element(
            "referenceReplica",
            element("azimuthTime", self.utc(self.swath.first_time)),
            element("chirpSource", "Nominal"),
            element("pgSource", "Model"),
            numbers("amplitudeCoefficients", np.array([1.0, 0.0, 0.0, 0.0])),
            numbers("phaseCoefficients", np.array([0.0, 0.0, 0.5 * beam.ramp_rate, 0.0])),
            element("timeDelay", 0.0),
            fields("gain", {"re": 1.0, "im": 0.0}),
        )
        return element(
            "replicaInformation",
            element("swath", self.swath.name),
            reference,
            listed("replicaList", ()),
        )

    def _terrain_heights(self) -> Iterator[Element]:
        times = np.arange(self.plan.start - HEIGHT_STEP, self.plan.stop + 2.0 * HEIGHT_STEP, HEIGHT_STEP)
        for time in times.tolist():
            yield fields(
                "terrainHeight",
                {"azimuthTime": self.utc(time), "value": float(self.plan.parameters.mean_height)},
            )

    def _polynomial(self, tag: str, record: RangePolynomial, name: str) -> Element:
        return element(
            tag,
            element("azimuthTime", self.utc(record.azimuth_time)),
            element("t0", record.slant_range_time),
            numbers(name, record.coefficients),
        )

    def _image(self) -> Element:
        plan, swath = self.plan, self.swath
        sensed = min(own.bursts[0].sensing_time for own in plan.swaths)
        information: dict[str, Text | Element] = {
            "productFirstLineUtcTime": self.utc(swath.first_time),
            "productLastLineUtcTime": self.utc(swath.last_time),
            "ascendingNodeTime": self.utc(plan.node_time),
            "anchorTime": self.utc(sensed),
            "productComposition": "Individual",
            "sliceNumber": 0,
            "sliceList": listed("sliceList", ()),
            "slantRangeTime": swath.slant_range_time,
            "pixelValue": "Complex",
            "outputPixels": "16 bit Signed Integer",
            "rangePixelSpacing": RANGE_SPACING,
            "azimuthPixelSpacing": swath.azimuth_spacing,
            "azimuthTimeInterval": AZIMUTH_INTERVAL,
            "azimuthFrequency": 1.0 / AZIMUTH_INTERVAL,
            "numberOfSamples": swath.samples,
            "numberOfLines": swath.image_lines,
            "zeroDopMinusAcqTime": swath.first_time - swath.bursts[0].sensing_time,
            "incidenceAngleMidSwath": swath.mid_incidence,
            "imageStatistics": statistics(),
        }
        return element("imageAnnotation", fields("imageInformation", information), self._processing())

    def _processing(self) -> Element:
        swath, beam = self.swath, SUBSWATHS[self.swath.name]
        windows = [
            fields(
                tag,
                {
                    "windowType": "Hamming",
                    "windowCoefficient": coefficient,
                    "totalBandwidth": bandwidth,
                    "processingBandwidth": bandwidth,
                    "lookBandwidth": bandwidth,
                    "numberOfLooks": 1,
                    "lookOverlap": 0.0,
                },
            )
            for tag, coefficient, bandwidth in (
                ("rangeProcessing", RANGE_WINDOW, beam.range_bandwidth),
                ("azimuthProcessing", beam.azimuth_window, beam.azimuth_bandwidth),
            )
        ]
        scaling = element("processorScalingFactor", 1.0)
        dimensions: dict[str, Text | Element] = {
            "azimuthTime": self.utc(swath.first_time),
            "swath": swath.name,
            "numberOfInputSamples": swath.samples,
            "numberOfInputLines": round(self._sensed() * beam.pulse_rate) * len(swath.bursts),
        }
        parameters = element("swathProcParams", element("swath", swath.name), *windows, scaling)
        lists = {
            "swathProcParamsList": listed("swathProcParamsList", [parameters]),
            "inputDimensionsList": listed("inputDimensionsList", [fields("inputDimensions", dimensions)]),
        }
        return fields("processingInformation", {**OPTIONS, **lists, **OPTIONS_AFTER})

    def _doppler_centroids(self) -> Iterator[Element]:
        half = 0.5 * self.swath.lines * AZIMUTH_INTERVAL
        for data, geometry in zip(self.swath.doppler_centroids, self.swath.geometry_dopplers, strict=True):
            yield element(
                "dcEstimate",
                element("azimuthTime", self.utc(data.azimuth_time)),
                element("t0", data.slant_range_time),
                numbers("geometryDcPolynomial", geometry.coefficients),
                numbers("dataDcPolynomial", data.coefficients),
                element("dataDcRmsError", 0.0),
                element("dataDcRmsErrorAboveThreshold", False),  # noqa: FBT003  (the element's text)
                element("fineDceAzimuthStartTime", self.utc(data.azimuth_time - half)),
                element("fineDceAzimuthStopTime", self.utc(data.azimuth_time + half)),
                listed("fineDceList", ()),
            )

    def _antenna_patterns(self) -> Iterator[Element]:
        antenna = self.swath.antenna
        pattern = np.stack([antenna.pattern, np.zeros_like(antenna.pattern)], axis=-1).ravel()
        values = numbers("elevationPattern", pattern, 6)
        values.set("count", str(antenna.pattern.size))  # of complex values
        for k, time in enumerate(antenna.azimuth_time.tolist()):
            yield element(
                "antennaPattern",
                element("swath", self.swath.name),
                element("azimuthTime", self.utc(time)),
                numbers("slantRangeTime", antenna.slant_range_time),
                numbers("elevationAngle", antenna.elevation[k], 6),
                values,
                numbers("incidenceAngle", antenna.incidence[k], 6),
                element("terrainHeight", float(self.plan.parameters.mean_height)),
                element("roll", 0.0),
            )

    def _timing(self) -> Element:
        return element(
            "swathTiming",
            element("linesPerBurst", self.swath.lines),
            element("samplesPerBurst", self.swath.samples),
            listed("burstList", self._bursts()),
        )

    def _bursts(self) -> Iterator[Element]:
        for burst in self.swath.bursts:
            lines, samples = burst.valid
            first = np.full(self.swath.lines, -1)
            last = first.copy()
            first[lines], last[lines] = samples.start, samples.stop - 1
            yield element(
                "burst",
                element("azimuthTime", self.utc(burst.azimuth_time)),
                element("azimuthAnxTime", burst.azimuth_time - self.plan.node_time),
                element("sensingTime", self.utc(burst.sensing_time)),
                element("byteOffset", 0),
                numbers("firstValidSample", first),
                numbers("lastValidSample", last),
                element("burstId", burst.number, absolute=str(burst.absolute_number)),
            )

    def _geolocation(self) -> Iterator[Element]:
        grid = self.swath.geolocation
        for row, line in enumerate(grid.line.tolist()):
            for column, pixel in enumerate(grid.pixel.tolist()):
                place = row, column
                yield fields(
                    "geolocationGridPoint",
                    {
                        "azimuthTime": self.utc(float(grid.azimuth_time[row])),
                        "slantRangeTime": float(grid.slant_range_time[column]),
                        "line": line,
                        "pixel": pixel,
                        "latitude": float(grid.latitude[place]),
                        "longitude": float(grid.longitude[place]),
                        "height": float(self.plan.parameters.mean_height),
                        "incidenceAngle": float(grid.incidence[place]),
                        "elevationAngle": float(grid.elevation[place]),
                    },
                )


def header(plan: ProductPlan, swath: SwathPlan, polarization: str) -> Element:
    """Make the header that every annotation of a subswath and polarization begins with."""
    return fields(
        "adsHeader",
        {
            "missionId": mission(plan),
            "productType": "SLC",
            "polarisation": polarization.upper(),
            "mode": "IW",
            "swath": swath.name,
            "startTime": utc(plan.epoch, swath.first_time),
            "stopTime": utc(plan.epoch, swath.last_time),
            "absoluteOrbitNumber": plan.absolute_orbit,
            "missionDataTakeId": data_take(plan),
            "imageNumber": f"{image_number(plan, swath, polarization):03d}",
        },
    )


def annotation(plan: ProductPlan, swath: SwathPlan, polarization: str) -> bytes:
    """Make the content of a product annotation."""
    return document(_AnnotationWriter(plan, swath, polarization).product())

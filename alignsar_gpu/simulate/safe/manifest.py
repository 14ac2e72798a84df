"""File names of a simulated product, and its manifest.

Names and layout are ESA's, because readers take them apart. Who made the product is said where the manifest says so:
the facility is the simulator of alignsar_gpu, and no ESA product is named as its source.
"""

from __future__ import annotations

import binascii
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

import numpy as np

from alignsar_gpu.geometry.time_scale import continuous, moment
from alignsar_gpu.products.sentinel1.burst_id import CYCLE
from alignsar_gpu.products.sentinel1.safe import SIMULATOR
from alignsar_gpu.simulate.safe.plan.swaths import wrapped
from alignsar_gpu.simulate.safe.xml_writing import Text, document, element, stamp, utc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.simulate.safe.plan.product import ProductPlan
    from alignsar_gpu.simulate.safe.plan.swaths import SwathPlan

PROCESSOR, VERSION = "Sentinel-1 IPF", "003.71"  # whose layout is followed: readers look for it
FACILITY = {
    "country": "none",
    "name": SIMULATOR,
    "organisation": "simulated by alignsar_gpu, not an ESA product",
    "site": "none",
}
NAMESPACES = {
    "xmlns:gml": "http://www.opengis.net/gml",
    "xmlns:xfdu": "urn:ccsds:schema:xfdu:1",
    "xmlns:safe": "http://www.esa.int/safe/sentinel-1.0",
    "xmlns:s1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1",
    "xmlns:s1sarl1": "http://www.esa.int/safe/sentinel-1.0/sentinel-1/sar/level-1",
}
LAYOUT = "esa/safe/sentinel-1.0/sentinel-1/sar/level-1/slc/standard/iw"
INTERNATIONAL = {
    "Sentinel-1A": "2014-016A",
    "Sentinel-1B": "2016-025A",
    "Sentinel-1C": "2024-235A",
    "Sentinel-1D": "2025-251A",
}
FIRST_CYCLE = np.datetime64(
    "2013-10-22T18:01", "us"
)  # so that cycle 301 had begun on 2023-09-04, as annotated
TAKES_PER_ORBIT = 8  # as many data takes an orbit as real satellites make, roughly
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SCHEMAS = {
    "s1Level1ProductSchema": "s1-level-1-product.xsd",
    "s1Level1NoiseSchema": "s1-level-1-noise.xsd",
    "s1Level1CalibrationSchema": "s1-level-1-calibration.xsd",
    "s1ObjectTypesSchema": "s1-object-types.xsd",
    "s1Level1MeasurementSchema": "s1-level-1-measurement.xsd",
}
ANNOTATIONS = {  # kinds of files with their folders, in the order of the manifest
    "product": ("s1Level1ProductSchema", "annotation/"),
    "noise": ("s1Level1NoiseSchema", "annotation/calibration/noise-"),
    "calibration": ("s1Level1CalibrationSchema", "annotation/calibration/calibration-"),
}


def mission(plan: ProductPlan) -> str:
    """Return the mission's short name: "S1A", ..."""
    return plan.platform.replace("entinel-", "")


def data_take(plan: ProductPlan) -> int:
    """Compute a number for the data take: not a real one, but increasing with the orbits."""
    return plan.absolute_orbit * TAKES_PER_ORBIT % 0x1000000


def channels(plan: ProductPlan) -> list[tuple[SwathPlan, str]]:
    """List subswaths and polarizations in the order of ESA's file numbers: VH before VV, HH before HV."""
    return [(swath, name) for name in sorted(plan.parameters.polarizations) for swath in plan.swaths]


def image_number(plan: ProductPlan, swath: SwathPlan, polarization: str) -> int:
    """Return the file number of a subswath and polarization, from 1."""
    names = [(own.name, name) for own, name in channels(plan)]
    return 1 + names.index((swath.name, polarization))


def stem(plan: ProductPlan, swath: SwathPlan, polarization: str) -> str:
    """Return the name of the files of a subswath and polarization, without prefix and ending."""
    times = "-".join(stamp(plan.epoch, time) for time in (swath.first_time, swath.last_time))
    number = image_number(plan, swath, polarization)
    take = f"{plan.absolute_orbit:06d}-{data_take(plan):06x}-{number:03d}"
    return f"{mission(plan)}-{swath.name}-slc-{polarization}-{times}-{take}".lower()


def product_name(plan: ProductPlan) -> str:
    """Return the name of the product; it ends in the CRC-16 of the manifest before there are pixels."""
    names = plan.parameters.polarizations
    kind = f"1S{'D' if len(names) > 1 else 'S'}{names[0][0].upper()}"
    times = "_".join(stamp(plan.epoch, time) for time in (plan.start, plan.stop))
    check = binascii.crc_hqx(manifest(replace(plan, product_id="")), 0xFFFF)
    return (
        f"{mission(plan)}_IW_SLC__{kind}_{times}_{plan.absolute_orbit:06d}_{data_take(plan):06X}_{check:04X}"
    )


def _identity(text: str) -> str:
    return text.replace("-", "")


def _pointer(identity: str) -> Element:
    return element("dataObjectPointer", dataObjectID=identity)


def _content_units(plan: ProductPlan) -> Iterator[Element]:
    """What there is: the annotations, then the measurements with the annotations that describe them."""
    for swath, name in channels(plan):
        identity = _identity(stem(plan, swath, name))
        for kind, (schema, _) in ANNOTATIONS.items():
            pointer = _pointer(f"{kind}{identity}")
            yield element("xfdu:contentUnit", pointer, unitType="Metadata Unit", repID=schema)
    for swath, name in channels(plan):
        identity = _identity(stem(plan, swath, name))
        described = "".join(f"{kind}{identity}Annotation " for kind in ANNOTATIONS)
        yield element(
            "xfdu:contentUnit",
            _pointer(identity),
            unitType="Measurement Data Unit",
            repID="s1Level1MeasurementSchema",
            dmdID=described,
        )


def _package_map(plan: ProductPlan) -> Element:
    package = element(
        "xfdu:contentUnit",
        *_content_units(plan),
        unitType="SAFE Archive Information Package",
        textInfo="Sentinel-1 IW Level-1 SLC Product, simulated",
        dmdID="acquisitionPeriod platform generalProductInformation measurementOrbitReference measurementFrameSet",
        pdiID="processing",
    )
    return element("informationPackageMap", package)


def _wrapped(identity: str, title: str, content: Element, *, provenance: bool = False) -> Element:
    """A metadata object with its content inside."""
    wrap = element(
        "metadataWrap",
        element("xmlData", content),
        mimeType="text/xml",
        vocabularyName="SAFE",
        textInfo=title,
    )
    kind = ("PROVENANCE", "PDI") if provenance else ("DESCRIPTION", "DMD")
    return element("metadataObject", wrap, ID=identity, classification=kind[0], category=kind[1])


def _processing(plan: ProductPlan) -> Element:
    facility = element("safe:facility", element("safe:software", name=PROCESSOR, version=VERSION), **FACILITY)
    time = utc(plan.epoch, plan.stop)  # no time of this computer: the same plan gives the same bytes
    return element("safe:processing", facility, name="Simulation", start=time, stop=time)


def _platform(plan: ProductPlan) -> Element:
    swaths = [element("s1sarl1:swath", swath.name) for swath in plan.swaths]
    mode = element("s1sarl1:instrumentMode", element("s1sarl1:mode", "IW"), *swaths)
    return element(
        "safe:platform",
        element("safe:nssdcIdentifier", INTERNATIONAL[plan.platform]),
        element("safe:familyName", "SENTINEL-1"),
        element("safe:number", plan.platform[-1]),
        element(
            "safe:instrument",
            element("safe:familyName", "Synthetic Aperture Radar", abbreviation="SAR"),
            element("safe:extension", mode),
        ),
    )


def _orbit(plan: ProductPlan) -> Element:
    numbers = [
        element(f"safe:{tag}", value, type=when)
        for tag, value in (
            ("orbitNumber", plan.absolute_orbit),
            ("relativeOrbitNumber", plan.relative_orbit),
        )
        for when in ("start", "stop")
    ]
    since = moment(plan.epoch, plan.start) - continuous(FIRST_CYCLE)
    cycle = 1 + int(since / np.timedelta64(1, "s") // CYCLE)
    properties = element(
        "s1:orbitProperties",
        element("s1:pass", plan.parameters.pass_direction.upper()),
        element("s1:ascendingNodeTime", utc(plan.epoch, plan.node_time)),
    )
    return element(
        "safe:orbitReference",
        *numbers,
        element("safe:cycleNumber", cycle),
        element("safe:phaseIdentifier", 1),
        element("safe:extension", properties),
    )


def _information(plan: ProductPlan) -> Element:
    names = [name.upper() for name in plan.parameters.polarizations]
    values: list[tuple[str, Text]] = [
        ("instrumentConfigurationID", 1),
        ("missionDataTakeID", data_take(plan)),
        *(("transmitterReceiverPolarisation", name) for name in names),
        ("productClass", "S"),
        ("productClassDescription", "SAR Standard L1 Product"),
        ("productComposition", "Individual"),
        ("productType", "SLC"),
        ("productTimelinessCategory", "Fast-24h"),
        ("sliceProductFlag", False),
        ("segmentStartTime", utc(plan.epoch, plan.start)),
        ("sliceNumber", 0),
        ("totalSlices", 0),
    ]
    inside = [element(f"s1sarl1:{tag}", value) for tag, value in values]
    return element("s1sarl1:standAloneProductInformation", *inside)


def _period(plan: ProductPlan) -> Element:
    since = [
        element(f"s1:{tag}TimeANX", f"{1e3 * (time - plan.node_time):.6e}")
        for tag, time in (("start", plan.start), ("stop", plan.stop))
    ]
    return element(
        "safe:acquisitionPeriod",
        element("safe:startTime", utc(plan.epoch, plan.start)),
        element("safe:stopTime", utc(plan.epoch, plan.stop)),
        element("safe:extension", element("s1:timeANX", *since)),
    )


def _frame(plan: ProductPlan) -> Element:
    """The corners as ESA orders them: last line near and far, first line far and near."""
    side = len(plan.footprint) // 4
    corners = plan.footprint[[side, 2 * side, 3 * side, 0]]
    pairs = zip(corners[:, 1].tolist(), wrapped(corners[:, 0]).tolist(), strict=True)
    text = " ".join(f"{latitude:.6f},{longitude:.6f}" for latitude, longitude in pairs)
    footprint = element(
        "safe:footPrint",
        element("gml:coordinates", text),
        srsName="http://www.opengis.net/gml/srs/epsg.xml#4326",
    )
    return element("safe:frameSet", element("safe:frame", footprint))


def _metadata(plan: ProductPlan) -> Element:
    objects = []
    for swath, name in channels(plan):
        for kind in ANNOTATIONS:
            identity = f"{kind}{_identity(stem(plan, swath, name))}"
            pointer = _pointer(identity)
            attributes = {"classification": "DESCRIPTION", "category": "DMD"}
            objects.append(element("metadataObject", pointer, ID=f"{identity}Annotation", **attributes))
    objects += [
        _wrapped("processing", "Processing", _processing(plan), provenance=True),
        _wrapped("platform", "Platform Description", _platform(plan)),
        _wrapped("measurementOrbitReference", "Orbit Reference", _orbit(plan)),
        _wrapped("generalProductInformation", "General Product Information", _information(plan)),
        _wrapped("acquisitionPeriod", "Acquisition Period", _period(plan)),
        _wrapped("measurementFrameSet", "Frame Set", _frame(plan)),
    ]
    for identity, schema in SCHEMAS.items():
        reference = element(
            "metadataReference",
            mimeType="text/xml",
            vocabularyName="SDF" if "Measurement" in identity else "XML Schema",
            locatorType="URL",
            href=f"./support/{schema}",
        )
        attributes = {"classification": "SYNTAX", "category": "REP"}
        objects.append(element("metadataObject", reference, ID=identity, **attributes))
    return element("metadataSection", *objects)


def _data_object(identity: str, schema: str, path: str) -> Element:
    """A file, whose size and checksum are still those of an empty one."""
    location = element("fileLocation", locatorType="URL", href=f"./{path}")
    checksum = element("checksum", EMPTY_MD5, checksumName="MD5")
    kind = "text/xml" if path.endswith(".xml") else "application/octet-stream"
    stream = element("byteStream", location, checksum, mimeType=kind, size="0")
    return element("dataObject", stream, ID=identity, repID=schema)


def _data_objects(plan: ProductPlan) -> Iterator[Element]:
    for swath, name in channels(plan):
        own = stem(plan, swath, name)
        for kind, (schema, before) in ANNOTATIONS.items():
            yield _data_object(f"{kind}{_identity(own)}", schema, f"{before}{own}.xml")
    for swath, name in channels(plan):
        own = stem(plan, swath, name)
        yield _data_object(_identity(own), "s1Level1MeasurementSchema", f"measurement/{own}.tiff")


def manifest(plan: ProductPlan) -> bytes:
    """Make the content of ``manifest.safe``, with the sizes and checksums of empty files."""
    kind = "dp" if len(plan.parameters.polarizations) > 1 else "sp"
    root = Element("xfdu:XFDU", {**NAMESPACES, "version": LAYOUT + kind})
    root.extend([_package_map(plan), _metadata(plan), element("dataObjectSection", *_data_objects(plan))])
    return document(root)

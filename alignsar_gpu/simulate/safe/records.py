"""Annotation records that are the same for every simulated product: an ideal instrument and processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.simulate.safe.xml_writing import Text, element, fields, listed

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

BIT_ERRORS = (
    *(
        f"numErr{what}"
        for what in (
            "SyncMarker",
            "DataTakeId",
            "EccNumber",
            "TestMode",
            "RxChannelId",
            "InstrumentConfigId",
            "PacketCount",
            "PriCount",
            "SsbErrorFlag",
            "BaqMode",
            "BaqBlockLength",
            "RangeDecimation",
            "RxGain",
            "TxRampRate",
            "TxPulseStartFrequency",
            "Rank",
            "Pri",
            "Swst",
            "Swl",
            "Polarisation",
            "TempComp",
            "ElevationBeamAddress",
            "AzimuthBeamAddress",
            "SasTestMode",
            "CalType",
            "CalibrationBeamAddress",
            "CalMode",
            "TxPulseNumber",
            "SignalType",
            "SwapFlag",
            "SwathNumber",
            "NumberOfQuads",
        )
    ),
    "numIspHeaderErrors",
)
GAPS = (
    ("numDownlinkInputDataGaps", "downlinkGapsInInputDataSignificantFlag"),
    ("numDownlinkInputMissingLines", "downlinkMissingLinesSignificantFlag"),
    ("numInstrumentInputDataGaps", "instrumentGapsInInputDataSignificantFlag"),
    ("numInstrumentInputMissingLines", "instrumentMissingLinesSignificantFlag"),
    ("numSsbErrorInputDataGaps", "ssbErrorGapsInInputDataSignificantFlag"),
    ("numSsbErrorInputMissingLines", "ssbErrorMissingLinesSignificantFlag"),
)
BOUNDS = ("iBias", "qBias", "iqGain", "iqQuadratureDeparture")

OPTIONS: dict[str, Text] = {  # of the processor, as ESA's; before the lists of the subswaths ...
    "rawDataAnalysisUsed": True,
    "orbitDataFileUsed": True,
    "attitudeDataFileUsed": False,
    "rxVariationCorrectionApplied": True,
    "antennaElevationPatternApplied": True,
    "antennaAzimuthPatternApplied": True,
    "antennaAzimuthElementPatternApplied": True,
    "dcMethod": "Data Analysis",
    "dcInputData": "Range Compressed",
    "rangeSpreadingLossCompensationApplied": True,
    "srgrConversionApplied": False,
    "detectionPerformed": False,
    "thermalNoiseCorrectionPerformed": False,
    "rfiMitigationPerformed": "Never",
    "rfiMitigationDomain": "TimeAndFrequency",
    "chirpSource": "Nominal",
    "pgSource": "Model",
    "rrfSpectrum": "Extended Tapered",
    "applicationLutId": "IW_Default",
}
OPTIONS_AFTER: dict[str, Text] = {  # ... and after them
    "referenceRange": 8e5,
    "ellipsoidName": "WGS84",
    "ellipsoidSemiMajorAxis": 6378137.0,
    "ellipsoidSemiMinorAxis": 6356752.314245,
    "bistaticDelayCorrectionApplied": True,
    "topsFilterConvention": "Only Echo Lines",
    "orbitSource": "Auxiliary",
    "attitudeSource": "Auxiliary",
}


def statistics() -> Element:
    """Make the record of mean and standard deviation of the image: not computed, zero."""
    return element(
        "imageStatistics",
        fields("outputDataMean", {"re": 0.0, "im": 0.0}),
        fields("outputDataStdDev", {"re": 0.0, "im": 0.0}),
    )


def quality(time: str) -> Element:
    """Make the quality record of a product without gaps, at the time of its first line."""
    downlink: dict[str, Text | Element] = {
        "iInputDataMean": 0.0,
        "qInputDataMean": 0.0,
        "inputDataMeanOutsideNominalRangeFlag": False,
        "iInputDataStdDev": 0.0,
        "qInputDataStdDev": 0.0,
        "inputDataStDevOutsideNominalRangeFlag": False,
    }
    for count, significant in GAPS:
        downlink |= {count: 0, significant: False}
    downlink |= {
        "chirpSourceUsed": "Nominal",
        "pgSourceUsed": "Model",
        "rrfSpectrumUsed": "Extended Tapered",
        "replicaReconstructionFailedFlag": False,
        "meanPgProductAmplitude": 1.0,
        "stdDevPgProductAmplitude": 0.0,
        "meanPgProductPhase": 0.0,
        "stdDevPgProductPhase": 0.0,
        "pgProductDerivationFailedFlag": False,
        "invalidDownlinkParamsFlag": False,
    }
    raw: dict[str, Text | Element] = {
        "iBias": 0.0,
        "iBiasSignificanceFlag": False,
        "qBias": 0.0,
        "qBiasSignificanceFlag": False,
        "iqGainImbalance": 1.0,
        "iqGainSignificanceFlag": False,
        "iqQuadratureDeparture": 0.0,
        "iqQuadratureDepartureSignificanceFlag": False,
    }
    doppler: dict[str, Text | Element] = {
        "dcMethod": "Data Analysis",
        "dopplerCentroidUncertainFlag": False,
    }
    image: dict[str, Text | Element] = {
        "imageStatistics": statistics(),
        "outputDataMeanOutsideNominalRangeFlag": False,
        "outputDataStDevOutsideNominalRangeFlag": False,
    }
    record = element(
        "qualityData",
        element("azimuthTime", time),
        fields("downlinkQuality", downlink),
        fields("rawDataAnalysisQuality", raw),
        fields("dopplerCentroidQuality", doppler),
        fields("imageQuality", image),
    )
    return element(
        "qualityInformation",
        element("productQualityIndex", 0.0),
        listed("qualityDataList", [record]),
    )


def raw_data_analysis(time: str) -> Element:
    """Make the raw data record of an ideal receiver: no bias, no imbalance."""
    support: dict[str, Text | Element] = {}
    for name in BOUNDS:
        ideal = 1.0 if name == "iqGain" else 0.0
        support |= {f"{name}UpperBound": ideal, f"{name}LowerBound": ideal}
    support |= {
        "iBiasUsedForCorrection": 0.0,
        "qBiasUsedForCorrection": 0.0,
        "iqGainImbalanceUsedForCorrection": 1.0,
        "iqQuadratureDepartureUsedForCorrection": 0.0,
    }
    return fields(
        "rawDataAnalysis",
        {
            "azimuthTime": time,
            "iBias": 0.0,
            "qBias": 0.0,
            "iqQuadratureDeparture": 0.0,
            "iqGainImbalance": 1.0,
            "support": fields("support", support),
        },
    )

"""Bursts as ASF distributes them, cut from a SAFE folder: the pixels of one burst, and all annotations in one XML."""

import re
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import rasterio
from fake_safe import write_tiff
from rasterio.errors import NotGeoreferencedWarning

KINDS = {"product": "", "calibration": "calibration/calibration-", "noise": "calibration/noise-"}


def metadata(root, polarization):
    """The XML of all bursts of a product in one polarization."""
    burst = ET.Element("burst")
    records = ET.SubElement(burst, "metadata")
    for file in sorted((root / "annotation").glob(f"*-slc-{polarization}-*.xml")):
        for kind, folder in KINDS.items():
            source = root / "annotation" / f"{folder}{file.name}"
            record = ET.SubElement(records, kind)
            ET.SubElement(record, "filename").text = source.name
            ET.SubElement(record, "polarisation").text = polarization.upper()
            ET.SubElement(record, "swath").text = file.name.split("-")[1].upper()
            ET.SubElement(record, "content").extend(ET.parse(source).getroot())
    ET.SubElement(burst, "manifest").append(ET.parse(root / "manifest.safe").getroot())
    return ET.tostring(burst)


def write_bursts(root, folder, chosen, *, numbers=None):
    """Write bursts of a SAFE folder: ``chosen`` are their swath, polarization and index; returns their names.

    ``numbers`` by swath and index where the annotation has none.
    """
    folder.mkdir(exist_ok=True, parents=True)
    names = []
    for swath, polarization, index in chosen:
        (file,) = (root / "annotation").glob(f"*-{swath}-slc-{polarization}-*.xml")
        document = ET.parse(file).getroot()
        burst = document.findall("swathTiming/burstList/burst")[index]
        number = burst.findtext("burstId") or numbers[swath, index]
        time = re.sub(r"[-:]|\..*", "", burst.findtext("azimuthTime"))
        name = f"S1_{int(number):06d}_{swath.upper()}_{time}_{polarization.upper()}_{root.stem[-4:]}-BURST"
        lines, samples = (int(document.findtext(f"swathTiming/{n}PerBurst")) for n in ("lines", "samples"))
        tiff = root / "measurement" / f"{file.stem}.tiff"
        pixels = np.zeros((lines, samples), np.complex64)
        if tiff.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                with rasterio.open(tiff) as raster:
                    pixels = raster.read(1, window=((index * lines, (index + 1) * lines), (0, samples)))
        write_tiff(folder / f"{name}.tiff", pixels)
        (folder / f"{name}.xml").write_bytes(metadata(root, polarization))
        names.append(name)
    return names

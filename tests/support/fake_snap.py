"""SNAP products made from any stack: ZNAP and BEAM-DIMAP, laid out as SNAP lays them out."""

import json
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import zarr

from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SNAP_DAY = np.datetime64("2000-01-01", "D")


def date_name(acquisition):
    year, month, day = str(acquisition.start.astype("datetime64[D]")).split("-")
    return f"{day}{MONTHS[int(month) - 1]}{year}"


class Node:
    """A metadata element, written as JSON or XML."""

    def __init__(self, name, attributes=(), elements=()):
        self.name, self.attributes, self.elements = name, list(attributes), list(elements)

    def json(self):
        def data(kind, value):
            if kind == "utc":
                day = value.astype("datetime64[D]")
                rest = int((value - day) / np.timedelta64(1, "us"))
                value = [int((day - SNAP_DAY) / np.timedelta64(1, "D")), rest // 1_000_000, rest % 1_000_000]
            elif not isinstance(value, str):
                value = [value]
            return {"type": kind, "elems": value}

        return {
            "name": self.name,
            "attributes": [{"name": n, "readOnly": False, "data": data(k, v)} for n, k, v in self.attributes],
            "elements": [element.json() for element in self.elements],
        }

    def xml(self):
        def text(kind, value):
            if kind != "utc":
                return str(value)
            day, clock = str(value.astype("datetime64[us]")).split("T")
            year, month, number = day.split("-")
            return f"{number}-{MONTHS[int(month) - 1].upper()}-{year} {clock}"

        inside = "".join(
            f"<MDATTR name={quoteattr(n)} type={quoteattr(k)} mode='rw'>{escape(text(k, v))}</MDATTR>"
            for n, k, v in self.attributes
        )
        return (
            f"<MDElem name={quoteattr(self.name)}>{inside}{''.join(e.xml() for e in self.elements)}</MDElem>"
        )


def utc(epoch, seconds):
    return epoch.astype("datetime64[us]") + np.timedelta64(round(seconds * 1e6), "us")


def abstracted(product, acquisition, name, *, shift_lines=0.0, own_times=False):
    grid = product.grid
    first = acquisition.start.astype("datetime64[us]")
    if own_times:
        first = utc(grid.epoch, grid.first_azimuth_time + shift_lines * grid.azimuth_interval)
    vectors = [
        Node(
            f"orbit_vector{i + 1}",
            [("time", "utc", utc(acquisition.orbit.epoch, t))]
            + [(f"{axis}_pos", "float64", float(v)) for axis, v in zip("xyz", p, strict=True)]
            + [(f"{axis}_vel", "float64", float(v)) for axis, v in zip("xyz", w, strict=True)],
        )
        for i, (t, p, w) in enumerate(
            zip(acquisition.orbit.time, acquisition.orbit.position, acquisition.orbit.velocity, strict=True)
        )
    ]
    attributes = [
        ("PRODUCT", "ascii", acquisition.product_id),
        ("MISSION", "ascii", acquisition.platform.removeprefix("Simulated ").upper()),
        ("ACQUISITION_MODE", "ascii", acquisition.instrument_mode),
        ("antenna_pointing", "ascii", grid.look_side),
        ("SWATH", "ascii", acquisition.swath),
        ("Processing_system_identifier", "ascii", acquisition.processor),
        ("REL_ORBIT", "int32", acquisition.relative_orbit),
        ("ABS_ORBIT", "int32", acquisition.absolute_orbit),
        ("PASS", "ascii", acquisition.pass_direction.upper()),
        ("first_line_time", "utc", first),
        ("range_spacing", "float64", round(grid.range_spacing, 6)),
        ("range_sampling_rate", "float64", 0.5 * SPEED_OF_LIGHT / grid.range_spacing / 1e6),
        ("radar_frequency", "float64", SPEED_OF_LIGHT / grid.wavelength / 1e6),
        ("line_time_interval", "float64", grid.azimuth_interval),
        ("slant_range_to_first_pixel", "float64", grid.first_slant_range),
        ("subset_offset_x", "uint32", 300),
        ("subset_offset_y", "uint32", 70),
        ("abs_calibration_flag", "uint8", "AA=="),
        ("orbit_state_vector_file", "ascii", acquisition.orbit.source),
    ]
    return Node(name, attributes, [Node("Orbit_State_Vectors", elements=vectors)])


def original_metadata(product, acquisition):
    """Calibration and annotation records of one acquisition, one file a polarization."""
    grid = product.grid
    header = [
        ("absoluteOrbitNumber", "ascii", str(acquisition.absolute_orbit)),
        ("swath", "ascii", acquisition.swath),
    ]
    calibrations, annotations = [], []
    for polarization, calibration in acquisition.calibration.items():
        near = calibration.slant_range[0]
        pixels = (calibration.slant_range - near) / grid.range_spacing

        def numbers(name, values):
            return Node(name, [(name, "ascii", " ".join(f"{v:.12g}" for v in values))])

        vectors = [
            Node(
                "calibrationVector",
                [("azimuthTime", "ascii", str(utc(grid.epoch, time)))],
                [
                    numbers("pixel", pixels),
                    numbers("sigmaNought", sigma),
                    numbers("betaNought", beta),
                    numbers("gamma", gamma),
                ],
            )
            for time, sigma, beta, gamma in zip(
                calibration.azimuth_time,
                calibration.sigma_nought,
                calibration.beta_nought,
                calibration.gamma_nought,
                strict=True,
            )
        ]
        head = Node("adsHeader", [*header, ("polarisation", "ascii", polarization.upper())])
        name = f"s1a-iw1-slc-{polarization}.xml"
        record = Node("calibration", elements=[head, Node("calibrationVectorList", elements=vectors)])
        calibrations.append(Node(name, elements=[record]))
        image = Node(
            "imageAnnotation",
            elements=[
                Node("imageInformation", [("slantRangeTime", "ascii", f"{2 * near / SPEED_OF_LIGHT:.18g}")])
            ],
        )
        rate = f"{0.5 * SPEED_OF_LIGHT / grid.range_spacing:.18g}"
        general = Node(
            "generalAnnotation", elements=[Node("productInformation", [("rangeSamplingRate", "ascii", rate)])]
        )
        annotations.append(Node(name, elements=[Node("product", elements=[head, image, general])]))
    return Node(
        "Original_Product_Metadata",
        elements=[Node("annotation", elements=annotations), Node("calibration", elements=calibrations)],
    )


def metadata(product, dates, *, shift_lines=0.0, calibrated=None):
    """The tree of a product that holds ``dates`` (indices)."""
    reference = product.acquisitions[product.reference]
    secondaries, targets = [], []
    for date in dates:
        acquisition = product.acquisitions[date]
        name = date_name(acquisition)
        if date != product.reference:
            secondaries.append(abstracted(product, acquisition, f"{acquisition.product_id}_Orb_{name}"))
            for polarization in product.polarizations:
                source = f"$1.i_{polarization.upper()}_slv1_{name}"
                turned = f"{source} * cos($2.fep_{name} + $2.topo_{name})"
                expression = turned if acquisition.flattened else source
                targets.append(
                    Node(
                        f"targetBand.{len(targets)}",
                        [
                            ("name", "ascii", f"i_{polarization.upper()}_{name}"),
                            ("expression", "ascii", expression),
                        ],
                    )
                )
    graph = Node(
        "Processing_Graph", elements=[Node("node.0", elements=[Node("parameters", elements=targets)])]
    )
    return [
        abstracted(product, reference, "Abstracted_Metadata", shift_lines=shift_lines, own_times=True),
        original_metadata(product, reference if calibrated is None else product.acquisitions[calibrated]),
        graph,
        Node("Slave_Metadata", elements=secondaries),
    ]


def bands_of(product, dates, *, ground=True, first=0, stop=None):
    """Name -> float32 array of every band of ``dates``."""
    stop = product.grid.lines if stop is None else stop
    pixels, valid = product.read_pixels(first, stop)
    bands = {}
    for date in dates:
        for index, polarization in enumerate(product.polarizations):
            name = f"{polarization.upper()}_{date_name(product.acquisitions[date])}"
            image = np.where(valid[date, index], pixels[date, index], 0)
            bands[f"i_{name}"], bands[f"q_{name}"] = image.real.copy(), image.imag.copy()
    if ground:
        where = product.read_ground(first, stop)
        bands |= {
            "latitude_VV": where.latitude,
            "longitude_VV": where.longitude,
            "elevation_VV": where.height,
        }
    return {name: np.asarray(values, dtype=np.float32) for name, values in bands.items()}


def tie_points(product):
    """Name -> (values, offset_y, offset_x, step_y, step_x) on a 3 x 4 grid, as coarse as SNAP's."""
    lines, samples = product.grid.shape
    where = product.read_ground(0, lines)
    rows, columns = np.linspace(0, lines - 1, 3).astype(int), np.linspace(0, samples - 1, 4).astype(int)
    step = (lines - 1) / 2, (samples - 1) / 3
    return {
        name: (values[np.ix_(rows, columns)], 0.5, 0.5, *step)
        for name, values in (("latitude", where.latitude), ("longitude", where.longitude))
    }


def write_znap(product, folder, dates, *, name=None, ground=True, chunks=None, stop=None, **options):
    """One ZNAP product with ``dates``; returns its path."""
    path = folder / f"{name or date_name(product.acquisitions[dates[0]])}.znap"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    for band, values in bands_of(product, dates, ground=ground, stop=stop).items():
        array = group.create_array(
            band,
            shape=values.shape,
            chunks=chunks or values.shape,
            dtype=">f4",
            compressors=None,
            fill_value=0.0,
        )
        array[:] = values
        array.attrs["_ARRAY_DIMENSIONS"] = ["y", "x"]
    for tie, (values, offset_y, offset_x, step_y, step_x) in tie_points(product).items():
        array = group.create_array(
            tie, shape=values.shape, chunks=values.shape, dtype=">f4", compressors=None
        )
        array[:] = values
        array.attrs.update(
            _ARRAY_DIMENSIONS=["yt", "xt"],
            offset_y=offset_y,
            offset_x=offset_x,
            subsampling_y=step_y,
            subsampling_x=step_x,
        )
    (path / "SNAP").mkdir()
    (path / "SNAP" / ".zgroup").write_text('{"zarr_format": 2}')
    tree = [node.json() for node in metadata(product, dates, **options)]
    (path / "SNAP" / "product_metadata.json").write_text(json.dumps(tree))
    return path


def write_envi(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    values.astype(">f4").tofile(path.with_suffix(".img"))
    lines, samples = values.shape
    path.with_suffix(".hdr").write_text(
        f"ENVI\nsamples = {samples}\nlines = {lines}\nbands = 1\nheader offset = 0\nfile type = ENVI Standard\n"
        "data type = 4\ninterleave = bsq\nbyte order = 1\n"
    )


def write_dimap(product, folder, dates, *, name="stack", ground=True, **options):
    """One BEAM-DIMAP product with ``dates``; returns the path of its .dim file."""
    bands, ties = bands_of(product, dates, ground=ground), tie_points(product)
    files, infos, tie_files, tie_infos = [], [], [], []
    for index, (band, values) in enumerate(bands.items()):
        write_envi(folder / f"{name}.data" / f"{band}.img", values)
        files.append(
            f"<Data_File><DATA_FILE_PATH href='{name}.data/{band}.hdr'/><BAND_INDEX>{index}</BAND_INDEX></Data_File>"
        )
        infos.append(
            f"<Spectral_Band_Info><BAND_INDEX>{index}</BAND_INDEX><BAND_NAME>{band}</BAND_NAME>"
            "<DATA_TYPE>float32</DATA_TYPE><SCALING_FACTOR>1.0</SCALING_FACTOR><SCALING_OFFSET>0.0</SCALING_OFFSET>"
            "<NO_DATA_VALUE_USED>true</NO_DATA_VALUE_USED><NO_DATA_VALUE>0.0</NO_DATA_VALUE></Spectral_Band_Info>"
        )
    infos.append(
        "<Spectral_Band_Info><BAND_INDEX>99</BAND_INDEX><BAND_NAME>Intensity_VV</BAND_NAME>"
        "<VIRTUAL_BAND>true</VIRTUAL_BAND><EXPRESSION>i*i + q*q</EXPRESSION></Spectral_Band_Info>"
    )
    for index, (tie, (values, offset_y, offset_x, step_y, step_x)) in enumerate(ties.items()):
        write_envi(folder / f"{name}.data" / "tie_point_grids" / f"{tie}.img", values)
        tie_files.append(
            f"<Tie_Point_Grid_File><TIE_POINT_GRID_FILE_PATH href='{name}.data/tie_point_grids/{tie}.hdr'/>"
            f"<TIE_POINT_GRID_INDEX>{index}</TIE_POINT_GRID_INDEX></Tie_Point_Grid_File>"
        )
        tie_infos.append(
            f"<Tie_Point_Grid_Info><TIE_POINT_GRID_INDEX>{index}</TIE_POINT_GRID_INDEX>"
            f"<TIE_POINT_GRID_NAME>{tie}</TIE_POINT_GRID_NAME><NCOLS>{values.shape[1]}</NCOLS>"
            f"<NROWS>{values.shape[0]}</NROWS><OFFSET_X>{offset_x}</OFFSET_X><OFFSET_Y>{offset_y}</OFFSET_Y>"
            f"<STEP_X>{step_x}</STEP_X><STEP_Y>{step_y}</STEP_Y></Tie_Point_Grid_Info>"
        )
    lines, samples = product.grid.shape
    tree = "".join(node.xml() for node in metadata(product, dates, **options))
    path = folder / f"{name}.dim"
    path.write_text(
        f"<?xml version='1.0' encoding='ISO-8859-1'?><Dimap_Document name='{name}.dim'>"
        f"<Raster_Dimensions><NCOLS>{samples}</NCOLS><NROWS>{lines}</NROWS><NBANDS>{len(bands)}</NBANDS></Raster_Dimensions>"
        f"<Data_Access>{''.join(files)}{''.join(tie_files)}</Data_Access>"
        f"<Tie_Point_Grids>{''.join(tie_infos)}</Tie_Point_Grids>"
        f"<Image_Interpretation>{''.join(infos)}</Image_Interpretation>"
        f"<Dataset_Sources><MDElem name='metadata'>{tree}</MDElem></Dataset_Sources></Dimap_Document>"
    )
    return path

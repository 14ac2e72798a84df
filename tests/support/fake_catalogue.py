"""A small finished dataset with everything that a catalogue lists, for tests of what reads catalogues."""

import numpy as np
import rasterio
from fake_cube import fake_cube, write_netcdf
from rasterio.enums import ColorInterp

from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.catalog.stac import Products
from alignsar_gpu.dataset.cube import finish_cube, write_dataset

DATES = ("20220104", "20220110", "20220116")
COLOURS = {0: (204, 121, 167, 255), 1: (0, 114, 178, 255), 255: (0, 0, 0, 0)}
SHAPE = (9, 6)


def labelled_cube(**options):
    """The fake cube with a layer of classes and one of flags, and where the classes come from."""
    cube = fake_cube(lines=7, samples=13, complex_slc=False, **options)
    shape = (cube.sizes["azimuth"], cube.sizes["range"])
    cube["land_cover"] = (
        ("azimuth", "range"),
        np.ones(shape, np.uint8),
        {
            "units": "1",
            "long_name": "land cover",
            "flag_values": [0, 1, 255],
            "flag_meanings": "none bare_soil unknown",
            "inherited_from": "land_cover.tif",
            "source": "Survey of Tests",
            "license": "CC-BY-4.0",
        },
    )
    cube["layover_shadow"] = (
        ("azimuth", "range"),
        np.zeros(shape, np.uint8),
        {
            "units": "1",
            "long_name": "layover",
            "flag_masks": [1, 2],
            "flag_meanings": "layover shadow",
        },
    )
    cube.attrs["cube_format"] = 1
    return cube


def write_cog(path, values, code, *, tags, band, description, colours=None, unit="1"):
    """A GeoTIFF [band, row, column] with pixels of 20 m (or 0.001 degrees), as those of a map are."""
    size, place = (20.0, (705860.0, 5641040.0)) if code != "EPSG:4326" else (0.001, (5.0, 52.0))
    options = {"nodata": 255 if values.dtype == np.uint8 else np.nan} if len(values) == 1 else {}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(values),
        height=SHAPE[0],
        width=SHAPE[1],
        dtype=values.dtype,
        crs=code,
        transform=rasterio.Affine(size, 0, place[0], 0, -size, place[1]),
        **options,
    ) as file:
        file.write(values)
        file.update_tags(**tags)
        if len(values) == 4:
            file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
            file.descriptions = ("red", "green", "blue", "alpha")
            return
        file.set_band_description(1, f"{path.stem.rpartition('_')[0]}: {description}")
        file.set_band_unit(1, unit)
        file.update_tags(1, **band)
        if colours is not None:
            file.write_colormap(1, colours)


def write_maps(folder, dates, code="EPSG:32631"):
    """GeoTIFFs of a signature and a picture of each date, and of a layer of classes of all."""
    folder.mkdir(parents=True)
    column = np.arange(SHAPE[1])
    for number, date in enumerate(dates):
        values = np.broadcast_to(column + number, (1, *SHAPE)).astype(np.float32).copy()
        values[0, 0] = np.nan
        statistics = {
            "STATISTICS_MINIMUM": str(number),
            "STATISTICS_MAXIMUM": str(number + 5),
            "STATISTICS_MEAN": str(number + 2.5),
            "STATISTICS_STDDEV": "1.7",
            "STATISTICS_VALID_PERCENT": "88.89",
        }
        write_cog(
            folder / f"sigma0_vv_{date}.tif",
            values,
            code,
            tags={"description": "calibrated"},
            band=statistics,
            description="VV backscatter",
        )
        picture = np.zeros((4, *SHAPE), np.uint8)
        picture[:3] = 40 * column
        picture[3, 1:] = 255
        write_cog(
            folder / f"visual_{date}.tif",
            picture,
            code,
            tags={"description": "red: sigma0_vv in dB"},
            band={},
            description="",
        )
    write_cog(
        folder / "land_cover.tif",
        np.ones((1, *SHAPE), np.uint8),
        code,
        tags={"class_0": "none", "class_1": "bare soil", "class_255": "unknown"},
        band={},
        description="land cover",
        colours=COLOURS,
    )
    return sorted(folder.glob("*.tif"))


def make_products(cube, output, code="EPSG:32631"):
    """Write a finished dataset into ``output``; returns what its catalogue lists."""
    write_dataset(output / "cube.zarr", cube)
    dates = [str(time)[:10].replace("-", "") for time in cube.time.values]
    for name in ("interferograms.zarr", "map.zarr", "chips", "report"):
        (output / name).mkdir()
    files = {
        "report/index.html": "<title>report</title>",
        "chips/index.parquet": "PAR1",
        "objects.parquet": "PAR1",
        "quality.json": "{}",
        "run.yaml": "name: test\n",
    }
    for name, text in files.items():
        (output / name).write_text(text)
    return Products(
        netcdf=write_netcdf(cube, output / "netcdf"),
        cube=output / "cube.zarr",
        interferograms=output / "interferograms.zarr",
        map=output / "map.zarr",
        report=output / "report/index.html",
        chips=output / "chips/index.parquet",
        objects=output / "objects.parquet",
        cogs=write_maps(output / "cogs", dates, code),
        metadata=(output / "quality.json", output / "run.yaml"),
    )


def finish_run(output, cube):
    """Write a cube as a finished run, as if it had been made: other stages can be added to it."""
    record = StageRecord(name="dataset", digest="f", products=("cube.zarr", "quality.json"))
    with RunFolder(output, [record], "name: made\n") as folder:
        folder.begin()
        write_dataset(folder.work / "cube.zarr", cube)
        finish_cube(folder.work / "cube.zarr", {})
        (folder.work / "quality.json").write_text("{}")
        folder.seal()
        folder.publish()
    return output

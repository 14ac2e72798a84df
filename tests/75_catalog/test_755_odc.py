"""odc.stac loads the maps of a catalogue, by what the items say of them alone."""

import numpy as np
import pystac
import pytest
import rasterio
from fake_catalogue import DATES, labelled_cube, make_products

from alignsar_gpu.catalog.stac import write_stac

odc_stac = pytest.importorskip("odc.stac")


# what odc-geo uses of affine and shapely
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_maps_are_loaded(tmp_path):
    cube = labelled_cube()
    write_stac(cube, tmp_path / "stac", make_products(cube, tmp_path))
    items = list(pystac.Catalog.from_file(str(tmp_path / "stac" / "catalog.json")).get_items(recursive=True))
    maps = odc_stac.load(items)
    assert list(maps.data_vars) == ["map_sigma0_vv", *(f"map_visual.{band}" for band in range(1, 5))]
    assert dict(maps.sizes) == {"y": 9, "x": 6, "time": 3}
    assert maps.odc.crs == "EPSG:32631"
    assert np.isnan(maps.map_sigma0_vv.attrs["nodata"])
    for index, date in enumerate(DATES):
        assert str(maps.time.values[index])[:10].replace("-", "") == date
        with rasterio.open(tmp_path / "cogs" / f"sigma0_vv_{date}.tif") as file:
            np.testing.assert_array_equal(maps.map_sigma0_vv.values[index], file.read(1))

"""Blocks of ground that hold a pole: their corners are written, and read again."""

import geopandas
import numpy as np
import pytest
import shapely

from alignsar_gpu.dataset.chips.splits import read_blocks, write_blocks

UPS = "EPSG:5041"  # its pole is at 2000 km, 2000 km


@pytest.mark.parametrize("middle", [(2e6, 2e6), (2e6 + 100.0, 2e6), (2e6 + 500.0, 2e6 + 500.0)])
def test_corners_come_back(tmp_path, middle):
    square = shapely.box(middle[0] - 500.0, middle[1] - 500.0, middle[0] + 500.0, middle[1] + 500.0)
    blocks = geopandas.GeoDataFrame({"block": ["b_0_0"], "split": ["train"]}, geometry=[square], crs=UPS)
    write_blocks(tmp_path / "splits.geojson", blocks)
    found = read_blocks(tmp_path / "splits.geojson", UPS)
    np.testing.assert_allclose(
        shapely.get_coordinates(found.geometry[0]).min(axis=0), np.subtract(middle, 500), atol=1e-3
    )
    np.testing.assert_allclose(
        shapely.get_coordinates(found.geometry[0]).max(axis=0), np.add(middle, 500), atol=1e-3
    )

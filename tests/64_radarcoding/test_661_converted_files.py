"""Vector files that are to be converted first, and what libraries do with the others."""

import gzip
import json
from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fake_vectors import HOLED, SQUARE, frame, read, refused, write

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.formats.geoparquet import SIDES


def with_geo(path, **column):
    """Rewrite the metadata of a GeoParquet file."""
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"] |= column
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo)}), path)
    return path


class TestParquet:
    @pytest.mark.parametrize(
        ("where", "count"),
        [
            ("cat = 'a'", 1),
            ("price > 2", 1),
            ("day < '2020-06-01'", 1),
            ("flag", 1),
            ("flag IS NULL", 1),
            ("n IS NULL OR n = 1", 2),
            ("\"cat\" LIKE 'B%' AND price BETWEEN 2 AND 3", 1),
        ],
    )
    def test_conditions(self, tmp_path, where, count):
        """SQLite's, on columns of all types that tables have."""
        columns = {
            "cat": pd.Categorical(["a", "b"]),
            "price": [Decimal("1.5"), Decimal("2.5")],
            "day": [date(2020, 1, 1), date(2021, 1, 1)],
            "flag": [True, None],
            "n": pd.array([1, None], dtype="Int64"),
        }
        path = write(tmp_path / "x.parquet", frame([SQUARE, HOLED], **columns))
        assert read(path, where=where)[2].features == count

    @pytest.mark.parametrize(
        "column",
        [
            {"covering": {"bbox": {"xmin": ["bbox", "xmin"]}}},
            {"covering": {"bbox": dict.fromkeys(SIDES, 7)}},
            {"covering": {"bbox": 3}},
            {"covering": {"bbox": {side: ["no", "such"] for side in SIDES}}},
            {"bbox": {"west": 1}},
            {"bbox": ["a", "b", "c", "d"]},
            {"geometry_types": 5},
        ],
    )
    def test_metadata_that_are_wrong(self, tmp_path, column):
        path = with_geo(write(tmp_path / "x.parquet", frame([SQUARE])), **column)
        with pytest.raises(AlignsarError, match=r"x\.parquet: cannot be read"):
            read(path)


def test_packed_gml(tmp_path):
    plain = write(tmp_path / "x.gml", frame([SQUARE]))
    (tmp_path / "y.gml.gz").write_bytes(gzip.compress(plain.read_bytes()))
    refused(r"GML is read from the disk: .*unpack it \(gunzip\)", tmp_path / "y.gml.gz")

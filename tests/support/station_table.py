"""The list of TU Delft's corner reflectors as the table that layers of points are made of."""

import json

import pandas as pd

AXES = {"x": "longitude", "y": "latitude", "z": "elevation"}


def stations_as_table(path, out, direction):
    """Write a table of a JSON list of stations, and return the keys of a layer of those that face a pass."""
    pd.json_normalize(json.loads(path.read_text())["stations"]).to_csv(out)
    keys = {key: f"{direction}.coordinates.{axis}" for key, axis in AXES.items()}
    return {"path": str(out), "crs": "EPSG:4258", "vertical_datum": "ellipsoid", **keys}

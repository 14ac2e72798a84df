"""The dataset: cube.zarr and one NetCDF file a date. Knows arrays and names, not SAR."""

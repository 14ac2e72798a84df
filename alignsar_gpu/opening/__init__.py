"""The only place where files of users are opened by GDAL, Zarr, HDF5 and zip: what they may be, and may refer to."""

"""NetCDF files of a cube: our own (`files`) and those that AlignSAR's code reads (`alignsar`)."""

"""What ``--help`` prints: a page, with what to type first."""

from __future__ import annotations

from alignsar_gpu.frontend.groups import groups

PAGE = """\
alignsar_gpu {version}: SAR benchmark datasets for machine learning, on the GPU or the CPU.

Usage: alignsar_gpu [+experiment=NAME] [KEY=VALUE ...]       (python -m alignsar_gpu is the same)

Type first:
  alignsar_gpu +experiment=demo             simulated Sentinel-1 products of four dates, no data needed (2 GB)
With data of your own:
  alignsar_gpu products.path=FOLDER name=mine
                                            a stack that SNAP has coregistered, or a NISAR product (FILE.h5)
  alignsar_gpu +experiment=sentinel1 products.path=FOLDER orbits.path=FOLDER dem.path=FOLDER
                                            Sentinel-1 products of several dates, brought together

Experiments, +experiment=NAME:
  demo          Sentinel-1 products are simulated, and brought together like real ones
  demo_landcover  demo_detection  demo_change  chips of simulated scenes with labels to train on
  simulate      Sentinel-1 products with known truth, and nothing else
  sentinel1     Sentinel-1 products of several dates, located with all corrections
  burst         one burst of Sentinel-1, by products.area or products.burst
  amsterdam     a real pair, coregistered by SNAP (sarxarray's test data)
  groningen  oil_spills  subsidence  use cases of AlignSAR's paper; their files in configs say which data to give

Groups, GROUP=OPTION:
{groups}
Keys that are set most:
  output=FOLDER                             where to write (outputs/NAME)
  products.area=[WEST,SOUTH,EAST,NORTH]     cut Sentinel-1 products to an area, degrees
  signatures.names=[sigma0,coherence]       what to extract per pixel
  radarcoding.layers.NAME.path=FILE         a map that pixels inherit from, as a layer NAME
  geocoding.resolution=20                   layers on a map too (GeoTIFFs); with output=FOLDER alone: of a finished run
  chips.size=[256,256]                      chips for machine learning, split so that nothing leaks; likewise
  objects.layers=[land_cover]               connected regions of a label's classes, and their means; likewise
  learn.task=land_cover                     train models on the chips, and test them (extra learn); likewise
  card.write=true                           README, Croissant and a taster of the chips; likewise
  catalog.href=https://HOST/FOLDER          absolute links in the catalogue, for publishing; likewise
  netcdf=none  report=none                  what to leave out beside the cube
  device.memory_gib=8  device.threads=4     what to work with
Texts and paths are taken as typed: quote them for your shell alone, 'products.path=/data/My Data (2024)'. A list is
[a,b]; null unsets a key. A value that begins with a quote, [, {{ or ${{ is read as Hydra's grammar has it.

Options:
  --help-keys [GROUP]     every key with its default, unit, bounds and choices (of a group: --help-keys radarcoding)
  --cfg job               print the configuration that a command would run with, and stop
  --multirun              run once for each of several values, KEY=A,B
  --version               print the version
  check FOLDER            instead of all else: prove that chips are whole and nothing leaks between their splits
  catalog FOLDER RUN ...  instead of all else: join the catalogues of runs in one
  serve OUTPUT            instead of all else: show a finished run in a web browser, from this machine
  doctor                  instead of all else: what a bug report needs to know of this machine

An error that you can put right ends with status 2 and one line; HYDRA_FULL_ERROR=1 shows where it came from.
"""


def help_page(version: str) -> str:
    """Return the page of ``--help``."""
    rows = [
        f"  {name:13} {', '.join(option for option in options if option != 'default')}\n"
        for name, options in groups().items()
        if name != "experiment" and options != ["default"]
    ]
    return PAGE.format(version=version, groups="".join(rows))

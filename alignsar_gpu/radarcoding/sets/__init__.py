"""Ready label sets: keys, classes, colours and licences of well-known maps by one word each."""

from alignsar_gpu.radarcoding.sets.bgt import BGT
from alignsar_gpu.radarcoding.sets.corine import CORINE, CORINE_LEVEL1, CORINE_LEVEL2
from alignsar_gpu.radarcoding.sets.osm import OSM
from alignsar_gpu.radarcoding.sets.top10nl import TOP10NL
from alignsar_gpu.radarcoding.sets.worldcover import WORLDCOVER, WORLDCOVER_2020

SETS = {
    one.name: one
    for one in (WORLDCOVER, WORLDCOVER_2020, CORINE, CORINE_LEVEL2, CORINE_LEVEL1, OSM, BGT, TOP10NL)
}

"""The operators that a stack of SNAP went through, as they come into sar_processing_software."""

from types import SimpleNamespace

import pytest

from alignsar_gpu.products.snap.dates import snap_operators
from alignsar_gpu.products.snap.metadata import Element


def raster(*nodes):
    """What `snap_operators` asks of a raster: a tree with a processing graph of nodes with these attributes."""
    children = tuple(Element(f"node.{number}", "a.dim", node) for number, node in enumerate(nodes))
    return SimpleNamespace(
        metadata=Element("metadata", "a.dim", {}, (Element("Processing_Graph", "a.dim", {}, children),))
    )


SPLIT = {"operator": "TOPSAR-Split", "moduleVersion": "12.0.0", "version": "1.0"}
GEOCODING = {"operator": "Back-Geocoding", "moduleVersion": "12.0.0", "version": "1.1"}


def test_each_operator_once_in_the_order_of_the_graph():
    found = snap_operators([raster(SPLIT, GEOCODING), raster(SPLIT, {"operator": "Subset"})])
    assert found == "SNAP 12.0.0 (TOPSAR-Split 1.0, Back-Geocoding 1.1, Subset)"


def test_all_versions_of_snap_are_named():
    found = snap_operators([raster(SPLIT), raster({**GEOCODING, "moduleVersion": "9.0.4"})])
    assert found.startswith("SNAP 12.0.0, 9.0.4 (TOPSAR-Split")


@pytest.mark.parametrize("nodes", [(), ({"id": "node without an operator"},)])
def test_nothing_is_said_without_operators(nodes):
    assert snap_operators([raster(*nodes)]) == ""
    assert snap_operators([SimpleNamespace(metadata=Element("metadata", "a.dim"))]) == ""

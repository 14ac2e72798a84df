"""The house: versions, light imports, and the arrows between the rooms."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import alignsar_gpu

# Which rooms a room may import from. What is not named here may be imported by nobody but __main__.
VALUES = {"errors"}
ARROWS = {
    "kernels": set(),
    "configs": set(),
    "errors": set(),
    "config": VALUES | {"kernels"},
    "device": VALUES | {"config"},
    "geometry": VALUES | {"kernels"},
    "products": VALUES | {"geometry"},
    "coregistration": VALUES | {"device", "geometry", "kernels", "products"},
    "stack": VALUES | {"device", "geometry", "products"},
    "interferometry": VALUES | {"geometry", "kernels", "products", "stack"},
    "signatures": VALUES | {"interferometry", "kernels", "stack"},
    "radarcoding": VALUES | {"device", "geometry", "kernels", "progress"},
    "dataset": VALUES,
    "catalog": VALUES | {"dataset"},
    "report": VALUES,
    "simulate": VALUES | {"geometry", "products", "interferometry"},
    "run_folder": VALUES,
    "progress": VALUES,
    "inputs": VALUES | {"config", "coregistration", "device", "geometry", "products", "progress", "simulate"},
    "simulation": VALUES | {"config", "geometry", "inputs", "products", "progress", "run_folder", "simulate"},
    "signature_choice": VALUES | {"config", "device", "interferometry", "products", "signatures"},
    "layers": VALUES | {"config", "dataset", "products", "signature_choice", "signatures"},
    "description": VALUES | {"config", "dataset", "device", "geometry", "layers", "products"},
    "extraction": VALUES
    | {
        "config",
        "dataset",
        "device",
        "geometry",
        "interferometry",
        "network",
        "products",
        "run_folder",
        "signatures",
        "stack",
    },
    "network": VALUES | {"config", "dataset", "device", "interferometry", "products", "run_folder", "stack"},
    "labels": VALUES
    | {"dataset", "device", "extraction", "label_places", "products", "radarcoding", "run_folder"},
    "label_offsets": VALUES | {"config", "radarcoding"},
    "label_places": VALUES
    | {"config", "coregistration", "device", "geometry", "inputs", "products", "radarcoding"},
    "label_sources": VALUES | {"config", "device", "labels", "radarcoding"},
    "truth": VALUES | {"config", "coregistration", "dataset", "products", "simulate"},
    "quality": VALUES | {"description", "device", "products", "signatures"},
}
ABOVE_ALL = {"pipeline", "__main__"}
HEAVY = [
    "cupy",
    "geopandas",
    "hydra",
    "matplotlib",
    "numba",
    "pyproj",
    "pystac",
    "rasterio",
    "shapely",
    "torch",
    "xarray",
    "zarr",
]


def folder_of(module):
    return Path(importlib.util.find_spec(module).submodule_search_locations[0])


def sources():
    top = folder_of("alignsar_gpu")
    for path in sorted(top.rglob("*.py")):
        relative = path.relative_to(top)
        if relative.parts[0] not in {"kernels", "configs"}:
            yield relative.parts[0].removesuffix(".py"), path
    for room in ("kernels", "configs"):
        for path in sorted(folder_of(f"alignsar_gpu.{room}").rglob("*.py")):
            yield room, path


def imports(path):
    """Names that a module imports from elsewhere (relative imports stay in their room)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_version_is_that_of_the_distribution():
    assert alignsar_gpu.__version__.count(".") == 2


def test_every_room_has_its_arrows_declared():
    rooms = {room for room, _ in sources()} - ABOVE_ALL - {"__init__"}
    assert rooms == set(ARROWS)


@pytest.mark.parametrize("room", sorted(ARROWS))
def test_arrows_point_one_way(room):
    allowed = ARROWS[room] | {room, "__version__"}
    paths = [path for name, path in sources() if name == room]
    assert paths
    targets = {(p.name, n.split(".")[1]) for p in paths for n in imports(p) if n.startswith("alignsar_gpu.")}
    assert not {(name, target) for name, target in targets if target not in allowed}


def test_the_simulator_has_a_geometry_of_its_own():
    """What it is there to check, it must not use."""
    checked = {
        "ground_to_radar",
        "range_doppler",
        "terrain",
        "terrain_posts",
        "track",
        "baselines",
        "doppler",
    }
    names = {name for room, path in sources() if room == "simulate" for name in imports(path)}
    assert "alignsar_gpu.geometry.orbit.Orbit" in names
    assert not {name for name in names if name.split(".")[1:2] == ["kernels"]}
    assert not {
        name for name in names if name.split(".")[1:2] == ["geometry"] and name.split(".")[2] in checked
    }


def test_kernels_need_nothing_but_numpy_numba_and_cupy():
    allowed = set(sys.stdlib_module_names) | {"alignsar_gpu", "cupy", "numba", "numpy"}
    found = {name.split(".")[0] for room, path in sources() if room == "kernels" for name in imports(path)}
    assert "numpy" in found
    assert found <= allowed


@pytest.mark.parametrize("module", ["alignsar_gpu", "alignsar_gpu.kernels"])
def test_import_is_light(module):
    code = f"import sys, {module}; print(sorted(m for m in {HEAVY!r} if m in sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_modules_stay_small():
    long = {path.name: n for _, path in sources() if (n := len(path.read_text().splitlines())) > 400}
    assert not long

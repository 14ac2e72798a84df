"""The house: versions, light imports, and the arrows between the rooms."""

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import alignsar_gpu

# Which packages a package may import from; what combines them lies in `application`, which may import all.
VALUES = {"errors"}
ARROWS = {
    "kernels": set(),
    "configs": set(),
    "errors": set(),
    "interrupts": set(),
    "version": set(),
    "progress": VALUES,
    "environment": VALUES,
    "config": VALUES,
    "opening": VALUES,
    "transfers": set(),
    "device": VALUES | {"config", "transfers"},
    "geometry": VALUES | {"kernels", "opening"},
    "stack": VALUES | {"device", "geometry", "kernels"},
    "products": VALUES | {"config", "geometry", "opening", "stack"},
    "coregistration": VALUES | {"device", "geometry", "kernels", "products", "stack", "transfers"},
    "interferometry": VALUES | {"geometry", "kernels", "stack"},
    "signatures": VALUES | {"interferometry", "kernels", "stack"},
    "geocoding": VALUES | {"dataset", "device", "geometry", "kernels"},
    "radarcoding": VALUES | {"config", "device", "geometry", "kernels", "opening", "progress"},
    "dataset": VALUES | {"opening", "transfers"},
    "catalog": VALUES | {"dataset", "opening"},
    "learn": VALUES | {"dataset", "opening", "version"},
    "torch": VALUES | {"dataset"},
    "torchgeo": VALUES | {"torch"},
    "report": VALUES | {"dataset"},
    "card": VALUES | {"catalog", "dataset", "opening", "report"},
    "serving": VALUES | {"opening", "report"},
    "simulate": VALUES | {"geometry", "interferometry", "kernels", "opening", "products", "stack"},
}
ABOVE_ALL = {"application", "doctor", "frontend", "__main__"}
MOST_LINES, MOST_FILES = 500, 15
PROJECT = Path(__file__).parents[2] / "pyproject.toml"
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
    """Names that a module imports from elsewhere (relative imports stay in their package)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules():
    """Path of every module by its name."""
    top = folder_of("alignsar_gpu")
    found = {}
    for room, path in sources():
        base = folder_of(f"alignsar_gpu.{room}") if room in {"kernels", "configs"} else top
        prefix = ("alignsar_gpu", room) if room in {"kernels", "configs"} else ("alignsar_gpu",)
        parts = (*prefix, *path.relative_to(base).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported_modules(name, path, known):
    """Modules of the package that one imports, for types alone or in a function too; not the packages on the way."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*up, *filter(None, [node.module])])
            for alias in node.names:
                inside = f"{base}.{alias.name}"
                target = inside if inside in known else base
                if target in known:
                    yield target


def circles(graph):
    """Groups of modules that import each other around (strongly connected components, Tarjan 1972)."""
    order, low, stack, found = {}, {}, [], []

    def visit(name):
        order[name] = low[name] = len(order)
        stack.append(name)
        for target in graph[name]:
            if target not in order:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], order[target])
        if low[name] == order[name]:
            members = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(members) > 1:
                found.append(sorted(members))

    for name in graph:
        if name not in order:
            visit(name)
    return found


def test_version_is_that_of_the_distribution():
    assert alignsar_gpu.__version__.count(".") == 2


def test_every_room_has_its_arrows_declared():
    rooms = {room for room, _ in sources()} - ABOVE_ALL - {"__init__"}
    assert rooms == set(ARROWS)


@pytest.mark.parametrize("room", sorted(ARROWS))
def test_arrows_point_one_way(room):
    allowed = ARROWS[room] | {room, "version"}
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
    from_kernels = {name for name in names if name.split(".")[1:2] == ["kernels"]}
    assert {name.split(".")[2] for name in from_kernels} == {
        "driving"
    }  # threads and compilers, no mathematics
    assert not {name for name in from_kernels if "mathematics" in name}
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


def test_no_circles():
    """Not through imports of types either: they show a type in the wrong file."""
    known = modules()
    graph = {name: sorted(set(imported_modules(name, path, known)) - {name}) for name, path in known.items()}
    assert sum(map(len, graph.values())) > 500
    assert not circles(graph)


def test_circles_are_found():
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]}) == [["a", "b", "c"]]
    assert circles({"a": ["b"], "b": []}) == []


def test_modules_stay_small():
    long = {path.name: n for _, path in sources() if (n := len(path.read_text().splitlines())) > MOST_LINES}
    assert not long


def test_folders_stay_small():
    count = Counter(path.parent for _, path in sources())
    assert not {str(folder): n for folder, n in count.items() if n > MOST_FILES}


def test_every_package_is_in_the_wheel():
    """setuptools is told their names, for two of them lie at the top of the repository."""
    listed = tomllib.loads(PROJECT.read_text())["tool"]["setuptools"]["packages"]
    there = {name for name, path in modules().items() if path.name == "__init__.py"}
    assert set(listed) == there
    assert listed == sorted(listed)


def test_numbers_of_tests_are_taken_once():
    names = [path.name for path in PROJECT.parent.joinpath("tests").glob("[0-9]*/test_*.py")]
    numbers = Counter(name.split("_")[1] for name in names)
    assert len(numbers) > 90
    assert not [number for number, count in numbers.items() if count > 1]


def test_only_the_device_knows_how_many_cores_there_are():
    """Whoever asks the machine instead does not obey device.threads."""
    words = ("sched_getaffinity", "cpu_count")
    asking = {path.name for _, path in sources() if any(word in path.read_text() for word in words)}
    assert asking == {"device.py"}


def test_tests_that_pages_name_are_there():
    """Where a page says that a test holds a figure, that test exists."""
    top = PROJECT.parent
    pages = [top / "README.md", top / "CONTRIBUTING.md", *top.joinpath("docs").glob("*.md")]
    named = {name for page in pages for name in re.findall(r"tests/[\w/]+\.py", page.read_text())}
    assert len(named) > 20
    assert not {name for name in named if not top.joinpath(name).is_file()}

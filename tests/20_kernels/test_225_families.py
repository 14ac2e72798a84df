"""What a family says of itself: complete, in order, and enough to bind, to cache and to add one."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
from alignsar_gpu.kernels.driving import families

from alignsar_gpu import kernels

NAMES = [name.rpartition(".")[2] for name in families.names()]


def sources_of(name):
    return sorted(Path(importlib.import_module(families.family(name).name).__file__).parent.glob("*.py"))


def imported_families(path):
    """Families that a module imports from, other than its own."""
    modules = [
        node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
    ]
    found = {m.split(".")[2] for m in modules if m and m.startswith("alignsar_gpu.kernels.")}
    return found - {"driving", path.parent.name}


def functions_in(module):
    return {
        value.__name__
        for value in vars(module).values()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    }


def test_they_are_folders():
    folder = Path(families.__file__).parent.parent
    assert set(NAMES) == {path.name for path in folder.iterdir() if (path / "__init__.py").exists()} - {
        "driving"
    }
    assert len(NAMES) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_uses_are_what_the_modules_import_from(name):
    imported = set().union(*(imported_families(path) for path in sources_of(name)))
    assert imported == set(importlib.import_module(families.family(name).name).USES)


@pytest.mark.parametrize("name", NAMES)
def test_its_modules_and_functions_are_all_listed(name):
    own = families.family(name)
    package = importlib.import_module(own.name)
    files = {path.stem for path in sources_of(name)} - {"__init__", "interface", "launch", "measures"}
    assert files == {*package.SCALAR, *package.CPU, *package.CUDA}
    for module in own.scalar:
        assert functions_in(module) == {*module.FUNCTIONS, *getattr(module, "TAP_FUNCTIONS", ())}
        assert set(module.INLINED) <= set(module.FUNCTIONS)
    for module in own.cpu:
        kinds = ("", "TAP_", "MEASURE_", "KIND_")
        lists = [
            getattr(module, kind + which, ()) for kind in kinds for which in ("PARTS", "LOOPS", "DRIVERS")
        ]
        listed = [name for names in lists for name in names]
        assert len(set(listed)) == len(listed)
        assert functions_in(module) - {"make_loops"} == set(listed)
        assert set(module.INLINED) <= set(listed) - set(module.LOOPS) - set(module.DRIVERS)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_drivers_are_launched_on_a_device(name):
    """By name and arguments; read, for a launch imports numba.cuda."""
    folder = Path(importlib.import_module(families.family(name).name).__file__).parent
    launched = {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.parse((folder / "launch.py").read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    drivers = families.plain_drivers(name)
    for driver, function in drivers.items():
        assert launched[driver] == list(function.__code__.co_varnames[: function.__code__.co_argcount])


def test_the_driving_knows_no_family():
    for path in Path(families.__file__).parent.glob("*.py"):
        imported = [
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        ]
        assert not set(imported) & set(NAMES), path


def test_functions_come_after_those_that_they_call():
    for name in NAMES:
        own = families.family(name)
        for module, names in [(m, m.FUNCTIONS) for m in own.scalar] + [(m, m.PARTS) for m in own.cpu]:
            for place, function in enumerate(names):
                called = set(getattr(module, function).__code__.co_names)
                assert not called & set(names[place:]), f"{module.__name__}.{function}"


class TestTag:
    def changed(self, monkeypatch, tmp_path, name, module):
        """The tags of all families when a line of a module of one is edited."""
        families.family.cache_clear()
        try:
            source = getattr(families.family(name), module)[0]
            edited = tmp_path / "edited.py"
            edited.write_text(Path(source.__file__).read_text() + "\n# edited\n")
            monkeypatch.setattr(source, "__file__", str(edited))
            return {each: families.family(each).tag() for each in NAMES}
        finally:
            families.family.cache_clear()

    @pytest.mark.parametrize(
        ("name", "module", "touched"),
        [
            ("temporal", "scalar", {"temporal"}),
            ("temporal", "cpu", {"temporal"}),
            ("coherence", "cpu", {"coherence", "polarimetry", "speckle"}),
            ("geometry", "scalar", {"geometry", "terrain_area"}),
        ],
    )
    def test_is_of_a_family_and_what_it_uses(self, name, module, touched, monkeypatch, tmp_path):
        before = {each: families.family(each).tag() for each in NAMES}
        after = self.changed(monkeypatch, tmp_path, name, module)
        assert {each for each in NAMES if before[each] != after[each]} == touched
        assert len(set(before.values())) == len(NAMES)

    def test_loops_have_it_in_their_names(self):
        from alignsar_gpu.kernels.driving import cpujit  # noqa: PLC0415

        drivers = cpujit.drivers(families.family("coherence").name)
        loop = drivers["rotate_phase"].__globals__["rotate_chunks"]
        assert loop.__qualname__.startswith(f"rotate_chunks{families.family('coherence').tag()}_")


def referred_to(path):
    """What the docstrings of a file refer to: module, and name in it or nothing."""
    folder = Path(families.__file__).parent.parent
    for role, text in re.findall(r":(mod|func):`([\w.]+)`", path.read_text()):
        parts = text.lstrip(".").split(".")
        place = path.parent if text.startswith(".") else folder
        module = parts if role == "mod" else parts[:-1]
        yield text, place.joinpath(*module).with_suffix(".py"), None if role == "mod" else parts[-1]


@pytest.mark.parametrize("name", [*NAMES, "driving"])
def test_docstrings_refer_to_what_is_there(name):
    folder = Path(families.__file__).parent.parent / name
    for path in folder.glob("*.py"):
        for text, module, function in referred_to(path):
            assert module.is_file(), (path.name, text)
            assert function is None or f"def {function}(" in module.read_text(), (path.name, text)


# A family, added as CONTRIBUTING.md says

STEPS = {
    "__init__.py": '''
        """Images squared."""

        SCALAR = ("scalar",)
        CPU = ("cpu",)
        CUDA = ("cuda",)
        USES = ("gathering",)
        ''',
    "scalar.py": '''
        """The mathematics of a pixel."""

        from alignsar_gpu.kernels.driving.mathematics import ONE
        from alignsar_gpu.kernels.gathering.scalar import is_data

        FUNCTIONS = ("squared",)
        INLINED = FUNCTIONS


        def squared(x):
            """x^2, and 1 where there is no data."""
            return x * x if is_data(x) else ONE
        ''',
    "cpu.py": '''
        """The CPU driver."""

        from alignsar_gpu.kernels.driving.threads import in_threads

        from .scalar import squared

        PARTS = ("square_row",)
        INLINED = ()
        LOOPS = ("square_rows",)
        DRIVERS = ("square",)


        def square_row(row, out):
            """Squares of a row."""
            for i in range(row.size):
                out[i] = squared(row[i])


        def square_rows(first, stop, image, out):
            """Squares of rows."""
            for k in range(first, stop):
                square_row(image[k], out[k])


        def square(image, out):
            """Driver of `square_rows`."""
            in_threads(square_rows, len(image), image, out)
        ''',
    "cuda.py": '''
        """The CUDA kernel."""

        from alignsar_gpu.kernels.driving.declared import Declared
        from alignsar_gpu.kernels.driving.gpujit import cuda, kernels_of

        from .scalar import squared

        DEVICE_FUNCTIONS = ()
        DECLARED = {"square": Declared(arguments="ff", registers=32, float64=0)}


        def square(image, out):
            """Squares."""
            for i in range(cuda.grid(1), image.size, cuda.gridsize(1)):
                out[i] = squared(image[i])


        KERNEL = kernels_of(__name__)
        ''',
    "launch.py": '''
        """The CUDA driver."""

        from alignsar_gpu.kernels.driving.launching import elementwise

        from .cuda import KERNEL


        def square(image, out):
            """As `cpu.square`."""
            elementwise(KERNEL["square"], image.size, image.reshape(-1), out.reshape(-1))
        ''',
    "interface.py": '''
        """What the package offers."""

        import numpy as np
        from alignsar_gpu.kernels.driving.arrays import Arrays


        def square(image):
            """An image, squared."""
            arrays = Arrays(__package__, image=image)
            pixels = arrays.checked("image", np.float32, "image")
            out = arrays.empty(pixels.shape, np.float32)
            arrays.run("square", pixels, out)
            return out
        ''',
}
CALL = """
import os, sys
import numpy as np
from alignsar_gpu import kernels
from alignsar_gpu.kernels.driving import families
kernels.__path__.append(sys.argv[1])
from alignsar_gpu.kernels.squaring.interface import square
image = np.arange(600, dtype=np.float32).reshape(20, 30)
image[3, 4] = np.nan
if os.environ.get("NUMBA_ENABLE_CUDASIM"):
    from numba import cuda
    image = cuda.to_device(image)
got = square(image)
assert "alignsar_gpu.kernels.squaring" in families.names()
from numba.core import event
print(got[3, 4], got[19, 29])
"""


def call(folder, **environment):
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(folder)],
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "cache"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [float(number) for number in done.stdout.split()]


@pytest.fixture
def squaring(tmp_path):
    package = tmp_path / "squaring"
    package.mkdir()
    for name, text in STEPS.items():
        (package / name).write_text(textwrap.dedent(text).lstrip())
    return package


def loops_in(cache):
    return {path.name: path.stat().st_mtime_ns for path in cache.rglob("*.nbc")}


def test_a_family_is_added_by_a_folder(squaring):
    """It runs on the CPU, in the simulator, and as plain Python; what is edited is compiled anew, and it alone."""
    folder = squaring.parent
    assert call(folder) == [1.0, 599.0**2]
    before = loops_in(folder / "cache")
    assert [re.sub(r"_[0-9a-f]{12}.*", "", name) for name in before] == ["cpu.square_rows"]
    assert call(folder) == [1.0, 599.0**2]
    assert loops_in(folder / "cache") == before
    assert call(folder, NUMBA_ENABLE_CUDASIM="1") == [1.0, 599.0**2]
    scalar = squaring / "scalar.py"
    scalar.write_text(scalar.read_text().replace("x * x if", "x * x + ONE if"))
    assert call(folder) == [1.0, 599.0**2 + 1.0]
    assert len(loops_in(folder / "cache")) == 2


def test_a_family_runs_as_plain_python(squaring, monkeypatch):
    monkeypatch.setattr(kernels, "__path__", [*kernels.__path__, str(squaring.parent)])
    try:
        out = np.empty((2, 3), dtype=np.float32)
        families.plain_drivers("squaring")["square"](np.full((2, 3), 3.0, dtype=np.float32), out)
        assert (out == 9.0).all()
    finally:
        for name in [name for name in sys.modules if name.startswith("alignsar_gpu.kernels.squaring")]:
            del sys.modules[name]
        families.family.cache_clear()


def test_loops_count_no_references_to_the_arrays_that_they_are_given():
    """Counted by atomic additions, rows of temporal statistics took up to 15 % longer."""
    import numba  # noqa: PLC0415 - the other tests of this file do without
    from alignsar_gpu.kernels.driving.borrowing import LoopCompiler  # noqa: PLC0415

    def total(first, stop, pair, result):
        for i in range(first, stop):
            for values in (pair[0][i], pair[1][i]):
                result[i] += values.sum()

    arrays = (np.ones((3, 4)), np.full((3, 4), 2.0)), np.zeros(3)
    counted = {}
    for name, options in {"owned": {}, "borrowed": {"pipeline_class": LoopCompiler}}.items():
        compiled = numba.njit(total, nogil=True, **options)
        compiled(0, 3, *arrays)
        counted[name] = compiled.inspect_llvm(compiled.signatures[0]).count("atomicrmw")
    assert arrays[1].tolist() == [24.0, 24.0, 24.0]
    assert counted["owned"] > counted["borrowed"] == 0

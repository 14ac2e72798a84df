"""Help: a page, and every key with its text, bounds, choices and default."""

import os
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from command_line import run
from synthetic_stack import SyntheticProductsConfig

import alignsar_gpu
from alignsar_gpu.frontend.groups import FOLDER, groups
from alignsar_gpu.frontend.help import help_page
from alignsar_gpu.frontend.help_keys import help_keys
from alignsar_gpu.frontend.keys import all_keys

SECONDS = 1.0


def test_the_page_names_every_experiment_and_fits_a_screen():
    page = run("--help").stdout
    for path in FOLDER.glob("experiment/*.yaml"):
        assert f"  {path.stem} " in page
    assert page.index("+experiment=demo") < 500
    assert page.count("\n") < 55
    assert max(map(len, page.splitlines())) <= 120
    assert run("-h", "+experiment=demo").stdout == page


def test_nothing_internal_is_shown():
    for text in (help_page("1"), help_keys()):
        assert "schema" not in text.casefold()
    assert "schema" not in groups()["simulate"]


def test_every_key_is_described():
    text = run("--help-keys").stdout
    for key in all_keys():
        assert f"  {key.name}=" in text
    assert (
        "interferometry.coherence_window_lines=3\n      coherence window, lines; an odd number from 1 to 255"
        in text
    )
    assert "signatures.noise=kept\n      thermal noise in calibrated powers; one of kept, removed" in text
    assert SyntheticProductsConfig.__doc__ in text


def test_the_keys_of_a_group_alone():
    text = run("--help-keys", "radarcoding").stdout
    assert "radarcoding.layers.NAME.where=null\n      which features, as SQL" in text
    assert "kind=raster: " in text
    assert "interferometry." not in text
    assert text.count("radarcoding.layers.NAME.path=") == 1
    assert help_keys("simulate.scene").count("  simulate.") == help_keys("simulate.scene").count(
        "  simulate.scene."
    )
    assert "signatures.filter=none" in help_keys("signatures.filter")


def test_the_version_is_ours():
    assert run("--version").stdout == f"alignsar_gpu {alignsar_gpu.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--help-keys"],
        ["products=snap", "signatures.filtr=lee"],
        ["products=snap", "products.path=no"],
    ],
)
def test_answers_come_at_once(arguments):
    """In seconds of the processor: what else the machine does is no matter."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "alignsar_gpu", *arguments], capture_output=True, check=False)
    after = os.times()
    assert (
        after.children_user + after.children_system - before.children_user - before.children_system < SECONDS
    )


def test_a_wrong_path_is_refused_before_anything_heavy_is_imported():
    code = (
        "import sys; sys.argv[1:] = ['products=snap', 'products.path=nowhere']; "
        "from alignsar_gpu.__main__ import main; main(); "
        "print([m for m in ('rasterio', 'numba', 'xarray', 'zarr', 'matplotlib', 'geopandas') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_the_console_script_is_declared():
    (script,) = entry_points(group="console_scripts", name="alignsar_gpu")
    assert script.value == "alignsar_gpu.__main__:main"

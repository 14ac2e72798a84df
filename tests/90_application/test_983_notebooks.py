"""The notebooks: each runs top to bottom on a small scene, and what is committed of them is clean and small."""

import base64
import io
import json
import re

import pytest
from notebook_runs import NOTEBOOKS, SMALL, cells_of, code_of, run_notebook
from PIL import Image

NAMES = ["1_signatures", "2_classifier", "3_own_data", "4_coherence_and_time"]
LARGEST = 400_000  # bytes
# Paths of a machine, and what a shell or IPython alone understands.
PATHS = re.compile(r"(?<![\w.:/])/(home|tmp|root|work|Users|usr|opt|var|mnt)/|[A-Z]:\\\\")
MAGIC = re.compile(r"^\s*[%!]|get_ipython|\.ipython", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("notebooks")


@pytest.mark.parametrize("name", ["1_signatures", "4_coherence_and_time"])
def test_notebooks_of_the_demo_run(folder, name):
    """The second one finds the dataset of the first, and tests of other notebooks what it has simulated."""
    run_notebook(name, folder, SETTINGS=SMALL)
    assert (folder / "demo" / "cube.zarr").is_dir()


def test_the_notebook_of_own_data_runs(folder):
    """On the products that the demo has simulated."""
    simulated = {name: value for name, value in SMALL.items() if name.startswith("simulate.")}
    run_notebook(
        "3_own_data",
        folder,
        SETTINGS={
            "output": "mine",
            "device": "cpu",
            "report": "none",
            "netcdf": "none",
            "chips.size": [16, 64],
        },
        STAND_IN={**simulated, "output": "demo/simulated"},
    )
    assert (folder / "mine" / "chips").is_dir()


def test_there_are_four():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
class TestCommitted:
    """What a reader sees who runs nothing."""

    def test_was_run_top_to_bottom_without_errors(self, name):
        code = [cell for cell in cells_of(NOTEBOOKS / f"{name}.ipynb") if cell["cell_type"] == "code"]
        assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
        outputs = [output for cell in code for output in cell["outputs"]]
        assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}
        assert {output["name"] for output in outputs if output["output_type"] == "stream"} <= {"stdout"}

    def test_is_small_and_of_no_machine(self, name):
        path = NOTEBOOKS / f"{name}.ipynb"
        assert path.stat().st_size < LARGEST
        without_pictures = re.sub(r'"image/png": "[^"]*"', "", path.read_text())
        assert not PATHS.search(without_pictures)

    def test_is_plain_python_whose_first_cell_has_the_settings(self, name):
        first, *rest = code_of(NOTEBOOKS / f"{name}.ipynb")
        assert first.startswith("SETTINGS = {")
        assert not MAGIC.search("\n".join(rest))

    def test_has_figures_of_moderate_size(self, name):
        pictures = [
            output["data"]["image/png"]
            for cell in cells_of(NOTEBOOKS / f"{name}.ipynb")
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        ]
        assert len(pictures) >= 4
        for picture in pictures:
            width, _ = Image.open(io.BytesIO(base64.b64decode("".join(picture)))).size
            assert 250 < width < 1100

    def test_links_to_files_that_are_there(self, name):
        text = "".join(
            "".join(cell["source"])
            for cell in cells_of(NOTEBOOKS / f"{name}.ipynb")
            if cell["cell_type"] == "markdown"
        )
        for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
            assert (NOTEBOOKS / target).is_file(), target
        for target in re.findall(r"`(docs/[\w.]+)`", text):
            assert (NOTEBOOKS.parent / target).is_file(), target


def test_language_versions_are_not_in_the_files():
    """They would change with each machine that runs them."""
    for name in NAMES:
        metadata = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["metadata"]
        assert metadata["kernelspec"]["name"] == "python3"
        assert "version" not in metadata.get("language_info", {})

"""Files of macOS, Windows and browsers in listings of folders and archives."""

from pathlib import Path, PurePosixPath

import pytest

from alignsar_gpu.opening.listing import without_clutter


@pytest.mark.parametrize(
    "name",
    [
        "._S1A_X.SAFE",
        "a/._manifest.safe",
        "__MACOSX/S1A_X.SAFE/annotation/._a.xml",
        ".DS_Store",
        "a/Thumbs.db",
        "a/desktop.ini",
        "a/Desktop.ini",
    ],
)
@pytest.mark.parametrize("kind", [str, Path, PurePosixPath])
def test_of_systems(name, kind):
    own = kind("a/manifest.safe")
    assert without_clutter([kind(name), own]) == [own]


@pytest.mark.parametrize("copy", ["S1A_X (1).zip", "S1A_X(2).zip", "data (2024)/S1A_X (1).zip"])
def test_copies_of_what_is_there(copy):
    own = copy[: copy.rindex("(")].rstrip() + ".zip"
    assert without_clutter([copy, own]) == [own]
    assert without_clutter([Path(own), Path(copy)]) == [Path(own)]


@pytest.mark.parametrize(
    "name", ["S1A_X (1).zip", "a.EOF", "a/(1)/b.zip", "My Data (2024)/S1A_X.zip", "orbit (1).EOF.zip"]
)
def test_what_stays(name):
    """A copy, too, where the original is not there."""
    assert without_clutter([name, "b.zip"]) == [name, "b.zip"]


def test_copies_of_folders_and_double_endings():
    assert without_clutter(["a (1).EOF.zip", "a.EOF.zip", "b.SAFE", "b (1).SAFE"]) == ["a.EOF.zip", "b.SAFE"]

"""Names of splits as readers of images with boxes call them."""

NAMES = {"validation": "val"}


def split_folder(split: str) -> str:
    """Return the name of the folder (or file) of a split."""
    return NAMES.get(split, split)

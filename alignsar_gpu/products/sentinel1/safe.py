"""File access in Sentinel-1 products: a SAFE folder, a zip of one (never unpacked), or one annotation file."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.time_scale import parse_utc
from alignsar_gpu.opening.files import refuse_outside
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.products.xml import Xml, parse_xml

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

MANIFEST = "manifest.safe"
SIMULATED = "SIMULATED.txt"  # a file that simulated products have
SIMULATOR = "alignsar_gpu simulator"  # the facility in their manifests, unless those are copies of real ones
IN_FOLDER = (MANIFEST, SIMULATED, "annotation/*.xml", "annotation/calibration/*.xml", "measurement/*")
LARGEST_XML = 32 << 20  # bytes; annotations have a few MB: more is no annotation, or made to fill the memory


@dataclass(frozen=True, kw_only=True)
class Safe:
    """The files of a Sentinel-1 product.

    Attributes
    ----------
    path : the folder, the zip or the annotation file.
    kind : which of them it is: "folder", "zip" or "annotation"; "bursts" of `BurstFiles`.
    product_id : name of the product, without ".SAFE" and ".zip".
    root : the product's folder inside the zip, with a slash at its end; "" otherwise.
    names : its files, relative to its root, with slashes; sorted. Of a folder only those that are read.
    has_measurement : whether it has a folder for pixels at all.
    verify : whether XML files are checked against the MD5 sums in its manifest when they are read.
    """

    path: Path
    kind: str
    product_id: str
    root: str
    names: tuple[str, ...]
    has_measurement: bool
    verify: bool = False

    @cached_property
    def manifest(self) -> Xml | None:
        """Its manifest; None if it has none."""
        return self.xml(MANIFEST) if MANIFEST in self.names else None

    @cached_property
    def sums(self) -> Mapping[str, str]:
        """MD5 sums of its files by name, in lower case, as far as the manifest states them."""
        found = {}
        for stream in self.manifest.all(".//byteStream") if self.manifest is not None else ():
            place, checksum = stream.find("fileLocation"), stream.find("checksum")
            if place is not None and checksum is not None and checksum.element.get("checksumName") == "MD5":
                found[place.element.get("href", "").removeprefix("./")] = checksum.text().lower()
        return found

    def require_sum(self, name: str, digest: str) -> None:
        """Raise AlignsarError unless ``digest`` is the MD5 sum that the manifest states for a file, if it does."""
        stated = self.sums.get(name, digest)
        if digest != stated:
            raise AlignsarError(
                f"{self.where(name)}: its MD5 sum is {digest}, but {MANIFEST} says {stated}: damaged, or changed; get "
                "the product again, or set products.verify=false if it was changed on purpose"
            )

    def where(self, name: str) -> str:
        """Return the name of a file for messages."""
        return str(self.path if self.kind == "annotation" else self.path / name)

    def xml(self, name: str) -> Xml:
        """Parse an XML file and return its root; AlignsarError if it cannot be read, or is not what it was."""
        content = self._bytes(name)
        if self.verify and name != MANIFEST:
            self.require_sum(name, hashlib.md5(content, usedforsecurity=False).hexdigest())
        return parse_xml(content, self.where(name))

    def raster(self, name: str) -> str:
        """Return the path that GDAL opens to read a raster in place."""
        if self.kind == "zip":
            return f"/vsizip/{{{self.path.resolve()}}}/{self.root}{name}"
        return str(self.path / name)

    def _bytes(self, name: str) -> bytes:
        try:
            if self.kind != "zip":
                file = self.path / name if self.kind == "folder" else self.path
                self._check_size(name, file.stat().st_size)
                return file.read_bytes()
            with zipfile.ZipFile(self.path) as archive:
                member = archive.getinfo(self.root + name)
                self._check_size(name, member.file_size)
                return archive.read(member)
        except OSError as error:
            raise AlignsarError(f"{self.where(name)}: cannot be read ({error.strerror or error})") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError) as error:
            raise AlignsarError(
                f"{self.where(name)}: the archive is damaged there ({error}); fetch the product again"
            ) from None
        except RuntimeError as error:  # encrypted, or packed in a way that zipfile cannot read
            raise AlignsarError(f"{self.where(name)}: cannot be unpacked ({error})") from None

    def _check_size(self, name: str, size: int) -> None:
        if size > LARGEST_XML:
            raise AlignsarError(f"{self.where(name)}: {size} bytes are too many for an annotation; not read")


def _product_id(name: str) -> str:
    for ending in (".zip", ".safe"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return name


def _folder(path: Path, *, verify: bool) -> Safe:
    listed = without_clutter(file for pattern in IN_FOLDER for file in path.glob(pattern))
    files = [file for file in listed if file.is_file()]
    for file in files:
        refuse_outside(file, path, str(path))
    names = tuple(sorted(file.relative_to(path).as_posix() for file in files))
    return Safe(
        path=path,
        kind="folder",
        product_id=_product_id(path.resolve().name),
        root="",
        names=names,
        has_measurement=(path / "measurement").is_dir(),
        verify=verify,
    )


def _check_member(path: Path, name: str) -> None:
    """Refuse an archive whose names lead out of it: nothing is unpacked, but such a file is no product."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    drive = bool(parts) and len(parts[0]) == 2 and parts[0][1] == ":"
    if name.startswith(("/", "\\")) or drive or ".." in parts:
        raise AlignsarError(
            f"{path}: holds {name!r}, a name that leads out of the archive, which no product has; not read"
        )


def _members(path: Path) -> list[str]:
    refuse_web_page(path, str(path))
    try:
        with zipfile.ZipFile(path) as archive:
            return without_clutter(archive.namelist())
    except OSError as error:
        raise AlignsarError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError) as error:
        raise AlignsarError(
            f"{path}: not a readable zip ({error}): cut off or damaged; fetch the product again"
        ) from None


def _zip(path: Path, *, verify: bool) -> Safe:
    members = _members(path)
    for name in members:
        _check_member(path, name)
    roots = {
        name[: -len("/".join(PurePosixPath(name).parts[-2:]))]
        for name in members
        if name.lower().endswith(".xml") and PurePosixPath(name).parent.name == "annotation"
    }
    if not roots:
        raise AlignsarError(f"{path}: {NO_ANNOTATION}")
    if len(roots) > 1:
        raise AlignsarError(
            f"{path}: holds {len(roots)} products ({', '.join(sorted(roots))}); give one a file"
        )
    (root,) = roots
    inside = [name.removeprefix(root) for name in members if name.startswith(root)]
    return Safe(
        path=path,
        kind="zip",
        product_id=_product_id(PurePosixPath(root).name or path.name),
        root=root,
        names=tuple(sorted({name for name in inside if name and not name.endswith("/")})),
        has_measurement=any(name.startswith("measurement/") for name in inside),
        verify=verify,
    )


NO_ANNOTATION = (
    "no annotation (annotation/*.xml) inside: not a Sentinel-1 SAFE product, or an incomplete one; "
    "fetch the product again"
)


def open_safe(path: Path, *, verify: bool = False) -> Safe:
    """Open the product at ``path``: a SAFE folder (or its manifest.safe), a zip of one, or an annotation file.

    With ``verify`` its XML files are checked against the MD5 sums in its manifest when they are read.
    Raises AlignsarError when there is nothing, nothing that can be read, or no annotation inside.
    """
    if path.name.lower() == "manifest.safe":
        path = path.parent
    if path.is_dir():
        return _folder(path, verify=verify)
    if not path.is_file():
        raise AlignsarError(f"{path}: no such file or folder; correct the path of the product")
    if path.suffix.lower() == ".xml":
        return Safe(
            path=path,
            kind="annotation",
            product_id=path.stem,
            root="",
            names=(path.name,),
            has_measurement=False,
        )
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return _zip(path, verify=verify)
    raise AlignsarError(
        f"{path}: neither a SAFE folder nor a zip of one nor an annotation file (.xml): not a Sentinel-1 product"
    )


def annotation_names(safe: Safe) -> tuple[str, ...]:
    """List the product annotations, one a subswath and polarization; AlignsarError if there is none."""
    if safe.kind == "annotation":
        return safe.names
    names = tuple(
        name
        for name in safe.names
        if PurePosixPath(name).parent == PurePosixPath("annotation") and name.lower().endswith(".xml")
    )
    if not names:
        raise AlignsarError(f"{safe.path}: {NO_ANNOTATION}")
    return names


def calibration_name(safe: Safe, annotation: str, kind: str) -> str | None:
    """Find the "calibration" or "noise" annotation of a product annotation; None if there is none."""
    name = f"annotation/calibration/{kind}-{PurePosixPath(annotation).name}"
    return name if name in safe.names else None


def measurement_name(safe: Safe, annotation: str) -> str | None:
    """Find the TIFF of a product annotation; None if the product comes without any pixels.

    Raises AlignsarError when the product has a folder for pixels, but not these.
    """
    if not safe.has_measurement:
        return None
    stem = PurePosixPath(annotation).stem
    for ending in (".tiff", ".tif"):
        if (name := f"measurement/{stem}{ending}") in safe.names:
            return name
    raise AlignsarError(
        f"{safe.path}: no measurement/{stem}.tiff, which belongs to its {annotation}; the product is incomplete, "
        "fetch it again"
    )


def is_simulated(safe: Safe) -> bool:
    """Whether the product states that the simulator of this package made its pixels."""
    if SIMULATED in safe.names:
        return True
    if safe.manifest is None:
        return False
    facilities = safe.manifest.all(".//{*}facility")
    return any(facility.element.get("name") == SIMULATOR for facility in facilities)


def processing_time(safe: Safe) -> np.datetime64 | None:
    """Return when the product was made, as continuous time, from the manifest; None if it does not say."""
    if safe.manifest is None:
        return None
    processing = safe.manifest.find(".//{*}processing")  # those of its inputs are inside
    return None if processing is None else parse_utc(processing.element.get("stop", ""))


def ipf_version(safe: Safe) -> str | None:
    """Return the version of ESA's processor, for example "003.61", from the manifest; None if it is not stated."""
    if safe.manifest is None:
        return None
    for software in safe.manifest.all(".//{*}software"):
        if software.element.get("name", "").startswith("Sentinel-1 IPF"):
            return software.element.get("version") or None
    return None

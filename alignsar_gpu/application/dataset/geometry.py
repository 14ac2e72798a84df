"""What a cube keeps of its geometry, as a part of the dataset: it is geocoded by that, years later too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.dataset.part import CUBE, Part
from alignsar_gpu.geometry.stored.geometry import FORMAT, CubeGeometry, write_geometry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.application.folder import RunFolder

UNIT = "geometry"
MARGIN = 64  # lines and samples around the image whose ground is kept too


class GeometryPart(Part):
    """The group ``geometry`` of the cube: orbit, radar grid, and the part of the DEM under the image."""

    name = "geometry"

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return {"geometry": FORMAT}

    def make(self, folder: RunFolder) -> None:
        """Write the group, unless it is there."""
        terrain = self.plan.product.terrain
        if folder.is_recorded(UNIT) or terrain is None:
            return
        lines, samples = (slice(-MARGIN, count + MARGIN) for count in terrain.grid.shape)
        with self.run.timer.stage(self.name):
            geometry = CubeGeometry(
                grid=terrain.grid, orbit=terrain.orbit, dem=terrain.dem, doppler=terrain.doppler
            )
            window = terrain.window(lines, samples)
            files = write_geometry(folder.work / CUBE, geometry, window, self.run.published)
        folder.record(UNIT, files)

"""Relative orbits of the Sentinel-1 satellites."""

from __future__ import annotations

from alignsar_gpu.errors import AlignsarError

RELATIVE_ORBIT_OFFSETS = {"Sentinel-1A": 73, "Sentinel-1B": 27, "Sentinel-1C": 172, "Sentinel-1D": 42}
# Sentinel-1C moved to another place in the cycle in June 2026: from this orbit on it has another offset.
MOVED_SENTINEL1C, MOVED_OFFSET = 8019, 99
SENTINEL1_ORBITS_PER_CYCLE = 175


def sentinel1_relative_orbit(platform: str, absolute_orbit: int) -> int:
    """Compute the relative orbit (track, 1 to 175) of a Sentinel-1 absolute orbit.

    Each satellite entered the shared cycle at another absolute orbit, so each has its own offset.
    Raises AlignsarError for another platform.
    """
    if platform not in RELATIVE_ORBIT_OFFSETS:
        known = ", ".join(RELATIVE_ORBIT_OFFSETS)
        raise AlignsarError(f"no relative-orbit rule for platform {platform!r}; known: {known}")
    offset = RELATIVE_ORBIT_OFFSETS[platform]
    if platform == "Sentinel-1C" and absolute_orbit >= MOVED_SENTINEL1C:
        offset = MOVED_OFFSET
    return (absolute_orbit - offset) % SENTINEL1_ORBITS_PER_CYCLE + 1

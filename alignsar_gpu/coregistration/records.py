"""Calibration and thermal noise records of the dates on a mosaic, joined from its bursts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.stack.calibration import CalibratedPart, JoinedCalibration
from alignsar_gpu.stack.noise import JoinedNoise, NoisyPart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.coregistration.mosaic import BurstMosaic, Piece
    from alignsar_gpu.products.selection import Match, Selection
    from alignsar_gpu.stack.calibration import Calibration


def calibrations(
    selection: Selection, date: str, mosaic: BurstMosaic, polarizations: Sequence[str]
) -> dict[str, Calibration | JoinedCalibration]:
    """Collect the calibration of a date on the mosaic, per polarization; none if a burst has none."""
    result: dict[str, Calibration | JoinedCalibration] = {}
    for polarization in polarizations:
        parts = []
        for piece, match, reference in _pieces(selection, date, mosaic):
            table = match.burst.channels[polarization].calibration
            if table is None:
                break
            delay = match.burst.grid.first_azimuth_time - reference.burst.grid.first_azimuth_time
            times, ranges = _around(piece, mosaic)
            parts.append(
                CalibratedPart(
                    times=times,
                    ranges=ranges,
                    calibration=replace(table, azimuth_time=table.azimuth_time - delay),
                )
            )
        else:
            if parts:
                result[polarization] = (
                    parts[0].calibration if len(parts) == 1 else JoinedCalibration(parts=parts)
                )
    return result


def noises(
    selection: Selection, date: str, mosaic: BurstMosaic, polarizations: Sequence[str], height: float
) -> dict[str, JoinedNoise]:
    """Collect the thermal noise of a date on the mosaic, per polarization; none if a burst has none.

    ``height`` (m) of the ground decides where another date than the reference sees what the reference sees.
    """
    pieces = list(_pieces(selection, date, mosaic))
    lacking = {
        name for name in polarizations for _, match, _ in pieces if match.burst.channels[name].noise is None
    }
    if not pieces:
        return {}
    shifts = [
        (float(mosaic.grid.azimuth_time(piece.first_line)), 0.0)
        if match is reference
        else _seen_elsewhere(piece, mosaic, match, reference, height)
        for piece, match, reference in pieces
    ]
    result = {}
    for polarization in polarizations:
        if polarization in lacking:
            continue
        parts = []
        for (piece, match, _), (begin, farther) in zip(pieces, shifts, strict=True):
            noise = match.burst.channels[polarization].noise
            assert noise is not None
            times, ranges = _around(piece, mosaic)
            parts.append(
                NoisyPart(
                    times=times,
                    ranges=ranges,
                    noise=noise,
                    grid=match.burst.grid,
                    image_line=match.burst.index * match.burst.grid.lines,
                    begin=begin,
                    farther=farther,
                )
            )
        result[polarization] = JoinedNoise(parts=parts)
    return result


def _pieces(selection: Selection, date: str, mosaic: BurstMosaic) -> list[tuple[Piece, Match, Match]]:
    """The pieces of the mosaic that a date has, with its burst and the reference's."""
    found: Mapping[str, Mapping[str, Match]] = selection.bursts
    return [
        (piece, found[piece.name][date], found[piece.name][selection.reference])
        for piece in mosaic.pieces
        if date in found[piece.name]
    ]


def _around(piece: Piece, mosaic: BurstMosaic) -> tuple[tuple[float, float], tuple[float, float]]:
    """Times and ranges half a pixel around a piece, for records are asked for at pixels."""
    times = mosaic.grid.azimuth_time([piece.lines.start - 0.5, piece.lines.stop - 0.5])
    ranges = mosaic.grid.slant_range([piece.samples.start - 0.5, piece.samples.stop - 0.5])
    return (float(times[0]), float(times[1])), (float(ranges[0]), float(ranges[1]))


def _seen_elsewhere(
    piece: Piece, mosaic: BurstMosaic, match: Match, reference: Match, height: float
) -> tuple[float, float]:
    """Time of the mosaic at which another date's line 0 lies, and by how much that date's ranges are larger.

    Of the middle of the piece. Timing errors of a pass, far below a line, are left out.
    """
    grid, own = mosaic.grid, match.burst.grid
    time = grid.azimuth_time([0.5 * (piece.lines.start + piece.lines.stop - 1)])
    slant_range = grid.slant_range([0.5 * (piece.samples.start + piece.samples.stop - 1)])
    place = radar_to_ground(reference.product.orbit, time, slant_range, height, grid.look_side)
    later = own.first_azimuth_time - reference.burst.grid.first_azimuth_time
    seen = ground_to_radar(match.product.orbit, *place, height, time + later)
    begin = float(time[0]) - float(own.line(seen[0][0])) * own.azimuth_interval
    return begin, float(seen[1][0] - slant_range[0])

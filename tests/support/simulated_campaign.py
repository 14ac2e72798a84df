"""Small campaigns of simulated products, one land-cover class wide, for tests of what their pixels hold."""

from dataclasses import replace
from itertools import groupby

import numpy as np

from alignsar_gpu.simulate.ground.atmosphere import AtmosphereParameters
from alignsar_gpu.simulate.ground.changes import ChangeParameters
from alignsar_gpu.simulate.ground.scene import SceneParameters, make_scene
from alignsar_gpu.simulate.ground.targets.targets import TargetParameters
from alignsar_gpu.simulate.radar.campaign import ground_on, make_campaign, scene_bounds
from alignsar_gpu.simulate.radar.filling import fill_swath
from alignsar_gpu.simulate.radar.ground_mesh import sight_mesh
from alignsar_gpu.simulate.radar.imaging import image_window
from alignsar_gpu.simulate.radar.passes.dates import view_of
from alignsar_gpu.simulate.radar.window import windows
from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
from alignsar_gpu.simulate.safe.planning import plan_passes
from alignsar_gpu.simulate.safe.product import finish_product, write_metadata

NOTHING = {
    "bowls": 0,
    "targets": TargetParameters(reflectors=0, ships=0, tanks=0),
    "changes": ChangeParameters(demolitions=0, constructions=0, oil_slicks=0),
    "atmosphere": AtmosphereParameters(turbulent=0.0, stratified=0.0),
}


class Small:
    """A campaign of short bursts over ground of one class, and its images.

    ``passes`` and ``scene`` are more keywords of `PassParameters` and `SceneParameters`; ``errors`` one pair of
    lines and samples a date; ``kind`` the class that is everywhere.
    """

    def __init__(
        self,
        folder,
        *,
        passes=None,
        scene=None,
        errors=None,
        kind=None,
        seed=3,
        longitude=5.77,
        latitude=52.1,
    ):
        asked = {"dates": 2, "subswaths": ("IW2",), "bursts": 2, "lines": 320, "samples": 640} | (
            passes or {}
        )
        self.plans = plan_passes(
            PassParameters(
                longitude=longitude,
                latitude=latitude,
                pass_direction="descending",
                first_day=np.datetime64("2022-03-01"),
                seed=seed,
                **asked,
            )
        )
        self.safes = [write_metadata(plan, folder) for plan in self.plans]
        errors = errors or [(0.0, 0.0)] * len(self.plans)
        self.views = [
            view_of(
                index,
                safe,
                plan.true_pass,
                errors=errors[index],
                swaths=asked["subswaths"],
                polarizations=asked.get("polarizations", ("vv", "vh")),
            )
            for index, (plan, safe) in enumerate(zip(self.plans, self.safes, strict=True))
        ]
        parameters = SceneParameters(**({"relief": 0.0, "cover_posting": 50.0} | NOTHING | (scene or {})))
        heights = parameters.base_height, parameters.base_height + parameters.relief
        self.scene = make_scene(
            scene_bounds(self.views, heights),
            np.array([view.product.start.astype("datetime64[D]") for view in self.views]),
            seed=seed,
            wavelength=self.views[0].product.bursts[0].grid.wavelength,
            parameters=parameters,
        )
        if kind is not None:
            everywhere = self.scene.base.with_values(np.full_like(self.scene.base.values, kind))
            self.scene = replace(self.scene, base=everywhere)
        self.campaign = make_campaign(self.views, 0, self.scene, seed, 2)

    def write(self, date):
        """The pixels of a date into its product."""
        ground, view, safe = ground_on(self.scene, date), self.views[date], self.safes[date]
        for _, bursts in groupby(view.product.bursts, key=lambda burst: burst.swath):
            fill_swath(self.campaign, ground, view, list(bursts), safe, lambda _: None)
        finish_product(safe)

    def with_targets(self, targets):
        self.scene = replace(self.scene, targets=tuple(targets))
        self.campaign = replace(self.campaign, scene=self.scene)
        return self

    def burst(self, date=0, index=0):
        return self.views[date].product.bursts[index]

    def integers(self, date=0, index=0):
        """Pixels (channel, line, sample, 2) int16 of a burst."""
        view, burst = self.views[date], self.burst(date, index)
        sight, ground = sight_mesh(self.campaign.mesh, view.satellite), ground_on(self.scene, date)
        out = np.zeros((len(burst.channels), *burst.grid.shape, 2), dtype=np.int16)
        for window in windows(burst):
            part, _ = image_window(self.campaign, ground, view, sight, burst, window)
            out[:, window.lines, window.samples] = part
        return out

    def pixels(self, date=0, index=0):
        """Complex pixels (channel, line, sample) of a burst."""
        parts = self.integers(date, index).astype(np.float64)
        return parts[..., 0] + 1j * parts[..., 1]

    def inside(self, date=0, index=0, margin=8):
        """Lines and samples that are valid in all channels, less a margin."""
        lines, samples = self.burst(date, index).valid
        return (
            slice(lines.start + margin, lines.stop - margin),
            slice(samples.start + margin, samples.stop - margin),
        )


def aligned(folder, kind, *, error=0.0, scene=None, passes=None):
    """Two dates on the same pass with the same bursts: pixels need no resampling."""
    small = Small(folder, kind=kind, passes={"baselines": (0.0, 0.0)} | (passes or {}), scene=scene)
    first = small.views[0]
    interval = first.product.bursts[0].grid.azimuth_interval
    small.views[1] = replace(
        first, index=1, azimuth_error=error * interval, product=replace(first.product, product_id="again")
    )
    return small


def esa_doppler(burst, orbit, sample, line):
    """Doppler centroid (Hz) of a focused TOPS image, as ESA COPE-GSEG-EOPG-TN-14-0025 writes it.

    f = f_etac(tau) + k_t(tau) (eta - eta_ref(tau)), eta_ref = eta_c(tau) - eta_c(tau_0), eta_c = -f_etac / k_a.
    """
    grid = burst.grid
    middle = grid.first_azimuth_time + 0.5 * grid.lines * grid.azimuth_interval
    eta = grid.azimuth_time(line) - middle
    slant_range, first = grid.slant_range(sample), grid.slant_range(0)
    centroid, rate = burst.channels["vv"].doppler_centroid, burst.azimuth_fm_rate
    speed = np.linalg.norm(orbit.velocity_at(middle))
    steering = 2.0 * speed / grid.wavelength * burst.steering_rate
    slope = rate.at(slant_range) * steering / (rate.at(slant_range) - steering)
    reference = centroid.at(first) / rate.at(first) - centroid.at(slant_range) / rate.at(slant_range)
    return centroid.at(slant_range) + slope * (eta - reference), slope, reference, eta


def deramped(burst, orbit, pixels):
    """Pixels (..., line, sample) of a whole burst without their carrier, by the same definition."""
    line, sample = np.arange(burst.grid.lines)[:, np.newaxis], np.arange(burst.grid.samples)
    _, slope, reference, eta = esa_doppler(burst, orbit, sample, line)
    centroid = burst.channels["vv"].doppler_centroid.at(burst.grid.slant_range(sample))
    apart = eta - reference
    return pixels * np.exp(-1j * np.pi * slope * apart**2 - 2j * np.pi * centroid * apart)

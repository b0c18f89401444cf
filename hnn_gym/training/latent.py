"""Multiple shooting on positions read from frames: r = g(q_frame) - q_model, over windows of k steps.

The model starts every window at a state (q, v) that is estimated with it, so that all frames of a window, those before
and those after, say where the body is at each moment, and how fast. g is a smooth change of the coordinate,

    g(q) = q + sum_j a_j cos j q + b_j sin j q   (circle),      g(q) = q + sum_j a_j l(sin j pi s)   (line),

learned beside the dynamics: a first guess of the angle is only some increasing function of the angle, and in no other
coordinate than the angle itself (from any origin) is the inertia constant. On a line the scale of q is free, and the
residuals would shrink with it: l takes from a function its straight line of regression over the data, so that the slope
of g over them is 1 whatever a.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.devices import on_numpy
from hnn_gym.errors import InputError
from hnn_gym.models import Architecture, Parameters
from hnn_gym.training.least_squares import LeastSquaresSettings, Tensors, least_squares, tensors
from hnn_gym.worlds.pixel_world import turned
from hnn_gym.worlds.world_model import WorldModel

STARTS, WARP = "starts", "warp"
States = tuple[list[np.ndarray], list[np.ndarray]]
"""Positions and velocities by episode, each ``(T + 1,)``, NaN where they are not known."""
_WARP_DECAY = 1e-3
NEAR_LIMIT = 0.97
"""Windows that come so near a speed limit, as a share of it, are left out: there the motion is not that of H."""


@dataclass(frozen=True)
class FrameWindows:
    """Windows of equal length, cut from episodes.

    Attributes:
        q: positions ``(N, k + 1)``, continuous within a window.
        v: velocities there ``(N, k + 1)``, from differences.
        action: actions ``(N, k, m)``.
        episode: which episode each window is of ``(N,)``.
        begin: step of the episode at which it begins ``(N,)``.
    """

    q: np.ndarray
    v: np.ndarray
    action: np.ndarray
    episode: np.ndarray
    begin: np.ndarray

    @classmethod
    def cut(
        cls,
        q: Sequence[np.ndarray],
        action: Sequence[np.ndarray],
        *,
        horizon: int,
        dt: float,
        angle: bool,
        slower_than: float = np.inf,
    ) -> FrameWindows:
        """Cut episodes of positions ``(T + 1,)`` and actions ``(T, m)`` into windows of ``horizon`` steps.

        The last window of an episode ends where the episode ends, and overlaps the one before where it has to.
        Windows in which abs(v) reaches ``slower_than`` are left out.

        Raises:
            InputError: no episode is as long as a window, or no window slow enough.
        """
        rows = []
        for i, (positions, actions) in enumerate(zip(q, action, strict=True)):
            steps = len(actions)
            if steps < horizon:
                continue
            path = positions[0] + np.cumsum(np.concatenate([[0.0], turned(np.diff(positions), angle=angle)]))
            velocity = np.diff(path) / dt
            velocity = np.concatenate([velocity[:1], velocity])
            begins = list(range(0, steps - horizon + 1, horizon))
            if begins[-1] != steps - horizon:
                begins.append(steps - horizon)
            rows += [
                (path[b : b + horizon + 1], velocity[b : b + horizon + 1], actions[b : b + horizon], i, b)
                for b in begins
                if np.abs(velocity[b : b + horizon + 1]).max() < slower_than
            ]
        if not rows:
            longest = max((len(actions) for actions in action), default=0)
            raise InputError(
                f"The longest of {len(action)} episodes has {longest} steps, and a window {horizon}"
                f"{'' if slower_than == np.inf else f', slower than {slower_than:.3g}'}: record longer or calmer "
                "episodes, or ask for shorter horizons."
            )
        return cls(*(np.array(column) for column in zip(*rows, strict=True)))


class Shooting:
    """Windows with a kind of model and its scheme: residuals to minimise, and the motion that minimises them."""

    def __init__(
        self,
        windows: FrameWindows,
        architecture: Architecture,
        coordinates: Coordinates,
        *,
        dt: float,
        decay: float,
        span: tuple[float, float],
        changes: int,
        device: str | torch.device = "cpu",
    ) -> None:
        """Hold the windows.

        Args:
            windows: of positions and actions.
            architecture: of the dynamics.
            coordinates: of the latent; a speed limit is not looked at.
            dt: step in s.
            decay: factor of the networks' weights among the residuals.
            span: ends of the line, for the change of its coordinate.
            changes: J, its harmonics.
            device: where the residuals are computed.
        """
        self.device = device
        self._architecture, self._dt, self._decay = architecture, dt, decay
        self._coordinates = replace(
            coordinates, degrees=tuple(replace(degree, speed_limit=None) for degree in coordinates.degrees)
        )
        self._windows, self._angle = windows, coordinates.angles[0]
        self._q = torch.tensor(windows.q, device=device)
        self._bends = torch.tensor(bends(windows.q, changes, span=None if self._angle else span), device=device)
        self._actions = torch.tensor(windows.action, dtype=torch.float64, device=device).movedim(1, 0)

    def starts(self, known: States | None = None) -> np.ndarray:
        """States [q, v] ``(N, 2)`` to begin the estimate of the windows' starts with.

        Args:
            known: states by episode from shorter windows, NaN where there are none: far better than differences.
        """
        q, v = self._windows.q[:, 0].copy(), self._windows.v[:, 0].copy()
        if known is not None:
            for row, (i, b) in enumerate(zip(self._windows.episode, self._windows.begin, strict=True)):
                if np.isfinite(known[0][i][b] + known[1][i][b]):
                    # The positions of a window are continuous, those known may be whole turns away.
                    q[row] += turned(known[0][i][b] - q[row], angle=self._angle)
                    v[row] = known[1][i][b]
        return np.stack([q, v], axis=-1)

    def states(self, parameters: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """The model's positions and velocities in every window, each ``(N, k + 1)``."""
        model = {name: value for name, value in parameters.items() if name not in (STARTS, WARP)}
        world = WorldModel.built(
            self._architecture,
            model,
            coordinates=self._coordinates,
            integrator=self._architecture.integrator,
            dt=self._dt,
        )
        start = parameters[STARTS]
        actions = self._actions if self._coordinates.controls else None
        x = world.rollout(world.phase_point(start[:, :1], start[:, 1:]), actions, steps=len(self._actions))
        q, v = world.state(x)
        return q[..., 0].T, v[..., 0].T

    def residual(self, parameters: Tensors) -> torch.Tensor:
        """Residuals ``(N, m)``: those of the window, and a share of the penalties on weights and change."""
        difference = self.states(parameters)[0] - self._q - self._bends @ parameters[WARP]
        missed = 2 * torch.sin(difference / 2) if self._angle else difference
        weights = [w.reshape(-1) for name, w in parameters.items() if name.rpartition(".w")[1]]
        penalties = torch.cat([*(self._decay * w for w in weights), _WARP_DECAY * parameters[WARP]])
        rows = len(self._q)
        filled = torch.cat([penalties, penalties.new_zeros(-len(penalties) % rows)])
        return torch.cat([missed, filled.reshape(rows, -1)], dim=1)

    def positions_and_velocities(self, parameters: Mapping[str, np.ndarray], lengths: Sequence[int]) -> States:
        """The model's motion by episode, of ``lengths`` moments each; NaN where no window lies."""
        with torch.no_grad():
            found = self.states(tensors(parameters, device=self.device))
        told: States = ([], [])
        for rows, values in zip(told, (on_numpy(values) for values in found), strict=True):
            rows += [np.full(length, np.nan) for length in lengths]
            for row, i, b in zip(values, self._windows.episode, self._windows.begin, strict=True):
                rows[i][b : b + len(row)] = row
        return told


def bends(q: np.ndarray, count: int, *, span: tuple[float, float] | None) -> np.ndarray:
    """Functions of positions ``(...)`` to add to the coordinate: ``(..., 2 count)`` on a circle, else ``(..., count)``.

    Args:
        q: positions.
        count: harmonics.
        span: ends of the line, None on a circle. There every function is orthogonal to 1 and q over the positions.
    """
    k = np.arange(1, count + 1)
    if span is None:
        phase = q[..., None] * k
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=-1)
    waves = np.sin((q[..., None] - span[0]) / (span[1] - span[0]) * np.pi * k)
    flat, straight = waves.reshape(-1, count), np.column_stack([np.ones(q.size), q.ravel()])
    left: np.ndarray = flat - straight @ np.linalg.lstsq(straight, flat, rcond=None)[0]
    return left.reshape(waves.shape)


def estimated_starts(world: WorldModel, q: np.ndarray, action: np.ndarray) -> np.ndarray:
    """The phase points ``(N, 2)`` from which a world best passes through positions seen in k + 1 frames.

    Args:
        world: a learned latent world on NumPy.
        q: positions ``(N, k + 1)`` as encoded.
        action: actions in between ``(N, k, m)``.
    """
    assert world.architecture is not None
    assert world.parameters is not None
    angle = world.coordinates.angles[0]
    windows = FrameWindows.cut(list(q), list(action), horizon=action.shape[1], dt=abs(world.dt), angle=angle)
    shooting = Shooting(
        windows, world.architecture, world.coordinates, dt=abs(world.dt), decay=0.0, span=(-1.0, 1.0), changes=0
    )
    still = tensors({**world.parameters, WARP: np.zeros(0)})
    found = least_squares(
        lambda p: shooting.residual(still | dict(p)),
        {STARTS: shooting.starts()},
        local=STARTS,
        settings=LeastSquaresSettings(steps=50, gain=1e-8),
    )[STARTS]
    return world.phase_point(found[:, :1], found[:, 1:])


def without_windows(parameters: Parameters) -> dict[str, np.ndarray]:
    """The dynamics' own parameters."""
    return {name: np.asarray(value) for name, value in parameters.items() if name not in (STARTS, WARP)}

"""Ours on the paper's films: :func:`hnn_gym.train_pixel_world` with a position on a line declared.

The films show an arc, no whole turn, and no force: whatever is declared, the scale of the position stays free, and the
metric's affine map finds it. The code of a pair of frames is z = (q, v) with q of the newer frame and
v = (q - q_before) / dt. Only frames are used, as by the paper's networks.

A world of steps has no time in between. Times that are evenly spaced by s frames are dreamt in steps of s dt with the
same H, as for a film whose frames lie s dt apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from experiments.paper.pixel_data import DT, RULE, Film
from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
from hnn_gym.models.pixel import FrameCodec
from hnn_gym.training import PixelSettings
from hnn_gym.training.pixel_footage import Footage
from hnn_gym.training.pixel_position import fit_position
from hnn_gym.training.pixel_rounds import Learner
from hnn_gym.worlds.world_model import WorldModel

_LINE = Coordinates((DegreeOfFreedom(position=0, velocity=1),))
_HIDDEN = (16,)


@dataclass(frozen=True)
class LineWorld:
    """A latent world on a line, and the codec of its frames.

    Attributes:
        world: the latent world, with steps of one frame.
        codec: maps frames to positions and back.
    """

    world: WorldModel
    codec: FrameCodec

    def encode(self, pairs: np.ndarray) -> np.ndarray:
        """Codes (q, v) ``(..., 2)`` of pairs of frames ``(..., 2 pixels)`` in [0, 1]."""
        frames = np.rint(255 * pairs).astype(np.uint8).reshape(*pairs.shape[:-1], 2, *RULE.shape)
        q = self.codec.encode(frames)[..., 0]
        return np.stack([q[..., 1], (q[..., 1] - q[..., 0]) / DT], axis=-1)

    def decode(self, z: np.ndarray) -> np.ndarray:
        """Pairs of frames ``(..., 2 pixels)`` of codes ``(..., 2)``."""
        q = np.stack([z[..., 0] - DT * z[..., 1], z[..., 0]], axis=-1)
        return self.codec.decode(q[..., None]).reshape(*z.shape[:-1], -1) / 255

    def motion(self, z: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Codes ``(k, points, 2)`` at evenly spaced times, in frames, from codes ``(k, 2)`` at the first of them.

        Raises:
            InputError: the times are not evenly spaced.
        """
        spacing = np.diff(times)
        if not np.allclose(spacing, spacing[0], rtol=1e-9):
            raise InputError(
                f"A world of steps dreams evenly spaced times, and these lie {spacing.min()} to {spacing.max()} apart."
            )
        stepped = replace(self.world, dt=float(spacing[0]) * DT)
        x = stepped.rollout(stepped.phase_point(z[:, :1], z[:, 1:]), None, steps=len(times) - 1)
        return np.moveaxis(np.concatenate(stepped.state(x), axis=-1), 0, 1)


def learn_line(film: Film, *, settings: PixelSettings) -> LineWorld:
    """Learn from the frames of a film.

    Raises:
        InputError: nothing moves in the film, or its trials are shorter than a window.
        ConvergenceError: the dynamics do not fit.
    """
    trials, length, _ = film.frames.shape
    footage = Footage(
        frames=np.rint(255 * film.frames).astype(np.uint8).reshape(-1, *RULE.shape),
        lengths=(length,) * trials,
        actions=[np.zeros((length - 1, 0))] * trials,
        coordinates=_LINE,
        dt=DT,
    )
    learner = Learner("mechanical", {"hidden": _HIDDEN}, None, settings, report=lambda line: None)
    fitted = fit_position(footage, learner)
    world = WorldModel.built(
        fitted.architecture,
        fitted.parameters,
        coordinates=_LINE,
        integrator=fitted.integrator,
        dt=DT,
    )
    assert isinstance(fitted.codec, FrameCodec)
    return LineWorld(world, fitted.codec)

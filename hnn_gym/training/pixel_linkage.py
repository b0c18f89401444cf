"""Rigid parts that carry each other, a carriage or an arm: positions first, then the dynamics through them.

The parts are rigid, so that their pictures say where they are without any dynamics, up to a tenth of a pixel. So the
pictures are fitted once, before the dynamics, which follow by multiple shooting over windows that grow.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from hnn_gym.models.pixel import Arm, Carriage, LinkageCodec, find_arm, find_carriage
from hnn_gym.training.fit import FitState
from hnn_gym.training.objective import Objective
from hnn_gym.training.pixel_footage import Footage
from hnn_gym.training.pixel_motion import of_linkage
from hnn_gym.training.pixel_rounds import Fitted, Learner, fit_rounds

_WORSE = 1.5


def fit_linkage(footage: Footage, scene: Carriage | Arm, learner: Learner) -> Fitted:
    """Find the parts in all frames, and fit their dynamics.

    Raises:
        InputError: nothing moves, or not as declared; or the model does not take the options.
        ConvergenceError: the dynamics do not fit.

    Warns:
        UserWarning: some frames do not show the parts.
    """
    if isinstance(scene, Arm):
        codec, q = _arm(footage, scene)
    else:
        codec, q = find_carriage(footage.frames, aspect=scene.aspect, half_width=scene.half_width)
    hidden = np.flatnonzero(np.isnan(q).any(axis=-1))
    if len(hidden):
        warnings.warn(
            f"Frame {hidden[0]}, and {len(hidden) - 1} more of {len(q)}, do not show both parts, which the dynamics "
            "fill in.",
            stacklevel=3,
        )
    learner.report(f"both parts in every frame: pictures differ by {codec.residual:.2g}")

    def seen(objective: Objective, state: FitState, number: int) -> Fitted:
        states = objective.windows.by_episode(objective.motion(state.parameters), footage.lengths)
        left = codec.wrapped(np.concatenate(states)[:, :2] - q)
        return Fitted(objective, state, codec, states, q, float(np.sqrt(np.nanmean(left**2))))

    # The angles of an arm go all the way round, and its velocities are beyond the reach of a few functions of them.
    library = of_linkage(codec.angles) if isinstance(scene, Carriage) else None
    return fit_rounds(footage, q, learner, seen, worse=_WORSE, library=library)


def _arm(footage: Footage, scene: Arm) -> tuple[LinkageCodec, np.ndarray]:
    """The codec of an arm and its angles in all frames, in the direction in which a positive torque turns its link."""
    height, width = footage.frames.shape[1:3]
    codec, q = find_arm(footage.frames, pixel_width=scene.aspect * height / width)
    pushed = [control.degree for control in footage.coordinates.controls]
    forces = [footage.free.force(action) for action in footage.actions]
    if _turning_sense(footage.by_episode(q), forces, pushed) < 0:
        return codec.mirrored(), -q
    return codec, q


def _turning_sense(paths: Sequence[np.ndarray], forces: Sequence[np.ndarray], pushed: Sequence[int | None]) -> float:
    """Positive if torques ``(T, m)`` turn what they act on towards larger angles of paths ``(T + 1, 2)``.

    The inverse of M(q) is positive, so that a torque on an angle accelerates this angle in its own direction, whatever
    the other one does. Accelerations are regressed on the torques and on the sines and cosines that a weight has.
    """
    sense = 1.0
    for control, degree in enumerate(pushed):
        if degree is None:
            continue
        rows, accelerations = [], []
        for path, force in zip(paths, forces, strict=True):
            turns = np.diff(path, axis=0)
            turns = np.pi - (np.pi - turns) % (2 * np.pi)
            at = path[1:-1]
            both = at.sum(-1)
            held = (force[:-1, control] + force[1:, control]) / 2
            columns = [held, np.ones(len(at)), *np.sin(at).T, *np.cos(at).T, np.sin(both), np.cos(both)]
            rows.append(np.stack(columns, axis=-1))
            accelerations.append(np.diff(turns[:, degree]))
        functions, target = np.concatenate(rows), np.concatenate(accelerations)
        known = np.isfinite(functions).all(-1) & np.isfinite(target)
        sense = np.linalg.lstsq(functions[known], target[known], rcond=None)[0][0]
    return float(sense)

"""Bodies in the plane, and one that slides along a row: tracks first, then the dynamics through them.

A sprite shows where its body is without any dynamics, up to a few hundredths of a pixel, so that the pictures are
fitted once. Which body is pushed is found before the fit: over three steps before and after a moment,

    q(t + 3) - 2 q(t) + q(t - 3) = dt^2 sum_j w_j (g u_(t+j) + f(q_t)) + error,   w = 1, 2, 3, 2, 1 ...

so that a regression on the recorded forces, and on functions of the distances between the bodies, shows on which body
they act. Then the dynamics are fitted by multiple shooting over windows that grow.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from hnn_gym.errors import InputError
from hnn_gym.models.pixel import Bodies, Slider, Tracks, track, track_slider
from hnn_gym.training.fit import FitState
from hnn_gym.training.objective import Objective
from hnn_gym.training.pixel_footage import Footage
from hnn_gym.training.pixel_motion import interpolated, of_bodies
from hnn_gym.training.pixel_rounds import Fitted, Learner, fit_rounds

_STEPS = 3
_WORSE = 1.5


def fit_bodies(footage: Footage, scene: Bodies | Slider, learner: Learner) -> tuple[Footage, Fitted]:
    """Track the bodies and fit their dynamics.

    Returns:
        The footage up to where bodies leave the picture, and what was found.

    Raises:
        InputError: what moves in the frames is not what the scene says, or the model does not take the options.
        ConvergenceError: the dynamics do not fit.

    Warns:
        UserWarning: a body leaves the picture; or bodies that look alike may have been exchanged.
    """
    episodes = footage.by_episode(footage.frames)
    rows, columns = footage.frames.shape[1:3]
    if isinstance(scene, Slider):
        tracks = track_slider(episodes, pixels_per_unit=scene.pixels_per_unit(columns))
    else:
        tracks = track(episodes, scene.count, pixels_per_unit=scene.pixels_per_unit(rows))
    for sentence in doubts(tracks, episodes):
        warnings.warn(sentence, stacklevel=3)
    footage, tracks = _cut(footage, tracks)
    if footage.coordinates.controls and scene.count > 1:
        tracks = _in_order_of_controls(tracks, footage)
    q = np.concatenate(tracks.positions)
    learner.report(
        f"sprites and tracks, bodies: {scene.count}; pictures differ by {tracks.codec.residual:.2g}, "
        f"{int(np.isnan(q).any(axis=-1).sum())} of {len(q)} frames hide a body"
    )

    def seen(objective: Objective, state: FitState, number: int) -> Fitted:
        states = objective.windows.by_episode(objective.motion(state.parameters), footage.lengths)
        left = np.concatenate(states)[:, : q.shape[1]] - q
        return Fitted(objective, state, tracks.codec, states, q, float(np.sqrt(np.nanmean(left**2))))

    # The encounters of three and more bodies are short, so that differences of positions are too noisy a beginning.
    pushed = [control.degree for control in footage.coordinates.controls]
    library = of_bodies(scene.count, pushed) if scene.count > 2 else None
    return footage, fit_rounds(footage, q, learner, seen, worse=_WORSE, library=library)


def doubts(tracks: Tracks, episodes: Sequence[np.ndarray]) -> list[str]:
    """Sentences about what tracks cannot tell, with the numbers of the frames."""
    firsts = np.cumsum([0, *(len(part) for part in episodes)])
    sentences = []
    if tracks.gone:
        number, frame, body = tracks.gone[0]
        kept, total = sum(len(path) for path in tracks.positions), firsts[-1]
        sentences.append(
            f"Body {body + 1} leaves the picture in frame {firsts[number] + frame} (frame {frame} of episode {number}) "
            f"and bodies do so in {len(tracks.gone)} of {len(episodes)} episodes, which end there: {kept} of {total} "
            "frames are left."
        )
    for numbers, what in (
        (tracks.foreign, "something that is not one of the bodies"),
        (tracks.vanished, "fewer bodies than the scene has, although no other body hides the missing one"),
    ):
        if numbers:
            sentences.append(f"Frame {numbers[0]}, and {len(numbers) - 1} more of {firsts[-1]}, show {what}.")
    if tracks.exchanged:
        number, frame = tracks.exchanged[0]
        sentences.append(
            f"Bodies that look alike meet in frame {firsts[number] + frame} (frame {frame} of episode {number}) and in "
            f"{len(tracks.exchanged) - 1} more, so that it is not certain which of them is which after that."
        )
    return sentences


def _cut(footage: Footage, tracks: Tracks) -> tuple[Footage, Tracks]:
    """Episodes up to where a body leaves the picture; episodes without a step are left out."""
    kept = [number for number, path in enumerate(tracks.positions) if len(path) > 1]
    if not kept or 2 * sum(len(tracks.positions[number]) for number in kept) < len(footage.frames):
        number, frame, body = tracks.gone[0]
        raise InputError(
            f"Body {body + 1} leaves the picture in frame {frame} of episode {number}, and so do others, so that less "
            "than half of the frames show all bodies: record shorter episodes, or a wider picture."
        )
    frames = footage.by_episode(footage.frames)
    lengths = [len(tracks.positions[number]) for number in kept]
    footage = replace(
        footage,
        frames=np.concatenate([frames[number][:length] for number, length in zip(kept, lengths, strict=True)]),
        lengths=tuple(lengths),
        actions=[footage.actions[number][: length - 1] for number, length in zip(kept, lengths, strict=True)],
        episodes=tuple(kept),
    )
    return footage, tracks._replace(positions=[tracks.positions[number] for number in kept])


def _in_order_of_controls(tracks: Tracks, footage: Footage) -> Tracks:
    """Tracks whose bodies are in the order in which the coordinates declare what the actions push.

    All bodies are put in order at once, and after that those that look alike in every episode on its own.
    """
    order = _best_order(pushes(tracks.positions, footage, footage.coordinates.n // 2))
    codec = tracks.codec.reordered(order)
    positions = [_reordered(path, order) for path in tracks.positions]
    if any(len(bodies) > 1 for bodies in codec.alike):
        for number, path in enumerate(positions):
            gains = pushes([path], replace(footage, actions=[footage.actions[number]]), len(order))
            for bodies in codec.alike:
                own = list(range(len(order)))
                for body, other in zip(bodies, _best_order(gains[np.ix_(bodies, bodies)]), strict=True):
                    own[body] = bodies[other]
                path = _reordered(path, own)
                gains = gains[:, own]
            positions[number] = path
    return tracks._replace(codec=codec, positions=positions)


def _best_order(gains: np.ndarray) -> list[int]:
    """The track for every declared body: the one that its forces explain best."""
    return [int(k) for k in linear_sum_assignment(gains, maximize=True)[1]]


def _reordered(path: np.ndarray, order: Sequence[int]) -> np.ndarray:
    return path.reshape(len(path), -1, 2)[:, list(order)].reshape(path.shape)


def pushes(positions: Sequence[np.ndarray], footage: Footage, bodies: int) -> np.ndarray:
    """How much of the motion of every track the forces on every declared body explain ``(declared, tracks)``.

    The share of the squared error of a regression without these forces that vanishes with them.
    """
    weights = _STEPS - np.abs(np.arange(-_STEPS + 1, _STEPS))
    blocks = []
    for path, action in zip(positions, footage.actions, strict=True):
        if len(path) <= 2 * _STEPS:
            continue
        at = interpolated(path)[_STEPS:-_STEPS].reshape(-1, bodies, 2)
        filled = interpolated(path)
        bend = (filled[2 * _STEPS :] - 2 * filled[_STEPS:-_STEPS] + filled[: -2 * _STEPS]).reshape(at.shape)
        force = footage.coordinates.force(action)
        pushed = _smoothed(footage.coordinates.force(action), weights)
        blocks.append((at, bend, pushed))
    at, bend, force = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    degrees = np.array([control.degree for control in footage.coordinates.controls])
    explained = np.zeros((bodies, bodies))
    for track_number in range(bodies):
        apart = np.delete(at - at[:, track_number, None], track_number, axis=1)
        distance = np.sqrt((apart**2).sum(-1, keepdims=True)) + 1e-3
        functions = np.concatenate([apart * distance**power for power in (-3, -2, -1, 0)], axis=1)
        for axis in (0, 1):
            known = np.column_stack([functions[..., axis], np.ones(len(at))])
            target = bend[:, track_number, axis]
            rest = _unexplained(known, target)
            for body in range(bodies):
                own = np.flatnonzero((degrees == 2 * body + axis).astype(bool))
                if len(own):
                    more = np.column_stack([known, force[:, own]])
                    explained[body, track_number] += 1 - _unexplained(more, target) / max(rest, 1e-300)
    return explained


def _smoothed(force: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Forces ``(T, m)`` weighted around the moments _STEPS, ..., T - _STEPS; u_t counts half before and half after."""
    centred = (force[:-1] + force[1:]) / 2  # around the moments 1, ..., T - 1
    columns = [np.convolve(column, weights, mode="valid") for column in centred.T]
    smoothed: np.ndarray = np.stack(columns, axis=-1)
    return smoothed


def _unexplained(functions: np.ndarray, target: np.ndarray) -> float:
    left = target - functions @ np.linalg.lstsq(functions, target, rcond=None)[0]
    return float((left**2).sum())

"""From frames to a world: positions, dynamics and pictures, each improved by the other two.

1. A first guess of the position in every frame: the leading components of blurred frames.
2. Dynamics: multiple shooting through the model's own scheme, over windows that grow from round to round, together with
   a smooth change of the coordinate (:mod:`hnn_gym.training.pixel_rounds`).
3. The codec: fitted to the frames at the positions of the motion of the *dynamics*, which are far better than those of
   any single frame. Then all frames are encoded again, and 2 and 3 repeat.
4. The reward: a network of the state and the force, fitted to the recorded rewards; and the termination, by the
   simplest function of the latent observation that tells the recorded ends from all other steps.
5. A check: the world has to predict the recording (:mod:`hnn_gym.training.pixel_check`).

Only frames, actions and rewards are used, neither observations nor states of the simulator.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates, DegreeOfFreedom
from hnn_gym.data import TransitionDataset
from hnn_gym.data.provenance import installed_versions
from hnn_gym.errors import InputError, instance
from hnn_gym.models.mlp import initial_mlp
from hnn_gym.models.pixel import Arm, Bodies, Carriage, OnePosition, Scene, Slider, obvious_scene
from hnn_gym.models.reward import RewardHead
from hnn_gym.models.task_heads import LearnedTermination
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.dataset_map import declared
from hnn_gym.training.least_squares import LeastSquaresSettings, least_squares, tensors
from hnn_gym.training.pixel_bodies import fit_bodies
from hnn_gym.training.pixel_check import check_forecast, forecast_error_share
from hnn_gym.training.pixel_footage import Footage, slow_windows
from hnn_gym.training.pixel_linkage import fit_linkage
from hnn_gym.training.pixel_position import fit_position
from hnn_gym.training.pixel_rounds import Fitted, Learner, LineReport
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.preparation import opened
from hnn_gym.training.task_heads import fit_termination
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.devices import checked_device
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

_HIDDEN: Mapping[str, Any] = {"hidden": (16,)}


def train_pixel_world(
    dataset: TransitionDataset | str | os.PathLike[str],
    model: str | None = None,
    *,
    scene: Scene | None = None,
    settings: PixelSettings | None = None,
    options: Mapping[str, Any] | None = None,
    coordinates: Coordinates | None = None,
    integrator: Integrator | None = None,
    dt: float | None = None,
    report: LineReport | None = None,
    device: str = "cpu",
) -> PixelWorld:
    """Learn a world from recorded frames, actions and rewards.

    Example:
        >>> data = hnn_gym.TransitionDataset.open("data/pixels.zarr")  # doctest: +SKIP
        >>> hnn_gym.train_pixel_world(data, report=print).save("runs/pixels")  # doctest: +SKIP

    Args:
        dataset: with frames, or its path; all of it is used.
        model: kind of the dynamics, from :data:`hnn_gym.models.MODELS`; None: "pairwise" for several bodies, "chain"
            for a carriage and for an arm, else "mechanical".
        scene: what the frames show. None: :class:`hnn_gym.OnePosition` where the coordinates have one degree of
            freedom, :class:`hnn_gym.Bodies` where they have two positions for every body,
            :class:`hnn_gym.models.pixel.Carriage` where they are a position and an angle, and
            :class:`hnn_gym.models.pixel.Arm` where they are two angles;
            :class:`hnn_gym.models.pixel.Slider` is taken only where it is given.
        settings: None takes the defaults.
        options: hyperparameters of the model, such as ``{"hidden": (32,)}``; None: one hidden layer of 16 where there
            is a network.
        coordinates: of the latent: whether it is an angle, its controls and their unit, a speed limit. None takes those
            that the dataset declares, or the scene's own without controls where it is not of one position. An angle
            is in rad from an unknown origin. The unit of a position is unknown unless the scene has a height or a
            width, so that a unit of its control is dropped, with a warning.
        integrator: the scheme to learn through and to step with; None takes the model's own. Symplectic Euler, that of
            "mechanical", is exact where the recorded environment steps by it, as Pendulum-v1 does. Where forces are
            held over a step of a smooth motion, as in Spring-v0, Leapfrog describes them one order better.
        dt: time step in s; None takes the dataset's.
        report: called with a line of text after every stage.
        device: where dynamics and reward are fitted, "cpu" or "cuda"; pictures are fitted on the CPU.

    Raises:
        MissingPathError: there is nothing at the path of the dataset.
        InputError: an argument has the wrong type; no frames; nothing moves in them, or not as declared; unknown model,
            option or dt; coordinates that do not fit the scene; or there is no such device.
        ConvergenceError: the dynamics do not fit, or the world does not predict its own recording.

    Warns:
        UserWarning: the unit of a control was dropped; a body leaves the picture; bodies that look alike may have been
            exchanged; or the world predicts its own recording badly, because the
            frames do not determine the position or the model does not describe the motion.
    """
    place = checked_device(device)
    dataset = opened(dataset)
    settings = instance(PixelSettings() if settings is None else settings, "settings", PixelSettings)
    if not isinstance(scene, Scene | None):
        raise InputError(
            f"scene must be OnePosition(), Bodies(...), Slider(...), Carriage(...) or Arm(...), got {scene!r}."
        )
    undeclared = coordinates is None and dataset.provenance.coordinates is None
    if undeclared and scene is not None and not isinstance(scene, OnePosition):
        coordinates = scene.coordinates()
    elif undeclared:
        raise InputError(
            f"The recording of {dataset.provenance.env_id} does not say what moves in its frames: pass "
            "scene=Bodies(...), Slider(...), Carriage(...) or Arm(...), or, for one position, coordinates=..."
        )
    coordinates, dt = declared(dataset, coordinates, dt)
    scene = obvious_scene(coordinates) if scene is None else scene
    scene.check(coordinates)
    latent, notes = _latent(dataset, coordinates, scene)
    for note in notes:
        warnings.warn(note, stacklevel=2)
    report = report or (lambda line: None)
    frames, episodes = dataset.frames(), list(dataset)
    footage = Footage(
        frames=np.concatenate(frames),
        lengths=tuple(len(part) for part in frames),
        actions=[
            np.asarray(latent.control_vector(episode.action.reshape(len(episode.action), -1)), np.float64)
            for episode in episodes
        ],
        coordinates=latent,
        dt=dt,
    )
    model = scene.model if model is None else model
    if options is None:
        options = {} if model == "chain" else _HIDDEN
    learner = Learner(model, options, integrator, settings, report, place)
    if isinstance(scene, Bodies | Slider):
        footage, fitted = fit_bodies(footage, scene, learner)
    elif isinstance(scene, Carriage | Arm):
        fitted = fit_linkage(footage, scene, learner)
    else:
        fitted = fit_position(footage, learner)
    kept = footage.episodes or range(len(episodes))
    rewards = [episodes[number].reward[: len(u)] for number, u in zip(kept, footage.actions, strict=True)]
    reward = _reward(footage, fitted, rewards, settings, device=place)
    ends = [episodes[number].terminated[: len(u)] for number, u in zip(kept, footage.actions, strict=True)]
    termination = _termination(latent, fitted, ends)
    report("reward and termination")
    about = _about(dataset, footage, fitted, settings) | {"notes": notes}
    world = WorldModel.built(
        fitted.architecture,
        fitted.parameters,
        coordinates=latent,
        integrator=fitted.integrator,
        dt=dt,
        card={"seen": {"env_id": dataset.provenance.env_id, "sha256": about["sha256"], "frames": about["frames"]}},
    )
    share = forecast_error_share(world, _long_windows(footage, fitted, settings), device=device)
    report(f"predicted positions are wrong by {100 * share:.2g} % of the motion")
    check_forecast(share)
    about["figures"]["forecast_error_share_of_motion"] = share
    return PixelWorld(world, fitted.codec, reward, _first_states(fitted), about, termination)


def _long_windows(footage: Footage, fitted: Fitted, settings: PixelSettings) -> TrainingWindows:
    """Windows of twice the longest horizon, or shorter ones where all of these come near a speed limit."""
    horizon = 2 * max(settings.horizons)
    while not len(windows := slow_windows(footage, fitted.positions, horizon)):
        horizon //= 2  # at the horizon that was fitted there are some
    return windows


def _first_states(fitted: Fitted) -> np.ndarray:
    """The first known state [q, v] of every episode that has one ``(k, 2n)``."""
    rows = []
    for states in fitted.states:
        known = np.flatnonzero(np.isfinite(states).all(axis=-1))
        if len(known):
            rows.append(states[known[0]])
    q, v = np.split(np.array(rows), 2, axis=-1)
    return np.concatenate([fitted.codec.wrapped(q), v], axis=-1)


def _about(dataset: TransitionDataset, footage: Footage, fitted: Fitted, settings: PixelSettings) -> dict[str, Any]:
    return {
        "provenance": dataset.provenance.to_json(),
        "sha256": dataset.content_hash(),
        "episodes": dataset.num_episodes,
        "frames": len(footage.frames),
        "longest_episode": max(len(action) for action in footage.actions),
        "settings": asdict(settings),
        "figures": {
            "codec_residual": fitted.codec.residual,
            "frames_minus_dynamics_rms": fitted.rms,
            "horizon": fitted.horizon,
        },
        "versions": installed_versions(("hnn_gym", "torch", "numpy", "scipy")),
    }


def _latent(dataset: TransitionDataset, coordinates: Coordinates, scene: Scene) -> tuple[Coordinates, list[str]]:
    """Return the coordinates of the latent world, and sentences for its card.

    Raises:
        InputError: other controls than those recorded.
    """
    provenance = dataset.provenance
    if coordinates.force_table is None and len(coordinates.controls) != int(
        np.prod(provenance.box_action_space().shape)
    ):
        raise InputError(
            f"The coordinates declare {len(coordinates.controls)} controls, and the recorded actions have the shape "
            f"{provenance.action_space.shape}."
        )
    controls = coordinates.controls
    notes: list[str] = []
    units = sorted({control.unit for control in controls if control.unit is not None})
    if not isinstance(scene, OnePosition) and scene.in_metres:
        return scene.coordinates(coordinates), notes
    if units and not coordinates.angles[0]:
        notes.append(
            f"Frames do not show how long a metre is, so the unit {', '.join(units)} of the control is dropped: the "
            "gain of the control is learned, and the scale of positions and energies is free."
        )
        controls = tuple(replace(control, unit=None) for control in controls)
    if not isinstance(scene, OnePosition):
        return scene.coordinates(replace(coordinates, controls=controls)), notes
    limit = coordinates.degrees[0].speed_limit
    whole: dict[str, Any] = {"force_table": coordinates.force_table, "action_counts": coordinates.action_counts}
    if coordinates.angles[0]:
        turning = DegreeOfFreedom(cos=0, sin=1, velocity=2, speed_limit=limit)
        return Coordinates((turning,), controls, **whole), notes
    if limit is not None:
        notes.append(f"Frames do not show how long a metre is, so the speed limit of {limit:g} is dropped.")
    return Coordinates((DegreeOfFreedom(position=0, velocity=1),), controls, **whole), notes


def _termination(coordinates: Coordinates, fitted: Fitted, ends: Sequence[np.ndarray]) -> LearnedTermination:
    """Fit the termination to latent observations after every step, at the states of the motion of the dynamics."""
    q, v = np.split(np.concatenate([states[1:] for states in fitted.states]), 2, axis=-1)
    known = np.isfinite(q).all(axis=-1)
    observation = coordinates.observation(fitted.codec.wrapped(q[known]), v[known])
    return fit_termination(observation, np.concatenate(ends)[known])


def _reward(
    footage: Footage, fitted: Fitted, rewards: Sequence[np.ndarray], settings: PixelSettings, *, device: torch.device
) -> RewardHead:
    """Fit the reward at the states of the motion of the dynamics."""
    q, v = np.split(np.concatenate([states[:-1] for states in fitted.states]), 2, axis=-1)
    u = footage.coordinates.force(np.concatenate(footage.actions))
    r = np.concatenate(rewards)
    known = np.isfinite(q).all(axis=-1)
    variables = fitted.architecture.variables
    head = RewardHead(
        features=variables.features,
        velocity_scales=variables.velocity_scales,
        force_scales=variables.force_scales,
        mean=float(r.mean()),
        spread=float(r.std()) or 1.0,
        parameters={},
    )
    sizes = (head.inputs, *settings.reward_hidden, 1)
    initial = initial_mlp("reward", sizes, rng=np.random.default_rng(settings.seed))
    inputs = tensors({"q": q[known], "v": v[known], "u": u[known], "r": r[known]}, device=device)

    def residual(parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
        predicted = head.with_parameters(parameters)(inputs["q"], inputs["v"], inputs["u"])
        weights = [w.reshape(-1) for name, w in parameters.items() if name.rpartition(".w")[1]]
        return torch.cat([(predicted - inputs["r"]) / head.spread, *(1e-3 * w for w in weights)])

    when = LeastSquaresSettings(steps=settings.reward_steps, chunk=64)
    found = least_squares(residual, initial, settings=when, device=device)
    return head.with_parameters(found)

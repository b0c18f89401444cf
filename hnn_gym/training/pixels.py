"""From frames to a world: positions, dynamics and pictures, each sharpened by the other two.

1. A first guess of the position in every frame: the leading components of blurred frames.
2. Dynamics: multiple shooting through the model's own scheme, over windows that grow from round to round, together with
   a smooth change of the coordinate (:mod:`hnn_gym.training.latent`).
3. The codec: fitted to the frames at the positions where the *dynamics* say that the body is, which are far better than
   any single frame tells; then all frames are encoded anew, and 2 and 3 repeat (:mod:`hnn_gym.training.pixel_rounds`).
4. The reward: a network of the state and the force, fitted to what was recorded.

Frames, actions and rewards are all that is used; neither observations nor states of the simulator.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from hnn_gym.arguments import instance
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.data.provenance import installed_versions
from hnn_gym.devices import checked_device
from hnn_gym.errors import InputError
from hnn_gym.models.mlp import initial_mlp
from hnn_gym.models.reward import RewardHead
from hnn_gym.training.least_squares import LeastSquaresSettings, least_squares, tensors
from hnn_gym.training.pixel_rounds import Fitted, Footage, LineReport, fit_rounds
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.preparation import declared, opened
from hnn_gym.worlds.pixel_world import PixelWorld, check_topology
from hnn_gym.worlds.world_model import WorldModel

_HIDDEN: Mapping[str, Any] = {"hidden": (16,)}


def train_pixel_world(
    dataset: TransitionDataset | str | os.PathLike[str],
    model: str = "mechanical",
    *,
    settings: PixelSettings | None = None,
    options: Mapping[str, Any] | None = None,
    coordinates: Coordinates | None = None,
    dt: float | None = None,
    report: LineReport | None = None,
    device: str = "cpu",
) -> PixelWorld:
    """Learn a world from recorded frames, actions and rewards.

    Example:
        >>> data = hnn_gym.TransitionDataset.open("data/pixels.zarr")  # doctest: +SKIP
        >>> hnn_gym.train_pixel_world(data, report=print).save("runs/pixels")  # doctest: +SKIP

    Args:
        dataset: with frames; all of it is used.
        model: kind of the dynamics, from :data:`hnn_gym.models.MODELS`.
        settings: None takes the defaults.
        options: hyperparameters of the model, such as ``{"hidden": (32,)}``; None: one
            hidden layer of 16.
        coordinates: of the latent: its topology, its controls and their unit, a speed limit. None takes those that
            the dataset declares. An angle is in rad from an origin that no frame tells.
        dt: time step in s; None takes the dataset's.
        report: told a line after every stage.
        device: where dynamics and reward are fitted, "cpu" or "cuda"; pictures are fitted on the CPU.

    Raises:
        InputError: no frames; nothing moves in them, or not as declared; unknown model, option or dt; a latent of
            several degrees of freedom; or forces in SI units on a position, whose unit frames do not tell;
            or there is no such device.
        ConvergenceError: the dynamics do not fit.
    """
    place = checked_device(device)
    dataset = opened(dataset)
    settings = instance(PixelSettings() if settings is None else settings, "settings", PixelSettings)
    coordinates, dt = _declared(dataset, coordinates, dt)
    report = report or (lambda line: None)
    frames, episodes = dataset.frames(), list(dataset)
    footage = Footage(
        frames=np.concatenate(frames),
        lengths=tuple(len(part) for part in frames),
        actions=[np.asarray(episode.action, np.float64) for episode in episodes],
        coordinates=coordinates,
        dt=dt,
    )
    options = _HIDDEN if options is None else options
    fitted = fit_rounds(footage, model, options=options, settings=settings, report=report, device=place)
    reward = _reward(footage, fitted, [episode.reward for episode in episodes], settings, device=place)
    report("reward")
    about = _about(dataset, footage, fitted, settings)
    world = WorldModel.built(
        fitted.architecture,
        fitted.parameters,
        coordinates=coordinates,
        integrator=fitted.architecture.integrator,
        dt=dt,
        card={"seen": {"env_id": dataset.provenance.env_id, "sha256": about["sha256"], "frames": about["frames"]}},
    )
    return PixelWorld(world, fitted.codec, reward, _first_states(fitted), about)


def _first_states(fitted: Fitted) -> np.ndarray:
    """The first known state [q, v] of every episode that has one ``(k, 2)``."""
    rows = []
    for states in fitted.states:
        known = np.flatnonzero(np.isfinite(states).all(axis=-1))
        if len(known):
            rows.append(states[known[0]])
    starts = np.array(rows)
    starts[:, 0] = fitted.codec.harmonics.wrapped(starts[:, 0])
    return starts


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


def _declared(
    dataset: TransitionDataset, coordinates: Coordinates | None, dt: float | None
) -> tuple[Coordinates, float]:
    provenance = dataset.provenance
    coordinates, dt = declared(dataset, coordinates, dt)
    check_topology(coordinates.angles)
    if coordinates.in_physical_units and not coordinates.angles[0]:
        raise InputError(
            "Frames do not tell how long a metre is, so a force in N has no unit in the latent: declare the control of "
            "a position with unit=None."
        )
    if len(coordinates.controls) != int(np.prod(provenance.box_action_space().shape)):
        raise InputError(
            f"The coordinates declare {len(coordinates.controls)} controls, and the recorded actions have the shape "
            f"{provenance.action_space.shape}."
        )
    return coordinates, dt


def _reward(
    footage: Footage, fitted: Fitted, rewards: Sequence[np.ndarray], settings: PixelSettings, *, device: torch.device
) -> RewardHead:
    """Fit the reward at the states that the dynamics tell."""
    q, v = np.split(np.concatenate([states[:-1] for states in fitted.states]), 2, axis=-1)
    u = footage.coordinates.force(np.concatenate(footage.actions))
    r = np.concatenate(rewards)
    known = np.isfinite(q[:, 0])
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

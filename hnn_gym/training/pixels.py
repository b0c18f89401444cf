"""From frames to a world: positions, dynamics and pictures, each sharpened by the other two.

1. A first guess of the position in every frame: the leading components of blurred frames.
2. Dynamics: multiple shooting through the model's own scheme, over windows that grow from round to round, together with
   a smooth change of the coordinate (:mod:`hnn_gym.training.latent`).
3. The codec: fitted to the frames at the positions where the *dynamics* say that the body is, which are far better than
   any single frame tells; then all frames are encoded anew, and 2 and 3 repeat.
4. The reward: a network of the state and the force, fitted to what was recorded.

Frames, actions and rewards are all that is used; neither observations nor states of the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.data.provenance import installed_versions
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.models import MODELS, Architecture, Variables
from hnn_gym.models.mlp import initial_mlp
from hnn_gym.models.pixel import FrameCodec, Harmonics, first_positions
from hnn_gym.models.reward import RewardHead
from hnn_gym.pixel_world import PixelWorld, check_topology
from hnn_gym.training.latent import NEAR_LIMIT, STARTS, WARP, Shooting, States, Windows, without_windows
from hnn_gym.training.least_squares import LeastSquaresSettings, least_squares, tensors
from hnn_gym.world_model import WorldModel

_LINE_MARGIN = 0.1
_WORSE = 1.2
"""A round that leaves frames and dynamics further apart than before by this factor is undone, and the last."""


@dataclass(frozen=True)
class PixelSettings:
    """Settings of learning from frames."""

    horizons: tuple[int, ...] = (5, 10, 20, 40)
    """Steps of the windows in each round. Short ones find the basin, long ones the last digits."""
    steps: int = 20
    """Least-squares steps of a round, at the most."""
    adam_steps: int = 100
    """Steps of Adam before the first round."""
    learning_rate: float = 2e-2
    """Adam's."""
    decay: float = 1e-4
    """Weight of the networks' weights among residuals in rad."""
    warp: int = 8
    """Harmonics of the change of the coordinate."""
    harmonics: int = 48
    """Harmonics of the pictures; half of them in the first round."""
    blur: float = 0.14
    """Width of the blur for the first guess, as a share of the frame's height."""
    reward_hidden: tuple[int, ...] = (32,)
    """Hidden layers of the reward."""
    reward_steps: int = 40
    """Least-squares steps of the reward."""
    seed: int = 0
    """For initial weights."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.horizons or min(self.horizons) < 2:
            raise InputError(f"horizons must be of at least 2 steps, and are {self.horizons}.")
        if min(self.steps, self.warp, self.reward_steps) < 1 or self.adam_steps < 0 or self.harmonics < 2:
            raise InputError("steps, warp and reward_steps must be at least 1, harmonics 2, adam_steps not negative.")
        if not (self.decay >= 0 and self.learning_rate > 0 and self.blur > 0):
            raise InputError("decay must be >= 0, learning_rate and blur > 0.")


Report = Callable[[str], None]
"""Told a line after every stage."""


class _Round(NamedTuple):
    """What a round of dynamics and pictures has found."""

    horizon: int
    parameters: dict[str, np.ndarray]
    codec: FrameCodec
    states: States
    rms: float


def learn_pixels(
    dataset: TransitionDataset,
    model: str = "mechanical",
    *,
    settings: PixelSettings | None = None,
    options: Mapping[str, Any] | None = None,
    coordinates: Coordinates | None = None,
    dt: float | None = None,
    report: Report | None = None,
) -> PixelWorld:
    """Learn a world from recorded frames, actions and rewards.

    Args:
        dataset: with frames; all of it is used.
        model: kind of the dynamics, from :data:`hnn_gym.models.MODELS`.
        settings: None takes the defaults.
        options: hyperparameters of the model, such as ``{"hidden": (16,)}``.
        coordinates: of the latent: its topology, its controls and their unit, a speed limit. None takes those that
            the dataset declares. An angle is in rad from an origin that no frame tells.
        dt: time step in s; None takes the dataset's.
        report: told a line after every stage.

    Raises:
        InputError: no frames; nothing moves in them, or not as declared; unknown model, option or dt; a latent of
            several degrees of freedom; or forces in SI units on a position, whose unit frames do not tell.
        ConvergenceError: the dynamics do not fit.
    """
    settings = settings or PixelSettings()
    coordinates, dt = _declared(dataset, coordinates, dt)
    if model not in MODELS:
        raise InputError(f"There is no model {model!r}: choose from {', '.join(sorted(MODELS))}.")
    episodes = list(dataset)
    frames = dataset.frames()
    actions = [np.asarray(episode.action, np.float64) for episode in episodes]
    ends = np.cumsum([len(part) for part in frames])[:-1]
    film = np.concatenate(frames)
    tell = report or (lambda line: None)

    angle = coordinates.angles[0]
    q = first_positions(film, angle=angle, blur=settings.blur)
    if angle and coordinates.in_physical_units:
        q = q * _turning_sense(np.split(q, ends), actions, dt=dt)
    tell("first guess of the position in every frame")

    low, high = float(q.min()), float(q.max())
    margin = _LINE_MARGIN * (high - low)
    span = (low - margin, high + margin)
    lengths = [len(part) for part in frames]
    fastest = np.inf if coordinates.speed_limits is None else NEAR_LIMIT * coordinates.speed_limits[0]
    architecture: Architecture | None = None
    parameters: dict[str, np.ndarray] = {}
    best: _Round | None = None
    for i, horizon in enumerate(settings.horizons):
        windows = Windows.cut(np.split(q, ends), actions, horizon=horizon, dt=dt, angle=angle, slower_than=fastest)
        if architecture is None:
            architecture = _architecture(model, windows, coordinates, options, dt=dt)
            parameters = architecture.initial_parameters(np.random.default_rng(settings.seed))
        shooting = Shooting(windows, architecture, coordinates, dt=dt, decay=settings.decay, span=span)
        start = parameters | {
            STARTS: shooting.starts(best.states if best else None),
            WARP: np.zeros(settings.warp * (2 if angle else 1)),
        }
        if i == 0:
            start = _descended(shooting, start, settings)
        found = least_squares(
            shooting.residual, start, local=STARTS, settings=LeastSquaresSettings(steps=settings.steps)
        )
        states = shooting.positions_and_velocities(found, lengths)
        where = np.concatenate(states[0])
        known = ~np.isnan(where)
        harmonics = Harmonics(angle, settings.harmonics if i else max(1, settings.harmonics // 2), *_ends(angle, span))
        codec = FrameCodec.fitted(film[known], where[known], harmonics)
        q = codec.encode(film)[..., 0]
        left = where[known] - q[known]
        rms = float(np.sqrt(np.mean(2 - 2 * np.cos(left)) if angle else np.mean(left**2)))
        tell(f"windows of {horizon} steps: frames and dynamics differ by {rms:.2g}, pictures by {codec.residual:.2g}")
        if best is not None and rms > _WORSE * best.rms:
            tell(f"windows of {horizon} steps are too long for this model: back to those of {best.horizon}")
            break
        parameters = without_windows(found)
        best = _Round(horizon, parameters, codec, states, rms)
    assert architecture is not None
    assert best is not None
    codec, states = best.codec, best.states

    world = WorldModel.built(
        architecture, parameters, coordinates=coordinates, integrator=architecture.integrator, dt=dt
    )
    reward = _reward(world, states, actions, [episode.reward for episode in episodes], settings)
    tell("reward")
    starts = np.array([[q[0], v[0]] for q, v in zip(*states, strict=True) if np.isfinite(q[0] + v[0])])
    starts[:, 0] = codec.harmonics.wrapped(starts[:, 0])
    about = {
        "provenance": dataset.provenance.to_json(),
        "sha256": dataset.content_hash(),
        "episodes": dataset.num_episodes,
        "frames": len(film),
        "longest_episode": max(len(a) for a in actions),
        "settings": asdict(settings),
        "figures": {"codec_residual": codec.residual, "frames_minus_dynamics_rms": best.rms, "horizon": best.horizon},
        "versions": installed_versions(("hnn_gym", "torch", "numpy", "scipy")),
    }
    card = {"seen": {"env_id": dataset.provenance.env_id, "sha256": about["sha256"], "frames": len(film)}}
    world = WorldModel.built(
        architecture, parameters, coordinates=coordinates, integrator=architecture.integrator, dt=dt, card=card
    )
    return PixelWorld(world, codec, reward, starts, about)


def _declared(
    dataset: TransitionDataset, coordinates: Coordinates | None, dt: float | None
) -> tuple[Coordinates, float]:
    provenance = dataset.provenance
    if coordinates is None:
        if provenance.coordinates is None:
            raise InputError(
                f"It is not known what moves in {provenance.env_id}: pass coordinates=Coordinates(...), an angle or a "
                "position, with its controls."
            )
        coordinates = Coordinates.from_json(provenance.coordinates)
    dt = provenance.dt if dt is None else dt
    if dt is None:
        raise InputError(f"The time step of {provenance.env_id} is not known: pass dt in s.")
    check_topology(coordinates.angles)
    if coordinates.in_physical_units and not coordinates.angles[0]:
        raise InputError(
            "Frames do not tell how long a metre is, so a force in N has no unit in the latent: declare the control of "
            "a position with unit=None."
        )
    if len(coordinates.controls) != int(np.prod(provenance.action_space.shape)):
        raise InputError(
            f"The coordinates declare {len(coordinates.controls)} controls, and the recorded actions have the shape "
            f"{provenance.action_space.shape}."
        )
    return coordinates, float(dt)


def _architecture(
    model: str, windows: Windows, coordinates: Coordinates, options: Mapping[str, Any] | None, *, dt: float
) -> Architecture:
    observation = coordinates.observation(windows.q[..., None], windows.v[..., None])
    variables = Variables.measured(coordinates, observation, windows.action, dt=dt)
    try:
        return MODELS[model](variables=variables, **(options or {"hidden": (16,)}))  # type: ignore[call-arg]
    except TypeError as error:
        raise InputError(f"Model {model!r} does not take these options: {error}.") from None


def _turning_sense(q: Sequence[np.ndarray], actions: Sequence[np.ndarray], *, dt: float) -> float:
    """1 or -1: whether the torque turns the body towards larger q, by regression of its acceleration."""
    basis = Harmonics(True, 4)
    rows, accelerations = [], []
    for positions, action in zip(q, actions, strict=True):
        path = np.unwrap(positions)
        v = (path[2:] - path[:-2]) / (2 * dt)
        at = basis(path[1:-1])
        rows.append(np.column_stack([at, at * v[:, None] ** 2, action[1:, 0]]))
        accelerations.append(np.diff(path, 2) / dt**2)
    gain = np.linalg.lstsq(np.concatenate(rows), np.concatenate(accelerations), rcond=None)[0][-1]
    return -1.0 if gain < 0 else 1.0


def _descended(shooting: Shooting, start: dict[str, np.ndarray], settings: PixelSettings) -> dict[str, np.ndarray]:
    """Some steps of Adam, from weights drawn at random to where the residuals are nearly linear."""
    moving = {name: tensor.requires_grad_() for name, tensor in tensors(start).items()}
    optimizer = torch.optim.Adam(moving.values(), lr=settings.learning_rate)
    for step in range(settings.adam_steps):
        optimizer.zero_grad()
        loss = shooting.residual(moving).pow(2).mean()
        if not bool(torch.isfinite(loss)):
            raise ConvergenceError(f"The loss became {loss.item()} in step {step} of Adam: lower learning_rate.")
        loss.backward()
        optimizer.step()
    return {name: tensor.detach().numpy() for name, tensor in moving.items()}


def _ends(angle: bool, span: tuple[float, float]) -> tuple[float, float]:
    return (-np.pi, np.pi) if angle else span


def _reward(
    world: WorldModel,
    states: States,
    actions: Sequence[np.ndarray],
    rewards: Sequence[np.ndarray],
    settings: PixelSettings,
) -> RewardHead:
    q, v = (np.concatenate([row[:-1] for row in rows])[:, None] for rows in states)
    u = world.coordinates.force(np.concatenate(actions))
    r = np.concatenate(rewards)
    known = np.isfinite(q[:, 0])
    assert world.architecture is not None
    variables = world.architecture.variables
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
    inputs = tensors({"q": q[known], "v": v[known], "u": u[known], "r": r[known]})

    def residual(parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
        predicted = head.with_parameters(parameters)(inputs["q"], inputs["v"], inputs["u"])
        weights = [w.reshape(-1) for name, w in parameters.items() if name.rpartition(".w")[1]]
        return torch.cat([(predicted - inputs["r"]) / head.spread, *(1e-3 * w for w in weights)])

    found = least_squares(residual, initial, settings=LeastSquaresSettings(steps=settings.reward_steps, chunk=64))
    return head.with_parameters(found)

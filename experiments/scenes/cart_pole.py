"""CartPole-v1 from frames: what is recorded and filmed, and an agent that sees frames.

What is learned from are random actions, which end an episode after some twenty steps. The held-out films are longer:
they are made by a rule that balances the pole roughly and replaces a third of its actions by random ones.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from experiments.scenes.driven import Driven
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.data.frames import Camera
from hnn_gym.envs.latent_observation import frame_rule_of
from hnn_gym.models.pixel import Carriage
from hnn_gym.systems import SYSTEMS
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

_PIXEL = np.array([4.8 / 64, 3.2 / 64])
"""Width and height of a pixel in m; the pole is 1 m long, so that a radian moves its tip by 1 m."""
_TWINS = SYSTEMS["CartPole-v1"].pixel_twins


def _roughly_balanced(rng: np.random.Generator, observation: np.ndarray) -> int:
    random = rng.random() < 1 / 3
    falls = int(observation[2] + 0.35 * observation[3] > 0)
    return int(rng.integers(2)) if random else falls


CART_POLE = Driven(
    env_id="CartPole-v1",
    scene=Carriage(aspect=1.5, width=4.8),
    models={
        "HNN": (_TWINS["HNN"], "HNNPixelCartPole-v0"),
        "second-order network": (_TWINS["Baseline"], "BaselinePixelCartPole-v0"),
    },
    steps=4000,
    horizons=(10, 20),
    context=40,
    horizon=120,
    positions=(0, 2),
    marks=lambda q: q / _PIXEL,
    action=_roughly_balanced,
)
"""Settings were chosen on the recording of seed 10."""


def balanced(seen: PixelWorld, *, episodes: int, steps: int = 500) -> dict[str, Any]:
    """Steps in the real CartPole-v1, from frames alone, of the linear controller about the learned equilibrium.

    All episodes are stepped together, so that their frames are encoded together. What the controller sees is what
    :class:`hnn_gym.LatentObservation` shows of each.
    """
    world = seen.world
    policy = LinearQuadratic(world, position=_upright(world))
    envs: list[Any] = [gymnasium.make("CartPole-v1", render_mode="rgb_array") for _ in range(episodes)]
    cameras = [Camera(env, frame_rule_of(seen)) for env in envs]
    for seed, env in enumerate(envs):
        env.reset(seed=seed)
    q = seen.codec.encode(np.stack([camera() for camera in cameras]))
    x = world.phase_point(q, np.zeros_like(q))
    returns, running = np.zeros(episodes), np.arange(episodes)
    for _ in range(steps):
        action = (policy.action(x) > 0).astype(int)  # a push to the left or to the right
        ended = np.array([envs[number].step(int(a))[2] for number, a in zip(running, action[:, 0], strict=True)])
        returns[running] += 1
        running, before, action = running[~ended], q[~ended], action[~ended]
        if not len(running):
            break
        q = seen.codec.encode(np.stack([cameras[number]() for number in running]), near=before)
        x = seen.arrived(before, q, action)
    for env in envs:
        env.close()
    return {"returns": [float(value) for value in returns], "share_of_500": float(np.mean(returns >= 500))}


def _upright(world: WorldModel) -> np.ndarray:
    """The position ``(2,)`` near [0, 0] at which the world stays without a push, by Newton's rule."""
    q, none = np.zeros(2), np.zeros(1)
    for _ in range(20):
        v = _speed_gained(world, q, none)
        slope = (_speed_gained(world, q + np.array([0, 1e-4]), none) - v) / 1e-4
        q = q - np.array([0, slope @ v / (slope @ slope)])
    return q


def _speed_gained(world: WorldModel, q: np.ndarray, action: np.ndarray) -> np.ndarray:
    speed: np.ndarray = world.state(world.step(world.phase_point(q, np.zeros(2)), action))[1]
    return speed

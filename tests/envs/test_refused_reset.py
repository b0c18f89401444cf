"""A refused reset changes nothing: the generators of starts continue where they were, whatever its seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym import InputError

BAD: list[tuple[Any, str]] = [
    ({"x_init": -1.0}, "x_init and y_init must be finite"),
    ({"x_init": 1.0, "z_init": 1.0}, r"does not know the options \['z_init'\]"),
    ({3: 1.0}, r"does not know the options \[3\]"),
    ([1.0], "options must be a dict"),
]


def _drawn() -> Any:
    return gymnasium.make("HNNPendulum-v0", render_mode="rgb_array")


SHELLS: dict[str, Callable[[], Any]] = {
    "single": lambda: gymnasium.make("HNNPendulum-v0"),
    "own reward": lambda: gymnasium.make("HNNPendulum-v0", reward=lambda *_: 0.0),
    "batch": lambda: gymnasium.make_vec("HNNPendulum-v0", num_envs=3),
    "torch": lambda: gymnasium.make_vec("HNNPendulum-v0", num_envs=3, device="cpu"),
    "noise": lambda: hnn_gym.ObservationNoise(gymnasium.make("HNNPendulum-v0"), 0.1),
    "frames": lambda: hnn_gym.PixelObservation(_drawn(), size=16),
    "latent": lambda: hnn_gym.LatentObservation(_drawn(), "HNNPixelPendulum-v0"),
}


@pytest.mark.parametrize(("options", "words"), BAD)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_refused_reset_does_not_even_seed(shell: str, options: Any, words: str) -> None:
    env, undisturbed = SHELLS[shell](), SHELLS[shell]()
    for one in (env, undisturbed):
        one.reset(seed=0)
    with pytest.raises(InputError, match=words):
        env.reset(seed=7, options=options)
    np.testing.assert_array_equal(env.reset()[0], undisturbed.reset()[0])


@pytest.mark.parametrize("observation", ["latent", "pixels"])
@pytest.mark.parametrize("many", [False, True])
def test_an_environment_learned_from_frames_is_not_seeded_by_a_refused_reset(observation: str, many: bool) -> None:
    def make() -> Any:
        make_it: Any = gymnasium.make_vec if many else gymnasium.make
        return make_it("HNNPixelPendulum-v0", observation=observation, **({"num_envs": 2} if many else {}))

    env, undisturbed = make(), make()
    for one in (env, undisturbed):
        one.reset(seed=0)
    with pytest.raises(InputError, match="does not know the options"):
        env.reset(seed=7, options={"x_init": 1.0})
    np.testing.assert_array_equal(env.reset()[0], undisturbed.reset()[0])


@pytest.mark.parametrize(("options", "words"), BAD[:3])
def test_the_stable_baselines_adapter_is_not_seeded_by_a_refused_reset(options: Any, words: str) -> None:
    envs, undisturbed = (hnn_gym.make_sb3_vec("HNNPendulum-v0", 3, seed=0) for _ in range(2))
    for one in (envs, undisturbed):
        one.reset()
    envs.seed(7)
    envs.set_options(options)
    with pytest.raises(InputError, match=words):
        envs.reset()
    envs._reset_seeds()  # what stable-baselines3 does after a reset: the request is over
    envs.set_options()
    np.testing.assert_array_equal(envs.reset(), undisturbed.reset())


def test_frames_are_stacked_on_after_a_reset_that_was_refused() -> None:
    env, undisturbed = SHELLS["frames"](), SHELLS["frames"]()
    for one in (env, undisturbed):
        one.reset(seed=0)
        one.step(np.array([2.0]))
    with pytest.raises(InputError):
        env.reset(options={"x_init": -1.0})
    np.testing.assert_array_equal(env.step(np.array([2.0]))[0], undisturbed.step(np.array([2.0]))[0])

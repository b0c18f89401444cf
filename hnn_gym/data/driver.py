"""Steps an environment with a policy, so that the actions and starts are a pure function of the seed.

Episode i resets with a seed, and draws its actions from a generator, that follow from the pair (seed, i)
alone: recording some episodes now and the rest later gives the same data as one long run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.data.frames import FrameRule
from hnn_gym.data.policies import ActionFunction, PolicyChoice, RecordingPolicy, memoryless
from hnn_gym.data.record import Energy, RecordTransitions
from hnn_gym.data.writer import MemoryWriter
from hnn_gym.errors import checked_arguments, whole_number


@checked_arguments
def record_steps(
    env: gymnasium.Env[Any, Any],
    *,
    steps: int,
    policy: str | PolicyChoice | ActionFunction = "random",
    seed: int = 0,
    record_state: bool = False,
    record_frames: bool | FrameRule = False,
    energy: Energy | None = None,
    dt: float | None = None,
    coordinates: Mapping[str, Any] | None = None,
) -> TransitionDataset:
    """Record exactly ``steps`` transitions of ``env`` in memory; the last episode may be cut.

    The environment is reset before and left open after.

    Example:
        >>> dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=200, seed=0)
        >>> dataset.transitions().observation.shape
        (200, 3)

    Args:
        env: environment whose spaces ``hnn_gym.data.spaces`` can record.
        steps: number of transitions.
        policy: a policy, its name, or a function of an observation and a random generator that returns an action.
        seed: seed of starts and actions, not negative.
        record_state: see :class:`RecordTransitions`, as for all that follow.
        record_frames: rule of the frames to record, or whether to record them as they are drawn.
        energy: returns the energy of the unwrapped environment in J.
        dt: time between two observations in s.
        coordinates: JSON declaration of what the observation entries are.

    Raises:
        InputError: ``steps`` or ``seed`` is out of range, or the environment cannot be recorded.
    """
    memory = MemoryWriter()
    choice = PolicyChoice(policy) if isinstance(policy, str) else policy
    if isinstance(choice, PolicyChoice):
        name, policy_settings = choice.name, choice.settings()
    else:
        name, policy_settings = getattr(choice, "__name__", type(choice).__name__), {}
    recorder = RecordTransitions(
        env,
        memory,
        record_state=record_state,
        record_frames=record_frames,
        energy=energy,
        dt=dt,
        coordinates=coordinates,
        seed=seed,
        policy=name,
        policy_settings=policy_settings,
    )
    space = recorder.provenance.action_space
    chosen = choice.policy(space) if isinstance(choice, PolicyChoice) else memoryless(choice)
    for _ in drive(recorder, chosen, steps=steps, seed=seed):
        pass
    recorder.finish_episode()
    return memory.dataset()


@checked_arguments
def drive(
    env: gymnasium.Env[Any, Any], policy: RecordingPolicy, *, steps: int, seed: int, first_episode: int = 0
) -> Iterator[None]:
    """Step ``env`` exactly ``steps`` times, over as many episodes as needed; yield after every step.

    Args:
        env: environment, usually a :class:`RecordTransitions`.
        policy: chooses the actions.
        steps: number of steps, at least one.
        seed: seed of starts and actions, not negative.
        first_episode: number of the first episode, where earlier ones exist already.

    Raises:
        InputError: ``steps`` or ``seed`` is out of range.
    """
    check_range(steps=steps, seed=seed)
    whole_number(first_episode, "first_episode", at_least=0)
    return _drive(env, policy, steps, seed, first_episode)


def check_range(*, steps: int, seed: int) -> None:
    """Refuse a number of steps or a seed that no recording can have.

    Raises:
        InputError: ``steps`` or ``seed`` is not a whole number, ``steps`` is below one, or ``seed`` is negative.
    """
    whole_number(steps, "steps", at_least=1)
    whole_number(seed, "seed", at_least=0)


def drive_episode(
    env: gymnasium.Env[Any, Any], policy: RecordingPolicy, *, steps: int, seed: int, episode: int
) -> Iterator[None]:
    """Step ``env`` through episode number ``episode``, at most ``steps`` times; yield after every step."""
    start, rng = _episode_randomness(seed, episode)
    act = policy(rng)
    observation, _info = env.reset(seed=start)
    for _ in range(steps):
        observation, _reward, terminated, truncated, _info = env.step(act(observation))
        yield
        if terminated or truncated:
            return


def _drive(
    env: gymnasium.Env[Any, Any], policy: RecordingPolicy, steps: int, seed: int, episode: int
) -> Iterator[None]:
    while steps:
        for _ in drive_episode(env, policy, steps=steps, seed=seed, episode=episode):
            steps -= 1
            yield
        episode += 1


def _episode_randomness(seed: int, episode: int) -> tuple[int, np.random.Generator]:
    """Return the reset seed and the generator of actions of an episode.

    Not ``seed + episode``: datasets of neighbouring seeds would share most of their starts.
    """
    start, actions = np.random.SeedSequence(seed, spawn_key=(episode,)).spawn(2)
    return int(start.generate_state(1)[0]), np.random.default_rng(actions)

"""Agents of stable-baselines3, trained in a dream: any of its algorithms, in any world here.

PPO and A2C take any actions, DQN whole numbers, the others real numbers. The worlds step as one batch
(:class:`hnn_gym.envs.sb3_vec.SimulatorVecEnv`), and no step of it is real. The result is stable-baselines3's own
object, with its ``predict``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from hnn_gym.agents.agent_checkpoint import UNFINISHED
from hnn_gym.agents.horizons import Horizons, checked_horizons, horizon_at
from hnn_gym.agents.identity import digest_of, simulator_named
from hnn_gym.agents.sb3_store import load_unfinished, read_policy, save_unfinished, write_policy
from hnn_gym.envs.sb3_vec import SimulatorVecEnv, make_sb3_vec
from hnn_gym.errors import InputError, check_fields, checked_arguments, whole_number
from hnn_gym.files.storage import checked_path
from hnn_gym.worlds.devices import checked_device
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

ALGORITHMS: dict[str, type[BaseAlgorithm]] = {"a2c": A2C, "ddpg": DDPG, "dqn": DQN, "ppo": PPO, "sac": SAC, "td3": TD3}
REAL_NUMBERS, WHOLE_NUMBERS = ("sac", "td3", "ddpg"), ("dqn",)
"""Algorithms that take only one kind of actions."""
_LAST_RATE = 0.02
_LEAST_MEMORY = {"buffer_size": 1, "n_steps": 2, "batch_size": 2}
_WEIGHT_BYTES = 4

World = WorldModel | PixelWorld | str | os.PathLike[str] | Sequence[WorldModel]
StepReport = Callable[[int, float], None]
"""(steps so far, mean return of the last hundred dreamt episodes, NaN before the first has ended)."""


@dataclass(frozen=True)
class AgentRecipe:
    """How an algorithm is trained; JSON-ready.

    Attributes:
        num_envs: dreams side by side.
        steps: dreamt steps in total.
        learning_rate: at the beginning; it falls linearly to a fiftieth of that.
        hidden: units of the hidden layers of actor and critic.
        exploration: standard deviation of the noise on actions, as a share of half their range, for algorithms whose
            policies have no noise of their own (TD3, DDPG); None: none.
        arguments: the rest of the algorithm's own arguments, such as ``{"gamma": 0.98}``.
        horizons: largest length of a dream in the course of the training: points (share of the training, steps), such
            as ``((0.1, 10), (0.5, 200))``, linear between them; (): the length of the environment's episodes.
    """

    num_envs: int
    steps: int
    learning_rate: float
    hidden: tuple[int, ...] = (64, 64)
    exploration: float | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    horizons: Horizons = ()

    def __post_init__(self) -> None:
        """Check the numbers."""
        object.__setattr__(self, "horizons", checked_horizons(self.horizons))
        check_fields(self)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if self.num_envs < 1 or self.steps < 1 or not self.learning_rate > 0:
            raise InputError(f"A recipe needs num_envs, steps >= 1 and learning_rate > 0, not {self}.")


_OFF_POLICY = {"gamma": 0.99, "tau": 0.01, "batch_size": 512, "train_freq": 1, "gradient_steps": 8}
_OFF_POLICY |= {"buffer_size": 200_000, "learning_starts": 1_600}
_ON_POLICY = {"gamma": 0.95, "gae_lambda": 0.95, "n_steps": 32, "batch_size": 512, "n_epochs": 16}
_WHOLE = {"gamma": 0.99, "batch_size": 256, "train_freq": 1, "gradient_steps": 4, "buffer_size": 100_000}
_WHOLE |= {"learning_starts": 1_600, "target_update_interval": 20, "exploration_fraction": 0.3}
RECIPES: dict[str, AgentRecipe] = {
    "sac": AgentRecipe(32, 48_000, 2e-3, arguments=_OFF_POLICY | {"target_entropy": -2.0}),
    "td3": AgentRecipe(32, 48_000, 1e-3, exploration=0.2, arguments=_OFF_POLICY),
    "ddpg": AgentRecipe(32, 48_000, 1e-3, exploration=0.2, arguments=_OFF_POLICY),
    "ppo": AgentRecipe(256, 1_000_000, 2e-3, arguments=_ON_POLICY),
    "a2c": AgentRecipe(256, 1_000_000, 1e-3, arguments={"gamma": 0.95, "n_steps": 16}),
    "dqn": AgentRecipe(32, 160_000, 1e-3, arguments=_WHOLE),
}
"""Chosen in a dream of Pendulum-v1 that no published figure comes from: SAC by hand among some ten settings, TD3 and
PPO by ``python -m experiments.recipes``. A2C, DDPG and DQN are not tuned."""


def dream(
    world: World, num_envs: int, *, seed: int | None = None, env_kwargs: Mapping[str, Any] | None = None
) -> SimulatorVecEnv:
    """Make a batch of dreams for training.

    Args:
        world: a world, also one learned from frames, the path of a checkpoint, or the id of a registered environment
            of this package; or an ensemble, whose first member is stepped and whose others measure the disagreement.
        num_envs: number of copies.
        seed: of the first episodes.
        env_kwargs: ``actions``, ``reward``, ... as of :class:`hnn_gym.envs.SimulatorVectorEnv`.

    Raises:
        MissingPathError: there is no such world.
        InputError: the world or environment is not one of this package, or its reward is unknown.
    """
    made = {"seed": seed, "staggered": True, "dtype": "float32", **(env_kwargs or {})}
    if isinstance(world, str) and world in gymnasium.registry:
        return make_sb3_vec(world, num_envs, **made)
    return make_sb3_vec("HNN-v0", num_envs, world_model=world, **made)


@checked_arguments
def train_agent(
    world: World,
    algo: str = "sac",
    *,
    recipe: AgentRecipe | None = None,
    seed: int = 0,
    env_kwargs: Mapping[str, Any] | None = None,
    folder: str | os.PathLike[str] | None = None,
    save_every: float = 30.0,
    report: StepReport | None = None,
    callback: Any = None,
    tensorboard: str | os.PathLike[str] | None = None,
    progress_bar: bool = False,
    device: str = "cpu",
    about: Mapping[str, Any] | None = None,
) -> BaseAlgorithm:
    """Train an agent of stable-baselines3 in a world alone.

    Example:
        >>> from hnn_gym.agents.sb3 import train_agent
        >>> agent = train_agent("runs/pendulum", "sac")  # doctest: +SKIP
        >>> agent.predict(observation)  # doctest: +SKIP

    stable-baselines3 seeds the global generators of Python, NumPy and torch.

    Args:
        world: as of :func:`dream`.
        algo: one of :data:`ALGORITHMS`.
        recipe: how to train; None takes the algorithm's own of :data:`RECIPES`.
        seed: of weights, starts and exploration.
        env_kwargs: as of :func:`dream`.
        folder: where the unfinished training is saved until an agent is saved there. An unfinished training in it
            resumes with its weights, optimisers and replay buffer, but with new episodes and new random numbers.
        save_every: seconds between two saves.
        report: called about once a second.
        callback: stable-baselines3's own, or a list of them.
        tensorboard: folder for its scalars.
        progress_bar: stable-baselines3's own; it needs tqdm.
        device: of actor and critic, "cpu" or "cuda", which is faster for large networks; a training may resume on
            another. The dreams are stepped on NumPy, which stable-baselines3 needs.
        about: extra metadata that identifies this training, such as the name of a reward of yours. A training in
            ``folder`` resumes only if its metadata matches.

    Raises:
        InputError: an unknown algorithm, arguments or actions it does not take, an unfinished training with other
            settings, a world that cannot be trained in, or no such device.
        ConvergenceError: the world reached numbers that are not finite.
    """
    place = checked_device(device)
    whole_number(seed, "seed", at_least=0, at_most=2**32 - 1)
    recipe = _recipe(algo, recipe)
    envs = dream(world, recipe.num_envs, seed=seed, env_kwargs=env_kwargs)
    _check_actions(algo, envs.action_space)
    agent = _new(algo, recipe, envs, seed=seed, tensorboard=tensorboard, device=place)
    kept = None if folder is None else checked_path(folder) / UNFINISHED
    simulator = envs.batch.simulator
    training = {"algo": algo, "recipe": asdict(recipe), "seed": seed, "env_kwargs": digest_of(env_kwargs or {})}
    training |= {"dream": simulator_named(simulator), "about": dict(about or {})}
    if kept is not None and kept.exists():
        load_unfinished(kept, agent, training)
    keep = None if kept is None else (lambda: save_unfinished(kept, agent, training))
    callbacks: list[BaseCallback] = [_Watch(report, keep, save_every)]
    if recipe.horizons:
        envs.batch.max_episode_steps = horizon_at(recipe.horizons, agent.num_timesteps / recipe.steps)
        callbacks.append(_Horizon(envs, recipe))
    if callback is not None:
        callbacks += callback if isinstance(callback, list) else [callback]
    remaining = max(recipe.steps - agent.num_timesteps, 0)
    begins = agent.num_timesteps == 0
    try:
        agent.learn(remaining, callback=callbacks, reset_num_timesteps=begins, progress_bar=progress_bar)
    except ImportError as error:
        raise InputError(f"stable-baselines3 needs a package that is not installed: {error}") from None
    except KeyboardInterrupt:
        if keep is not None:
            keep()
        raise
    finally:
        envs.close()
    if keep is not None:
        keep()
    return agent


def save_agent(
    path: str | os.PathLike[str],
    agent: BaseAlgorithm,
    *,
    algo: str,
    recipe: AgentRecipe | None = None,
    about: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write an agent as a folder: stable-baselines3's zip, which it loads itself, and a JSON card.

    Args:
        path: the folder.
        agent: what :func:`train_agent` returned.
        algo: one of :data:`ALGORITHMS`.
        recipe: how it was trained.
        about: further entries for the card.
        overwrite: replace an agent that is there.

    Raises:
        ExistingPathError: the folder holds an agent and ``overwrite`` is False.
    """
    card = {"algo": algo, "recipe": asdict(_recipe(algo, recipe)), "steps": agent.num_timesteps, **(about or {})}
    write_policy(path, agent, card, overwrite=overwrite)


def load_sb3_agent(path: str | os.PathLike[str]) -> BaseAlgorithm:
    """Read an agent that :func:`save_agent` wrote; nothing in it is executed.

    The algorithm is built from the card, and takes only its tensors from the zip: no pickle is opened.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: the folder is not such an agent, is damaged, or has another version.
    """

    def build(card: Mapping[str, Any], spaces: gymnasium.Env[Any, Any], at_most: int) -> BaseAlgorithm:
        recipe = AgentRecipe(**card["recipe"])
        sizes = (gymnasium.spaces.flatdim(spaces.observation_space), *recipe.hidden)
        if sum(_WEIGHT_BYTES * one * other for one, other in pairwise(sizes)) > at_most:
            raise InputError(f"it names layers of {sizes} units, and the file holds {at_most:,} bytes.")
        return _new(card["algo"], _without_memory(recipe), DummyVecEnv([lambda: copy(spaces)]), seed=None)

    return read_policy(path, build)


def _without_memory(recipe: AgentRecipe) -> AgentRecipe:
    """The recipe with the least memory for steps: an agent that is not trained needs none."""
    least = {name: size for name, size in _LEAST_MEMORY.items() if name in recipe.arguments}
    return replace(recipe, arguments={**recipe.arguments, **least})


def _recipe(algo: str, recipe: AgentRecipe | None) -> AgentRecipe:
    if algo not in ALGORITHMS:
        raise InputError(f"There is no algorithm {algo!r}: choose from {', '.join(sorted(ALGORITHMS))}.")
    return RECIPES[algo] if recipe is None else recipe


def _check_actions(algo: str, space: gymnasium.Space[Any]) -> None:
    """Refuse an algorithm that does not take the actions of a space.

    Raises:
        InputError: it does not.
    """
    if algo in REAL_NUMBERS and not isinstance(space, Box):
        raise InputError(f"{algo} takes actions that are real numbers, and the actions here are {space}: use ppo, dqn.")
    if algo in WHOLE_NUMBERS and not isinstance(space, Discrete):
        raise InputError(f"{algo} takes actions of a Discrete space, and the actions here are {space}: use ppo or sac.")


def _new(
    algo: str,
    recipe: AgentRecipe,
    envs: VecEnv,
    *,
    seed: int | None,
    tensorboard: str | os.PathLike[str] | None = None,
    device: torch.device | str = "cpu",
) -> BaseAlgorithm:
    arguments = dict(recipe.arguments)
    if recipe.exploration is not None:  # stable-baselines3 scales actions to [-1, 1] before it adds the noise
        size = envs.action_space.shape or ()
        arguments["action_noise"] = NormalActionNoise(np.zeros(size), np.full(size, recipe.exploration))
    try:
        return ALGORITHMS[algo](
            "MlpPolicy",
            envs,
            learning_rate=lambda left: recipe.learning_rate * max(left, _LAST_RATE),
            policy_kwargs={"net_arch": list(recipe.hidden)},
            seed=seed,
            tensorboard_log=None if tensorboard is None else os.fspath(tensorboard),
            device=device,
            **arguments,
        )
    except TypeError as error:
        raise InputError(f"{algo} does not take these arguments: {error}.") from None


class _Horizon(BaseCallback):
    """Sets the length of dreams to the recipe's horizon at this point of the training."""

    def __init__(self, envs: SimulatorVecEnv, recipe: AgentRecipe) -> None:
        super().__init__()
        self._batch, self._recipe = envs.batch, recipe

    def _on_step(self) -> bool:
        share = self.num_timesteps / self._recipe.steps
        self._batch.max_episode_steps = horizon_at(self._recipe.horizons, share)
        return True


class _Watch(BaseCallback):
    """Reports once a second and saves every ``save_every`` seconds."""

    def __init__(self, report: StepReport | None, keep: Callable[[], None] | None, save_every: float) -> None:
        super().__init__()
        self._report, self._keep, self._save_every = report, keep, save_every
        self._reported = self._kept = time.monotonic()

    def _on_step(self) -> bool:
        now = time.monotonic()
        if self._report is not None and now - self._reported > 1:
            episodes = self.model.ep_info_buffer or ()
            returns = [episode["r"] for episode in episodes]
            self._report(self.num_timesteps, sum(returns) / len(returns) if returns else float("nan"))
            self._reported = now
        if self._keep is not None and now - self._kept > self._save_every:
            self._keep()
            self._kept = now
        return True

"""Train an agent in a learned world alone, and measure it in the real one.

python -m hnn_gym.agents.train --algo sac --world runs/pendulum --evaluate-on Pendulum-v1 --out agents/pendulum
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hnn_gym.agents import sb3, shac
from hnn_gym.agents.agent_checkpoint import CARD, UNFINISHED, check_free, read_agent, world_named
from hnn_gym.agents.evaluate import MakeEnv, check_fit
from hnn_gym.agents.load import load_agent
from hnn_gym.agents.named_reward import named_reward, reward_told
from hnn_gym.agents.transfer import Transfer, measure_transfer
from hnn_gym.agents.transfer_report import PAGE, write_transfer
from hnn_gym.command import check_at_least, run
from hnn_gym.data.json_values import plain
from hnn_gym.devices import checked_device
from hnn_gym.envs import BumpByForce, LatentObservation
from hnn_gym.envs.checks import check_reward
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import InputError

REPORT = "transfer"
ProgressReport = Callable[[float, str], None]
"""(share done, a few words)."""
_SCALARS = "tensorboard"
_TRIED = 5
"""States on which a reward is tried: a number that is none of an observation's entries or a force's."""


@dataclass(frozen=True, kw_only=True)
class TrainAgentSettings:
    """Train an agent in a world of ours, and report what it does in the real environment.

    Interrupted, it goes on from its last saving when the same command is given again.
    """

    world: str
    """Folder of a checkpoint that ``python -m hnn_gym.train`` wrote, or the id of an environment of ours."""
    out: Path
    """Folder for the agent and its report."""
    algo: Literal["sac", "td3", "ppo", "ddpg", "a2c", "shac"] = "sac"
    """An algorithm of stable-baselines3, or shac: gradients through the world itself."""
    evaluate_on: str | None = None
    """Id of the real environment. None: the one the world was learned from. One learned from frames sees its frames."""
    actions: Literal["force", "bump", "force+bump", "bump-by-force"] = "force"
    """What the agent does. Bumps are realised by bounded force in an environment that has none."""
    reward: str | None = None
    """The dream's reward, module:function of (observation, force, next_observation). None: its environment's own."""
    steps: int | None = None
    """Dreamt steps. None: as the algorithm's recipe says."""
    num_envs: int | None = None
    """Dreams side by side. None: as the recipe says."""
    episodes: int = 100
    """Episodes of the report, from the starts reset(seed=0), reset(seed=1), ..."""
    seed: int = 0
    """Of weights, starts and exploration."""
    overwrite: bool = False
    """Replace an agent that is there, or an interrupted training."""
    device: str = "cpu"
    """cpu or cuda: where the agent's networks are trained, and with shac the dreams too."""
    threads: int = 1
    """Threads for torch; networks this small are fastest with one."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_at_least(1, steps=self.steps, num_envs=self.num_envs, episodes=self.episodes, threads=self.threads)
        check_at_least(0, seed=self.seed)


def train(settings: TrainAgentSettings) -> Transfer:
    """Train, save and measure an agent as the settings say.

    Raises:
        MissingPathError: there is no such world.
        ExistingPathError: ``out`` holds an agent.
        InputError: world, environment and settings do not fit each other, the reward is unknown or cannot be had, or
            there is no such device.
        ConvergenceError: the world or the training left the finite numbers.
    """
    checked_device(settings.device)
    env_kwargs: dict[str, Any] = {} if settings.actions == "force" else {"actions": settings.actions}
    if settings.reward is not None:
        env_kwargs["reward"] = named_reward(settings.reward)
    simulator = sb3.dream(settings.world, 1, env_kwargs=env_kwargs).batch.simulator
    real, real_kwargs = _real(settings, simulator)
    asked = {name: getattr(settings, name) for name in ("algo", "actions", "steps", "num_envs", "seed")}
    asked["world"] = world_named(simulator.world)
    if settings.reward is not None:
        _check_reward(simulator)
        asked["reward"] = reward_told(settings.reward)
    if settings.overwrite:
        (settings.out / UNFINISHED).unlink(missing_ok=True)
    if not _waits_for_its_report(settings, asked):
        with _bar() as report:
            train_and_save = _train_shac if settings.algo == "shac" else _train_sb3
            train_and_save(settings, simulator, env_kwargs, {"asked": asked}, report)
    transfer = measure_transfer(
        load_agent(settings.out), simulator, real, seeds=range(settings.episodes), env_kwargs=real_kwargs
    )
    title = f"{settings.algo} from a dream of {_environment(settings, simulator)[0]}"
    about = {"agent": read_agent(settings.out)[0]}
    write_transfer(settings.out / REPORT, transfer, simulator, title=title, about=about, overwrite=settings.overwrite)
    return transfer


def _check_reward(simulator: Simulator) -> None:
    """Refuse a reward that cannot be told of states on NumPy, where the report's dreams are, before any training.

    Raises:
        InputError: it cannot.
    """
    rng = np.random.default_rng(0)
    starts = [simulator.task.initial(rng, {}) for _ in range(_TRIED)]
    q, v = (np.array(part) for part in zip(*starts, strict=True))
    check_reward(simulator.task, q, v, np.zeros((_TRIED, len(simulator.world.coordinates.controls))))


def _environment(settings: TrainAgentSettings, simulator: Simulator) -> tuple[str, dict[str, Any]]:
    """The real environment's id and arguments: as asked for, or those of what the world was learned from."""
    if settings.evaluate_on is not None:
        return settings.evaluate_on, {}
    card = simulator.world.card
    for told in (card.get("data", {}).get("provenance", {}), card.get("seen", {}), card.get("environment", {})):
        env_id = told.get("env_id") or told.get("id")
        if env_id:
            return str(env_id), dict(told.get("env_kwargs") or told.get("arguments") or {})
    raise InputError("The card of this world does not tell what it was learned from: give --evaluate-on.")


def _real(settings: TrainAgentSettings, simulator: Simulator) -> tuple[str | MakeEnv, dict[str, Any]]:
    """The real environment, or what makes it, and its arguments; it fits the dream.

    Bumps are realised by force where it has none, and a world learned from frames is lived in by frames alone.

    Raises:
        InputError: there is no such environment, or an agent of this world could not act in it.
    """
    env_id, arguments = _environment(settings, simulator)

    eyes = resolve_pixel_world(settings.world)

    def make() -> gymnasium.Env[Any, Any]:
        if eyes is not None:
            if settings.actions != "force":
                raise InputError(f"In {env_id} an agent acts on frames by force alone: train with --actions force.")
            return LatentObservation(gymnasium.make(env_id, **arguments | {"render_mode": "rgb_array"}), eyes)
        if settings.actions == "force":
            return gymnasium.make(env_id, **arguments)
        if str(gymnasium.spec(env_id).vector_entry_point).startswith("hnn_gym."):
            return gymnasium.make(env_id, **arguments | {"actions": settings.actions})
        if settings.actions == "force+bump":
            raise InputError(f"{env_id} has forces and no bumps: train with --actions force, or bump.")
        return BumpByForce(gymnasium.make(env_id, **arguments), simulator.world)

    try:
        env = make()
    except (gymnasium.error.Error, ImportError, TypeError) as error:
        remedy = "" if settings.evaluate_on else " It is what the world was learned from: give another --evaluate-on."
        raise InputError(f"The environment {env_id!r} cannot be made: {error}{remedy}") from error
    except InputError as error:
        if not arguments:
            raise
        raise InputError(
            f"{env_id} cannot be made as it was recorded, with {arguments} ({error}): give --evaluate-on."
        ) from error
    with env:
        check_fit(simulator.spaces(), (env.observation_space, env.action_space))
    return (env_id, arguments) if settings.actions == "force" and eyes is None else (make, {})


def _waits_for_its_report(settings: TrainAgentSettings, asked: dict[str, Any]) -> bool:
    """Whether the agent of this very command is there, and only its report is not.

    Raises:
        ExistingPathError: there is another agent, or one with its report.
    """
    if settings.overwrite or not (settings.out / CARD).exists():
        return False
    if (settings.out / REPORT / PAGE).exists() or read_agent(settings.out)[0].get("asked") != plain(asked):
        check_free(settings.out)
    return True


def _train_sb3(
    settings: TrainAgentSettings,
    simulator: Simulator,
    env_kwargs: dict[str, Any],
    about: dict[str, Any],
    report: ProgressReport,
) -> None:
    recipe = sb3.RECIPES[settings.algo]
    recipe = replace(recipe, steps=settings.steps or recipe.steps, num_envs=settings.num_envs or recipe.num_envs)
    agent = sb3.train_agent(
        settings.world,
        settings.algo,
        recipe=recipe,
        seed=settings.seed,
        env_kwargs=env_kwargs,
        folder=settings.out,
        report=lambda steps, mean: report(steps / recipe.steps, f"return {mean:.1f}"),
        tensorboard=settings.out / _SCALARS,
        device=settings.device,
        about=about,
    )
    sb3.save_agent(settings.out, agent, algo=settings.algo, recipe=recipe, about=about, overwrite=settings.overwrite)


def _train_shac(
    settings: TrainAgentSettings,
    simulator: Simulator,
    env_kwargs: dict[str, Any],
    about: dict[str, Any],
    report: ProgressReport,
) -> None:
    own = shac.ShacSettings(seed=settings.seed)
    own = replace(own, num_envs=settings.num_envs or own.num_envs)
    if settings.steps is not None:
        own = replace(own, updates=max(settings.steps // (own.num_envs * own.window), 1))
    policy = shac.train_shac(
        simulator,
        own,
        folder=settings.out,
        report=lambda updates, reward: report(updates / own.updates, f"reward {reward:.3f}"),
        device=settings.device,
        about=about,
    )
    policy.save(settings.out, about={"settings": asdict(own), **about}, overwrite=settings.overwrite)


@contextmanager
def _bar() -> Iterator[ProgressReport]:
    """A progress bar on standard error, as a function of the share done and a few words."""
    columns = TextColumn("Dreaming"), BarColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=1.0, told="")
        yield lambda share, told: bars.update(task, completed=share, told=told)


def _main(settings: TrainAgentSettings) -> None:
    torch.set_num_threads(settings.threads)
    transfer = train(settings)
    dream, real = transfer.dream.returns.mean(), transfer.real.returns.mean()
    print(f"Mean return over {settings.episodes} starts: {dream:.2f} in the dream, {real:.2f} in reality.")
    print(f"What it means, a figure and a film: {settings.out / REPORT / PAGE}")


if __name__ == "__main__":
    run(_main, TrainAgentSettings, prog="python -m hnn_gym.agents.train")

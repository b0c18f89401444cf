"""Train an agent in a learned world alone, and evaluate it in the real environment.

python -m hnn_gym.agents.train --algo sac --world runs/pendulum --evaluate-on Pendulum-v1 --out agents/pendulum
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import gymnasium
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hnn_gym.agents import sb3, shac
from hnn_gym.agents.agent_checkpoint import (
    CARD,
    UNFINISHED,
    begin_training,
    check_free,
    complete_agent,
    nothing_left_of_nothing,
    read_agent,
)
from hnn_gym.agents.evaluate import MakeEnv, check_fit
from hnn_gym.agents.identity import world_named
from hnn_gym.agents.load import load_agent
from hnn_gym.agents.transfer import Transfer, measure_transfer
from hnn_gym.agents.transfer_report import PAGE, write_transfer
from hnn_gym.command import check_at_least, run
from hnn_gym.command.named_function import function_identity, named_function
from hnn_gym.data.json_values import plain
from hnn_gym.envs import BumpByForce, LatentObservation
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import InputError, check_fields, whole_number
from hnn_gym.evaluation.report import RESULTS
from hnn_gym.files.reading import read_json
from hnn_gym.worlds.devices import MOST_THREADS, checked_device

REPORT = "transfer"
ProgressReport = Callable[[float, str], None]
"""Called with the share of the training that is done, and a short text."""
_SCALARS = "tensorboard"


@dataclass(frozen=True, kw_only=True)
class TrainAgentSettings:
    """Train an agent in a learned world, then report its returns in the real environment.

    If it is interrupted, the same command resumes from the last saved state.
    """

    world: str
    """Folder of a checkpoint that python -m hnn_gym.train wrote, or the id of an environment of this package."""
    out: Path
    """Folder for the agent and its report."""
    algo: Literal["sac", "td3", "ppo", "ddpg", "a2c", "dqn", "shac"] = "sac"
    """An algorithm of stable-baselines3, or shac: gradients through the world itself. Actions that are whole numbers
    need ppo, a2c or dqn."""
    evaluate_on: str | None = None
    """Id of the real environment; module:Id-v0 imports the module that registers it. None: the environment the world
    was learned from. The agent of a world learned from frames observes its frames."""
    actions: Literal["force", "bump", "force+bump", "bump-by-force"] = "force"
    """The agent's actions. An environment without energy bumps realises them by bounded force."""
    reward: str | None = None
    """Reward of the learned world, as module:function of (observation, force, next_observation). None: that of the
    environment it was learned from."""
    terminated: str | None = None
    """End of the learned world's episodes, as module:function of an observation. None: that of the environment it was
    learned from."""
    steps: int | None = None
    """Steps of the training, all of them dreamt. None: as many as the algorithm's recipe says."""
    num_envs: int | None = None
    """Copies of the learned world that are stepped together. None: as many as the recipe says."""
    episodes: int = 100
    """Episodes of the report, from the starts reset(seed=0), reset(seed=1), ..."""
    seed: int = 0
    """Seed of weights, starts and exploration."""
    overwrite: bool = False
    """Replace an agent or an interrupted training in --out."""
    device: str = "cpu"
    """cpu or cuda: where the agent's networks are trained and, with shac, where the world is stepped."""
    threads: int = 1
    """Threads of torch; networks this small train fastest with one."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)
        check_at_least(1, steps=self.steps, num_envs=self.num_envs, episodes=self.episodes)
        whole_number(self.threads, "--threads", at_least=1, at_most=MOST_THREADS)
        check_at_least(0, seed=self.seed)


def train(settings: TrainAgentSettings) -> Transfer:
    """Train, save and evaluate an agent.

    Everything that can be checked is checked before the training.

    Raises:
        MissingPathError: there is no such world.
        ExistingPathError: ``out`` contains an agent.
        InputError: world, environment and settings do not fit each other, the reward is unknown or fails, or there is
            no such device.
        ConvergenceError: the world or the training reached numbers that are not finite.
    """
    checked_device(settings.device)
    env_kwargs: dict[str, Any] = {} if settings.actions == "force" else {"actions": settings.actions}
    if settings.reward is not None:
        env_kwargs["reward"] = named_function(
            settings.reward, option="--reward", arguments="observation, force, next_observation"
        )
    if settings.terminated is not None:
        env_kwargs["terminated"] = named_function(settings.terminated, option="--terminated", arguments="observation")
    simulator = sb3.dream(settings.world, 1, env_kwargs=env_kwargs).batch.simulator
    real, real_kwargs = _real(settings, simulator)
    asked = {name: getattr(settings, name) for name in ("algo", "actions", "steps", "num_envs", "seed")}
    asked["world"] = world_named(simulator.world)
    if settings.reward is not None:
        asked["reward"] = function_identity(settings.reward)
    if settings.terminated is not None:
        asked["terminated"] = function_identity(settings.terminated)
    replaces = begin_training(settings.out, asked, overwrite=settings.overwrite)
    if replaces or not _only_report_is_missing(settings, asked):
        settings = replace(settings, overwrite=replaces or settings.overwrite)
        with _bar() as report, nothing_left_of_nothing(settings.out):
            train_and_save = _train_shac if settings.algo == "shac" else _train_sb3
            train_and_save(settings, simulator, env_kwargs, {"asked": asked}, report)
    else:
        complete_agent(settings.out)
    transfer = measure_transfer(
        load_agent(settings.out), simulator, real, seeds=range(settings.episodes), env_kwargs=real_kwargs
    )
    title = f"{settings.algo} from a dream of {_environment(settings, simulator)[0]}"
    about = {"agent": read_agent(settings.out)[0]}
    write_transfer(settings.out / REPORT, transfer, simulator, title=title, about=about, overwrite=settings.overwrite)
    return transfer


def _environment(settings: TrainAgentSettings, simulator: Simulator) -> tuple[str, dict[str, Any]]:
    """The real environment's id and arguments: those of the settings, or those that the world was learned from."""
    if settings.evaluate_on is not None:
        return settings.evaluate_on, {}
    card = simulator.world.card
    for source in (card.get("data", {}).get("provenance", {}), card.get("seen", {}), card.get("environment", {})):
        env_id = source.get("env_id") or source.get("id")
        if env_id:
            return str(env_id), dict(source.get("env_kwargs") or source.get("arguments") or {})
    raise InputError("The card of this world does not name the environment it was learned from: give --evaluate-on.")


def _real(settings: TrainAgentSettings, simulator: Simulator) -> tuple[str | MakeEnv, dict[str, Any]]:
    """The real environment, as an id with arguments or as a function that makes it; its spaces fit the dream's.

    Bounded force realises bumps in an environment that has none. The agent of a world learned from frames observes
    the latent state that is read from the real frames.

    Raises:
        InputError: there is no such environment, or an agent of this world could not act in it.
    """
    env_id, arguments = _environment(settings, simulator)
    pixel_world = resolve_pixel_world(settings.world)

    def make() -> gymnasium.Env[Any, Any]:
        if pixel_world is not None:
            if settings.actions != "force":
                raise InputError(
                    f"In {env_id} an agent that observes frames acts by force: train with --actions force."
                )
            return LatentObservation(gymnasium.make(env_id, **arguments | {"render_mode": "rgb_array"}), pixel_world)
        env = gymnasium.make(env_id, **arguments)
        if settings.actions == "force":
            return env
        if env.spec is not None and str(env.spec.vector_entry_point).startswith("hnn_gym."):
            env.close()
            return gymnasium.make(env_id, **arguments | {"actions": settings.actions})
        if settings.actions == "force+bump":
            env.close()
            raise InputError(f"{env_id} has no energy bumps beside its forces: train with --actions force, or bump.")
        return BumpByForce(env, simulator.world)

    try:
        env = make()
    except (gymnasium.error.Error, ImportError, TypeError) as error:
        remedy = "" if settings.evaluate_on else " The world was learned from it: give another --evaluate-on."
        raise InputError(f"The environment {env_id!r} cannot be made: {error}{remedy}") from error
    except InputError as error:
        if not arguments:
            raise
        raise InputError(
            f"{env_id} cannot be made with the arguments it was recorded with, {arguments} ({error}): give "
            "--evaluate-on."
        ) from error
    with env:
        check_fit(simulator.spaces(), (env.observation_space, env.action_space))
    return (env_id, arguments) if settings.actions == "force" and pixel_world is None else (make, {})


def _only_report_is_missing(settings: TrainAgentSettings, asked: dict[str, Any]) -> bool:
    """Whether this command has trained and saved its agent before, and was interrupted before the report.

    Raises:
        ExistingPathError: the folder contains the agent of another command, or one with its report.
    """
    if not (settings.out / CARD).exists():
        return False
    card = read_agent(settings.out)[0]
    results = settings.out / REPORT / RESULTS
    reported = results.exists() and read_json(results).get("agent", {}).get("sha256") == card["sha256"]
    if card.get("asked") != plain(asked) or (reported and (settings.out / REPORT / PAGE).exists()):
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
    card = {**about, "threads": torch.get_num_threads()}
    sb3.save_agent(settings.out, agent, algo=settings.algo, recipe=recipe, about=card, overwrite=settings.overwrite)


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
    card = {"settings": asdict(own), **about, "threads": torch.get_num_threads()}
    policy.save(settings.out, about=card, overwrite=settings.overwrite)


@contextmanager
def _bar() -> Iterator[ProgressReport]:
    """A progress bar on standard error, as a function that updates it."""
    columns = TextColumn("Training"), BarColumn(), TextColumn("{task.fields[text]}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=1.0, text="")
        yield lambda share, text: bars.update(task, completed=share, text=text)


def _main(settings: TrainAgentSettings) -> None:
    torch.set_num_threads(settings.threads)
    try:
        transfer = train(settings)
    except KeyboardInterrupt as error:
        saved = (settings.out / UNFINISHED).exists() or (settings.out / CARD).exists()
        way_on = f"The same command continues the training in {settings.out}." if saved else "Nothing was saved."
        raise type(error)(f"interrupted. {way_on}") from None
    dream, real = transfer.dream.returns.mean(), transfer.real.returns.mean()
    print(f"Mean return over {settings.episodes} starts: {dream:.2f} in the dream, {real:.2f} in reality.")
    print(f"The report explains these numbers: {settings.out / REPORT / PAGE}")


if __name__ == "__main__":
    run(_main, TrainAgentSettings, prog="python -m hnn_gym.agents.train")

"""Train the worlds that ship with the package: ``python -m experiments.shipped [ids...]``.

Every world is learned from a recording of the true environment under actions without a plan, by the recipe of its id;
the real pendulum from its film (``--data``), the real double pendulum from its logs (``--robot``). A world with an H
whose recording was not made by a symplectic scheme gets one to step by, which its card names. MuJoCo's environments
need the extra "mujoco" to be recorded. A world whose card names the same recipe and recording is kept, so that an
interrupted run continues with the next one.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import torch
import tyro
from rich.console import Console

from experiments.real_pendulum_data import energy_mse, real_pendulum_transitions
from experiments.real_robot.shipped import excitations, learned_robot
from hnn_gym.command import run
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.data.policies import PolicyChoice
from hnn_gym.envs.shipped import WEIGHTS
from hnn_gym.errors import InputError
from hnn_gym.files.checkpoint import read_checkpoint
from hnn_gym.physics.integrators import InVelocities, integrator_to_json
from hnn_gym.studies import Cell, Executing, Execution, Results, run_cells
from hnn_gym.systems import SYSTEMS, Recording, System, Twin
from hnn_gym.training import FitSettings, one_step_rms, train_world
from hnn_gym.training.dataset_map import dataset_map
from hnn_gym.training.evidence import Evidence
from hnn_gym.training.fit import FitState
from hnn_gym.training.preparation import architecture_of
from hnn_gym.training.selection import Selection
from hnn_gym.training.structures import Structure
from hnn_gym.training.trials import Trials
from hnn_gym.training.worlds import card_of
from hnn_gym.worlds.stepping import symplectic_scheme
from hnn_gym.worlds.world_model import WorldModel

_FRESH_SEED, _FRESH_EPISODES = 10_000, 20
ROBOT = "RealDoublePendulum"
"""The system that is learned from the logs of a robot."""


@cache
def recorded(env_id: str, recording: Recording, seed: int) -> TransitionDataset:
    """Record a true environment for its twins."""
    with closing(gymnasium.make(env_id, max_episode_steps=recording.episode_steps)) as env:
        return record_steps(env, steps=recording.steps, seed=seed, policy=_policy(recording))


def _policy(recording: Recording) -> PolicyChoice:
    return PolicyChoice(recording.policy, hold=recording.hold)


@cache
def fresh_episodes(
    env_id: str = "Pendulum-v1", *, recording: Recording | None = None, seed: int = _FRESH_SEED
) -> TransitionDataset:
    """Record 20 episodes of a true environment that no world was trained on, with the actions of a recording."""
    recording = recording or Recording(1)
    with closing(gymnasium.make(env_id, max_episode_steps=recording.episode_steps)) as env:
        assert env.spec is not None
        steps = _FRESH_EPISODES * (env.spec.max_episode_steps or 0)
        dataset = record_steps(env, steps=steps, seed=seed, policy=_policy(recording))
        return dataset.select(range(_FRESH_EPISODES))


RECIPES: dict[str, tuple[System, Twin]] = {
    f"{prefix}{system.name}-v0": (system, twin) for system in SYSTEMS.values() for prefix, twin in system.twins.items()
}
"""Every shipped world by the id of its environment: the system, and how the world is made. All worlds of a system are
learned from the same recording. The decay of a baseline is chosen on episodes that are used for nothing else
(:mod:`experiments.shipped_decay`)."""


@dataclass(frozen=True)
class Settings:
    """Record the true environments, learn the shipped worlds from that, write their weights."""

    ids: Annotated[tuple[str, ...], tyro.conf.Positional] = tuple(RECIPES)
    """Which worlds to train."""
    data: Path | None = None
    """Path of the real pendulum's data, invar_datasets.zip; needed for its two worlds, and never shipped."""
    robot: Path | None = None
    """Folder of the recordings of the real double pendulum; needed for its world, and never shipped."""
    seed: int = 0
    """Seed of the recording and of the initial weights."""
    retrain: bool = False
    """Also train worlds whose card names the same recipe and recording."""
    execution: Executing = field(default_factory=Execution)


def train(env_id: str, *, seed: int = 0, data: Path | None = None, robot: Path | None = None) -> WorldModel:
    """Learn the world of ``env_id`` by its recipe, with a card that contains command and figures.

    Raises:
        InputError: there is no recipe for it, or it needs ``data`` or ``robot``.
    """
    system, twin = _recipe(env_id)
    if system.id == ROBOT:
        if robot is None:
            raise InputError("The world of the real double pendulum needs its recordings: give --robot FOLDER.")
        world = learned_robot(system, twin, robot, seed=seed)
        return replace(world, card={**world.card, "command": _command(env_id, seed)})
    dataset, others, label = _data(system, seed=seed, data=data)
    world = learned(twin, dataset, seed=seed)
    figures = {**world.card["figures"], f"one_step_rms_on_{label}": one_step_rms(world, others)}
    if system.recording is None:
        figures[f"energy_mse_on_{label}"] = energy_mse(world, others)
    return replace(world, card={**world.card, "command": _command(env_id, seed), "figures": figures})


def learned(twin: Twin, dataset: TransitionDataset, *, seed: int = 0) -> WorldModel:
    """Learn a world from a recording by the recipe of a twin."""
    settings = FitSettings(**twin.fit, seed=seed)
    if twin.by_steps:
        return _by_steps(twin, dataset, settings)
    world = train_world(dataset, twin.model, settings=settings, options=twin.options, integrator=twin.integrator)
    if not world.has_energy or world.integrator.symplectic:
        return world
    evidence = Evidence.of(dataset, world.coordinates, world.dt, seed=seed)
    schemes = {"recorded": world.integrator, "symplectic": symplectic_scheme(world, evidence.held_out, error=0.0)}
    stepping = {name: integrator_to_json(scheme) for name, scheme in schemes.items()}
    return replace(world, card={**world.card, "stepping": stepping})


def _by_steps(twin: Twin, dataset: TransitionDataset, settings: FitSettings) -> WorldModel:
    """Learn a world from single steps, as :func:`hnn_gym.training.train_auto` does, with a model that is known."""
    found = dataset_map(dataset, None, None)
    selection = Selection(Trials(Evidence.of(dataset, found.coordinates, found.dt, seed=settings.seed)), settings.seed)
    architecture = architecture_of(twin.model, selection.trials.variables, twin.options)
    assert isinstance(twin.integrator, InVelocities)
    trial = selection.refined(selection.tried(Structure(twin.model, architecture), twin.integrator.inner))
    card = card_of(trial.world, dataset, settings, FitState({}), noise=None)
    if trial.world.has_energy:
        symplectic = symplectic_scheme(trial.world, selection.trials.evidence.held_out, error=trial.one_step)
        schemes = {"recorded": trial.world.integrator, "symplectic": symplectic}
        card["stepping"] = {name: integrator_to_json(scheme) for name, scheme in schemes.items()}
    return replace(trial.world, card=card)


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    console = Console()
    for env_id in settings.ids:
        _recipe(env_id)
    cells: dict[str, Cell] = {}
    for env_id in settings.ids:
        given = settings.robot if _recipe(env_id)[0].id == ROBOT else settings.data
        if _recipe(env_id)[0].recording is None and given is None:
            console.print(f"{env_id}: not trained, because it needs{_source(env_id)}")
            continue
        if not settings.retrain and _is_made(env_id, seed=settings.seed, data=given):
            console.print(f"{env_id}: made already")
            continue
        cells[env_id] = partial(_saved, env_id, settings.seed, settings.data, settings.robot)
    results = Results(None, command="python -m experiments.shipped")
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)


def _saved(env_id: str, seed: int, data: Path | None, robot: Path | None) -> dict[str, Any]:
    """Train a world, write its weights, and return its figures."""
    world = train(env_id, seed=seed, data=data, robot=robot)
    world.save(WEIGHTS / env_id, overwrite=True)
    return dict(world.card["figures"])


def _recipe(env_id: str) -> tuple[System, Twin]:
    if env_id not in RECIPES:
        raise InputError(f"There is no shipped world {env_id!r}: choose from {', '.join(RECIPES)}.")
    return RECIPES[env_id]


def _data(system: System, *, seed: int, data: Path | None) -> tuple[TransitionDataset, TransitionDataset, str]:
    """The training data, the test data, and the name of the latter."""
    recording = system.recording
    if recording is not None:
        fresh = fresh_episodes(system.id, recording=recording)
        return recorded(system.id, recording, seed), fresh, f"{_FRESH_EPISODES}_fresh_episodes"
    if data is None:
        raise InputError("The real pendulum's worlds need its data: give --data invar_datasets.zip.")
    return *real_pendulum_transitions(data), "the_last_fifth"


def _command(env_id: str, seed: int) -> str:
    return f"python -m experiments.shipped {env_id} --seed {seed} --retrain{_source(env_id)}"


def _source(env_id: str) -> str:
    """The option that names the data of a world that is not learned from an environment."""
    system = _recipe(env_id)[0]
    if system.recording is not None:
        return ""
    return " --robot FOLDER" if system.id == ROBOT else " --data invar_datasets.zip"


def _is_made(env_id: str, *, seed: int, data: Path | None) -> bool:
    """Whether the present weights come from this recipe and this recording."""
    system, twin = _recipe(env_id)
    try:
        card, _ = read_checkpoint(WEIGHTS / env_id)
        provenance, model = card["provenance"], card["model"]
        same_fit = FitSettings(**provenance["training"]["settings"]) == FitSettings(**twin.fit, seed=seed)
        options = {name: list(value) if isinstance(value, tuple) else value for name, value in twin.options.items()}
        same_model = model["kind"] == twin.model and options.items() <= model.items()
        coordinates = system.coordinates_for()
        same_model &= coordinates is None or Coordinates.from_json(card["coordinates"]) == coordinates
        if not (same_fit and same_model and provenance["command"] == _command(env_id, seed)):
            return False
        if system.id == ROBOT:
            return data is not None and bool(provenance["data"]["sha256"] == excitations(data).content_hash())
        return bool(provenance["data"]["sha256"] == _data(system, seed=seed, data=data)[0].content_hash())
    except (InputError, KeyError, TypeError):
        return False


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.shipped")

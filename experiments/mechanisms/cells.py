"""One cell of the study: a recording is made and learned, and what was learned is judged on fresh episodes."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np

from experiments.mechanisms.motions import Pendulum
from experiments.mechanisms.rows import FRESH, ROWS
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.integrators import Gauss4, Substeps, integrator_from_json, named_scheme, scheme_name
from hnn_gym.trace import scalar_code, trace
from hnn_gym.training import open_loop_error, train_auto
from hnn_gym.training.dataset_map import dataset_map
from hnn_gym.training.evidence import Evidence
from hnn_gym.training.selection import Selection
from hnn_gym.training.structures import second_order
from hnn_gym.training.trials import Trials
from hnn_gym.worlds.world_model import WorldModel

_FRESH_STEPS = 2000
_FREE_STEPS, _STARTS = 200, 20
_LONG = 10_000
_FINE = 8
_UNHURRIED = 120.0
"""Seconds that a fit of the network may take: with fewer it would be fitted to fewer rows than the bodies beside it."""


def measured(name: str, seed: int) -> dict[str, Any]:
    """Learn the recording of a row and a seed, and judge the world beside a network without physics."""
    row = ROWS[name]
    dataset, fresh = row.recorded(row.steps, seed), row.recorded(_FRESH_STEPS, seed + FRESH)
    began = time.process_time()
    world = train_auto(dataset)
    seconds = time.process_time() - began
    network = _network(dataset, world)
    selection = world.card["selection"]
    merits = [
        (trial["one_step"] or np.inf) * (trial["many_steps"] or np.inf)
        for trial in (*selection["tried"], selection["chosen"])
    ]
    worlds = {
        "recorded": world.stepping("recorded"),
        "symplectic": world.stepping("symplectic"),
        "second-order": network,
    }
    return {
        "cpu_s": round(seconds, 1),
        "model": selection["chosen"]["model"],
        "scheme": selection["scheme"],
        "symplectic": scheme_name(integrator_from_json(world.card["stepping"]["symplectic"])),
        "has_energy": world.has_energy,
        "worse_than_best_tried": float((merits[-1] / min(merits[:-1])) ** 0.5),
        "residual_share": selection.get("residual_share_of_force"),
        "errors": {
            kind: {str(horizon): open_loop_error(one, fresh, horizon=horizon, windows=200) for horizon in row.horizons}
            for kind, one in worlds.items()
        },
        **{extra: _EXTRA[extra](worlds, name) for extra in row.extra},
    }


def _network(dataset: TransitionDataset, world: WorldModel) -> WorldModel:
    """The second-order network, fitted through the same scheme by the same method to the same steps."""
    found = dataset_map(dataset, None, None)
    selection = Selection(Trials(Evidence.of(dataset, found.coordinates, found.dt)), seconds=_UNHURRIED)
    scheme = named_scheme(world.card["selection"]["scheme"])
    return selection.refined(
        selection.finished(selection.tried(second_order(selection.trials.variables), scheme))
    ).world


def true_flow(name: str, seed: int) -> dict[str, float]:
    """Errors of the true H, stepped by a symplectic scheme so fine that it is the flow, on the fresh episodes."""
    row = ROWS[name]
    assert row.truth is not None
    fresh = row.recorded(_FRESH_STEPS, seed + FRESH)
    found = dataset_map(fresh, None, None)
    exact = WorldModel(found.coordinates, row.truth(), Substeps(Gauss4(), _FINE), found.dt)
    return {str(horizon): open_loop_error(exact, fresh, horizon=horizon, windows=200) for horizon in row.horizons}


def _energy(worlds: dict[str, WorldModel], name: str) -> dict[str, float]:
    """Largest change of H over 10,000 free steps, as a share of the largest change of V on the way."""
    world = worlds["symplectic"]
    if not world.has_energy:
        return {}
    start = {"CartPole-v1": ([0.0, 0.3], [0.0, 0.0]), "charged particle": ([0.8, 0.0], [0.0, 0.5])}[name]
    q, v = (np.array(values) for values in start)
    program = trace(lambda x: {"x": world.integrator.step(world.dynamics, x, world.dt)}, x=len(q) + len(v))
    step, points = scalar_code.compiled(program, {}), [world.phase_point(q, v)]
    for _ in range(_LONG):
        points += step(points[-1].tolist())
    path = np.array(points)
    energy = world.energy(path)
    at_rest = world.energy(world.phase_point(path[:, :2], np.zeros_like(path[:, :2])))
    return {"drift": float(np.abs(energy - energy[0]).max() / np.ptp(at_rest))}


def _lengths(worlds: dict[str, WorldModel], name: str) -> dict[str, list[int]]:
    """Lengths of episodes of bang-bang actions, in the real environment and in the learned one."""
    found: dict[str, list[int]] = {"real": [], "learned": []}
    learned = gymnasium.make("HNN-v0", world_model=worlds["recorded"], stepping="recorded")
    for kind, env in (("real", gymnasium.make(name)), ("learned", learned)):
        for seed in range(10):
            observation, _ = env.reset(seed=seed)
            done, length = False, 0
            while not done:
                # Push the way it moves, as hard as the seed says: some episodes meet the wall, some the flag.
                push = np.sign(observation[1] + 1e-9) * (0.4 + 0.06 * seed)
                observation, _, terminated, truncated, _ = env.step(np.array([push], np.float32))
                done, length = terminated or truncated, length + 1
            found[kind].append(length)
        env.close()
    return found


def _free(worlds: dict[str, WorldModel], name: str) -> dict[str, float]:
    """Absolute errors after 200 steps without a torque, the worst entry: medians and the largest over starts."""
    env = Pendulum(0.1 if "friction" in name else 0.0)
    starts, ends = [], []
    for seed in range(_STARTS):
        starts.append(env.reset(seed=seed)[0])
        for _ in range(_FREE_STEPS):
            observation, *_ = env.step(np.zeros(1))
        ends.append(observation)
    found: dict[str, float] = {}
    for kind, world in worlds.items():
        path = _rolled(world, np.array(starts), _FREE_STEPS)
        error = np.abs(world.decode(path[-1]) - np.array(ends)).max(axis=-1)
        found |= {kind: float(np.median(error)), f"{kind}, worst": float(error.max())}
    return found


def _rest(worlds: dict[str, WorldModel], name: str) -> dict[str, Any]:
    """How far a pendulum creeps in 10,000 steps after it has come to rest; None: it did not."""
    found: dict[str, Any] = {}
    for kind in ("symplectic", "second-order"):
        world = worlds[kind]
        start = np.array([[np.cos(1.0), np.sin(1.0), 0.0]])
        at_rest = _rolled(world, start, 4000)[-1]
        moving = abs(float(world.state(at_rest)[1][0, 0])) > 1e-12
        later = _rolled(world, world.decode(at_rest), _LONG)
        found[kind] = None if moving else float(np.abs(later[:, 0, 0] - later[0, 0, 0]).max())
    return found


def _rolled(world: WorldModel, observation: np.ndarray, steps: int) -> np.ndarray:
    still = np.zeros((steps, len(observation), len(world.coordinates.controls)))
    try:
        with np.errstate(all="ignore"):
            return world.rollout(world.encode(observation), still, steps=steps)
    except ConvergenceError:
        return np.full((steps + 1, *world.encode(observation).shape), np.inf)


_EXTRA = {"energy": _energy, "lengths": _lengths, "free": _free, "rest": _rest}

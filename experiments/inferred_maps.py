"""Are maps inferred right with nothing declared? ``python -m experiments.inferred_maps``.

Every environment is recorded five times with random actions, and what is inferred is compared with what is true: every
degree of freedom with its entries and its kind, every readout, the force table, and the time step. A degree of freedom
that an action acts on may be left open (it is then learned), but not be another one. Limits are not compared, since a
recording shows only those it meets, nor are units, which no recording shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import gymnasium
from rich.console import Console

from hnn_gym.command import run
from hnn_gym.coordinates import Coordinates, DegreeOfFreedom, Readout
from hnn_gym.coordinates.inference import InferredMap
from hnn_gym.data import ObservationNoise, PolicyChoice, record_steps
from hnn_gym.data.inferred_map import infer_dataset_map
from hnn_gym.errors import InputError
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.systems import coordinates_of

_MUJOCO = {
    "Reacher-v5": Coordinates(
        degrees=(
            DegreeOfFreedom(cos=0, sin=2, velocity=6),
            DegreeOfFreedom(cos=1, sin=3, velocity=7),
            DegreeOfFreedom(position=4, fixed=True),
            DegreeOfFreedom(position=5, fixed=True),
        ),
        readouts=(
            Readout(8, (("q2", -1.0), ("cos(q0)", 0.1), ("cos(q0 + q1)", 0.11))),
            Readout(9, (("q3", -1.0), ("sin(q0)", 0.1), ("sin(q0 + q1)", 0.11))),
        ),
    ),
    "Swimmer-v5": Coordinates(
        degrees=(
            *(DegreeOfFreedom(position=i, velocity=5 + i) for i in range(3)),
            *(DegreeOfFreedom(velocity=3 + i) for i in range(2)),
        ),
    ),
    "HalfCheetah-v5": Coordinates(
        degrees=(*(DegreeOfFreedom(position=i, velocity=9 + i) for i in range(8)), DegreeOfFreedom(velocity=8)),
    ),
}
"""Joints of Swimmer and HalfCheetah turn by less than a turn, so that positions serve as well as angles."""
_SECONDS_A_STEP = {"MountainCar-v0": 1.0, "MountainCarContinuous-v0": 1.0, "CartPole-v1": 0.02, "Acrobot-v1": 0.2}
_STEPS = {
    "CartPole-v1": 1000,
    "Acrobot-v1": 2000,
    "MountainCar-v0": 2000,
    "MountainCarContinuous-v0": 2000,
    "Pendulum-v1": 1000,
    "InvertedPendulum-v5": 1500,
    "InvertedDoublePendulum-v5": 1500,
    "Reacher-v5": 2000,
    "Swimmer-v5": 2000,
    "HalfCheetah-v5": 3000,
    "Spring-v0": 1000,
    "IdealPendulum-v0": 1000,
    "TwoBody-v0": 1000,
    "ThreeBody-v0": 1000,
    "NBody-v0": 1000,
}
_BANG_BANG = ("MountainCarContinuous-v0",)


@dataclass(frozen=True)
class Settings:
    """Count how many maps are inferred right with nothing declared."""

    out: Path | None = Path("docs/results/inferred_maps.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    environments: tuple[str, ...] = tuple(_STEPS)
    """Which environments; those of MuJoCo need the extra mujoco."""
    recordings: int = 5
    """Recordings of each, of the seeds 0, 1, ..."""
    noise: float = 0.0
    """Noise of the observations, as a share of half the range of each; only where ranges are finite."""
    execution: Executing = field(default_factory=Execution)


def measure(settings: Settings, *, console: Console) -> Results:
    """What is wrong in the map of every recording, by environment; an empty list where it is right.

    Raises:
        InputError: there is no such environment here.
    """
    results = Results(settings.out, command="python -m experiments.inferred_maps")
    cells = {}
    for env_id in settings.environments:
        if env_id not in _STEPS:
            raise InputError(f"There is no environment {env_id!r} here: choose from {', '.join(_STEPS)}.")
        if env_id.endswith("-v5") and find_spec("mujoco") is None:
            console.print(f"{env_id}: left out, since MuJoCo is not installed (pip install hnn-gym[mujoco])")
            continue
        key = f"{env_id}/noise {settings.noise:g}"
        cells[key] = partial(_faults_of_all, env_id, settings.recordings, settings.noise)
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=console)
    for key in cells:
        right = sum(not faults for faults in results[key])
        console.print(f"{key}: {right} of {len(results[key])} right")
        for faults in results[key]:
            for fault in faults:
                console.print(f"  {fault}")
    return results


def _faults_of_all(env_id: str, recordings: int, noise: float) -> list[list[str]]:
    return [_faults(env_id, seed, noise) for seed in range(recordings)]


def _faults(env_id: str, seed: int, noise: float) -> list[str]:
    env = gymnasium.make(env_id)
    policy = PolicyChoice("bang-bang" if env_id in _BANG_BANG else "random")
    noisy = ObservationNoise(env, noise) if noise else env
    dataset = record_steps(noisy, steps=_STEPS[env_id], policy=policy, seed=seed)
    dt = _SECONDS_A_STEP.get(env_id, dataset.provenance.dt)
    dataset.provenance = replace(dataset.provenance, coordinates=None)
    true = _MUJOCO[env_id] if env_id in _MUJOCO else coordinates_of(env_id)
    assert true is not None, "every environment here is a system or in the table above"
    try:
        found = infer_dataset_map(dataset)
    except InputError as error:
        return [str(error)]
    finally:
        env.close()
    return _differences(true, dt, found)


def _differences(true: Coordinates, dt: float | None, found: InferredMap) -> list[str]:
    coordinates = found.coordinates
    faults = []
    if _bare(true) != _bare(coordinates):
        faults.append(f"degrees of freedom: {_bare(coordinates)}")
    if {r.entry: _terms(r) for r in true.readouts} != {r.entry: _terms(r) for r in coordinates.readouts}:
        faults.append(f"readouts: {coordinates.readouts}")
    if dt is not None and abs(found.dt / dt - 1) > 1e-6:
        faults.append(f"time step: {found.dt}")
    if true.controls:  # those of Reacher, Swimmer and HalfCheetah act on joints that are not declared above
        acting = [(t.degree, f.degree) for t, f in zip(true.controls, coordinates.controls, strict=True)]
        faults += [f"an action acts on q{t}, not on q{f}" for t, f in acting if f not in (t, None)]
    if _shape(true.force_table) != _shape(coordinates.force_table):
        faults.append(f"force table: {coordinates.force_table}")
    return faults


def _bare(coordinates: Coordinates) -> list[DegreeOfFreedom]:
    return [replace(degree, speed_limit=None, stops=None) for degree in coordinates.degrees]


def _terms(readout: object) -> object:
    return {term: value for term, value in readout.terms if value} if isinstance(readout, Readout) else readout


def _shape(table: Sequence[Sequence[float]] | None) -> list[list[float]] | None:
    """A table in units of its largest force."""
    if table is None:
        return None
    largest = max(abs(value) for row in table for value in row)
    return [[round(value / largest, 6) for value in row] for row in table]


def _main(settings: Settings) -> None:
    measure(settings, console=Console(soft_wrap=True))


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.inferred_maps")

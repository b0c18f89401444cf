"""Steps of a mass matrix M(q), traced and not: ``python -m benchmarks.mass_matrices``.

An arm of two links with a model of the size that suits Acrobot-v1, drawn and not trained: polynomials of the joint
angles, and networks. Untraced, the step runs on arrays of NumPy. The same models are then stepped as environments with
the spaces, the task and the time step of Acrobot-v1 and CartPole-v1, against these; processor time, on one core. There
is one more model there: the polynomials with the terms that ``train_auto`` finds to be needed, as they are in every
world that it learns from these two. Where EnvPool is installed (``pip install envpool``), its Acrobot-v1 in C++ on one
thread takes part.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import SyncVectorEnv

from benchmarks.timing import Row, compared, report, rounds, timed
from hnn_gym.command import run
from hnn_gym.envs import SimulatorVectorEnv
from hnn_gym.models.architecture import Variables
from hnn_gym.models.mechanical import MechanicalHNN
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import (
    Euler,
    Gauss4,
    GeneralisedEuler,
    ImplicitMidpoint,
    Integrator,
    InVelocities,
    RungeKutta4,
    SymplecticEuler,
)
from hnn_gym.systems.acrobot import SYSTEM as ACROBOT
from hnn_gym.systems.base import System
from hnn_gym.systems.cart_pole import SYSTEM as CART_POLE
from hnn_gym.trace import batch_code, scalar_code, trace
from hnn_gym.worlds.world_model import WorldModel

COMMAND = "python -m benchmarks.mass_matrices --out docs/results/mass_matrices.json"
DT, COPIES = 0.05, 1024
ARM = Variables(
    angles=(True, True),
    position_scales=(1.0, 1.0),
    velocity_scales=(2.0, 3.0),
    acceleration_scales=(5.0, 5.0),
    control_degrees=(1,),
    force_scales=(1.0,),
    in_physical_units=True,
)
MODELS = {
    "polynomials": MechanicalHNN(ARM, hidden=(), mass_matrix="full"),
    "networks of 32": MechanicalHNN(ARM, hidden=(32,), mass_matrix="full"),
}
FORMULA = "the terms needed"
SCHEMES: dict[str, Integrator] = {
    "implicit midpoint": ImplicitMidpoint(),
    "Gauss's rule of order 4": Gauss4(),
    "generalised symplectic Euler": GeneralisedEuler(),
    "semi-implicit Euler in velocities": InVelocities(SymplecticEuler()),
    "explicit Euler": Euler(),
    "RK4 in velocities": InVelocities(RungeKutta4()),
}


@dataclass(frozen=True)
class Settings:
    """Compare traced with untraced steps of a mass matrix."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 15
    """Rounds of every comparison."""
    quick: bool = False
    """One round of one scheme: does it run at all?"""


def contestants(dynamics: PortHamiltonian, scheme: Integrator) -> dict[str, Callable[[], float]]:
    """Traced and untraced steps of one state and of :data:`COPIES`."""
    program = trace(lambda x, u: {"x": scheme.step(dynamics, x, DT, u)}, x=4, u=1)
    one, many = scalar_code.compiled(program, {}), batch_code.compiled(program, COPIES, np.float64)
    rng = np.random.default_rng(0)
    x, u = rng.normal(size=(COPIES, 4)), rng.normal(size=(COPIES, 1))
    columns, after = np.asfortranarray(x), np.empty((COPIES, 4), order="F")
    state, force = x[0].tolist(), u[0].tolist()
    took = functools.partial(timed, clock=time.process_time)
    return {
        "one": took(functools.partial(one, state, force), repeat=100),
        "one, untraced": took(functools.partial(scheme.step, dynamics, x[0], DT, u[0]), repeat=2),
        "many": took(functools.partial(many, columns, u, after), repeat=3, units=COPIES),
        "many, untraced": took(functools.partial(scheme.step, dynamics, x, DT, u), repeat=1, units=COPIES),
    }


@dataclass(frozen=True)
class Game:
    """An environment of Gymnasium, and the schemes that worlds of it are stepped by.

    Attributes:
        system: its declaration.
        recorded: the scheme of the environment itself.
        symplectic: a scheme that keeps the energy.
        bar: of the speed of one environment.
        mass: the entries of the upper triangle of M: the constant of each, and the slope by each function of q.
        potential: V, the slope by each function of q in J.
    """

    system: System
    recorded: Integrator
    symplectic: Integrator
    bar: float
    mass: tuple[tuple[float, Mapping[int, float]], ...]
    potential: Mapping[int, float]

    def world(self, architecture: MechanicalHNN, scheme: Integrator, *, formula: bool) -> WorldModel:
        """A drawn world, or that of the formula, with the coordinates and the time step of the environment."""
        angles = tuple(degree.angle or degree.cos is not None for degree in self.system.coordinates.degrees)
        controls = tuple(control.degree for control in self.system.coordinates.controls)
        fitting = replace(architecture, variables=replace(ARM, angles=angles, control_degrees=controls))
        parameters = fitting.initial_parameters(np.random.default_rng(0))
        if formula:
            parameters |= self._terms(fitting, parameters)
        coordinates, dt = self.system.coordinates, self.system.dt
        return WorldModel.built(fitting, parameters, coordinates=coordinates, integrator=scheme, dt=dt)

    def _terms(self, fitting: MechanicalHNN, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        slopes, potential = np.zeros_like(drawn["mass.w0"]), np.zeros_like(drawn["potential.w0"])
        for row, (_, found) in zip(slopes, self.mass, strict=True):
            row[list(found)] = list(found.values())
        potential[0, list(self.potential)] = list(self.potential.values())
        constant = np.array([constant for constant, _ in self.mass])
        potential = potential / fitting.variables.energy_scale
        return {"mass.w0": slopes, "mass.constant": constant, "potential.w0": potential}

    def rows(self, repeats: int) -> list[Row]:
        """Compare one environment and :data:`COPIES` with Gymnasium's."""
        real, length = self.system.id, self.system.task.max_episode_steps
        ones = {real: one_environment(gymnasium.make(real))}
        many = {real: environments(_reset(SyncVectorEnv([lambda: gymnasium.make(real)] * 64)), 5)}
        for model, kind in product((FORMULA, *MODELS), ("recorded", "symplectic")):
            architecture = MODELS.get(model, MODELS["polynomials"])
            world = self.world(architecture, getattr(self, kind), formula=model == FORMULA)
            name = f"{model}, {kind} stepping"
            made = gymnasium.make("HNN-v0", world_model=world, task=self.system.task(), max_episode_steps=length)
            ones[name] = one_environment(made)
            envs = SimulatorVectorEnv(world, num_envs=COPIES, task=self.system.task(), max_episode_steps=length)
            many[name] = environments(_reset(envs), 2)
        cpp = f"EnvPool's {real}"
        if real == ACROBOT.id and find_spec("envpool") is not None:
            many[cpp] = environments(_envpool(real), 5)
        rows = []
        for what, contestants, bar in ((real, ones, self.bar), (f"SyncVectorEnv of 64 {real}", many, 25.0)):
            seconds = rounds(contestants, repeats)
            ours = [name for name in seconds if name not in (real, cpp)]
            rows += [compared(f"{name} / {what}", seconds, name, real, bar=bar) for name in ours]
            if cpp in seconds:
                rows += [compared(f"{name} / 1,024 of {cpp}", seconds, name, cpp, bar=1.0) for name in ours]
        return rows


def _reset(envs: Any) -> Any:
    envs.reset(seed=0)
    return envs


def _envpool(env_id: str) -> Any:
    envs = import_module("envpool").make(env_id, env_type="gymnasium", num_envs=COPIES, num_threads=1, seed=0)
    envs.reset()  # the seed of its starts is that of its making
    return envs


GAMES = (
    Game(
        ACROBOT,
        InVelocities(RungeKutta4()),
        Gauss4(),
        bar=1.0,
        mass=((3.5, {1: 1.0}), (1.25, {1: 0.5}), (1.25, {})),
        potential={0: -14.7, 2: -4.9},
    ),
    Game(
        CART_POLE,
        InVelocities(Euler()),
        GeneralisedEuler(),
        bar=0.5,
        mass=((1.1, {}), (0.0, {0: 0.05}), (0.1 / 3, {})),
        potential={0: 0.49},
    ),
)


def one_environment(env: gymnasium.Env[Any, Any], steps: int = 300) -> Callable[[], float]:
    """Random actions in one environment, whose episodes begin again as they end."""
    env.reset(seed=0)
    env.action_space.seed(0)

    def run() -> float:
        began = time.process_time()
        for _ in range(steps):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
        return (time.process_time() - began) / steps

    return run


def environments(envs: Any, steps: int) -> Callable[[], float]:
    """Random actions, drawn before, in a vector environment that was reset."""
    actions = np.random.default_rng(0).integers(0, envs.single_action_space.n, (steps, envs.num_envs))

    def run() -> float:
        began = time.process_time()
        for action in actions:
            envs.step(action)
        return (time.process_time() - began) / actions.size

    return run


def _main(settings: Settings) -> None:
    rows: list[Row] = []
    cases = [(model, scheme) for model in MODELS for scheme in SCHEMES]
    for model, scheme in cases[:1] if settings.quick else cases:
        architecture = MODELS[model]
        dynamics = architecture.build(architecture.initial_parameters(np.random.default_rng(0)))
        seconds = rounds(contestants(dynamics, SCHEMES[scheme]), 1 if settings.quick else settings.repeats)
        for name, what in (("one", "one state"), ("many", f"{COPIES:,} states")):
            rows.append(compared(f"{model}, {scheme}, {what} / untraced", seconds, name, f"{name}, untraced"))
    for game in GAMES[:0] if settings.quick else GAMES:
        rows += game.rows(settings.repeats)
    report(rows, command=COMMAND, out=settings.out)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.mass_matrices")

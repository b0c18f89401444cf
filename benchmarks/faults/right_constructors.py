"""Right calls of what users construct beside environments: physics, models, planners, settings, declarations."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

import numpy as np

from benchmarks.faults.right_calls import RightCall


@cache
def constructors() -> dict[str, RightCall]:
    """Right calls by name, each in a few milliseconds; every argument has a declared type."""
    import gymnasium

    from hnn_gym.agents import (
        AgentRecipe,
        Cem,
        DynamicProgramming,
        DynaSettings,
        EnergyShaping,
        Filtered,
        Grid,
        Ilqr,
        KalmanFilter,
        LinearQuadratic,
        Mppi,
        RandomActions,
        SamplingPlanner,
        ShacSettings,
        SwingUp,
        TrajectorySettings,
        play_episodes,
    )
    from hnn_gym.data import LogSettings, MemoryWriter, PolicyChoice, RecordTransitions, WindowStream, record_steps
    from hnn_gym.envs import BumpByForce
    from hnn_gym.envs.build import build_simulator
    from hnn_gym.envs.shipped import resolve_world
    from hnn_gym.models import (
        HNN,
        Baseline,
        HelmholtzField,
        MechanicalHNN,
        PairwiseHNN,
        PlanarChainHNN,
        SecondOrderBaseline,
        SeparableHNN,
        Variables,
    )
    from hnn_gym.physics import NBody, Pendulum, PortHamiltonian, Spring, integrate, reference_trajectory
    from hnn_gym.physics.hamiltonians import ChainKinematics, Link
    from hnn_gym.physics.integrators import (
        Compensated,
        GeneralisedEuler,
        ImplicitMidpoint,
        InVelocities,
        Lattice,
        Leapfrog,
        RungeKutta4,
        StopsApart,
        Substeps,
        SymplecticEuler,
    )
    from hnn_gym.systems import Recording, Truth, Twin
    from hnn_gym.worlds import WorldModel

    world, simulator = resolve_world("HNNPendulum-v0"), build_simulator("HNNPendulum-v0")
    env: Any = gymnasium.make("Pendulum-v1", max_episode_steps=2)
    policy = RandomActions(env.action_space)
    data = record_steps(env, steps=4, seed=0)
    one = Variables((True,), (1.0,), (1.0,), (1.0,), (0,), (1.0,))
    two = Variables((True, True), (1.0,) * 2, (1.0,) * 2, (1.0,) * 2, (0,), (1.0,))
    four = Variables((False,) * 4, (1.0,) * 4, (1.0,) * 4, (1.0,) * 4)
    pendulum, hidden = PortHamiltonian(Pendulum()), {"hidden": (4,)}
    alone = {"control_degrees": (), "force_scales": ()}
    return {
        "PortHamiltonian": RightCall(
            PortHamiltonian,
            {"hamiltonian": Pendulum(), "control": np.eye(1), "damping": np.ones(1), "dry": np.ones(1), "forces": ()}
            | {"stops": None},
        ),
        "Pendulum": RightCall(Pendulum, _fields(Pendulum())),
        "Spring": RightCall(Spring, _fields(Spring())),
        "NBody": RightCall(NBody, _fields(NBody())),
        "ChainKinematics": RightCall(ChainKinematics, {"angles": (True,), "absolute": False}),
        "Link": RightCall(Link, {"mass": 1.0, "length": 1.0, "centre": 0.5, "inertia": 0.0}),
        "Compensated": RightCall(Compensated, _fields(Compensated())),
        "Lattice": RightCall(Lattice, _fields(Lattice())),
        "ImplicitMidpoint": RightCall(ImplicitMidpoint, _fields(ImplicitMidpoint())),
        "GeneralisedEuler": RightCall(GeneralisedEuler, _fields(GeneralisedEuler())),
        "InVelocities": RightCall(InVelocities, {"inner": RungeKutta4()}),
        "StopsApart": RightCall(StopsApart, {"inner": RungeKutta4()}),
        "Substeps": RightCall(Substeps, {"inner": RungeKutta4(), "count": 2}),
        "integrate": RightCall(
            integrate,
            {"dynamics": pendulum, "x0": np.ones(2), "integrator": Leapfrog(), "dt": 0.1, "steps": 2, "u": None}
            | {"record_every": 1},
        ),
        "reference_trajectory": RightCall(
            reference_trajectory,
            {"dynamics": pendulum, "x0": np.ones(2), "times": np.array([0.0, 0.1]), "rtol": 1e-6, "atol": 1e-6},
        ),
        "Variables": RightCall(Variables, _fields(one)),
        "Baseline": RightCall(Baseline, {"variables": one, **hidden, "known_port": False}),
        "HNN": RightCall(HNN, {"variables": one, **hidden, "damping": False}),
        "MechanicalHNN": RightCall(MechanicalHNN, _fields(MechanicalHNN(one))),
        "SeparableHNN": RightCall(SeparableHNN, {"variables": one, **hidden, "damping": False}),
        "SecondOrderBaseline": RightCall(SecondOrderBaseline, {"variables": one, **hidden}),
        "HelmholtzField": RightCall(HelmholtzField, {"variables": dataclasses.replace(one, **alone), **hidden}),
        "PairwiseHNN": RightCall(PairwiseHNN, _fields(PairwiseHNN(four))),
        "PlanarChainHNN": RightCall(PlanarChainHNN, _fields(PlanarChainHNN(two))),
        "WorldModel": RightCall(WorldModel, _fields(world)),
        "PolicyChoice": RightCall(PolicyChoice, {"name": "random", "hold": 1}),
        "LogSettings": RightCall(LogSettings, _fields(LogSettings())),
        "RecordTransitions": RightCall(
            RecordTransitions, {"env": env, "to": MemoryWriter(), "record_state": False, "seed": 0, "policy": "x"}
        ),
        "WindowStream": RightCall(WindowStream, {"dataset": data, "k": 1, "batch_size": 1, "stride": 1}),
        "BumpByForce": RightCall(BumpByForce, {"env": env, "world": world, "limit": 1.0, "candidates": 33}),
        "play_episodes": RightCall(
            play_episodes, {"policy": policy, "env": "Pendulum-v1", "seeds": (0,), "env_kwargs": None, "max_steps": 1}
        ),
        "AgentRecipe": RightCall(AgentRecipe, _fields(AgentRecipe(1, 10, 0.1))),
        "ShacSettings": RightCall(ShacSettings, _fields(ShacSettings())),
        "TrajectorySettings": RightCall(TrajectorySettings, _fields(TrajectorySettings())),
        "DynaSettings": RightCall(DynaSettings, _fields(DynaSettings())),
        "Grid": RightCall(Grid, _fields(Grid())),
        "Mppi": RightCall(Mppi, _fields(Mppi())),
        "Cem": RightCall(Cem, _fields(Cem())),
        "SamplingPlanner": RightCall(
            SamplingPlanner,
            {"simulator": simulator, "rule": Mppi(), "horizon": 2, "samples": 4, "std": 1.0, "colour": 2.0, "seed": 0},
        ),
        "Ilqr": RightCall(Ilqr, {"simulator": simulator, "horizon": 4, "rounds": 1, "first_rounds": 1}),
        "DynamicProgramming": RightCall(
            DynamicProgramming, {"simulators": [simulator], "steps": 2, "grid": Grid(3, 3, 2), "hold": 1}
        ),
        "EnergyShaping": RightCall(EnergyShaping, {"world": world, "target": 1.0, "limit": 1.0, "tolerance": 0.1}),
        "KalmanFilter": RightCall(KalmanFilter, {"world": world, "std": 0.1, "memories": (0.9,)}),
        "Filtered": RightCall(Filtered, {"policy": policy, "sensors": KalmanFilter(world, 0.1)}),
        "LinearQuadratic": RightCall(
            LinearQuadratic, {"world": world, "position": np.zeros(1), "weights": (1.0, 0.1, 0.01), "tolerance": 0.1}
        ),
        "SwingUp": RightCall(
            SwingUp, {"world": world, "position": np.zeros(1), "weights": (1.0, 0.1, 0.01), "band": 1.0, "basin": 4.0}
        ),
        "RandomActions": RightCall(RandomActions, {"action_space": env.action_space, "seed": 0}),
        "Recording": RightCall(Recording, _fields(Recording(5))),
        "Truth": RightCall(Truth, _fields(Truth(Pendulum(), SymplecticEuler()))),
        "Twin": RightCall(Twin, _fields(Twin("mechanical"))),
    }


def _fields(value: Any) -> dict[str, Any]:
    """The arguments from which a dataclass was made."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}

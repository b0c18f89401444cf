"""The fit of a chain that swims: from guesses by linear equations to the drag of every link."""

from __future__ import annotations

import numpy as np
import pytest

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
from hnn_gym.models import PlanarChainHNN, Variables
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.physics.phase import join, split
from hnn_gym.training.one_step import one_step_errors
from hnn_gym.training.starting_point import StartingPoint
from hnn_gym.training.transitions import Transitions

COORDINATES = Coordinates(
    degrees=(
        DegreeOfFreedom(velocity=2),
        DegreeOfFreedom(velocity=3),
        DegreeOfFreedom(position=0, velocity=4, angle=True),
        DegreeOfFreedom(position=1, velocity=5, angle=True, stops=(-2.0, 2.0, "soft")),
    ),
    controls=(Control(degree=3, unit="N m"),),
)
SCHEME = InVelocities(RungeKutta4())
DT = 0.02


def fish(variables: Variables) -> PlanarChainHNN:
    return PlanarChainHNN(variables, symmetric=True, drag=True, gravity=False)


def swum(count: int = 300) -> tuple[Transitions, Variables]:
    """Steps of a fish of two links of 0.5 kg and 0.4 m under random torques."""
    rng = np.random.default_rng(0)
    action = np.repeat(rng.uniform(-0.4, 0.4, (count // 3, 1)), 3, axis=0)
    rough = Variables.measured(COORDINATES, np.ones((1, 2, 8)), np.ones((1, 1, 1)), dt=DT)
    model = fish(rough)
    length, mass = -0.4, 0.5  # the links lie behind their joints
    moments = np.array([mass * length / 2 + mass * length, mass * length / 2])
    own = mass * length**2 / 12 + mass * length**2 / 4
    h = np.array(
        [
            [2 * mass, *moments],
            [moments[0], own + mass * length**2, length * moments[1]],
            [moments[1], length * moments[1], own],
        ]
    )
    parameters = model.parameters_of(h.astype(complex), np.zeros(4), np.zeros(4))
    parameters |= {"drag.lengths": np.array([length]), "drag.centres": np.array([length / 2, length / 2])}
    parameters |= {"drag.linear.log": np.log([[0.1, 0.1], [0.2, 0.3], [0.002, 0.001]])}
    parameters |= {"drag.quadratic.log": np.log([[0.5, 0.4], [4.0, 5.0], [0.02, 0.03]])}
    parameters |= {f"stops.{name}.log": np.log([size]) for name, size in (("stiffness", 900), ("damping", 50))}
    parameters |= {"stops.compliance.log": np.log([3.0])}
    dynamics, x, seen = model.build(parameters), np.zeros(8), []
    for u in action:
        q, p = split(x)
        v = dynamics.velocity(q, p)
        seen.append(COORDINATES.observation(q, v))
        x = SCHEME.step(dynamics, x, DT, u)
    observation = np.array([*seen, COORDINATES.observation(split(x)[0], dynamics.velocity(*split(x)))])
    data = Transitions.of([observation], [action], coordinates=COORDINATES, dt=DT)
    states = np.stack([join(data.q, data.v), join(data.next_q, data.next_v)], axis=1)
    variables = Variables.measured(COORDINATES, states, action[:, None], dt=DT)
    return data, variables


def test_the_fit_of_a_fish_begins_at_several_guesses_the_best_first() -> None:
    data, variables = swum()
    model = fish(variables)
    assert variables.soft_stops == ((3, -2.0, 2.0),)
    assert data.smooth.all()
    starts = StartingPoint(data, variables, midpoint=True).candidates(model, 0)
    assert len(starts) > 1
    errors = [np.median(one_step_errors(model.build(start), SCHEME, data)) for start in starts]
    assert errors[0] < 1.0  # of a typical change: far from exact, and near enough for a fit
    assert len(starts[0]["drag.centres"]) == 2


def test_options_that_exclude_each_other_are_refused() -> None:
    one = Variables((True,), (1.0,), (1.0,), (1.0,))
    with pytest.raises(InputError, match="drag=True needs symmetric=True"):
        PlanarChainHNN(one, drag=True)
    with pytest.raises(InputError, match="rotors=True is about joints between links"):
        PlanarChainHNN(one, rotors=True)


def test_the_drag_on_a_single_pendulum_has_a_guess_too() -> None:
    coordinates = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),), (Control(degree=0, unit="N m"),))
    variables = Variables.measured(coordinates, np.ones((1, 2, 2)), np.ones((1, 1, 1)), dt=0.05)
    model = PlanarChainHNN(variables, symmetric=True, drag=True)
    truth = {"chain.diagonal": np.zeros(1), "chain.cosines": np.array([-3.0]), "drag.centres": np.array([0.5])}
    truth |= {"drag.linear.log": np.full((3, 1), -3.0), "drag.quadratic.log": np.full((3, 1), -1.0)}
    rng = np.random.default_rng(0)
    q, v, u = rng.normal(size=(3, 200, 1)) * [[[1.5]], [[3.0]], [[2.0]]]
    scheme = InVelocities(Substeps(RungeKutta4(), 2))
    next_q, next_v = split(scheme.step(model.build(truth), join(q, v), 0.05, u))
    rows = [coordinates.observation(*state) for state in ((q, v), (next_q, next_v))]
    data = Transitions.of(list(np.stack(rows, axis=1)), list(u[:, None]), coordinates=coordinates, dt=0.05)
    (start,) = StartingPoint(data, variables, midpoint=True).candidates(model, 0)
    errors = one_step_errors(model.build(start), scheme, data)
    assert np.median(errors) < 2e-2  # the integrals of steps of 0.05 s

"""True physics as worlds, by the id of their environment: H, coordinates, scheme and time step.

The scheme and the step are chosen so that, at the energies that occur, one step changes H by less than 1e-4 of the
kinetic energy (``tests/envs/test_tasks_physics.py``):

| id | H | scheme | dt in s | why |
|---|---|---|---|---|
| Pendulum-v1 | rod of Gymnasium | symplectic Euler | 0.05 | it is Gymnasium's own map |
| Spring-v0 | q^2 + p^2 | Yoshida, order 4 | 0.05 | 63 steps a period |
| IdealPendulum-v0 | 3 (1 - cos q) + p^2 | Yoshida, order 4 | 0.05 | 51 steps a period, rotation up to 10 rad/s |
| TwoBody-v0 | gravity, 2 unit masses | Yoshida, order 6 | 0.1 | 75 to 390 steps a period, but 16 at 0.5 m |
| ThreeBody-v0, NBody-v0 | gravity | Yoshida, order 6 | 0.02 | encounters down to 0.2 m last 0.1 s |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.envs.tasks.ideal_pendulum import IdealPendulumSwingUp
from hnn_gym.envs.tasks.nbody_bound import KeepBound, n_bodies
from hnn_gym.envs.tasks.orbit import OrbitTransfer
from hnn_gym.envs.tasks.spring import SpringHold
from hnn_gym.physics.dynamics import Hamiltonian, PortHamiltonian
from hnn_gym.physics.hamiltonians import NBody, Pendulum
from hnn_gym.physics.integrators import Integrator, SymplecticEuler, Yoshida4, Yoshida6
from hnn_gym.worlds.world_model import WorldModel


def bodies_coordinates(bodies: int, *, force_limit: float) -> Coordinates:
    """Observe positions, then velocities, of bodies in the plane; push the first one along x and y.

    Args:
        bodies: how many.
        force_limit: in N; the actions are shares of it.
    """
    n = 2 * bodies
    return Coordinates(
        degrees=tuple(DegreeOfFreedom(position=i, velocity=n + i) for i in range(n)),
        controls=tuple(Control(degree=i, limit=force_limit, unit="N", scale=force_limit) for i in range(2)),
    )


def n_body_world(n: int | None = None, masses: Sequence[float] | None = None, softening: float = 0.2) -> WorldModel:
    """The world of NBody-v0.

    Args:
        n: number of bodies; None: one for each mass, or 5.
        masses: in kg; None: all 1.
        softening: Plummer length in m; 0: point masses.

    Raises:
        InputError: fewer than two bodies, another number of masses, a mass that is not positive, or a negative
            softening.
    """
    system = n_bodies(n, masses, softening)
    arguments = {"masses": list(system.masses), "softening": system.softening}
    return _bodies("NBody-v0", system, Yoshida6(), dt=0.02, force_limit=KeepBound.force_limit, **arguments)


def _pendulum() -> WorldModel:
    coordinates = Coordinates.for_environment("Pendulum-v1")
    assert coordinates is not None
    return _world("Pendulum-v1", coordinates, Pendulum.of_gymnasium(), SymplecticEuler(), dt=0.05)


def _spring() -> WorldModel:
    limit = SpringHold.force_limit
    coordinates = Coordinates(
        (DegreeOfFreedom(position=0, velocity=1),), (Control(0, limit=limit, unit="N", scale=limit),)
    )
    return _world("Spring-v0", coordinates, SpringHold.truth, Yoshida4(), dt=0.05)


def _ideal_pendulum() -> WorldModel:
    coordinates = Coordinates(
        (DegreeOfFreedom(cos=0, sin=1, velocity=2),), (Control(0, limit=IdealPendulumSwingUp.force_limit, unit="N m"),)
    )
    return _world("IdealPendulum-v0", coordinates, IdealPendulumSwingUp.truth, Yoshida4(), dt=0.05)


def _two_body() -> WorldModel:
    system = NBody(masses=OrbitTransfer.masses)
    return _bodies("TwoBody-v0", system, Yoshida6(), dt=0.1, force_limit=OrbitTransfer.force_limit)


def _three_body() -> WorldModel:
    system = NBody(masses=(1.0, 1.0, 1.0))
    return _bodies("ThreeBody-v0", system, Yoshida6(), dt=0.02, force_limit=KeepBound.force_limit)


def _bodies(
    env_id: str, system: NBody, integrator: Integrator, *, dt: float, force_limit: float, **arguments: object
) -> WorldModel:
    coordinates = bodies_coordinates(system.bodies, force_limit=force_limit)
    return _world(env_id, coordinates, system, integrator, dt=dt, **arguments)


def _world(
    env_id: str,
    coordinates: Coordinates,
    system: Hamiltonian,
    integrator: Integrator,
    *,
    dt: float,
    **arguments: object,
) -> WorldModel:
    control = np.zeros((coordinates.n, len(coordinates.controls)))
    for i, entry in enumerate(coordinates.controls):
        control[entry.degree, i] = 1.0
    card = {"environment": {"id": env_id, "arguments": arguments}}
    return WorldModel(coordinates, PortHamiltonian(system, control=control), integrator, dt, card=card)


_TRUE: dict[str, Callable[[], WorldModel]] = {
    "Pendulum-v1": _pendulum,
    "Spring-v0": _spring,
    "IdealPendulum-v0": _ideal_pendulum,
    "TwoBody-v0": _two_body,
    "ThreeBody-v0": _three_body,
    "NBody-v0": n_body_world,
}

TRUE_IDS = tuple(_TRUE)
"""The environments whose physics is known here."""


@cache
def true_world(env_id: str) -> WorldModel:
    """The true world of an environment, one of :data:`TRUE_IDS`, with its default arguments."""
    return _TRUE[env_id]()


def truth_of(world: WorldModel) -> WorldModel | None:
    """The true world that a learned one stands for, or None where its physics is not known here.

    Known is an environment of :data:`TRUE_IDS` recorded with its default arguments; a true world is its own truth.
    """
    if "environment" in world.card:
        return world
    provenance = world.card.get("data", {}).get("provenance", {})
    env_id = str(provenance.get("env_id", "")).rpartition(":")[2]
    own = {"world_model": env_id}  # what registration itself passes on
    changed = [name for name, value in provenance.get("env_kwargs", {}).items() if own.get(name) != value]
    return true_world(env_id) if env_id in TRUE_IDS and not changed else None

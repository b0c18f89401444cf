"""The simulators of PhIHP as systems: pendulum, cart-pole and acrobot with friction.

All are stepped by semi-implicit Euler, and actions are shares of the largest force. The pendulum is a rod of 1 kg and
1 m with g = 10 and viscous friction. The cart-pole is Gymnasium's, with Coulomb friction of 0.1 N under the cart and
viscous friction in the hinge. The acrobot is Gymnasium's with friction of the published code in its joints, which is no
friction in the first one: the force of the motor and of the friction there has the opposite sign, and a share M_12 /
M_11 of it acts on the second joint,

    tau = (-alpha_0, alpha_1 - M_12 / M_11 alpha_0),   alpha_0 = a_1 - 0.01 dq_0/dt,   alpha_1 = a_0 - 0.05 dq_1/dt.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from experiments.friction_rl.tasks import Balance, Handstand, Level, Pole, Raised, SwingUp, Tip
from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, SymplecticEuler
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.systems import System, Task, Truth

SCHEME = InVelocities(SymplecticEuler())


class _ClippedAfterwards(InVelocities):
    """The same scheme in a simulator that clips speeds after the positions have moved."""

    drifts_last = False


def sliding(q: Array, v: Array, u: Array | None) -> Array:
    """Coulomb friction of 0.1 N under the cart, of the velocity at the beginning of the step ``(..., 2)``."""
    xp, speed = namespace(v), v[..., 0]
    return xp.stack([xp.where(speed > 0, -0.1, xp.where(speed < 0, 0.1, 0.0)), 0 * speed], axis=-1)


def jointed(q: Array, v: Array, u: Array | None) -> Array:
    """What the published code calls friction in the joints of the acrobot ``(..., 2)``."""
    pushed = 0.01 * v[..., 0]
    return namespace(v).stack([pushed, _leak(q) * pushed - 0.05 * v[..., 1]], axis=-1)


def both_motors(q: Array, u: Array) -> Array:
    """Generalised forces ``(..., 2)`` of the motors of the acrobot, u = (second joint, first joint)."""
    return namespace(q).stack([-u[..., 1], u[..., 0] - _leak(q) * u[..., 1]], axis=-1)


def _leak(q: Array) -> Array:
    """M_12 / M_11 ``(...)`` of the acrobot."""
    bend = namespace(q).cos(q[..., 1])
    return (1.25 + 0.5 * bend) / (3.5 + bend)


_TURNING = DegreeOfFreedom(cos=0, sin=1, velocity=2)
_TORQUE = (Control(degree=0, limit=2.0, scale=2.0),)
_PUSH = (Control(degree=0, limit=10.0, scale=10.0),)


def _pendulum(name: str, degree: DegreeOfFreedom, task: Callable[[], Task]) -> System:
    rod = PlanarChain.of_links((Link(1.0, 1.0, 0.5, 1 / 12),), gravity=10.0, upright=True)
    truth = Truth(rod, SCHEME, damping=np.array([1 / 6]))
    return System(f"Friction{name}-v0", coordinates=Coordinates((degree,), _TORQUE), dt=0.05, task=task, truth=truth)


def _cart_pole(name: str, pole: DegreeOfFreedom, task: Callable[[], Task]) -> System:
    hamiltonian = PlanarChain.of_links((Link(0.1, 1.0, 0.5, 0.1 / 12),), gravity=9.8, upright=True, cart=1.0)
    truth = Truth(hamiltonian, SCHEME, damping=np.array([0.0, 0.02]), forces=(sliding,))
    cart = DegreeOfFreedom(position=0, velocity=1)
    return System(f"Friction{name}-v0", coordinates=Coordinates((cart, pole), _PUSH), dt=0.02, task=task, truth=truth)


def _acrobot(name: str, controls: tuple[Control, ...], truth: Truth, task: Callable[[], Task]) -> System:
    joints = (
        DegreeOfFreedom(cos=0, sin=1, velocity=4, speed_limit=4 * np.pi),
        DegreeOfFreedom(cos=2, sin=3, velocity=5, speed_limit=9 * np.pi),
    )
    return System(f"Friction{name}-v0", coordinates=Coordinates(joints, controls), dt=0.2, task=task, truth=truth)


_RAISED_POLE = DegreeOfFreedom(cos=2, sin=3, velocity=4)
_ARMS = PlanarChain.of_links((Link(1.0, 1.0, 0.5, 1.0),) * 2, gravity=9.8, upright=False)
SYSTEMS = {
    "Pendulum": _pendulum("Pendulum", _TURNING, Balance),
    "Pendulum-sw": _pendulum("PendulumSwingUp", DegreeOfFreedom(cos=0, sin=1, velocity=2, speed_limit=8.0), SwingUp),
    "CartPole": _cart_pole("CartPole", DegreeOfFreedom(position=2, velocity=3, angle=True), Pole),
    "CartPole-sw": _cart_pole("CartPoleLevel", _RAISED_POLE, Level),
    "CartPole raised": _cart_pole("CartPoleSwingUp", _RAISED_POLE, Raised),
    "Acrobot": _acrobot(
        "Acrobot",
        (Control(degree=1, limit=1.0),),
        Truth(_ARMS, _ClippedAfterwards(SymplecticEuler()), forces=(jointed,)),
        Tip,
    ),
    "Acrobot-sw": _acrobot(
        "AcrobotHandstand",
        (Control(degree=None, limit=1.0), Control(degree=None, limit=1.0)),
        Truth(_ARMS, _ClippedAfterwards(SymplecticEuler()), forces=(jointed,), control=both_motors),
        Handstand,
    ),
}
"""By the published name; "CartPole raised" is our own."""

"""Linear-quadratic control about an equilibrium of a learned world: a = a* - K (x - x*).

Close to x* a step is x' - x* = A (x - x*) + B (a - a*), with A and B from central differences of the world's step. The
gain K minimises the sum of (x - x*)^T Q (x - x*) + (a - a*)^T R (a - a*), and follows from the solution P of the
discrete algebraic Riccati equation; (x - x*)^T P (x - x*) is that minimum.
Source: Anderson and Moore, *Optimal Control: Linear Quadratic Methods*, 1990, chapter 2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, solve_discrete_are

from hnn_gym.agents.observed import observed
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.phase import join, split
from hnn_gym.worlds.world_model import WorldModel

_RESIDUE = 1e-3
"""Largest change of state in one step at an equilibrium, in the units of the state."""


@checked_arguments
def linearise(
    world: WorldModel, x: np.ndarray, action: np.ndarray, *, step: float = 1e-4
) -> tuple[np.ndarray, np.ndarray]:
    """A = dx'/dx ``(2n, 2n)`` and B = dx'/da ``(2n, m)`` of one step, by central differences: exact to O(step^2).

    Args:
        world: the world, on NumPy.
        x: phase point ``(2n,)``.
        action: ``(m,)``, within its limits by more than ``step``.
        step: of the differences, in the units of each entry.
    """
    size, controls = len(x), len(action)
    moves = step * np.eye(size + controls)
    moves = np.concatenate([moves, -moves])
    after = world.step(x + moves[:, :size], action + moves[:, size:])
    jacobian = ((after[: size + controls] - after[size + controls :]) / (2 * step)).T
    return jacobian[:, :size], jacobian[:, size:]


def _sliding_freely(world: WorldModel) -> WorldModel:
    """The world without its dry friction, which holds everything at rest and has no slope there."""
    if not isinstance(world.dynamics, PortHamiltonian) or world.dynamics.dry is None:
        return world
    return replace(world, dynamics=replace(world.dynamics, dry=None))


class LinearQuadratic:
    """Holds a world at an equilibrium, with the ``predict`` of stable-baselines3.

    Attributes:
        world: the learned world.
        gain: K ``(m, 2n)``.
        cost: P ``(2n, 2n)``, of :meth:`cost_to_go`.
    """

    @checked_arguments
    def __init__(
        self,
        world: WorldModel,
        *,
        position: np.ndarray,
        weights: tuple[float, float, float] = (1.0, 0.1, 0.001),
        tolerance: float = _RESIDUE,
    ) -> None:
        """Linearise and solve for the gain; dry friction is left out, since it has no slope at rest.

        Args:
            world: a learned or true world on NumPy, with controls.
            position: q ``(n,)`` of the equilibrium.
            weights: of the squares of q - q*, of dq/dt and of the force in the sum that is minimised; by default those
                of Pendulum-v1.
            tolerance: largest change of the state in one step at the equilibrium; infinity accepts any place, for
                worlds that are wrong about it.

        Raises:
            InputError: the world has no controls, no action holds it at ``position``, or none brings it there.
        """
        coordinates = world.coordinates
        if not coordinates.controls:
            raise InputError("LinearQuadratic needs a world with controls, and this one has none.")
        place = np.asarray(position, np.float64)
        self.world = world
        world = _sliding_freely(world)
        self._place = world.phase_point(place, np.zeros_like(place))
        none = np.zeros(len(coordinates.controls))
        A, B = linearise(world, self._place, none)
        self._hold = np.linalg.lstsq(B, self._place - world.step(self._place, none), rcond=None)[0]
        drift = np.abs(world.step(self._place, self._hold) - self._place).max()
        if drift > tolerance:
            raise InputError(f"No action holds the world at q = {place}: it moves by {drift:.2g} in a step.")
        # The weights apply to velocities v = M^-1 p and to forces.
        n = coordinates.n
        mobility = np.stack([world.state(join(place, unit))[1] for unit in np.eye(n)], axis=-1)
        Q = np.zeros((2 * n, 2 * n))
        Q[:n, :n], Q[n:, n:] = weights[0] * np.eye(n), weights[1] * mobility.T @ mobility
        R = weights[2] * np.diag([control.scale**2 for control in coordinates.controls])
        try:
            self.cost = solve_discrete_are(A, B, Q, R)
        except (LinAlgError, ValueError) as error:
            raise InputError(f"The controls cannot bring this world to q = {place}: {error}") from None
        self.gain = np.linalg.solve(R + B.T @ self.cost @ B, B.T @ self.cost @ A)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(..., m)`` for observations ``(..., d)``, and the state, which is not used."""
        seen = observed(observation, self.world.coordinates.observation_size)
        x = self.world.encode(np.asarray(seen, np.float64))
        return self.action(x).astype(np.float32), state

    def action(self, x: np.ndarray) -> np.ndarray:
        """Actions ``(..., m)`` at phase points ``(..., 2n)``; the world clips them to its limits."""
        return self._hold - self._offset(x) @ self.gain.T

    @property
    def goal(self) -> np.ndarray:
        """The position q ``(n,)`` of the equilibrium."""
        return split(self._place)[0]

    def cost_to_go(self, x: np.ndarray) -> np.ndarray:
        """The minimal sum ``(...)`` from phase points ``(..., 2n)`` of the linearised world with unbounded force."""
        offset = self._offset(x)
        return ((offset @ self.cost) * offset).sum(-1)

    def _offset(self, x: np.ndarray) -> np.ndarray:
        q, p = split(x - self._place)
        angles = np.array(self.world.coordinates.angles)
        return join(np.where(angles, (q + np.pi) % (2 * np.pi) - np.pi, q), p)

"""Where the fit of a model begins: at what linear equations say of its last layers.

A mechanical model whose V is a network with given hidden units is linear in V's last weights, in constant masses and in
friction: so is one whose M and V are polynomials. Lagrange's equations then give all of these at once. For a network of
the acceleration, recorded accelerations give the last weights. The hidden units are drawn at random, with biases that
spread them over the data. A fit that begins there is past the long plateaus of a fit that begins at small weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.models import Architecture, MechanicalHNN, PlanarChainHNN, SecondOrderBaseline, Variables
from hnn_gym.models.architecture import RATIOS
from hnn_gym.models.features import Features
from hnn_gym.models.inertia import relative_degrees
from hnn_gym.models.mlp import MLP
from hnn_gym.physics.phase import join
from hnn_gym.training.chain_guess import chain_guesses
from hnn_gym.training.equation_error import Basis, Guess, equation_error
from hnn_gym.training.mass_guess import guess_of_masses
from hnn_gym.training.transitions import Transitions
from hnn_gym.training.windows import TrainingWindows

_LEAST_FRICTION = 0.02
"""Friction begins at this share of the forces at least: well away from 0."""
_MOST_COLUMNS = 2000
_RIDGE = 1e-3
"""Of the last weights, against the size of the hidden units."""


@dataclass(frozen=True)
class HiddenUnits:
    """The last hidden units of a network of the positions, as a basis.

    Attributes:
        network: the network.
        features: its inputs.
    """

    network: MLP
    features: Features

    @property
    def size(self) -> int:
        """How many they are."""
        return int(self.network.weights[-1].shape[1])

    def __call__(self, q: np.ndarray) -> np.ndarray:
        """Their values ``(N, k)`` at positions ``(N, n)``."""
        return np.asarray(self.network.hidden(self.features(q)))

    def pullback(self, q: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
        """Gradients ``(N, n)`` of their sums with coefficients ``(N, k)``."""
        last = MLP((*self.network.weights[:-1], np.eye(self.size)), self.network.biases)
        return np.asarray(self.features.pullback(q, last.vjp(self.features(q), cotangent)))


class StartingPoint:
    """Starts of the fits of one recording."""

    def __init__(self, data: Transitions, variables: Variables, *, midpoint: bool, noisy: bool = False) -> None:
        """Hold the steps.

        Args:
            data: the steps.
            variables: of the system.
            midpoint: whether the scheme is better than first order, see :func:`.equation_error`.
            noisy: velocities are differences of positions, whose noise would bias ratios of masses.
        """
        self._data, self._variables, self._midpoint, self._noisy = data, variables, midpoint, noisy
        self._guesses: dict[bool, Guess] = {}

    def _polynomial(self, magnetic: bool) -> Guess:
        """What the equations say of polynomials, with all combinations of angles or as many as can be afforded."""
        if magnetic not in self._guesses:
            self._guesses[magnetic] = self._solved(magnetic)
        return self._guesses[magnetic]

    def _solved(self, magnetic: bool) -> Guess:
        n, variables = self._variables.n, self._variables
        masses, potential = variables.combined_features("all"), variables.combined_features("products")
        if n * (n + 1) // 2 * (masses.size + 1) + potential.size > _MOST_COLUMNS:
            masses = potential = variables.combined_features("pairs")
        return equation_error(self._data, variables, masses, potential, midpoint=self._midpoint, magnetic=magnetic)

    def candidates(self, architecture: Architecture, seed: int) -> list[dict[str, np.ndarray]]:
        """Parameters to start from, the best first, with hidden units drawn by the seed."""
        if isinstance(architecture, PlanarChainHNN):
            return self._chain(architecture)
        return [self._parameters(architecture, seed)]

    def _parameters(self, architecture: Architecture, seed: int) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(seed)
        arrays = _spread(architecture.initial_parameters(rng), rng)
        if isinstance(architecture, SecondOrderBaseline):
            return arrays | self._accelerations(architecture, arrays)
        return self._mechanical(architecture, arrays) if isinstance(architecture, MechanicalHNN) else arrays

    def _chain(self, architecture: PlanarChainHNN) -> list[dict[str, np.ndarray]]:
        """What the equations say of a planar chain."""
        free = self._data.take(np.flatnonzero(self._data.free))
        seconds = np.broadcast_to(np.ravel(free.time), len(free))
        states = np.stack([free.q, free.v]), np.stack([free.next_q, free.next_v])
        return chain_guesses(architecture, *states, free.u, seconds)

    def _accelerations(self, architecture: SecondOrderBaseline, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Last weights of a network of the acceleration."""
        free = self._data.take(np.flatnonzero(self._data.free))
        q, v = free.q, free.v
        if self._midpoint:
            q, v = (q + free.next_q) / 2, (v + free.next_v) / 2
        learned = architecture.build(arrays)
        inputs = join(learned.features(q), np.concatenate([v, free.u], axis=-1) / learned.input_scale)
        units = learned.network.hidden(inputs)
        wanted = (free.next_v - free.v) / free.time / np.array(architecture.variables.acceleration_scales)
        return {f"field.w{len(architecture.hidden)}": _ridge(units, wanted).T}

    def _mechanical(self, architecture: MechanicalHNN, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        variables = self._variables
        if self._noisy and RATIOS in arrays:
            guess = guess_of_masses(self._data, variables, self._potential(architecture, arrays), ridge=_RIDGE)
        elif architecture.hidden:
            units = self._potential(architecture, arrays)
            guess = equation_error(self._data, variables, None, units, midpoint=self._midpoint, ridge=_RIDGE)
        else:
            guess = self._polynomial(architecture.magnetic)
        mass = _positive(guess.mass)
        sizes = np.diag(mass)
        potential, damping, columns = guess.potential, guess.damping, guess.columns
        if "mass.w0" in arrays:
            polynomial = guess.slopes.shape == arrays["mass.w0"].shape and (guess.mass == mass).all()
            arrays["mass.w0"] = guess.slopes if polynomial else 0 * arrays["mass.w0"]
            arrays["mass.constant"] = guess.constant if polynomial else mass[np.triu_indices(variables.n)]
        elif architecture.mass_matrix == "full":
            arrays |= _factor(mass, arrays["factor.constant"])
        elif "inertia.log" in arrays:
            arrays["inertia.log"] = np.log(sizes)
        else:  # everything is counted in units of the first mass
            unit = float(sizes[variables.moving > 0][0])
            sizes, potential, damping, columns = sizes / unit, potential / unit, damping / unit, columns / unit
            if RATIOS in arrays:
                arrays[RATIOS] = np.log(sizes[relative_degrees(variables)])
            if "control.gain" in arrays:
                degrees = [degree or 0 for degree in variables.control_degrees]
                gains = columns[degrees, range(len(degrees))] if self._noisy else np.full(len(degrees), 1 / unit)
                arrays["control.gain"] = gains
        last = len(architecture.hidden)
        if arrays[f"potential.w{last}"].shape[1] == len(potential):
            arrays[f"potential.w{last}"] = potential[None] / variables.energy_scale
        if guess.magnetic is not None and guess.magnetic.shape == arrays["magnetic.w0"].shape:
            arrays["magnetic.w0"] = guess.magnetic / np.array(variables.velocity_scales)[:, None]
        elif architecture.magnetic:
            scale = float(np.exp(np.log(sizes[variables.moving > 0]).mean()))
            arrays[f"magnetic.w{last}"] = arrays[f"magnetic.w{last}"] * scale
        forces = sizes * np.array(variables.acceleration_scales)
        least = _LEAST_FRICTION * forces / np.array(variables.velocity_scales)
        if "damping.log" in arrays:
            arrays["damping.log"] = np.log(np.maximum(damping, least))
        if "dry.log" in arrays:
            arrays["dry.log"] = np.log(5 * _LEAST_FRICTION * forces)
        if "control.columns" in arrays:
            arrays["control.columns"] = columns
        return arrays

    def _potential(self, architecture: MechanicalHNN, arrays: dict[str, np.ndarray]) -> Basis:
        """The functions that V is a sum of, with its hidden units as they are."""
        if not architecture.hidden:
            return architecture.potential_features
        return HiddenUnits(MLP.of(arrays, "potential"), architecture.potential_features)


def steps_of(windows: TrainingWindows, coordinates: Coordinates, *, dt: float) -> Transitions:
    """The single steps of windows, with velocities from differences where none were observed."""
    (q, v), (next_q, next_v), u, seconds = windows.single_steps(coordinates, dt=dt)
    free, seen = np.ones(len(seconds), bool), np.ones(2 * coordinates.n, bool)
    return Transitions(q, v, u, next_q, next_v, free, free, coordinates.angles, seen, dt, seconds[:, None])


def _spread(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The same with biases that are not 0, so that the hidden units differ more than in their directions."""
    biases = {name: rng.uniform(-1.5, 1.5, value.shape) for name, value in arrays.items() if _is_bias(name)}
    return arrays | biases


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].rstrip("0123456789") == "b"


def _ridge(units: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    normal = units.T @ units / len(units)
    return np.linalg.solve(normal + _RIDGE**2 * np.eye(len(normal)), units.T @ wanted / len(units))


def _positive(mass: np.ndarray) -> np.ndarray:
    """A positive mass matrix: as it is, or its diagonal, or 1 where that is not positive."""
    if (np.linalg.eigvalsh(mass) > 1e-6 * np.abs(mass).max()).all():
        return mass
    sizes = np.diag(mass)
    return np.diag(np.where(sizes > 0, sizes, np.median(sizes[sizes > 0]) if (sizes > 0).any() else 1.0))


def _factor(mass: np.ndarray, constant: np.ndarray) -> dict[str, np.ndarray]:
    """S and A of S (1 + A^T A) S for a constant mass matrix."""
    sizes = np.diag(mass)
    correlation = mass / np.sqrt(np.outer(sizes, sizes))
    share = 0.5 * np.linalg.eigvalsh(correlation)[0]
    rest = np.linalg.cholesky(correlation / share - np.eye(len(mass)) * (1 - 1e-9)).T
    return {"inertia.log": np.log(share * sizes), "factor.constant": rest.ravel() + 0.1 * constant}

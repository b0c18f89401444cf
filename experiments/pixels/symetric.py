"""SyMetric: whether a latent is related to the true phase space by a canonical map.

    s ~ P(z),   J = dP/dz,   A = J W J^T,   Sym = mean (A A^T / c - I)^2,   SyMetric = [R^2 > 0.9 and Sym < 0.05]

z are latents [q, p] along motions that a model dreams, s the true [q, p] of the same motions, W the symplectic
matrix. P is the polynomial of lowest degree that explains s, fitted by Lasso; where it is a canonical map up to one
constant factor, A is a multiple of W, the same at every point, and A A^T / c = I. c is the mean, over the points of a
motion, of the largest entry of A A^T: units are free, but an area that grows here and shrinks there is not canonical.
With one degree of freedom A A^T = (det J)^2 I, and Sym is the relative variance of the squared areas; with more,
A A^T = I does not show which q belongs to which p.

Source: Higgins, Wirnsberger, Jaegle, Botev, *SyMetric: Measuring the Quality of Learnt Hamiltonian Dynamics Inferred
from Vision*, NeurIPS 2021 (arXiv 2111.05986). Details and numbers are those of the authors' own code
(google-deepmind/deepmind-research, ``physics_inspired_models/eval_metric.py`` and ``jaxline_configs.py``): z and s
brought to mean 0 and variance 1; degrees 1 to 5, the first with R^2 above the threshold; the weight of the Lasso by
two-fold cross-validation among ten from 10^-4 to 10^-0.5; coefficients below 10^-3 dropped; ten points a motion. Their
mask of uninformative latents needs the latents' variances; latents without variances all count, there and here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import symplectic_matrix

_TOLERANCE = 1e-7


@dataclass(frozen=True)
class SyMetricSettings:
    """Numbers of the authors' code."""

    rsq_threshold: float = 0.9
    """R^2 that the map from latent to truth has to exceed."""
    sym_threshold: float = 0.05
    """Upper limit of Sym."""
    largest_degree: int = 5
    """Of the polynomial."""
    penalties: tuple[float, ...] = tuple(float(alpha) for alpha in np.logspace(-4, -0.5, 10))
    """Weights of the Lasso to choose from."""
    points: int = 10
    """Points of every motion at which the map's Jacobian is taken."""
    smallest_weight: float = 1e-3
    """Smaller coefficients count as 0 in the Jacobian."""
    largest_sym: float = 1000.0
    """Largest Sym; larger values count as this."""
    iterations: int = 1000
    """Largest number of sweeps of the Lasso."""


@dataclass(frozen=True)
class SyMetric:
    """How canonical a latent is.

    Attributes:
        faithful: SyMetric itself: both thresholds are met.
        rsq: R^2 of the map, the mean over the entries of the true state; 1 is best.
        sym: deviation from a canonical map; 0 is best.
        degree: of the polynomial.
    """

    faithful: bool
    rsq: float
    sym: float
    degree: int


def symetric(
    latent: np.ndarray, truth: np.ndarray, *, rng: np.random.Generator, settings: SyMetricSettings | None = None
) -> SyMetric:
    """Measure how canonical a latent is.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> z = rng.normal(size=(5, 60, 2))
        >>> symetric(z, z[..., ::-1] * [2, -1], rng=rng).faithful
        True

    Args:
        latent: motions ``(N, T, k)``, first positions, then as many momenta; angles continuous.
        truth: the same motions in canonical coordinates [q, p] ``(N, T, 2n)``.
        rng: draws the points at which the Jacobian is taken.
        settings: None takes the authors'.

    Returns:
        The metric; for a latent that is not finite R^2 = 0, and Sym is the largest.

    Raises:
        InputError: the shapes do not fit each other, the number of entries is odd, or a true entry never changes.
    """
    settings = settings or SyMetricSettings()
    if latent.ndim != 3 or truth.ndim != 3 or latent.shape[:2] != truth.shape[:2] or latent.shape[1] < 2:
        raise InputError(
            f"Latents {latent.shape} and truth {truth.shape} must be motions (N, T, entries) with the same N and T."
        )
    if latent.shape[2] % 2 or truth.shape[2] % 2:
        raise InputError(f"{latent.shape[2]} latents and {truth.shape[2]} true entries: give [q, p], an even number.")
    if not truth.std(axis=(0, 1)).all():
        raise InputError("An entry of the truth never changes: leave it out.")
    if not np.isfinite(latent).all():
        return SyMetric(False, 0.0, settings.largest_sym, settings.largest_degree)
    z = _standardised(latent.reshape(-1, latent.shape[2]))
    s = _standardised(truth.reshape(-1, truth.shape[2]))
    for degree in range(1, settings.largest_degree + 1):
        exponents = _exponents(z.shape[1], degree)
        weights, rsq = _chosen_lasso(_monomials(z, exponents), s, settings)
        if rsq > settings.rsq_threshold:
            break
    kept = np.where(np.abs(weights) > settings.smallest_weight, weights, 0.0)
    scores = [
        _deviation(_jacobians(motion[rng.permutation(len(motion))[: settings.points]], exponents, kept))
        for motion in z.reshape(latent.shape)
    ]
    sym = min(float(np.mean(scores)), settings.largest_sym)
    return SyMetric(rsq > settings.rsq_threshold and sym < settings.sym_threshold, rsq, sym, degree)


def lasso(features: np.ndarray, targets: np.ndarray, penalties: np.ndarray, *, iterations: int = 1000) -> np.ndarray:
    """Minimise mean (targets - features w)^2 / 2 + penalty sum abs(w) by coordinate descent.

    Args:
        features: ``(N, f)`` of mean 0.
        targets: ``(N, m)`` of mean 0.
        penalties: ``(k,)``.
        iterations: largest number of sweeps over all features.

    Returns:
        The weights w ``(k, f, m)`` under every penalty.
    """
    count, m = len(features), targets.shape[1]
    gram, pull = features.T @ features / count, np.tile(features.T @ targets / count, (1, len(penalties)))
    penalty = np.repeat(penalties, m)
    weights = np.zeros_like(pull)
    for _ in range(iterations):
        before = weights.copy()
        for j in np.flatnonzero(gram.diagonal() > 0):
            free = pull[j] - gram[j] @ weights + gram[j, j] * weights[j]
            weights[j] = np.sign(free) * np.maximum(np.abs(free) - penalty, 0) / gram[j, j]
        if np.abs(weights - before).max() < _TOLERANCE:
            break
    return weights.reshape(-1, len(penalties), m).transpose(1, 0, 2)


def _chosen_lasso(features: np.ndarray, targets: np.ndarray, settings: SyMetricSettings) -> tuple[np.ndarray, float]:
    """Weights ``(f, m)`` under the penalty that explains the other half of the data best; and R^2 on all of them."""
    penalties = np.asarray(settings.penalties)
    halves = np.array_split(np.arange(len(features)), 2)
    explained = np.zeros(len(penalties))
    for ours, others in (halves, halves[::-1]):
        x, y = (part[ours] - part[ours].mean(axis=0) for part in (features, targets))
        left = targets[others] - features[others] @ lasso(x, y, penalties, iterations=settings.iterations)
        explained += np.mean(1 - left.var(axis=1) / targets[others].var(axis=0), axis=-1)
    x, y = features - features.mean(axis=0), targets - targets.mean(axis=0)
    weights = lasso(x, y, penalties[[np.argmax(explained)]], iterations=settings.iterations)[0]
    return weights, float(np.mean(1 - np.mean((y - x @ weights) ** 2, axis=0) / y.var(axis=0)))


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def _exponents(entries: int, degree: int) -> np.ndarray:
    """Powers of every monomial of degree 1 to ``degree``, ``(f, entries)``."""
    chosen = [c for d in range(1, degree + 1) for c in combinations_with_replacement(range(entries), d)]
    return np.array([np.bincount(c, minlength=entries) for c in chosen])


def _monomials(z: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    return np.prod(z[:, None, :] ** exponents, axis=-1)


def _jacobians(z: np.ndarray, exponents: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ds/dz ``(N, m, k)`` of s = monomials(z) weights."""
    columns = []
    for i in range(z.shape[1]):
        lowered = exponents - np.eye(z.shape[1], dtype=int)[i]
        slope = exponents[:, i] * np.prod(z[:, None, :] ** np.maximum(lowered, 0), axis=-1)
        columns.append(slope @ weights)
    return np.stack(columns, axis=-1)


def _deviation(jacobians: np.ndarray) -> float:
    """Mean (A A^T / c - I)^2 over the points of a motion."""
    a = jacobians @ symplectic_matrix(jacobians.shape[2] // 2) @ jacobians.transpose(0, 2, 1)
    square = a @ a.transpose(0, 2, 1)
    scale = np.abs(square).max(axis=(1, 2)).mean()
    return float(np.mean((square / (scale or 1.0) - np.eye(square.shape[1])) ** 2))

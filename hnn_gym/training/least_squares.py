"""Levenberg-Marquardt: minimise |r(theta, s)|^2 / 2 by steps (J^T J + mu D) d = -J^T r, in float64.

For some hundred parameters and smooth residuals it reaches in tens of steps what a gradient method
approaches in tens of thousands. J is computed where the residuals are, the step on the CPU. Source: Nocedal, Wright,
*Numerical Optimization*, 2006, section 10.3; the scaling D is Marquardt's or Levenberg's, the update of mu Nielsen's
(1999).

In multiple shooting row i of s, the start of window i, moves the residuals of that window alone; where windows are to
join, it moves those of the window before as well, which hold the gap between the two. J^T J is then block diagonal or
block tridiagonal in s, a few columns of J show all of it, and s is eliminated: a banded Cholesky factorisation and a
Schur complement (the same book, section 10.3, exercise; Triggs et al., *Bundle Adjustment*, 2000, section 6).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve, solveh_banded

from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.worlds.devices import on_numpy

Tensors = Mapping[str, torch.Tensor]
Residual = Callable[[Tensors], torch.Tensor]
"""Parameters by name -> residuals ``(m,)``, or ``(N, m)`` where N rows have starts of their own."""
Jacobian = Callable[[Tensors], torch.Tensor]
"""Parameters by name -> derivatives of residuals ``(m,)``, ``(m, P)``, with columns in the order of the parameters."""
Together = Callable[[Tensors], torch.Tensor]
"""Parameters by name, each with B sets of them in front -> their residuals ``(B, m)`` or ``(B, N, m)``."""
Scaling = Literal["marquardt", "levenberg"]
LeastSquaresReport = Callable[[int, float, dict[str, np.ndarray]], None]
"""Called after every accepted step with its number, the sum of squares and the arrays."""

MOST_PARAMETERS = 5_000
"""Largest number of shared parameters: a step solves a dense system of as many equations."""
SCRIPTED = ".*torch.jit.script.*"
"""On its first use of forward mode torch scripts some formulas of its own, and warns of having done so."""
_CHUNK = 30_000_000
"""Entries of the Jacobian computed at a time."""
ROUNDING = 1e-12
"""Damping of local entries at the least, so that their blocks stay positive definite."""
_NUDGE = 1e-5
"""Of central differences, whose error is 1e-10 from their second order and as much from rounding."""
_LOCAL_FLOOR = 1e-6
"""Smallest curvature of an entry of a row as a share of the median: a start at a speed limit does not feel all."""


@dataclass(frozen=True)
class LeastSquaresSettings:
    """When to stop."""

    steps: int = 100
    """Accepted steps, at the most."""
    patience: int = 5
    """Stop after so many accepted steps that lower the sum of squares by less than ``gain``."""
    gain: float = 1e-4
    """Relative decrease that counts."""
    damping: float = 1e-3
    """mu of the first step: a fit that begins near its end needs little, and none of it would hold back combinations of
    parameters that the data determine less well than others."""
    chunk: int | None = None
    """Columns of the Jacobian computed at a time; None: as many as fit into some hundred megabytes."""
    scaling: Scaling = "marquardt"
    """marquardt: D = diag(J^T J), blind to the units of the parameters. levenberg: D = mean(diag(J^T J)) 1, a ball in
    which combinations of parameters that the data do not determine stay small."""
    differences: bool = False
    """Central differences instead of exact derivatives, for few parameters that act through many short steps: they cost
    a third, and err by 1e-8 of the largest one."""


class Step(NamedTuple):
    """A step of the shared parameters and of the rows' own, and the decrease that the linear model predicts."""

    shared: np.ndarray
    own: np.ndarray
    predicted: float


class Linearised(Protocol):
    """Residuals and their derivatives at some parameters, in a form that takes steps."""

    @property
    def squares(self) -> float:
        """The sum of squares of the residuals."""

    @property
    def slopes(self) -> float:
        """The sum of squares of the derivatives."""

    def step(self, damping: float, scaling: Scaling) -> Step | None:
        """The damped step, or None where a matrix is not positive definite in floating point."""


Linearisation = Callable[[Tensors], Linearised]
"""Parameters by name -> the residuals there and their derivatives."""


class Linear(NamedTuple):
    """Residuals and their derivatives.

    Attributes:
        r: residuals ``(m,)``, or ``(N, m)`` in rows.
        J: derivatives with respect to the shared parameters, ``(r.size, P)``.
        own: of every row with respect to its own local entries ``(N, m, k)``; None: there are none.
        after: of every row with respect to the local entries of the next row ``(N, m, k)``; None: there are none.
    """

    r: np.ndarray
    J: np.ndarray
    own: np.ndarray | None
    after: np.ndarray | None

    @property
    def squares(self) -> float:
        """The sum of squares of the residuals."""
        return float(np.sum(self.r**2))

    @property
    def slopes(self) -> float:
        """The sum of squares of the derivatives."""
        by_rows = 0.0 if self.own is None else np.sum(self.own**2)
        return float(np.sum(self.J**2) + by_rows)

    def with_prior(self, r: np.ndarray, J: np.ndarray) -> Linear:
        """Add residuals ``(N s,)`` that depend on the shared parameters alone, s to each of the rows."""
        assert self.own is not None
        count, of_data = self.r.shape
        rows = np.concatenate([self.J.reshape(count, of_data, -1), J.reshape(count, -1, J.shape[1])], axis=1)
        no_slopes = ((0, 0), (0, len(r) // count), (0, 0))
        own, after = np.pad(self.own, no_slopes), self.after
        if after is not None:
            after = np.pad(after, no_slopes)
        return Linear(np.concatenate([self.r, r.reshape(count, -1)], axis=1), rows.reshape(-1, J.shape[1]), own, after)

    def step(self, damping: float, scaling: Scaling) -> Step | None:
        """The damped step, or None where a matrix is not positive definite in floating point."""
        return _step(self, damping, levenberg=scaling == "levenberg")


class Problem:
    """Residuals as a function of one flat vector of shared parameters and of the rows' own, with derivatives.

    Arguments and errors are those of :func:`least_squares`.

    Attributes:
        theta: the shared parameters ``(P,)`` to start from.
        own: the local entries ``(N, k)`` to start from.
    """

    def __init__(
        self,
        residual: Residual,
        start: Mapping[str, np.ndarray],
        *,
        local: str | None = None,
        chained: bool = False,
        jacobian: Jacobian | None = None,
        together: Together | None = None,
        settings: LeastSquaresSettings | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        if local is not None and local not in start:
            raise InputError(f"There is no array {local!r} to start from, only {', '.join(start)}.")
        self._residual, self._local, self._chained = residual, local, chained
        self._jacobian, self._together = jacobian, together
        self._settings = settings or LeastSquaresSettings()
        self._shapes = {name: array.shape for name, array in start.items() if name != local}
        self._sizes = [int(np.prod(shape)) for shape in self._shapes.values()]
        flat = [np.ravel(start[name]) for name in self._shapes] or [np.zeros(0)]
        self.theta = torch.tensor(np.concatenate(flat), dtype=torch.float64, device=device)
        rows = np.zeros((0, 0)) if local is None else start[local]
        self.own = torch.tensor(rows, dtype=torch.float64, device=device)

    def named(self, theta: torch.Tensor, own: torch.Tensor) -> dict[str, torch.Tensor]:
        """The arrays by name; those of several vectors ``(B, P)`` with B in front."""
        pieces = zip(self._shapes.items(), torch.split(theta, self._sizes, dim=-1), strict=True)
        found = {name: piece.reshape(*theta.shape[:-1], *shape) for (name, shape), piece in pieces}
        return found if self._local is None else found | {self._local: own}

    def residuals(self, theta: torch.Tensor, own: torch.Tensor) -> np.ndarray:
        """Residuals there."""
        with torch.no_grad():
            if self._together is not None:
                return on_numpy(self._together(self.named(theta[None], own[None])))[0]
            return on_numpy(self._residual(self.named(theta, own)))

    def linearised(self, theta: torch.Tensor, own: torch.Tensor) -> Linear:
        """Residuals and derivatives there.

        Raises:
            InputError: there are too many shared parameters.
        """
        check_size(len(theta))
        residual, named = self._residual, self.named
        if self._jacobian is not None:
            parameters = named(theta, own)
            with torch.no_grad():
                r = on_numpy(residual(parameters))
            return Linear(r, on_numpy(self._jacobian(parameters).detach()), None, None)

        def push(shared: torch.Tensor, local: torch.Tensor) -> torch.Tensor:
            tangents = shared, local
            if self._settings.differences:
                before, after = (residual(named(theta + h * shared, own + h * local)) for h in (-_NUDGE, _NUDGE))
                return (after - before) / (2 * _NUDGE)
            column: torch.Tensor = torch.func.jvp(lambda *at: residual(named(*at)), (theta, own), tangents)[1]
            return column

        # Rows of a chain that are two apart have no residual in common: every second one is moved at a time.
        parity = torch.arange(len(own), device=own.device) % 2 == 0
        masks = [parity, ~parity] if self._chained else [torch.ones_like(parity)] if own.numel() else []
        entries = torch.eye(own.shape[1], dtype=own.dtype, device=own.device)
        moved = [mask[:, None] * entry for mask in masks for entry in entries]
        shared = torch.eye(len(theta) + len(moved), len(theta), dtype=theta.dtype, device=theta.device)
        local = torch.zeros(len(shared), *own.shape, dtype=own.dtype, device=own.device)
        if moved:
            local[len(theta) :] = torch.stack(moved)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", SCRIPTED, DeprecationWarning)
            r = self.residuals(theta, own)
            chunk = self._settings.chunk or max(_CHUNK // max(r.size, 1), 1)
            if self._together is not None:
                columns = self._differences(self._together, theta, own, shared, local)
            elif self._settings.differences and not len(theta):  # few, and implicit schemes cannot iterate under vmap
                columns = on_numpy(torch.stack([push(*one) for one in zip(shared, local, strict=True)]))
            else:
                columns = on_numpy(torch.vmap(push, chunk_size=chunk)(shared, local))
        J = columns[: len(theta)].reshape(len(theta), r.size).T
        if not moved:
            return Linear(r, J, None, None)
        rows = np.moveaxis(columns[len(theta) :].reshape(len(masks), own.shape[1], *r.shape), 1, -1)
        if not self._chained:
            return Linear(r, J, rows[0], None)
        even = on_numpy(parity)[:, None, None]
        return Linear(r, J, np.where(even, rows[0], rows[1]), np.where(even, rows[1], rows[0]))

    def _differences(
        self, together: Together, theta: torch.Tensor, own: torch.Tensor, shared: torch.Tensor, local: torch.Tensor
    ) -> np.ndarray:
        """Central differences along all directions ``(D, P)`` and ``(D, N, k)``, computed together."""
        ways = torch.cat([shared, -shared]), torch.cat([local, -local])
        after, before = together(self.named(theta + _NUDGE * ways[0], own + _NUDGE * ways[1])).chunk(2)
        return on_numpy((after - before) / (2 * _NUDGE))


def least_squares(
    residual: Residual,
    start: Mapping[str, np.ndarray],
    *,
    local: str | None = None,
    chained: bool = False,
    jacobian: Jacobian | None = None,
    together: Together | None = None,
    linearised: Linearisation | None = None,
    settings: LeastSquaresSettings | None = None,
    report: LeastSquaresReport | None = None,
    device: str | torch.device = "cpu",
) -> dict[str, np.ndarray]:
    """Minimise the sum of squares of ``residual``.

    Args:
        residual: a function of torch tensors, differentiable in forward mode.
        start: arrays to start from, by name.
        local: name of an array ``(N, k)`` whose row i moves only row i of the residuals ``(N, m)``.
        chained: row i of ``local`` moves row i - 1 of the residuals too.
        jacobian: derivatives of the residuals, where they are computed more quickly than in forward mode; not with
            ``local``.
        together: residuals of several sets of parameters, where they are computed more quickly together: derivatives
            are central differences of them.
        linearised: the residuals and their derivatives in another form, for more parameters than a dense system of
            equations can have, as :class:`hnn_gym.training.dual_form.DualForm`.
        settings: when to stop.
        report: called after every accepted step.
        device: where ``residual`` takes its tensors, and has its own.

    Returns:
        The best arrays found, by name.

    Raises:
        InputError: there is no array ``local``, or there are too many parameters.
        ConvergenceError: the residuals at the start, or their derivatives, are not finite.
    """
    settings = settings or LeastSquaresSettings()
    problem = Problem(
        residual,
        start,
        local=local,
        chained=chained,
        jacobian=jacobian,
        together=together,
        settings=settings,
        device=device,
    )
    named, theta, own = problem.named, problem.theta, problem.own

    def at(theta: torch.Tensor, own: torch.Tensor) -> Linearised:
        return problem.linearised(theta, own) if linearised is None else linearised(named(theta, own))

    linear = at(theta, own)
    with np.errstate(over="ignore", invalid="ignore"):
        best, slopes = linear.squares, linear.slopes
    if not np.isfinite(best + slopes):
        raise ConvergenceError(
            "The residuals at the start, or their derivatives, are not finite: check the data and initial parameters."
        )
    damping, growth, idle, accepted = settings.damping, 2.0, 0, 0
    while accepted < settings.steps and idle < settings.patience and damping < 1e12:
        step = linear.step(damping, settings.scaling)
        new = np.inf
        if step is not None:
            candidate = theta + torch.tensor(step.shared, device=device)
            rows = own + torch.tensor(step.own, device=device)
            try:
                with np.errstate(over="ignore", invalid="ignore"):  # a step may be far too long
                    new = float(np.sum(problem.residuals(candidate, rows) ** 2))
            except ConvergenceError:  # an implicit step has no solution there: the step was too long
                new = np.inf
        if step is None or not new < best:
            damping, growth = damping * growth, growth * 2
            continue
        damping *= max(1 / 3, 1 - (2 * (best - new) / max(step.predicted, 1e-300) - 1) ** 3)
        growth, accepted = 2.0, accepted + 1
        idle = idle + 1 if best - new < settings.gain * best else 0
        theta, own, best = candidate, rows, new
        if report is not None:
            report(accepted, best, {name: on_numpy(piece).copy() for name, piece in named(theta, own).items()})
        linear = at(theta, own)
        with np.errstate(over="ignore", invalid="ignore"):
            if not np.isfinite(linear.slopes):
                break
    return {name: on_numpy(piece).copy() for name, piece in named(theta, own).items()}


def degrees_of_freedom(linear: Linear, *, prior: int) -> float:
    """Return how many of the shared parameters the data determine, which is at most their number.

    With the curvature S of the sum of squares in the shared parameters, where the local ones have been eliminated, and
    the part L of it that is not of data, this is the trace of S^-1 (S - L) (Hastie, Tibshirani and Friedman, *The
    Elements of Statistical Learning*, 2009, section 7.6).

    Args:
        linear: residuals in rows ``(N, m)``, where each row has entries of its own, with their derivatives.
        prior: how many of the last residuals of each row are priors of the shared parameters, and not of data.
    """
    assert linear.own is not None
    blocks, beside, _, mixed = _normal_equations(linear, linear.own)
    diagonal = np.einsum("nkk->nk", blocks)
    blocks = blocks + ROUNDING * max(float(diagonal.max()), 1e-300) * np.eye(linear.own.shape[-1])
    flat = mixed.reshape(-1, mixed.shape[-1])
    curvature = linear.J.T @ linear.J - flat.T @ solveh_banded(_banded(blocks, beside), flat)
    of_prior = linear.J.reshape(*linear.r.shape, -1)[:, linear.r.shape[1] - prior :].reshape(-1, len(curvature))
    # What neither data nor prior determine does not count.
    undetermined = np.linalg.pinv(curvature, rcond=ROUNDING, hermitian=True)
    return float(np.trace(undetermined @ (curvature - of_prior.T @ of_prior)))


def check_size(parameters: int) -> None:
    """Refuse more shared parameters than a dense system of equations can have.

    Raises:
        InputError: there are more than :data:`MOST_PARAMETERS`.
    """
    if parameters > MOST_PARAMETERS:
        raise InputError(
            f"Levenberg-Marquardt is for at most {MOST_PARAMETERS:,} parameters, and the model has {parameters:,}: "
            "give it fewer hidden units, or use least_squares_steps=0 and some hundred lbfgs_steps."
        )


def tensors(arrays: Mapping[str, np.ndarray], *, device: str | torch.device = "cpu") -> dict[str, torch.Tensor]:
    """The arrays as float64 tensors on a device."""
    return {name: torch.tensor(array, dtype=torch.float64, device=device) for name, array in arrays.items()}


def _step(linear: Linear, damping: float, *, levenberg: bool) -> Step | None:
    """The damped step, or None where the matrix is not positive definite in floating point."""
    r, J, own, _ = linear
    normal, gradient = J.T @ J, J.T @ r.ravel()
    curvature = np.diag(normal)
    if own is None:
        scale = np.maximum(curvature, 1e-12 * curvature.max(initial=0.0))
        if levenberg and len(scale):
            scale = np.full_like(scale, curvature.mean())
        shared = _solve(normal + damping * np.diag(scale), gradient)
        if shared is None:
            return None
        return Step(shared, np.zeros((0, 0)), float(shared @ (damping * scale * shared - gradient)))
    blocks, beside, slopes, mixed = _normal_equations(linear, own)
    local = np.einsum("nkk->nk", blocks).copy()
    if levenberg:
        size = (curvature.sum() + local.sum()) / (curvature.size + local.size)
        scale, local = np.full_like(curvature, size), np.full_like(local, size)
    else:
        scale = np.maximum(curvature, 1e-12 * curvature.max(initial=0.0))
        least = _LOCAL_FLOOR * np.median(local, axis=0)
        local = np.maximum(local, np.where(least > 0, least, _LOCAL_FLOOR * local.max() or 1.0))
    blocks = blocks + (damping + ROUNDING) * local[:, :, None] * np.eye(own.shape[-1])
    # One column for the slopes, and one for each shared parameter.
    right = np.concatenate([slopes[..., None], mixed], axis=-1).reshape(slopes.size, -1)
    try:
        solved = solveh_banded(_banded(blocks, beside), right, overwrite_ab=True, check_finite=False)
    except np.linalg.LinAlgError:
        return None
    alone, carried = solved[:, 0], solved[:, 1:]
    flat = right[:, 1:]
    shared = np.zeros(0)
    if len(scale):
        found = _solve(normal + damping * np.diag(scale) - flat.T @ carried, gradient - flat.T @ alone)
        if found is None:
            return None
        shared = found
    moved = (-alone - carried @ shared).reshape(slopes.shape)
    predicted = shared @ (damping * scale * shared - gradient) + np.sum(moved * (damping * local * moved - slopes))
    return Step(shared, moved, float(predicted))


def _normal_equations(linear: Linear, own: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, np.ndarray]:
    """The part of J^T J and J^T r that belongs to the local entries.

    Returns:
        Blocks of every row with itself ``(N, k, k)``; with the next row ``(N - 1, k, k)``, or None; slopes ``(N, k)``;
        blocks with the shared parameters ``(N, k, P)``.
    """
    r, J, _, after = linear
    rows = J.reshape(*r.shape, J.shape[1])
    blocks, slopes = np.einsum("nmk,nml->nkl", own, own), np.einsum("nmk,nm->nk", own, r)
    mixed = np.einsum("nmk,nmp->nkp", own, rows, optimize=True)
    if after is None:
        return blocks, None, slopes, mixed
    before = after[:-1]
    blocks[1:] += np.einsum("nmk,nml->nkl", before, before)
    slopes[1:] += np.einsum("nmk,nm->nk", before, r[:-1])
    mixed[1:] += np.einsum("nmk,nmp->nkp", before, rows[:-1], optimize=True)
    return blocks, np.einsum("nmk,nml->nkl", own[:-1], before), slopes, mixed


def _banded(blocks: np.ndarray, beside: np.ndarray | None) -> np.ndarray:
    """The upper form of SciPy's banded matrices, of blocks on the diagonal ``(N, k, k)`` and beside it."""
    count, size, _ = blocks.shape
    width = size if beside is None else 2 * size
    form = np.zeros((width, count * size))
    for i in range(size):
        for j in range(size):
            if j >= i:  # entry (i, j) of a matrix lies in row width - 1 + i - j of its form, in column j
                form[width - 1 + i - j, j::size] = blocks[:, i, j]
            if beside is not None:
                form[width - 1 + i - j - size, size + j :: size] = beside[:, i, j]
    return form


def _solve(matrix: np.ndarray, gradient: np.ndarray) -> np.ndarray | None:
    """The step, or None where the matrix is not positive definite in floating point."""
    try:
        return -cho_solve(cho_factor(matrix), gradient)
    except np.linalg.LinAlgError:
        return None

"""Levenberg-Marquardt: minimise |r(theta, s)|^2 / 2 by steps (J^T J + mu D) d = -J^T r, in float64.

For some hundred parameters and smooth residuals it reaches in tens of steps what a gradient method
approaches in tens of thousands. J is computed where the residuals are, the step on the CPU. Source: Nocedal, Wright,
*Numerical Optimization*, 2006, section 10.3; the scaling D is Marquardt's or Levenberg's, the update of mu Nielsen's
(1999).

In multiple shooting row i of s, the start of window i, moves the residuals of that window alone. J^T J is then block
diagonal in s, a few columns of J show all of it, and s is eliminated by a Schur complement (the same, section 10.3,
exercise; Triggs et al., *Bundle Adjustment*, 2000, section 6).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve

from hnn_gym.devices import on_numpy
from hnn_gym.errors import ConvergenceError, InputError

Tensors = Mapping[str, torch.Tensor]
Residual = Callable[[Tensors], torch.Tensor]
"""Parameters by name -> residuals ``(m,)``, or ``(N, m)`` where N rows have starts of their own."""
Jacobian = Callable[[Tensors], torch.Tensor]
"""Parameters by name -> derivatives of residuals ``(m,)``, ``(m, P)``, with columns in the order of the parameters."""
LeastSquaresReport = Callable[[int, float, dict[str, np.ndarray]], None]
"""Called after every accepted step with its number, the sum of squares and the arrays."""

_LOCAL_FLOOR = 1e-6
"""Smallest curvature of a row's own entry as a share of the median: a start at a speed limit does not feel all."""


@dataclass(frozen=True)
class LeastSquaresSettings:
    """When to stop."""

    steps: int = 100
    """Accepted steps, at the most."""
    patience: int = 5
    """Stop after so many accepted steps that lower the sum of squares by less than ``gain``."""
    gain: float = 1e-4
    """Relative decrease that counts."""
    chunk: int | None = None
    """Columns of the Jacobian computed at a time; None: all. Fewer take less memory."""
    scaling: Literal["marquardt", "levenberg"] = "marquardt"
    """marquardt: D = diag(J^T J), blind to the units of the parameters. levenberg: D = mean(diag(J^T J)) 1, a ball in
    which combinations of parameters that the data do not determine stay small."""


class _Linear(NamedTuple):
    """Residuals r and their derivatives: J by the shared parameters, K ``(k, N, m)`` by the rows' own."""

    J: np.ndarray
    K: np.ndarray | None
    r: np.ndarray


def least_squares(
    residual: Residual,
    start: Mapping[str, np.ndarray],
    *,
    local: str | None = None,
    jacobian: Jacobian | None = None,
    settings: LeastSquaresSettings | None = None,
    report: LeastSquaresReport | None = None,
    device: str | torch.device = "cpu",
) -> dict[str, np.ndarray]:
    """Minimise the sum of squares of ``residual``.

    Args:
        residual: a function of torch tensors, differentiable in forward mode.
        start: arrays to start from, by name.
        local: name of an array ``(N, k)`` whose row i moves row i of the residuals ``(N, m)`` alone.
        jacobian: derivatives of the residuals, where they are computed more quickly than in forward mode; not with
            ``local``.
        settings: when to stop.
        report: called after every accepted step.
        device: where ``residual`` takes its tensors, and has its own.

    Returns:
        The best arrays found, by name.

    Raises:
        InputError: there is no array ``local``.
        ConvergenceError: the residuals at the start are not finite.
    """
    settings = settings or LeastSquaresSettings()
    if local is not None and local not in start:
        raise InputError(f"There is no array {local!r} to start from, only {', '.join(start)}.")
    shapes = {name: array.shape for name, array in start.items() if name != local}
    sizes = [int(np.prod(shape)) for shape in shapes.values()]

    def named(flat: torch.Tensor, own: torch.Tensor | None) -> dict[str, torch.Tensor]:
        pieces = torch.split(flat, sizes)
        found = {name: piece.reshape(shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)}
        return found if local is None or own is None else found | {local: own}

    def linearised(theta: torch.Tensor, own: torch.Tensor | None) -> _Linear:
        def push(tangent: torch.Tensor) -> torch.Tensor:
            column: torch.Tensor = torch.func.jvp(lambda flat: residual(named(flat, own)), (theta,), (tangent,))[1]
            return column

        def push_own(tangent: torch.Tensor) -> torch.Tensor:
            column: torch.Tensor = torch.func.jvp(lambda rows: residual(named(theta, rows)), (own,), (tangent,))[1]
            return column

        # On its first use of forward mode torch scripts some formulas of its own, and warns of having done so.
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*torch.jit.script.*", DeprecationWarning)
            r = on_numpy(residual(named(theta, own)))
            if jacobian is not None:
                with torch.enable_grad():
                    return _Linear(on_numpy(jacobian(named(theta, own))), None, r)
            if len(theta):
                units = torch.eye(len(theta), dtype=theta.dtype, device=theta.device)
                columns = on_numpy(torch.vmap(push, chunk_size=settings.chunk)(units))
            else:
                columns = np.zeros((0, *r.shape))
            K = None
            if own is not None:
                units = torch.eye(own.shape[1], dtype=own.dtype, device=own.device)
                K = np.stack([on_numpy(push_own(unit.expand(own.shape).contiguous())) for unit in units])
            return _Linear(columns.reshape(len(columns), r.size).T, K, r)

    flat = [np.ravel(start[name]) for name in shapes] or [np.zeros(0)]
    theta = torch.tensor(np.concatenate(flat), dtype=torch.float64, device=device)
    own = None if local is None else torch.tensor(start[local], dtype=torch.float64, device=device)
    linear = linearised(theta, own)
    best = float(np.sum(linear.r**2))
    if not np.isfinite(best):
        raise ConvergenceError("The residuals at the start are not finite: check the data and the initial parameters.")
    damping, growth, idle, accepted = 1e-3, 2.0, 0, 0
    while accepted < settings.steps and idle < settings.patience and damping < 1e12:
        step = _step(linear, damping, levenberg=settings.scaling == "levenberg")
        new = np.inf
        if step is not None:
            candidate = theta + torch.tensor(step.shared, device=device)
            rows = None if own is None else own + torch.tensor(step.own, device=device)
            with torch.no_grad():
                new = float(np.sum(on_numpy(residual(named(candidate, rows))) ** 2))
        if step is None or not new < best:
            damping, growth = damping * growth, growth * 2
            continue
        damping *= max(1 / 3, 1 - (2 * (best - new) / max(step.predicted, 1e-300) - 1) ** 3)
        growth, accepted = 2.0, accepted + 1
        idle = idle + 1 if best - new < settings.gain * best else 0
        theta, own, best = candidate, rows, new
        if report is not None:
            report(accepted, best, {name: on_numpy(piece).copy() for name, piece in named(theta, own).items()})
        linear = linearised(theta, own)
    return {name: on_numpy(piece).copy() for name, piece in named(theta, own).items()}


def tensors(arrays: Mapping[str, np.ndarray], *, device: str | torch.device = "cpu") -> dict[str, torch.Tensor]:
    """The arrays as float64 tensors on a device."""
    return {name: torch.tensor(array, dtype=torch.float64, device=device) for name, array in arrays.items()}


class _Step(NamedTuple):
    """A step of the shared parameters and of the rows' own, and the decrease that the linear model predicts."""

    shared: np.ndarray
    own: np.ndarray
    predicted: float


def _step(linear: _Linear, damping: float, *, levenberg: bool) -> _Step | None:
    """The damped step, or None where the matrix is not positive definite in floating point."""
    J, K, r = linear
    normal, gradient = J.T @ J, J.T @ r.ravel()
    scale = np.maximum(np.diag(normal), 1e-12 * np.diag(normal).max(initial=0.0))
    if levenberg and len(scale):
        scale = np.full_like(scale, scale.mean())
    if K is None:
        shared = _solve(normal + damping * np.diag(scale), gradient)
        if shared is None:
            return None
        return _Step(shared, np.zeros(0), float(shared @ (damping * scale * shared - gradient)))
    shape = r.shape
    blocks, slopes = np.einsum("knm,lnm->nkl", K, K), np.einsum("knm,nm->nk", K, r)
    mixed = np.einsum("nmp,knm->pnk", J.reshape(*shape, -1), K)
    curvature = np.einsum("nkk->nk", blocks)
    curvature = np.maximum(curvature, _LOCAL_FLOOR * np.median(curvature, axis=0))
    inverse = np.linalg.inv(blocks + (damping + 1e-12) * curvature[:, :, None] * np.eye(K.shape[0]))
    carried = np.einsum("pnk,nkl->pnl", mixed, inverse)
    shared = np.zeros(0)
    if len(scale):
        schur = normal + damping * np.diag(scale) - np.einsum("pnl,qnl->pq", carried, mixed)
        solved = _solve(schur, gradient - np.einsum("pnl,nl->p", carried, slopes))
        if solved is None:
            return None
        shared = solved
    own = -np.einsum("nkl,nl->nk", inverse, slopes + np.einsum("pnk,p->nk", mixed, shared))
    predicted = shared @ (damping * scale * shared - gradient) + np.sum(own * (damping * curvature * own - slopes))
    return _Step(shared, own, float(predicted))


def _solve(matrix: np.ndarray, gradient: np.ndarray) -> np.ndarray | None:
    """The step, or None where the matrix is not positive definite in floating point."""
    try:
        return -cho_solve(cho_factor(matrix), gradient)
    except np.linalg.LinAlgError:
        return None

"""Where the fit of a planar chain in a fluid begins: Lagrange's equations for links of many lengths, and the best ones.

The drag on a link is linear in its coefficients where its place is known, and its place is not. So links of one length
are tried, of several sizes, each in either direction of its axis, and the equations give the coefficients of the drag.

A chain that floats pushes against the fluid alone, so that nothing known acts on its base: the equations have a
solution next to 0 there, which errors of the integrals make look good. So h is that of uniform rods of one mass, which
leaves one unknown, and the base is tried at some places of the first link. A Runge-Kutta step judges the guesses.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from hnn_gym.models import PlanarChainHNN
from hnn_gym.physics.integrators import RungeKutta4, Substeps, VelocityForm
from hnn_gym.physics.link_drag import LinkDrag, reach
from hnn_gym.physics.phase import join, split
from hnn_gym.training.chain_equations import chain_equations, chain_parameters, solved

_SIZES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""Lengths of links that are tried, in units of the distance that a typical turn moves the base."""
_BASES = ((1.0, 0.5), (0.5, 0.0), (0.5, 1.0), (0.0, -0.5))
"""Where the next joint and the centre of the first link of a chain that floats are tried, from the base, in lengths:
the base is at the link's free end, in its middle, half a length beyond its other end, and at the joint itself."""
_SUBSTEPS = 2
_KEPT = 2


def guesses_with_drag(
    architecture: PlanarChainHNN, begin: np.ndarray, end: np.ndarray, u: np.ndarray, seconds: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """Return the best guesses of the parameters, the best first.

    Args:
        architecture: the chain, with drag.
        begin: states [q, v] ``(2, N, n)`` before the steps.
        end: those after, on the same turns.
        u: forces ``(N, m)``.
        seconds: time of every step ``(N,)``.
    """
    steps = begin, end, u, seconds
    found = [_with_drag(architecture, lengths, centres, rod, *steps) for lengths, centres, rod in _rods(architecture)]
    found.sort(key=lambda parameters: _missed(architecture, parameters, *steps))
    return [{name: array for name, array in one.items() if array.size} for one in found[:_KEPT]]


def _rods(architecture: PlanarChainHNN) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Lengths ``(L - 1,)`` and centres ``(L,)`` of links, and the length of the rods."""
    links, turns = architecture.links, architecture.kinematics.turns > 0
    if turns.all():  # the unit of length is free
        yield np.ones(links - 1), np.full(links, 0.5), 1.0
        return
    speeds = np.array(architecture.variables.velocity_scales)
    unit = float(speeds[~turns].mean() / speeds[turns][0])
    bases = _BASES if architecture.floats else _BASES[:1]
    for size, base, *signs in product(_SIZES, bases, *[(1.0, -1.0)] * links):
        rod = unit * size
        ends, centres = rod * np.array(signs), rod * np.array(signs) / 2
        ends[0], centres[0] = rod * signs[0] * base[0], rod * signs[0] * base[1]
        yield ends[:-1], centres, rod


def _with_drag(
    architecture: PlanarChainHNN, lengths: np.ndarray, centres: np.ndarray, rod: float, *steps: np.ndarray
) -> dict[str, np.ndarray]:
    """What the equations say where the fluid acts at these places."""
    kinematics = architecture.kinematics
    drag = LinkDrag(kinematics, reach(kinematics, lengths, centres), 0.0, 0.0)
    columns, known = chain_equations(architecture, *steps, drag=drag)
    if architecture.floats:
        h = _rods_h(lengths, centres, rod)
        shape = np.concatenate([np.diag(h), h[np.tril_indices(len(h), -1)]])
        tied = np.concatenate([(columns[..., : len(shape)] @ shape)[..., None], columns[..., len(shape) :]], axis=-1)
        mass, *others = solved(tied, known)
        solution = np.concatenate([mass * shape, others])
    else:
        solution = solved(columns, known)
    return chain_parameters(architecture, solution) | {"drag.lengths": lengths, "drag.centres": centres}


def _rods_h(lengths: np.ndarray, centres: np.ndarray, rod: float) -> np.ndarray:
    """H ``(L + 1, L + 1)`` of a base that is moved and rods of mass 1 on it."""
    count = len(centres)
    ends, beyond = np.append(lengths, 0.0), np.arange(count)[::-1]
    moments = centres + beyond * ends
    h = np.diag(np.append(count, rod**2 / 12 + centres**2 + beyond * ends**2).astype(float))
    h[0, 1:] = h[1:, 0] = moments
    for i in range(count):
        h[i + 1, i + 2 :] = h[i + 2 :, i + 1] = ends[i] * moments[i + 1 :]
    return h


def _missed(
    architecture: PlanarChainHNN,
    parameters: dict[str, np.ndarray],
    begin: np.ndarray,
    end: np.ndarray,
    u: np.ndarray,
    seconds: np.ndarray,
) -> float:
    """The median error of the velocities after a step, in units of typical ones."""
    scheme = Substeps(RungeKutta4(), _SUBSTEPS)
    with np.errstate(all="ignore"):
        dt: Any = seconds[:, None]
        x = scheme.step(VelocityForm(architecture.build(parameters)), join(*begin), dt, u)
        error = (split(x)[1] - end[1]) / np.array(architecture.variables.velocity_scales)
        return float(np.median(np.nan_to_num(np.abs(error), nan=np.inf).max(axis=-1)))

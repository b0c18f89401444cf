"""What a recording says of the parameters of a fit: friction and masses with standard errors, and what stays open.

Friction is reported in physical units where actions are forces in SI units, with the standard errors of
:mod:`hnn_gym.training.uncertainty`. A combination of parameters that may change by as much as they are large, without a
forecast that changes by more than the noise, is not determined: the recording lacks the motion that would tell its
parts apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hnn_gym.models import PlanarChainHNN, Variables
from hnn_gym.models.architecture import RATIOS
from hnn_gym.models.inertia import LOG, relative_degrees
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.training.least_squares import Linear
from hnn_gym.training.objective import Objective
from hnn_gym.training.uncertainty import Uncertainty, uncertainty
from hnn_gym.training.zeros import Zeros
from hnn_gym.worlds.world_model import WorldModel

_FRICTION = {"damping.log": "viscous", "dry.log": "coulomb"}
_SHARE = 0.1
"""Friction of this share of typical forces matters."""
_PART = 0.3
"""Entries of a free direction that are larger belong to it."""
_NAMES = {
    "chain.diagonal": "the inertia of link {}",
    "chain.real": "how the links are coupled",
    "chain.imaginary": "how far the centres of mass lie off the links",
    "chain.cosines": "the weight of link {}",
    "chain.sines": "the direction of gravity",
    "damping.log": "the viscous friction of position {}",
    "dry.log": "the Coulomb friction of position {}",
    LOG: "the mass of position {}",
    RATIOS: "the mass of position {} in units of the first",
    Zeros.name: "the zeros of the encoders",
    "control.gain": "the gain of action {}",
    "control.columns": "which position an action acts on",
}


def determination_card(objective: Objective, parameters: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return what a card says of friction and of what the recording does not determine.

    Args:
        objective: of the last round of a fit.
        parameters: what it found, with the starts of windows.

    Returns:
        ``friction``: for every position and kind its ``value``, its ``standard_error`` and their ``unit``.
        ``mass_ratios``: by the number of the position, masses in units of the first, with standard errors.
        ``undetermined``: a sentence, where something is not determined; of networks only masses and friction are
        considered. Empty where there is none of these.
    """
    world = objective.world(objective.model_parameters(parameters)).like(np.zeros(0))
    dynamics = world.dynamics
    if not isinstance(dynamics, PortHamiltonian):
        return {}
    chain = isinstance(objective.architecture, PlanarChainHNN)
    reported = dynamics.damping is not None or dynamics.dry is not None or RATIOS in parameters
    if not (chain or reported or (LOG in parameters and not objective.coordinates.force(objective.action).any())):
        return {}
    sizes, natural = _sizes(world, objective, parameters)
    linear = objective.derivatives(parameters)
    assert isinstance(linear, Linear)  # a network alone would have more weights than data, and reports nothing here
    found = uncertainty(linear, parameters, local=objective.local, sizes=sizes)
    card: dict[str, Any] = {}
    friction = _friction(world, found, natural)
    if friction:
        card["friction"] = friction
    if RATIOS in parameters:
        card["mass_ratios"] = _mass_ratios(objective.architecture.variables, parameters, found)
    named = _open_directions(found) if chain else _open_numbers(objective.architecture.variables, found)
    if named:
        card["undetermined"] = _undetermined(named)
    return card


def physical_words(card: Mapping[str, Any]) -> list[str]:
    """The friction, the masses and the zeros on a card as lines: one for every position and kind of friction."""
    masses = [
        f"Mass of position {number}: {entry['value']:.4g} +- {entry['standard_error']:.2g} times that of the first"
        for number, entry in card.get("mass_ratios", {}).items()
    ]
    zeros = [
        f"The encoder of position {number} shows {min(shown):.3g} to {max(shown):.3g} at the zero of the model"
        for number, shown in enumerate(zip(*card.get("zeros", ()), strict=True), start=1)
    ]
    return (
        masses
        + zeros
        + [
            f"{'Viscous' if kind == 'viscous' else 'Coulomb'} friction of position {number}: {entry['value']:.3g} +- "
            f"{entry['standard_error']:.2g} {entry['unit']}".rstrip()
            for number, entries in enumerate(card.get("friction", ()), start=1)
            for kind, entry in entries.items()
        ]
    )


def _sizes(
    world: WorldModel, objective: Objective, parameters: Mapping[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Natural sizes of the parameters as they are, and of friction ``(n,)`` in its own units."""
    variables = objective.architecture.variables
    origin = np.zeros(variables.n)
    inertia = np.array([world.dynamics.momentum(origin, unit)[i] for i, unit in enumerate(np.eye(variables.n))])
    force = inertia * np.array(variables.acceleration_scales)
    if variables.in_physical_units:  # accelerations from noisy positions are too large
        force = np.minimum(force, max(variables.force_scales))
    matters = {
        "damping.log": _SHARE * force / np.array(variables.velocity_scales),
        "dry.log": _SHARE * force,
    }
    found = {name: np.maximum(np.exp(parameters[name]), 1e-300) for name in _FRICTION if name in parameters}
    natural = {name: np.maximum(matters[name], value) for name, value in found.items()}
    sizes = {name: natural[name] / value for name, value in found.items()}
    diagonal = np.exp(parameters.get("chain.diagonal", np.zeros(1)))
    links = np.exp(np.mean(np.log(diagonal)))
    weights = [parameters[name] for name in ("chain.cosines", "chain.sines") if name in parameters]
    weight = np.sqrt(np.mean(np.concatenate(weights) ** 2)) if weights else 0.0
    like = {"chain.real": links, "chain.imaginary": links, "chain.cosines": weight, "chain.sines": weight}
    sizes |= {
        name: np.full(parameters[name].shape, max(float(size), 1e-12))
        for name, size in like.items()
        if name in parameters
    }
    return sizes, natural


def _friction(
    world: WorldModel, found: Uncertainty, natural: Mapping[str, np.ndarray]
) -> list[dict[str, dict[str, Any]]]:
    """Values and standard errors of every position, by the kind of friction."""
    dynamics: Any = world.dynamics
    values = {"damping.log": dynamics.damping, "dry.log": dynamics.dry}
    errors = found.errors
    rows: list[dict[str, dict[str, Any]]] = [{} for _ in world.coordinates.degrees]
    for name, kind in _FRICTION.items():
        value = values[name]
        if value is None or name not in errors:
            continue
        for i, angle in enumerate(world.coordinates.angles):
            rows[i][kind] = {
                "value": float(value[i]),
                "standard_error": float(errors[name][i] * natural[name][i]),
                "unit": _unit(kind, angle=angle) if world.energy_unit else "",
            }
    return rows if any(rows) else []


def _mass_ratios(
    variables: Variables, parameters: Mapping[str, np.ndarray], found: Uncertainty
) -> dict[str, dict[str, float]]:
    """Values and standard errors of masses in units of the first that moves, by the number of the position from 1."""
    values = np.exp(parameters[RATIOS])
    errors = values * found.errors[RATIOS]
    return {
        str(degree + 1): {"value": float(value), "standard_error": float(error)}
        for degree, value, error in zip(relative_degrees(variables), values, errors, strict=True)
    }


def _unit(kind: str, *, angle: bool) -> str:
    force = "N m" if angle else "N"
    rate = "N m s" if angle else "N s/m"
    return rate if kind == "viscous" else force


def _open_directions(found: Uncertainty) -> list[str]:
    """The parameters that belong to free directions, in words."""
    directions = found.free_directions()
    parts = [
        _NAMES.get(name, name).format(index + 1)
        for (name, index), *shares in zip(found.names, *directions, strict=True)
        if any(abs(share) > _PART * np.abs(way).max() for share, way in zip(shares, directions, strict=True))
    ]
    return list(dict.fromkeys(parts))


def _open_numbers(variables: Variables, found: Uncertainty) -> list[str]:
    """The masses and the friction whose standard errors exceed their natural sizes, in words."""
    numbered = dict.fromkeys((LOG, *_FRICTION), range(variables.n)) | {RATIOS: relative_degrees(variables).tolist()}
    return [
        _NAMES[name].format(degree + 1)
        for (name, index), variance in zip(found.names, np.diag(found.covariance), strict=True)
        if name in numbered and variables.moving[degree := numbered[name][index]] and variance > 1
    ]


def _undetermined(named: Sequence[str]) -> str:
    """One sentence about parameters."""
    listed = named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
    change = "it may change by its" if len(named) == 1 else "alone or together they may change by their"
    return (
        f"The recording does not determine {listed}: {change} whole size, and the motion changes by no more than the "
        "noise. Record motion that depends on this (changing torques, other speeds, larger angles), or leave it out "
        "of the model."
    )

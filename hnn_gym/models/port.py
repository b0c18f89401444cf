"""Learned parts beside H, the same for every Hamiltonian model: inertia, controls and friction.

With controls in SI units B = 1 by definition and the inertia m is learned, which fixes H in joules. Otherwise B is
learned, and H is known up to its scale: where m is the same at all positions, the first m is 1 and the others are
learned beside it. Where it is not known which degree of freedom a control acts on, all of its column of B is learned.

Friction takes energy by construction: the viscous coefficients D and the sizes mu of dry friction are exponentials.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hnn_gym.models.architecture import Parameters, Variables
from hnn_gym.models.inertia import initial_inertia
from hnn_gym.models.learned_forces import LearnedControl, LearnedFriction, ResidualForce
from hnn_gym.physics.dynamics import ControlMap, Force, Hamiltonian, PortHamiltonian
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.physics.soft_stops import SoftStops


def initial_port(
    variables: Variables, *, damping: bool, inertia: bool | None = None, dry: bool = False
) -> dict[str, np.ndarray]:
    """Return the arrays that are learned: inertias, ``{damping, dry}.log`` and ``control.{gain, columns}``.

    Args:
        variables: of the system.
        damping: learn viscous friction.
        inertia: learn all inertias, or none; None: all where controls are in SI units, otherwise their ratios.
        dry: learn dry friction.
    """
    arrays: dict[str, np.ndarray] = {}
    if inertia is not False:
        arrays |= initial_inertia(variables, free=inertia or variables.in_physical_units)
    unknown = [degree is None for degree in variables.control_degrees]
    if not variables.in_physical_units and unknown and not all(unknown):
        arrays["control.gain"] = np.ones(len(unknown))
    if any(unknown):
        arrays["control.columns"] = np.outer(variables.moving, unknown).astype(float)
    if damping:
        arrays["damping.log"] = np.log(variables.mass_units) - 4.0
    if dry:
        # A tenth of the forces: well away from 0, where an exponential would hardly move.
        arrays["dry.log"] = np.log(0.1 * variables.mass_units * np.array(variables.acceleration_scales))
    return arrays


def initial_stops(variables: Variables) -> dict[str, np.ndarray]:
    """Return ``stops.{stiffness, damping, compliance}.log`` of stops that give way.

    They turn a typical motion round in the time in which typical forces do.
    """
    if not variables.soft_stops:
        return {}
    degrees = [degree for degree, *_ in variables.soft_stops]
    rate = (np.array(variables.acceleration_scales) / np.array(variables.velocity_scales))[degrees]
    mobility = np.ones(len(degrees))
    if variables.in_physical_units:
        mobility = np.array(variables.acceleration_scales)[degrees] / max(variables.force_scales)
    found = {"stiffness": 4 * rate**2, "damping": 4 * rate, "compliance": 0.1 * mobility}
    return {f"stops.{name}.log": np.log(value) for name, value in found.items()}


def coefficient(parameters: Parameters, name: str) -> Array | None:
    """Coefficients that are positive: the exponential of ``<name>.log``, or ``<name>`` itself while it is fitted."""
    log = parameters.get(f"{name}.log")
    return parameters.get(name) if log is None else namespace(log).exp(log)


def network_weights(parameters: Parameters) -> dict[str, Array]:
    """The weights of all networks, by name; no biases."""
    return {name: value for name, value in parameters.items() if name.rpartition(".")[2].startswith("w")}


def last_weights(parameters: Parameters) -> set[str]:
    """Names of the last weights of every network."""
    return set({name.rpartition(".")[0]: name for name in sorted(network_weights(parameters))}.values())


def weights_per_inertia(parameters: Parameters) -> dict[str, Array]:
    """The weights of all networks as they were if energies counted per inertia, by name.

    Free motion determines V / m, and only forces determine m: decay of V would shrink m too, decay of V / m does not.
    Where an inertia is learned, every network is an energy, and its last layer is divided by the geometric mean of m.
    """
    weights = network_weights(parameters)
    log = parameters.get("inertia.log")
    if log is None:
        return weights
    per, last = namespace(log).exp(-log.mean(-1)), last_weights(parameters)
    return {name: value * per if name in last else value for name, value in weights.items()}


def with_port(
    hamiltonian: Hamiltonian, variables: Variables, parameters: Parameters, *, forces: tuple[Force, ...] = ()
) -> PortHamiltonian:
    """Add the control port, friction, stops and other forces that the parameters describe to a Hamiltonian.

    Args:
        hamiltonian: H.
        variables: of the system.
        parameters: of the model.
        forces: of the model itself.
    """
    some = next(iter(parameters.values()))
    xp, kind = namespace(some), {"dtype": some.dtype, "device": getattr(some, "device", None)}
    moving = xp.asarray(variables.moving, **kind)
    damping, dry = (
        None if found is None else found * moving
        for found in (coefficient(parameters, name) for name in ("damping", "dry"))
    )
    if "friction.w0" in parameters:
        forces = (*forces, LearnedFriction.of(variables, parameters))
    if "residual.w0" in parameters:
        forces = (*forces, ResidualForce.of(variables, parameters))
    dynamics = PortHamiltonian(hamiltonian, _control(variables, parameters), damping, dry, forces)
    if "stops.stiffness.log" not in parameters:
        return dynamics
    degrees, low, high = zip(*variables.soft_stops, strict=True)
    walls = [
        np.array([bound if wall is None else wall for wall in some], dtype=float)
        for some, bound in ((low, -np.inf), (high, np.inf))
    ]
    learned = [xp.exp(parameters[f"stops.{name}.log"]) for name in ("stiffness", "damping", "compliance")]
    return replace(dynamics, stops=SoftStops(degrees, *walls, *learned))


def _control(variables: Variables, parameters: Parameters) -> Array | ControlMap | None:
    if not variables.control_degrees:
        return None
    some = next(iter(parameters.values()))
    xp, kind = namespace(some), {"dtype": some.dtype, "device": getattr(some, "device", None)}
    control = xp.asarray(variables.control_columns, **kind)
    if "control.gain" in parameters:
        control = control * parameters["control.gain"]
    if "control.columns" in parameters:
        unknown = xp.asarray(np.array([degree is None for degree in variables.control_degrees], dtype=float), **kind)
        moving = xp.asarray(variables.moving[:, None], **kind)
        control = control + moving * unknown * parameters["control.columns"]
    if "control.w0" not in parameters:
        return control
    return LearnedControl.of(variables, parameters, control)

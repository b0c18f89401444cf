"""What is learned beside H: inertia, control gains and friction, for every Hamiltonian model alike.

With controls in SI units B = 1 by definition and the inertia m is learned, which fixes H in joules.
Otherwise m = 1, B is learned, and H is known up to its scale.
"""

from __future__ import annotations

import numpy as np

from hnn_gym.models.architecture import Parameters, Variables
from hnn_gym.physics.dynamics import Hamiltonian, PortHamiltonian
from hnn_gym.physics.phase import Array, namespace


def initial_port(variables: Variables, *, damping: bool, inertia: bool = True) -> dict[str, np.ndarray]:
    """Return the arrays ``inertia.log``, ``control.gain`` and ``damping.log``, those that are learned."""
    arrays: dict[str, np.ndarray] = {}
    if variables.in_physical_units:
        if inertia:
            arrays["inertia.log"] = np.zeros(variables.n)
    elif variables.control_degrees:
        arrays["control.gain"] = np.ones(len(variables.control_degrees))
    if damping:
        arrays["damping.log"] = np.full(variables.n, -4.0)
    return arrays


def inertia_of(parameters: Parameters) -> Array | float:
    """The learned inertia ``(n,)``, or 1 where it is not learned."""
    log = parameters.get("inertia.log")
    return 1.0 if log is None else namespace(log).exp(log)


def network_weights(parameters: Parameters) -> dict[str, Array]:
    """The weights of all networks, by name; no biases."""
    return {name: value for name, value in parameters.items() if name.rpartition(".")[2].startswith("w")}


def last_weights(parameters: Parameters) -> set[str]:
    """Names of the last weights of every network."""
    return set({name.rpartition(".")[0]: name for name in sorted(network_weights(parameters))}.values())


def weights_per_inertia(parameters: Parameters) -> dict[str, Array]:
    """The weights of all networks as they were if energies counted per inertia, by name.

    Free motion tells V / m, and only the forces tell m: to shrink V is to shrink m with it, to shrink V / m is not.
    Where an inertia is learned, every network is an energy, and its last layer is divided by the geometric mean of m.
    """
    weights = network_weights(parameters)
    log = parameters.get("inertia.log")
    if log is None:
        return weights
    per, last = namespace(log).exp(-log.mean(-1)), last_weights(parameters)
    return {name: value * per if name in last else value for name, value in weights.items()}


def with_port(hamiltonian: Hamiltonian, variables: Variables, parameters: Parameters) -> PortHamiltonian:
    """Add the control port and the friction to a Hamiltonian."""
    some = next(iter(parameters.values()))
    xp = namespace(some)
    control = None
    if variables.control_degrees:
        control = xp.asarray(variables.control_columns, dtype=some.dtype, device=getattr(some, "device", None))
        if "control.gain" in parameters:
            control = control * parameters["control.gain"]
    log = parameters.get("damping.log")
    return PortHamiltonian(hamiltonian, control, None if log is None else xp.exp(log))

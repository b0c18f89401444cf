"""Phase space: x = [q, p] in R^(2n), and the symplectic gradient J grad H = [dH/dp, -dH/dq].

Every function takes free batch axes in front, on NumPy, torch or any other array-API library.
"""

from __future__ import annotations

import reprlib
from typing import Any

import array_api_compat
import numpy as np

from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.trace.arrays import Traced

Array = Any
"""An array of any array-API library (numpy.ndarray, torch.Tensor, ...)."""

_NAMESPACES: dict[type, Any] = {np.ndarray: np, np.float64: np, np.float32: np}


def namespace(x: Array) -> Any:
    """Return the array namespace of ``x``, looked up once per array type.

    Raises:
        InputError: it is no array.
    """
    found = _NAMESPACES.get(type(x))
    if found is None:
        try:
            found = _NAMESPACES[type(x)] = array_api_compat.array_namespace(x)
        except TypeError:
            raise InputError(f"Give an array, such as one of NumPy or torch, not {reprlib.repr(x)}.") from None
    return found


def epsilon(x: Array) -> Array | float:
    """Return the machine epsilon of the number type of ``x``."""
    return x.epsilon if isinstance(x, Traced) else float(namespace(x).finfo(x.dtype).eps)


def has_values(x: Array) -> bool:
    """Whether the entries of an array are numbers; those of an array that is being traced are still to be computed."""
    return not isinstance(x, Traced)


def split(x: Array) -> tuple[Array, Array]:
    """Split phase points ``(..., 2n)`` into positions and momenta, each ``(..., n)``."""
    n = x.shape[-1] // 2
    return x[..., :n], x[..., n:]


def join(q: Array, p: Array) -> Array:
    """Join positions and momenta ``(..., n)`` into phase points ``(..., 2n)``."""
    return namespace(q).concat([q, p], axis=-1)


def symplectic_gradient(gradient: Array) -> Array:
    """Turn grad H ``(..., 2n)`` into J grad H = [dH/dp, -dH/dq], Hamilton's equations."""
    dq, dp = split(gradient)
    return join(dp, -dq)


@checked_arguments
def symplectic_matrix(n: int) -> np.ndarray:
    """Return J = [[0, I], [-I, 0]] as a float64 array ``(2n, 2n)``."""
    zero, one = np.zeros((n, n)), np.eye(n)
    return np.block([[zero, one], [-one, zero]])

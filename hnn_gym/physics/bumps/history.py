"""Autograd's history of an array, which only torch tensors have: values are searched without it."""

from __future__ import annotations

from typing import Any

from hnn_gym.physics.phase import Array, has_values, namespace


def constant(value: Array) -> Array:
    """The value without its history."""
    return value.detach() if hasattr(value, "detach") else value


def has_history(*values: Any) -> bool:
    """Whether autograd follows one of the values."""
    return any(getattr(value, "requires_grad", False) for value in values)


def array_like(x: Array, value: Array | float) -> Array:
    """A value, with its history if it has one, in the array library, dtype and device of ``x``."""
    if not has_values(value):
        return value
    xp = namespace(x)
    if has_history(value):
        return xp.astype(value, x.dtype)
    return xp.asarray(value, dtype=x.dtype, device=getattr(x, "device", None))

"""The form of a world's card: which of its entries are JSON objects, and what the rest of the package reads of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hnn_gym.errors import InputError
from hnn_gym.physics.integrators import integrator_from_json

_OBJECTS = ("data", "environment", "figures", "seen", "selection", "stepping", "task", "training", "versions")


def checked_card(card: Any) -> dict[str, Any]:
    """Return a card, as :attr:`hnn_gym.WorldModel.card` holds it; None is an empty one.

    Raises:
        InputError: an entry that the package reads has another form.
    """
    if card is None:
        return {}
    checked = dict(_object(card, "card"))
    for name in _OBJECTS:
        if name in checked:
            _object(checked[name], name)
    data = checked.get("data", {})
    provenance = _object(data.get("provenance", {}), "data.provenance")
    _object(provenance.get("env_kwargs", {}), "data.provenance.env_kwargs")
    for name, source in (
        ("environment", checked.get("environment")),
        ("data.provenance.task_source", provenance.get("task_source") or None),
    ):
        if source is not None:
            _object(source, name)
            if not isinstance(source.get("id"), str):
                raise InputError(f"The entry {name!r} of the card names no environment: {source!r}.")
            _object(source.get("arguments", {}), f"{name}.arguments")
    longest = data.get("longest_episode")
    if longest is not None and (type(longest) is not int or longest < 1):
        raise InputError(f"The entry 'data.longest_episode' of the card is not a number of steps: {longest!r}.")
    for scheme in checked.get("stepping", {}).values():
        integrator_from_json(_object(scheme, "stepping"))
    return checked


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"The entry {name!r} of the card is {value!r}, and must be a JSON object.")
    return value

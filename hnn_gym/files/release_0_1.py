"""What release 0.1 wrote, in today's words: one function for each kind of file, given what its version 1 holds.

Only names have changed, and what has its default value is left out of coordinates now. Arrays are as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = {"stands_for": "task_source"}
_ARGUMENTS = {
    "bump_price": "bump_cost",
    "disagreement_price": "disagreement_penalty",
    "episode_steps": "max_episode_steps",
}
_AGENTS = {"analytic": "shac"}


def world_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card of a world, or of the frames of one, whose provenance is renamed."""
    card = dict(card)
    for outer, inner in (("provenance", "data"), ("about", None)):  # of a world; of its frames
        holder = card.get(outer)
        if isinstance(holder, Mapping):
            card[outer] = _with_provenance(holder) if inner is None else _inside(holder, inner)
    return card


def dataset_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a dataset's store, whose provenance is renamed."""
    return _with_provenance(attributes)


def agent_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card of an agent, whose kind is renamed."""
    return {**card, "kind": _AGENTS.get(card.get("kind", ""), card.get("kind"))}


def _inside(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = holder.get(name)
    return {**holder, name: _with_provenance(part)} if isinstance(part, Mapping) else dict(holder)


def _with_provenance(holder: Mapping[str, Any]) -> dict[str, Any]:
    provenance = holder.get("provenance")
    return {**holder, "provenance": _provenance(provenance)} if isinstance(provenance, Mapping) else dict(holder)


def _provenance(values: Mapping[str, Any]) -> dict[str, Any]:
    found = _renamed(values, _FIELDS)
    if isinstance(found.get("env_kwargs"), Mapping):
        found["env_kwargs"] = _renamed(found["env_kwargs"], _ARGUMENTS)
    if isinstance(found.get("coordinates"), Mapping):
        found["coordinates"] = {part: _without_defaults(entries) for part, entries in found["coordinates"].items()}
    return found


def _without_defaults(entries: Any) -> Any:
    """Degrees of freedom or controls, without what is None or the scale of a control where that is 1."""
    return [
        {name: value for name, value in entry.items() if value is not None and (name, value) != ("scale", 1.0)}
        if isinstance(entry, Mapping)
        else entry
        for entry in entries
    ]


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}

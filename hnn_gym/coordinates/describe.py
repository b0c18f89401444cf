"""Coordinates in sentences: one for every degree of freedom, readout and action, with evidence if it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hnn_gym.coordinates.control import Control
from hnn_gym.coordinates.declaration import Coordinates
from hnn_gym.coordinates.degree_of_freedom import DegreeOfFreedom
from hnn_gym.coordinates.learned_readout import LearnedReadout
from hnn_gym.coordinates.readout import Readout
from hnn_gym.errors import checked_arguments

_TERMS_NAMED = 8
"""A sentence about a learned readout names so many of its inputs. The coordinates file has them all."""


@checked_arguments
def describe(
    coordinates: Coordinates, *, names: Sequence[str] = (), evidence: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Say what every observation entry and every action is.

    Args:
        coordinates: the declaration.
        names: of the observation entries, or empty.
        evidence: text to add in brackets, by "q0" for a degree of freedom, "entry 8" for a readout, and "action 0" for
            an entry of the action.
    """
    evidence = evidence or {}
    sentences = [(f"q{i}", _degree(degree, i, names)) for i, degree in enumerate(coordinates.degrees)]
    sentences += [(f"entry {r.entry}", f"{_entries((r.entry,), names)} {_readout(r)}") for r in coordinates.readouts]
    sentences += [(f"action {k}", text) for k, text in enumerate(_actions(coordinates))]
    return tuple(f"{text} ({evidence[key]})." if evidence.get(key) else f"{text}." for key, text in sentences)


def entry_name(entry: int, names: Sequence[str]) -> str:
    """Name an observation entry in a sentence."""
    return f"{entry} ({names[entry]})" if names else f"{entry}"


def _entries(entries: Sequence[int], names: Sequence[str]) -> str:
    called = [entry_name(entry, names) for entry in entries]
    return f"Entry {called[0]} is" if len(called) == 1 else f"Entries {called[0]} and {called[1]} are"


def _degree(degree: DegreeOfFreedom, i: int, names: Sequence[str]) -> str:
    if degree.fixed and degree.position is not None:
        return f"{_entries((degree.position,), names)} q{i}, a constant of the episode"
    velocity = None if degree.velocity is None else f"entry {entry_name(degree.velocity, names)} is its velocity"
    if degree.velocity_scale != 1.0:
        velocity = f"{velocity} times {degree.velocity_scale:.6g}"
    if degree.speed_limit is not None:
        velocity = f"{velocity or 'its velocity'}, clipped at {degree.speed_limit:.6g}"
    if degree.cos is not None and degree.sin is not None:
        place = f"{_entries((degree.cos, degree.sin), names)} the cosine and the sine of the angle q{i}"
    elif degree.position is not None:
        kind = "an angle in rad" if degree.angle else "a position"
        if degree.wraps is not None:
            kind += f" that wraps into [{degree.wraps[0]:.4g}, {degree.wraps[1]:.4g})"
        place = f"{_entries((degree.position,), names)} q{i}, {kind}"
    else:
        return f"{_entries((degree.velocity or 0,), names)} the velocity of q{i}, whose position is not observed"
    walls = ""
    if degree.stops is not None:
        shown = " and ".join(f"{wall:.6g}" for wall in degree.stops[:2] if wall is not None)
        bounce = f" with restitution {degree.stops[2]:.2g}" if degree.stops[2] and not degree.soft else ""
        walls = f"; stops that give way are at {shown}" if degree.soft else f"; walls stop it at {shown}{bounce}"
    return f"{place}; {velocity or 'its velocity is not observed'}{walls}"


def _readout(readout: Readout | LearnedReadout) -> str:
    if isinstance(readout, LearnedReadout):
        named, more = readout.inputs[:_TERMS_NAMED], len(readout.inputs) - _TERMS_NAMED
        others = f" and {more} more terms of the state" if more > 0 else ""
        return f"a learned function of {', '.join(named)}{others}"
    if all(term == "1" for term, _ in readout.terms):
        return f"always {sum(value for _, value in readout.terms):g}"
    terms = [f"{'+' if value >= 0 else '-'} {_times(term, abs(value))}" for term, value in readout.terms]
    return " ".join(terms).removeprefix("+ ")


def _times(term: str, value: float) -> str:
    if term == "1":
        return f"{value:.6g}"
    return term if value == 1 else f"{value:.6g} {term}"


def _actions(coordinates: Coordinates) -> list[str]:
    controls, table = coordinates.controls, coordinates.force_table
    if table is None:
        return [f"Action entry {k} is {_force(control)}" for k, control in enumerate(controls)]
    counts = coordinates.action_counts or (len(table),)
    sentences, first = [], 0
    for k, count in enumerate(counts):
        rows = table[first : first + count]
        first += count
        used = [c for c in range(len(controls)) if any(row[c] for row in rows)]
        which = "Actions" if len(counts) == 1 else f"Number {k} of the action: its values"
        numbers = ", ".join(map(str, range(count)))
        if len(used) == 1:
            values = ", ".join(f"{row[used[0]]:g}" for row in rows)
            sentences.append(f"{which} {numbers} are {values} times {_force(controls[used[0]])}")
        else:
            acting = "; ".join(_force(controls[c]) for c in used)
            sentences.append(f"{which} {numbers} are rows of a table of {len(used)} forces: {acting}")
    return sentences


def _force(control: Control) -> str:
    shared = "a force that may act on every degree of freedom; its shares are learned"
    where = shared if control.degree is None else f"a force on q{control.degree}"
    unit = f" in {control.unit}" if control.unit is not None else ""
    limit = f", at most {control.limit:g} in size" if control.limit is not None else ""
    return where + unit + limit

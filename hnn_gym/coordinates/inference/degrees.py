"""The degrees of freedom of a recording, each with the evidence that a person is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hnn_gym.coordinates import DegreeOfFreedom, Readout
from hnn_gym.coordinates.inference.angles import Pair, pairs_on_a_circle
from hnn_gym.coordinates.inference.derivatives import Match, Place, matches, precise_step
from hnn_gym.coordinates.inference.functions import exact_function
from hnn_gym.coordinates.inference.leftovers import Kind, kind_of
from hnn_gym.coordinates.inference.recording import Recording
from hnn_gym.coordinates.inference.states import Seen
from hnn_gym.coordinates.inference.time_step import rounded

_STILL = 1e-9
"""An entry that changes by less than this share of its size does not change."""
_TURN = 2 * np.pi
_ALMOST_A_TURN = 0.9
_FLOAT32 = 1e-6
_LONG = 10
_IN_NOISE = 0.3
_INDEPENDENT = 0.3
_CARRIED = 0.5
"""An entry that nothing explains is carried on from step to step if that errs by this share of what a function does."""
_RESTS = 0.9
"""An entry that nothing explains may be a constant of the episode if this share of the steps leaves it as it is."""
_ONE_END = 0.02
_EXACT = 1e-3
"""Entries with a relation this exact are not on a circle with each other, even where that holds too."""


@dataclass(frozen=True)
class Found:
    """A degree of freedom on the way to its declaration.

    Attributes:
        seen: where its position and its velocity are observed.
        fixed: it is a constant of the episode.
        match: how its velocity was found; None where it was not.
        evidence: how that was seen.
    """

    seen: Seen
    evidence: str
    match: Match | None = None
    fixed: bool = False

    @property
    def entries(self) -> tuple[int, ...]:
        """The observation entries it takes."""
        place = () if self.seen.place is None else self.seen.place.entries
        return place if self.seen.velocity is None else (*place, self.seen.velocity)

    @property
    def raw(self) -> int | None:
        """The entry of a position that is observed as itself."""
        place = self.seen.place
        return None if place is None or len(place.entries) > 1 else place.entries[0]

    def degree(self, recording: Recording) -> DegreeOfFreedom:
        """The declaration, before angles and limits are looked for."""
        place = self.seen.place
        if place is None:
            return DegreeOfFreedom(velocity=self.seen.velocity)
        moving = DegreeOfFreedom(
            position=place.entries[0], velocity=self.seen.velocity, velocity_scale=self.seen.scale, fixed=self.fixed
        )
        if len(place.entries) == 2:
            return replace(moving, position=None, cos=place.entries[0], sin=place.entries[1])
        return replace(moving, angle=True, wraps=turn_of(recording, place.entries[0])) if place.wraps else moving

    def in_time(self, recording: Recording, dt: float) -> Found:
        """The same with the unit of a velocity that is not per dt."""
        if self.match is None or not self.match.other_unit:
            return self
        scale = dt / rounded(*precise_step(recording, self.match))
        return replace(self, seen=replace(self.seen, scale=rounded(scale, 1e-4)))


def still_entries(recording: Recording) -> tuple[list[Readout], list[Found], list[int]]:
    """Entries that never change, entries that are constant within every episode, and the numbers of all others."""
    small = _STILL * np.maximum(recording.size_of_entries, 1e-12)
    constants, fixed, moving = [], [], []
    for i in range(recording.size):
        if recording.spread_within[i] > small[i]:
            moving.append(i)
        elif recording.spread[i] > small[i]:
            fixed.append(Found(Seen(Place((i,)), None), "", fixed=True))
        else:
            value = float(recording.before[0, i])
            constants.append(Readout(i, (("1", value),) if value else ()))
    return constants, fixed, moving


def noisy_constant(recording: Recording, entry: int) -> Found | None:
    """A constant of the episode seen in noise, or None where the entry is not constant.

    Values of one episode are then independent, and differ far less than those of different episodes.
    """
    long = [seen[:, entry] for seen in recording.observations if len(seen) > _LONG]
    if len(long) < 2:
        return None
    noise = np.concatenate([values - values.mean() for values in long])
    pairs = np.concatenate([(values - values.mean())[:-1] * (values - values.mean())[1:] for values in long])
    spread = float(np.std([values.mean() for values in long]))
    share = float(noise.std()) / max(spread, 1e-300)
    if share > _IN_NOISE or abs(pairs.mean()) > _INDEPENDENT * noise.var():
        return None
    return Found(Seen(Place((entry,)), None), f"its noise is {_percent(share)} of its spread", fixed=True)


def moving_degrees(recording: Recording, moving: list[int]) -> tuple[list[Found], list[int], list[str]]:
    """The degrees of freedom that relations between entries show, the entries left, and doubts in sentences."""
    pairs = pairs_on_a_circle(recording.before, moving)
    raw = [Place((i,)) for i in moving]
    wrapping = [Place((i,), wraps=True) for i in moving if _jumps(recording, i)]
    alone, _ = matches(recording, [*raw, *wrapping], moving)
    exact = {entry for m in alone if m.error < _EXACT for entry in (m.place.entries[0], m.velocity)}
    pairs = [pair for pair in pairs if not {pair.cos, pair.sin} <= exact]
    shown = {
        entry for pair in pairs for entry in (pair.cos, pair.sin) if any(_shown(recording, pair, m) for m in alone)
    }
    pairs = [pair for pair in pairs if pair.cos not in shown]
    on_circle = {entry for pair in pairs for entry in (pair.cos, pair.sin)}
    free = [i for i in moving if i not in on_circle | shown]
    places = [place for place in (*raw, *wrapping) if place.entries[0] in free]
    places += [Place((pair.cos, pair.sin)) for pair in pairs]
    matched, doubts = matches(recording, places, free)
    found = [_matched(match, pairs) for match in matched]
    taken = {entry for one in found for entry in one.entries}
    for pair in pairs:
        if pair.cos not in taken:
            found.append(Found(Seen(Place((pair.cos, pair.sin)), None), _circle(pair)))
    taken |= on_circle
    return found, [i for i in moving if i not in taken], doubts


def leftover_degree(
    recording: Recording, entry: int, known: list[int], columns: np.ndarray, *, shown: float
) -> Found | None:
    """What an entry is that no relation and no function explains; None where it is no degree of freedom at all.

    Args:
        recording: what was recorded.
        entry: the entry.
        known: the other entries that tell how it changes.
        columns: actions of the transitions ``(N, m)``.
        shown: error of the best function of the state, as a share of its deviation.
    """
    resting = _resting(recording, entry)
    if resting is not None:
        return resting
    left = kind_of(recording, entry, known, columns)
    if left.kind is Kind.POSITION:
        place = Place((entry,), wraps=_jumps(recording, entry))
        return Found(Seen(place, None), f"it goes on as it went, within {_percent(left.position)}")
    if left.kind is Kind.VELOCITY:
        return Found(
            Seen(None, entry), f"it changes as the state and the action tell, within {_percent(left.velocity)}"
        )
    if left.carried < _CARRIED * shown:
        evidence = f"it goes on from step to step; its changes are explained but for {_percent(left.velocity)}"
        return Found(Seen(None, entry), evidence)
    return None


def _resting(recording: Recording, entry: int) -> Found | None:
    """A constant of the episode that is moved once in a while, such as a puck; None where the entry is none."""
    step = np.abs(recording.after[:, entry] - recording.before[:, entry])
    rests = float(np.mean(step <= _STILL * max(recording.size_of_entries[entry], 1e-12)))
    means = [seen[:, entry].mean() for seen in recording.observations]
    within = np.concatenate([seen[:, entry] - mean for seen, mean in zip(recording.observations, means, strict=True)])
    if rests < _RESTS or within.std() > np.std(means):
        return None
    evidence = f"it stays as it is in {_percent(rests)} of the steps, and what moves it in the others is not learned"
    return Found(Seen(Place((entry,)), None), evidence, fixed=True)


def _shown(recording: Recording, pair: Pair, match: Match) -> bool:
    """Whether a pair on a circle is the tip of an arm whose angle is observed as itself."""
    q, v = (values[:, None] for values in (match.place.values(recording.before), 0 * recording.before[:, 0]))
    return all(
        exact_function(entry, recording.before[:, entry], q, v, waves=(True,), linear=(False,)) is not None
        for entry in (pair.cos, pair.sin)
    )


def _matched(match: Match, pairs: list[Pair]) -> Found:
    velocity = f"a step moves it by {match.step:.4g} times {_lean(match.lean)}, within {_percent(match.error)}"
    for pair in pairs:
        if {pair.cos, pair.sin} == set(match.place.entries):
            velocity = f"{_circle(pair)}; {velocity}"
    return Found(Seen(match.place, match.velocity), velocity, match)


def _circle(pair: Pair) -> str:
    return f"cos^2 + sin^2 = 1 within {max(pair.deviation, 1e-16):.1g}"


def _lean(lean: float) -> str:
    if abs(lean - 1) < _ONE_END:
        return "the velocity before the step"
    if abs(lean) < _ONE_END:
        return "the velocity after the step"
    if abs(lean - 0.5) < _ONE_END:
        return "the mean velocity of its ends"
    return f"the velocity, which counts {lean:.2f} before the step and {1 - lean:.2f} after it"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _jumps(recording: Recording, entry: int) -> bool:
    """Whether an entry may be an angle that jumps by whole turns: it spans one, and some steps are longer than half."""
    spread = recording.spread[entry]
    step = np.abs(recording.after[:, entry] - recording.before[:, entry])
    return bool(_ALMOST_A_TURN * _TURN < spread < _TURN + 1e-3 and step.max() > _ALMOST_A_TURN * _TURN / 2)


def turn_of(recording: Recording, entry: int) -> tuple[float, float]:
    """The interval of one turn that an angle wraps into: the usual one that holds all values."""
    values = np.concatenate([seen[:, entry] for seen in recording.observations])
    for low in (-np.pi, 0.0):
        if values.min() > low - _FLOAT32 * _TURN - 1e-6 and values.max() < low + _TURN + _FLOAT32 * _TURN + 1e-6:
            return low, low + _TURN
    low = float(values.min() + values.max()) / 2 - np.pi
    return low, low + _TURN

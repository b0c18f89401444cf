"""What the columns of a log are: stamps, positions, velocities, actions, episodes; declared, or guessed from names.

A name is cut into words: "pos_meas1" is pos, meas, 1. One word decides the role. Other words say which of several
columns is the measured one: "meas" speaks for it, "des", "ref" or "filt" against it. Columns that differ in their
last number alone, wherever it stands, belong together, and so do the entries of a list of numbers with one role.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from hnn_gym.data.logs.parquet import ENTRY
from hnn_gym.data.logs.table import shortened
from hnn_gym.data.logs.units import named
from hnn_gym.errors import InputError

_WORDS: Mapping[str, Mapping[str, float]] = {
    "time": dict.fromkeys(("t", "time", "stamp", "timestamp", "secs", "seconds"), 1.0),
    "position": {
        **dict.fromkeys(("q", "pos", "position", "positions", "qpos", "theta", "angle", "phi", "encoder"), 1.0),
        **dict.fromkeys(("x", "y", "z", "displacement", "height", "observation", "state"), 0.5),
    },
    "velocity": {
        **dict.fromkeys(("v", "vel", "velocity", "velocities", "qd", "dq", "qdot", "qvel", "speed", "omega"), 1.0),
        "dot": 1.5,
        **dict.fromkeys(("w", "rate", "thetadot", "dx", "xdot", "xd"), 0.5),
    },
    "action": {
        **dict.fromkeys(("tau", "torque", "torques", "u", "action", "actions", "effort", "force"), 1.0),
        **dict.fromkeys(("f", "control", "command", "cmd", "ctrl"), 0.5),
    },
    "episode": dict.fromkeys(("episode", "trial", "run", "trajectory"), 1.0),
}
_FOR = ("meas", "measured", "actual", "act")
_AGAINST = (
    *("des", "desired", "ref", "reference", "target", "goal", "setpoint", "fric", "filt", "filtered"),
    *("err", "error", "std", "var", "limit", "max", "min", "id", "index", "ddot", "acc"),
)
_LENGTHS = ("x", "y", "z", "displacement", "height", "length", "cart", "slider", "lift")
_NUMBER = re.compile(r"(.*?)(\d+)(\D*)")


@dataclass(frozen=True)
class Roles:
    """Names of the columns of a log.

    Attributes:
        time: column of the stamps; None: there is none, and the time step is given.
        position: columns of q.
        velocity: columns of v, as many as of q; empty: velocities were not measured, and training estimates them.
        action: columns of the actions; empty: nothing acts.
        episode: column whose value changes where another episode begins; None: every file is an episode.
    """

    time: str | None
    position: tuple[str, ...]
    velocity: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    episode: str | None = None

    def __post_init__(self) -> None:
        """Check that velocities fit positions, and that no column has two roles."""
        if not self.position:
            raise InputError("A log needs at least one column of positions: name them with position (--position).")
        if self.velocity and len(self.velocity) != len(self.position):
            raise InputError(
                f"There are {len(self.position)} positions ({shortened(self.position)}) and {len(self.velocity)} "
                f"velocities ({shortened(self.velocity)}): name one velocity for each position, or none."
            )
        twice = {name for name in self.names if self.names.count(name) > 1}
        if twice:
            raise InputError(f"Column {min(twice)!r} has two roles: name every column once.")

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, those of one role next to each other."""
        single = [name for name in (self.time, self.episode) if name is not None]
        return (*single, *self.position, *self.velocity, *self.action)


def guess_roles(
    names: Sequence[str],
    *,
    time: str | None = None,
    position: str | Sequence[str] | None = None,
    velocity: str | Sequence[str] | None = None,
    action: str | Sequence[str] | None = None,
    episode: str | None = None,
    has_time: bool = True,
) -> tuple[Roles, tuple[str, ...]]:
    """Complete the roles that are given by those that the names tell.

    Args:
        names: of all columns.
        time: column of the stamps; None: guess it.
        position: columns of positions; None: guess them.
        velocity: columns of velocities; empty: there are none; None: guess them.
        action: columns of actions; empty: there are none; None: guess them.
        episode: column of episodes; None: there is none. It is never guessed.
        has_time: whether there is a column of stamps.

    Returns:
        The roles, and a sentence for each that was guessed.

    Raises:
        InputError: no column looks like stamps or positions, or the roles do not fit together.
    """
    position, velocity, action = (
        (group,) if isinstance(group, str) else group for group in (position, velocity, action)
    )
    taken = {name for group in (position, velocity, action) for name in group or ()} | {time, episode}
    free = [name for name in names if name not in taken]
    sentences: list[str] = []

    def found(role: str) -> tuple[str, ...]:
        groups = _candidates(free, role)
        if not groups:
            return ()
        free[:] = [name for name in free if name not in groups[0]]
        others = [group[0] for group in groups[1:]]
        beside = f" (not {shortened(others)})" if others else ""
        sentences.append(f"{role}: {', '.join(groups[0])}, guessed from the names{beside}.")
        return groups[0]

    if time is None and has_time:
        stamps = found("time")
        if not stamps:
            raise InputError(
                f"No column looks like time stamps: name it with time (--time), or give dt (--dt) where there is "
                f"none. The columns are {shortened(names)}."
            )
        time = stamps[0]
    positions = tuple(position) if position is not None else found("position")
    if not positions:
        raise InputError(
            "No column looks like a position: name them with position (--position). The columns are "
            f"{shortened(names)}."
        )
    velocities = tuple(velocity) if velocity is not None else found("velocity")
    if velocity is None and len(velocities) != len(positions):
        if velocities:
            sentences[-1] = f"velocity: none, because {', '.join(velocities)} do not go with the positions."
        velocities = ()
    actions = tuple(action) if action is not None else found("action")
    if velocity is None and not velocities:
        sentences.append("velocity: not measured; training estimates it (--noisy).")
    if action is None and not actions:
        sentences.append("action: none; nothing acts on the machine.")
    return Roles(time, positions, velocities, actions, episode), tuple(sentences)


def number_in(name: str) -> str:
    """Return the last number in a name, or ""."""
    return _stem_and_number(name)[1]


def looks_like_length(name: str) -> bool:
    """Whether the name of a position says that it is a length."""
    return any(word in _LENGTHS for word in _words(named(name).name))


def asks_for_position(action: str) -> bool:
    """Whether the name of an action says that it is a position to go to, which is no force."""
    return any(word in _WORDS["position"] for word in _words(named(action).name.rpartition(ENTRY)[2]))


def _candidates(names: Sequence[str], role: str) -> list[tuple[str, ...]]:
    """Groups of columns that may have a role, the likeliest first; those that differ in their number are one group."""
    groups: dict[str, list[str]] = {}
    for name in names:
        group = groups.setdefault(_stem_and_number(name)[0], [])
        if named(name).name not in [named(other).name for other in group]:  # the same in another unit
            group.append(name)
    scores = {stem: _score(stem, role) for stem in groups}
    likely = sorted((stem for stem in groups if scores[stem] > 0), key=lambda stem: -scores[stem])
    return [tuple(groups[stem]) for stem in likely]


def _score(stem: str, role: str) -> float:
    words = _words(stem)
    own = max((_WORDS[role].get(word, 0.0) for word in words), default=0.0)
    other = max((_WORDS[r].get(word, 0.0) for r in _WORDS if r != role for word in words), default=0.0)
    if own == 0 or other > own:
        return 0.0
    return own + 0.3 * any(word in _FOR for word in words) - 0.3 * any(word in _AGAINST for word in words)


def _stem_and_number(name: str) -> tuple[str, str]:
    short = named(name).name
    column, entry, own = short.rpartition(ENTRY)
    if entry:  # of a list of numbers: those of one role belong together
        roles = [role for role in _WORDS if any(word in _WORDS[role] for word in _words(own))]
        return f"{column}{ENTRY}{' '.join(roles)}", ""
    match = _NUMBER.fullmatch(short)
    return (short, "") if match is None else (f"{match[1]}#{match[3]}", match[2])


def _words(name: str) -> list[str]:
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return [word for word in re.split(r"[^a-z]+", split.lower()) if word]


assert {field.name for field in fields(Roles)} == set(_WORDS)

"""Where a dataset comes from: enough to make the environment again and to read its numbers.

There is no date and no machine in it, so that the same seed gives the same bytes.
"""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import gymnasium
from gymnasium.spaces import Box

from hnn_gym.coordinates import Coordinates
from hnn_gym.data.frames import FrameRule
from hnn_gym.data.json_values import plain
from hnn_gym.data.simulator import SECOND, time_step
from hnn_gym.data.spaces import (
    ObservationLayout,
    box_from_json,
    require_action_space,
    space_from_json,
    space_to_json,
)
from hnn_gym.errors import InputError, check_fields
from hnn_gym.systems.registry import system_of
from hnn_gym.systems.task import ActionSpace


def installed_versions(
    packages: tuple[str, ...] = ("hnn_gym", "gymnasium", "numpy", "zarr"),
) -> dict[str, str]:
    """Return the versions of Python and of ``packages``, by default those that shape a dataset."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


_NOISE = "observation_noise"


@dataclass(frozen=True)
class Appended:
    """A later recording into the same dataset that differs from the one before it.

    Attributes:
        first_episode: number of the first episode it wrote.
        seed: its seed, or None.
        policy: name of what chose its actions.
        policy_settings: the policy's settings.
        versions: versions of Python and packages.
    """

    first_episode: int
    seed: int | None
    policy: str
    versions: dict[str, str]
    policy_settings: dict[str, Any] = field(default_factory=dict)


_OF_ONE_RECORDING = ("seed", "policy", "versions", "policy_settings")
"""What the recordings into one dataset may differ in."""


@dataclass(frozen=True)
class Provenance:
    """Where a dataset comes from.

    Attributes:
        env_id: id for :func:`gymnasium.make`, or the class name of an environment that has none.
        observation_space: the space of the recorded observations: the environment's, or the Box that its Dict or Tuple
            space is flattened to.
        action_space: the environment's.
        env_kwargs: keyword arguments for ``gymnasium.make``, as JSON values, without ``render_mode`` and
            ``annotated``.
        dt: time between two observations; None: unknown.
        time_unit: unit of dt: "s", or "step" where the environment does not say how long a step is and dt is 1.
        seed: seed of the first recording; None: unknown.
        policy: name of what chose the actions of the first recording.
        policy_settings: the policy's settings as JSON values.
        coordinates: which observation entries are angles, positions and velocities, as JSON, or None.
        versions: versions of Python and packages at the first recording.
        appended: later recordings, where seed, policy or versions changed.
        frame_rule: how the frames were made; None where there are none, or they are as they were drawn.
        observation_noise: share of :class:`hnn_gym.data.ObservationNoise`.
        observation_names: name of every observation entry of a Dict or Tuple space, such as "position/0"; empty where
            the environment's own space is a Box.
        task_source: "id" and "arguments" of the environment whose task was recorded, where that is another, as of a
            learned world (``env.unwrapped.task_source``). Empty if the recorded task was the user's own.
    """

    env_id: str
    observation_space: Box
    action_space: ActionSpace
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    dt: float | None = None
    seed: int | None = None
    policy: str = "unknown"
    coordinates: dict[str, Any] | None = None
    versions: dict[str, str] = field(default_factory=installed_versions)
    appended: tuple[Appended, ...] = ()
    frame_rule: FrameRule | None = None
    observation_noise: float = 0.0
    task_source: dict[str, Any] | None = None
    observation_names: tuple[str, ...] = ()
    time_unit: str = SECOND
    policy_settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the types."""
        check_fields(self)

    @classmethod
    def of(
        cls,
        env: gymnasium.Env[Any, Any],
        *,
        dt: float | None = None,
        seed: int | None = None,
        policy: str = "unknown",
        policy_settings: Mapping[str, Any] | None = None,
        coordinates: Mapping[str, Any] | None = None,
        env_id: str | None = None,
        frame_rule: FrameRule | None = None,
    ) -> Provenance:
        """Describe ``env``.

        Args:
            env: environment whose spaces ``hnn_gym.data.spaces`` can record.
            dt: time between two observations in s; None takes what the environment says, else its System, else 1 step
                (``hnn_gym.data.simulator.time_step``).
            seed: seed of the recording.
            policy: name of what chooses the actions.
            policy_settings: its settings as JSON values.
            coordinates: JSON declaration of what the observation entries are; None takes the environment's own,
                or else those of its System.
            env_id: id to record where it is not ``env.spec.id``, such as ``"module:Id-v0"``.
            frame_rule: how frames are made.

        Raises:
            InputError: a space cannot be recorded, or dt is not a positive number.
        """
        spec = env.spec
        system = None if spec is None else system_of(spec.id)
        dt, time_unit = time_step(env, dt)
        if time_unit != SECOND and system is not None and system.dt is not None:
            dt, time_unit = system.dt, SECOND
        task_source = getattr(env.unwrapped, "task_source", None)
        if task_source is None and hasattr(env.unwrapped, "task_source"):
            task_source = {}
        another = isinstance(task_source, Mapping) and (spec is None or task_source.get("id") != spec.id)
        kwargs = dict(spec.kwargs) if spec else {}
        for name in ("render_mode", "annotated"):  # they change no step
            kwargs.pop(name, None)
        if coordinates is None:
            known = getattr(env.unwrapped, "coordinates", None)
            if not isinstance(known, Coordinates):
                known = None if system is None else system.coordinates_for(kwargs)
            coordinates = None if known is None else known.to_json()
        layout = ObservationLayout(env.observation_space)
        return cls(
            env_id=env_id or (spec.id if spec else type(env.unwrapped).__qualname__),
            observation_space=layout.space,
            action_space=require_action_space(env.action_space),
            observation_names=layout.names,
            env_kwargs=plain(kwargs),
            dt=dt,
            time_unit=time_unit,
            seed=seed,
            policy=policy,
            policy_settings=plain(policy_settings or {}),
            coordinates=None if coordinates is None else plain(coordinates),
            frame_rule=frame_rule,
            observation_noise=env.get_wrapper_attr(_NOISE) if env.has_wrapper_attr(_NOISE) else 0.0,
            task_source=plain(task_source) if another else None,
        )

    def box_action_space(self) -> Box:
        """Return the action space for what works with Box actions alone.

        Raises:
            InputError: it is not a Box.
        """
        if not isinstance(self.action_space, Box):
            raise InputError(
                f"This needs actions of a Box space, and those recorded from {self.env_id} are of {self.action_space}."
            )
        return self.action_space

    def continued_by(self, later: Provenance, *, first_episode: int) -> Provenance:
        """Return the provenance of this dataset with the recording ``later`` from ``first_episode`` on.

        Raises:
            InputError: the two are not the same environment, so that one dataset cannot hold both.
        """
        for name in (
            "env_id",
            "env_kwargs",
            "observation_space",
            "observation_names",
            "action_space",
            "dt",
            "time_unit",
            "coordinates",
            "frame_rule",
            _NOISE,
        ):
            old, new = getattr(self, name), getattr(later, name)
            if old != new:
                raise InputError(
                    f"The dataset was recorded with {name} {old}, and {new} cannot be appended to it: "
                    "record into a new dataset."
                )
        # An appending run that was killed before its first episode has left an entry without episodes.
        kept = tuple(entry for entry in self.appended if entry.first_episode < first_episode)
        last = kept[-1] if kept else self
        if any(getattr(last, name) != getattr(later, name) for name in _OF_ONE_RECORDING):
            kept += (Appended(first_episode, *(getattr(later, name) for name in _OF_ONE_RECORDING)),)
        return dataclasses.replace(self, appended=kept)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values that :meth:`from_json` turns back into an equal provenance."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        values["observation_space"] = space_to_json(self.observation_space)
        values["action_space"] = space_to_json(self.action_space)
        values["appended"] = [_appended_to_json(entry) for entry in self.appended]
        if self.frame_rule is None:  # so a dataset without frames is the same as before there were rules
            del values["frame_rule"]
        else:
            values["frame_rule"] = self.frame_rule.to_json()
        if not self.observation_noise:
            del values[_NOISE]
        if self.task_source is None:
            del values["task_source"]
        if not self.policy_settings:
            del values["policy_settings"]
        if self.time_unit == SECOND:
            del values["time_unit"]
        if self.observation_names:
            values["observation_names"] = list(self.observation_names)
        else:
            del values["observation_names"]
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Provenance:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: a field is missing, unknown or damaged.
        """
        try:
            return cls(
                **{
                    **values,
                    "observation_space": box_from_json(values["observation_space"]),
                    "action_space": space_from_json(values["action_space"]),
                    "appended": tuple(Appended(**entry) for entry in values["appended"]),
                    "frame_rule": FrameRule.from_json(values["frame_rule"]) if "frame_rule" in values else None,
                    "observation_names": tuple(values.get("observation_names", ())),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"The provenance cannot be read ({error!r}): record the data again.") from error


def _appended_to_json(entry: Appended) -> dict[str, Any]:
    values = dataclasses.asdict(entry)
    if not entry.policy_settings:
        del values["policy_settings"]
    return values

"""Records an environment while somebody else steps it: a wrapper that writes every episode as it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.data.episode import FIELDS, REQUIRED, Episode
from hnn_gym.data.frames import Camera, FrameRule
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.store_writer import StoreWriter
from hnn_gym.data.writer import Writer
from hnn_gym.errors import InputError

Energy = Callable[[Any], float]
"""Takes the unwrapped environment and returns its energy in J."""


class RecordTransitions(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Records any environment with Box observations and Box actions.

    An episode is written when it terminates or is truncated. An unfinished one is written as it stands, with
    the flags the environment gave, on ``reset()``, on ``close()``, and when a step fails. Observations are
    noted in the dtype of the observation space; actions are converted to that of the action space before the
    environment sees them, so that what is noted is what was done.

    Example:
        >>> env = RecordTransitions(gymnasium.make("Pendulum-v1"), "pendulum.zarr")  # doctest: +SKIP

    Args:
        env: environment to record.
        to: path of the dataset's folder, or a writer.
        record_state: note ``env.unwrapped.state``.
        record_frames: note frames, made under this rule, or as they are drawn where True; the environment needs
            ``render_mode="rgb_array"``.
        energy: takes the unwrapped environment and returns its energy in J, to be noted.
        dt: time between two observations in s; None takes ``env.unwrapped.dt`` where there is one. It is
            noted, and changes nothing in the environment.
        coordinates: JSON declaration of what the observation entries are, for the provenance.
        seed: seed of the recording, for the provenance.
        policy: name of what chooses the actions, for the provenance.
        env_id: id for the provenance where it is not ``env.spec.id``, such as ``"module:Id-v0"``.
        append: go on writing into the dataset at the path ``to``.
        overwrite: replace the dataset at the path ``to``, once there is a first episode.

    Attributes:
        provenance: what the dataset will say about where it comes from.

    Raises:
        InputError: a space is not a Box; frames cannot be had; dt is no time; or the path cannot be used.
        MissingPathError: there is nothing to append to.
        ExistingPathError: the path exists, and neither ``append`` nor ``overwrite`` is given.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        to: str | Path | Writer,
        *,
        record_state: bool = False,
        record_frames: bool | FrameRule = False,
        energy: Energy | None = None,
        dt: float | None = None,
        coordinates: Mapping[str, Any] | None = None,
        seed: int | None = None,
        policy: str = "unknown",
        env_id: str | None = None,
        append: bool = False,
        overwrite: bool = False,
    ) -> None:
        super().__init__(env)
        rule = record_frames if isinstance(record_frames, FrameRule) else None
        self._camera = Camera(env, rule) if record_frames else None
        provenance = Provenance.of(
            env, dt=dt, seed=seed, policy=policy, coordinates=coordinates, env_id=env_id, frame_rule=rule
        )
        asked = {
            "time": provenance.dt is not None,
            "state": record_state,
            "frame": self._camera is not None,
            "energy": energy is not None,
        }
        self._fields = tuple(name for name in FIELDS if name in REQUIRED or asked[name])
        self.provenance = provenance
        self._energy = energy
        # One dictionary for the reset and one for each step, added whole: an interrupt cannot tear them.
        self._draft: list[dict[str, np.ndarray]] = []
        if isinstance(to, (str, Path)):
            to = StoreWriter(to, append=append, overwrite=overwrite)
        elif append or overwrite:
            raise InputError("append and overwrite are about a path: tell them to the writer instead.")
        self._writer = to
        self._writer.begin(provenance, self._fields)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Write what there is of the episode before, reset the environment, and begin an episode.

        Raises:
            InputError: the observation, state, frame or energy cannot be noted.
        """
        self.finish_episode()
        observation, info = self.env.reset(seed=seed, options=options)
        self._draft = [self._moment(observation, step=0)]
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step the environment and note it.

        Raises:
            InputError: the action is not finite or has another shape than the action space, in which case
                the environment is not stepped; no episode has begun; or what the environment returned cannot
                be noted, in which case the episode ends with the step before.
        """
        if not self._draft:
            raise InputError("There is no episode to record, or it has ended: call reset() before step().")
        step = len(self._draft) - 1
        noted = _array(action, self.provenance.action_space, "action", step)
        try:
            # The environment may write into its argument, so it gets a copy.
            observation, reward, terminated, truncated, info = self.env.step(noted.copy())
            self._draft.append(
                {
                    "action": noted,
                    "reward": _number(reward, "reward", step),
                    "terminated": np.asarray(bool(terminated)),
                    "truncated": np.asarray(bool(truncated)),
                    **self._moment(observation, step=step + 1),
                }
            )
        except BaseException:
            # The simulator may have moved, and the next row would not follow from the last one.
            self.finish_episode()
            raise
        if terminated or truncated:
            self.finish_episode()
        return observation, reward, terminated, truncated, info

    def finish_episode(self) -> None:
        """Write the episode as it stands, if it has a step; the next call has to be ``reset()``."""
        draft, self._draft = self._draft, []
        if len(draft) > 1:
            rows = {name: [entry[name] for entry in draft if name in entry] for name in self._fields}
            self._writer.write(Episode(**{name: np.stack(values) for name, values in rows.items()}))

    def close(self) -> None:
        """Write an unfinished episode, then close the writer and the environment."""
        try:
            self.finish_episode()
        finally:
            self._writer.close()
            self.env.close()

    def _moment(self, observation: Any, *, step: int) -> dict[str, np.ndarray]:
        """Return what is true after ``step`` steps."""
        values = {"observation": _array(observation, self.provenance.observation_space, "observation", step)}
        if self.provenance.dt is not None:
            values["time"] = np.asarray(step * self.provenance.dt, np.float64)
        if "state" in self._fields:
            values["state"] = self._state(step)
        if self._camera is not None:
            values["frame"] = self._camera()
        if self._energy is not None:
            values["energy"] = _number(self._energy(self.env.unwrapped), "energy", step)
        for name, value in values.items():
            before = self._draft[0][name].shape if self._draft else value.shape
            if value.shape != before:
                raise InputError(
                    f"The {name} at step {step} has shape {value.shape}, and had {before} at the reset: "
                    "it cannot be recorded."
                )
        return values

    def _state(self, step: int) -> np.ndarray:
        state = getattr(self.env.unwrapped, "state", None)
        if state is None:
            raise InputError(
                f"{self.provenance.env_id} has no state to record: its env.unwrapped.state is missing "
                "or None. Record without the state."
            )
        return _finite(np.array(state, np.float64), "state", step)


def _array(value: Any, space: Box, name: str, step: int) -> np.ndarray:
    """Return a copy of ``value`` in the dtype of ``space``; refuse another shape, kind or NaN."""
    try:
        array = np.asarray(value)
        suits = array.shape == space.shape and np.can_cast(array.dtype, space.dtype, "same_kind")
    except (TypeError, ValueError):  # ragged lists
        suits = False
    if not suits:
        raise InputError(
            f"The {name} at step {step} is {value!r}, which does not suit the {name} space {space}: "
            f"it has to be of shape {space.shape} and of a kind that {space.dtype} holds."
        )
    return _finite(array.astype(space.dtype), name, step)


def _finite(array: np.ndarray, name: str, step: int) -> np.ndarray:
    if not np.isfinite(array).all():
        raise InputError(f"The {name} at step {step} is not finite: {array}.")
    return array


def _number(value: Any, name: str, step: int) -> np.ndarray:
    array = np.asarray(value)
    if array.size != 1 or not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise InputError(f"The {name} at step {step} is {value!r}, and has to be one number.")
    return _finite(array.astype(np.float64).reshape(()), name, step)

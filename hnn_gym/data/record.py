"""Records an environment while other code steps it: a wrapper that writes every episode when it ends."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.data.episode import FIELDS, REQUIRED, Episode
from hnn_gym.data.frames import Camera, FrameRule
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.simulator import simulator_state
from hnn_gym.data.spaces import ObservationLayout, action_array, checked_finite
from hnn_gym.data.store_writer import StoreWriter
from hnn_gym.data.writer import Writer
from hnn_gym.errors import InputError, check_arguments
from hnn_gym.files.interrupts import deferred_interrupts

Energy = Callable[[Any], float]
"""Takes the unwrapped environment and returns its energy in J."""


class RecordTransitions(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Records any environment whose spaces ``hnn_gym.data.spaces`` knows.

    An episode is written when it terminates or is truncated. An unfinished one is written as it stands, with
    the flags the environment gave, on ``reset()``, on ``close()``, and when a step fails. Observations are
    recorded in the dtype of the observation space, those of Dict and Tuple spaces flattened; the environment itself
    still returns them as they are. Actions are converted to the dtype of the action space before the environment gets
    them, so that the recorded action is the one that was taken.

    Example:
        >>> env = RecordTransitions(gymnasium.make("Pendulum-v1"), "pendulum.zarr")  # doctest: +SKIP

    Args:
        env: environment to record.
        to: path of the dataset's folder, or a writer.
        record_state: record the simulator's state: ``env.unwrapped.state``, or MuJoCo's ``qpos`` and ``qvel``.
        record_frames: record frames, made under this rule, or as they are drawn where True; the environment needs
            ``render_mode="rgb_array"``.
        energy: takes the unwrapped environment and returns its energy in J, to be recorded.
        dt: time between two observations in s; None takes what the environment says, else 1 step. It is recorded, and
            changes nothing in the environment.
        coordinates: JSON declaration of what the observation entries are, for the provenance.
        seed: seed of the recording, for the provenance.
        policy: name of what chooses the actions, for the provenance.
        policy_settings: its settings as JSON values, for the provenance.
        env_id: id for the provenance where it is not ``env.spec.id``, such as ``"module:Id-v0"``.
        append: continue the dataset at the path ``to``.
        overwrite: replace the dataset at the path ``to``, once there is a first episode.

    Attributes:
        provenance: what the dataset says about its origin.

    Raises:
        InputError: it is a vector environment; a space cannot be recorded; frames cannot be drawn; dt is not a time;
            or the path cannot be used.
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
        policy_settings: Mapping[str, Any] | None = None,
        env_id: str | None = None,
        append: bool = False,
        overwrite: bool = False,
    ) -> None:
        if isinstance(env, gymnasium.vector.VectorEnv):
            raise InputError(
                f"RecordTransitions records a single environment, and this is a vector of {env.num_envs}: record one "
                "environment, or use python -m hnn_gym.collect --workers N, which records N at once."
            )
        check_arguments(
            RecordTransitions.__init__,
            env=env,
            to=to,
            record_state=record_state,
            record_frames=record_frames,
            energy=energy,
            coordinates=coordinates,
            seed=seed,
            policy=policy,
            policy_settings=policy_settings,
            env_id=env_id,
            append=append,
            overwrite=overwrite,
        )
        super().__init__(env)
        rule = record_frames if isinstance(record_frames, FrameRule) else None
        self._camera = Camera(env, rule) if record_frames else None
        provenance = Provenance.of(
            env,
            dt=dt,
            seed=seed,
            policy=policy,
            policy_settings=policy_settings,
            coordinates=coordinates,
            env_id=env_id,
            frame_rule=rule,
        )
        asked = {
            "time": provenance.dt is not None,
            "state": record_state,
            "frame": self._camera is not None,
            "energy": energy is not None,
        }
        self._fields = tuple(name for name in FIELDS if name in REQUIRED or asked[name])
        self.provenance = provenance
        self._layout = ObservationLayout(env.observation_space)
        self._energy = energy
        # One dictionary for the reset and one for each step, added whole: an interrupt cannot tear them.
        self._draft: list[dict[str, np.ndarray]] = []
        if isinstance(to, (str, Path)):
            to = StoreWriter(to, append=append, overwrite=overwrite)
        elif append or overwrite:
            raise InputError("append and overwrite are about a path: give them to the writer instead.")
        self._writer = to
        self._writer.begin(provenance, self._fields)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Write an unfinished episode, reset the environment, and begin an episode.

        Raises:
            InputError: the observation, state, frame or energy cannot be recorded.
        """
        self.finish_episode()
        observation, info = self.env.reset(seed=seed, options=options)
        self._draft = [self._moment(observation, step=0)]
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step the environment and record the step.

        Raises:
            InputError: the action is not finite or does not suit the action space, in which case the environment is
                not stepped; no episode has begun; or what the environment returned cannot be recorded, in which case
                the episode ends with the step before.
        """
        if not self._draft:
            raise InputError("There is no episode to record, or it has ended: call reset() before step().")
        step = len(self._draft) - 1
        taken = action_array(action, self.provenance.action_space, step=step)
        try:
            # The environment may write into its argument, so it gets a copy; [()] makes a Discrete action a number.
            returned = self.env.step(taken.copy()[()])
            if not isinstance(returned, tuple) or len(returned) != 5:
                raise InputError(
                    f"Step {step} returned {reprlib.repr(returned)}, and has to return observation, reward, "
                    "terminated, truncated and info."
                )
            observation, reward, terminated, truncated, info = returned
            self._draft.append(
                {
                    "action": taken,
                    "reward": _number(reward, "reward", step),
                    "terminated": _true_or_false(terminated, "terminated", step),
                    "truncated": _true_or_false(truncated, "truncated", step),
                    **self._moment(observation, step=step + 1),
                }
            )
        except BaseException:
            # The simulator may have moved, so that the next row would not follow from the last one.
            self.finish_episode()
            raise
        if terminated or truncated:
            self.finish_episode()
        return observation, reward, terminated, truncated, info

    def finish_episode(self) -> None:
        """Write the episode as it stands, if it has a step; the next call has to be ``reset()``."""
        with deferred_interrupts():  # or the steps would be neither here nor there
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
        """Return the rows of the moment after ``step`` steps."""
        values = {"observation": self._layout.array(observation, step=step)}
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
        state = simulator_state(self.env)
        if state is None:
            raise InputError(
                f"{self.provenance.env_id} has no state to record: its env.unwrapped.state is missing or None, and it "
                "has no MuJoCo data. Record it without the state."
            )
        return checked_finite(state, "state", step)


def _true_or_false(value: Any, name: str, step: int) -> np.ndarray:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biu" or array not in (0, 1):
        raise InputError(f"{name} at step {step} is {reprlib.repr(value)}, and has to be True or False.")
    return array.astype(bool).reshape(())


def _number(value: Any, name: str, step: int) -> np.ndarray:
    array = np.asarray(value)
    if array.size != 1 or not np.can_cast(array.dtype, np.float64, "same_kind"):
        raise InputError(f"The {name} at step {step} is {value!r}, and has to be one number.")
    return checked_finite(array.astype(np.float64).reshape(()), name, step)

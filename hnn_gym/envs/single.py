"""One world as a ``gymnasium.Env``: the thin shell that holds a phase point and draws starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.coordinates import Coordinates
from hnn_gym.envs.build import WorldSource, simulator_of
from hnn_gym.envs.channels import BumpChannel
from hnn_gym.envs.checks import (
    NoStateError,
    all_finite,
    check_reward_of_one,
    check_termination_of_one,
    checked_options,
    numbers,
    one_number,
    whole_numbers,
)
from hnn_gym.envs.options import SimulatorOptions
from hnn_gym.envs.render import RENDER_MODES, Renderer, renderer_for
from hnn_gym.envs.stepping import Begin, Step, begin_one, step_one
from hnn_gym.errors import ConvergenceError, InputError, finite_number, instance, true_or_false
from hnn_gym.systems import environment_of

_WHOLE = (int, np.integer)
_LARGEST = float(np.finfo(np.float32).max)
"""Observations are of 32 bits, in which larger numbers are infinite."""


@dataclass(frozen=True)
class EnvState:
    """The state of an environment at one moment.

    Attributes:
        x: phase point ``(2n,)``.
        force: the last force ``(m,)``, for the picture, or None.
        steps: steps since the last reset.
        dt: time step in s, negative where time runs backwards.
        rng: state of the random generator, or None.
    """

    x: np.ndarray
    force: np.ndarray | None
    steps: int
    dt: float
    rng: Any


class SimulatorEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """A true or learned world, stepped by its integrator in float64 on NumPy.

    ``info["energy"]`` is H in J (up to an unknown scale if ``world.energy_unit`` is empty); a baseline has no
    H and no such entry. ``info["close_encounter"]``, for bodies, is True if the step was too coarse to
    conserve H. ``reset(options={"state": [q..., v...]})`` starts from a given state.

    With ``actions="bump"`` the action is dE in J, ``(1,)``, given as an impulse before each step; with "force+bump" it
    follows the entries of the force. ``info`` then has ``bump_requested``, ``bump_realised`` (by the world's own H)
    and, if the true physics is known, ``bump_realised_truly``. Every joule costs ``bump_cost`` of the reward. With
    "bump-by-force" bounded force approximates the request during the step, and costs what force costs.

    Example:
        >>> import gymnasium, hnn_gym
        >>> env = gymnasium.make("HNNPendulum-v0")
        >>> observation, info = env.reset(seed=0)
        >>> observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 30}

    def __init__(
        self,
        world_model: WorldSource | Sequence[WorldSource] | None = None,
        *,
        render_mode: str | None = None,
        annotated: bool = True,
        **options: Any,
    ) -> None:
        """Put a task into a world.

        Args:
            world_model: a world, the id of a shipped one, or the path of a checkpoint; or several of one system, an
                ensemble: the first is stepped, and ``info["disagreement"]`` is their disagreement about the step.
            render_mode: None, "rgb_array" or "human".
            annotated: whether pictures show more than the system itself: arrows of forces, marks of a target, trails,
                scale bars, and a camera that follows. Frames to learn from are better without.
            options: fields of :class:`hnn_gym.envs.SimulatorOptions`.

        Raises:
            MissingPathError: there is no such checkpoint.
            InputError: an option is unknown or makes no sense; the checkpoint is not one of this package; the reward
                is unknown, fails, or is not a number; the task is for another system; the render mode is not
                supported; the world has no H and the actions are bumps; or ``exactly_reversible`` is set for a world
                with friction, or whose H is not T(p) + V(q).
        """
        chosen = SimulatorOptions.from_keywords(options, also=("render_mode", "annotated"))
        simulator = simulator_of(world_model, chosen)
        self._own_task = chosen.task is not None or chosen.reward is not None
        world, task = simulator.world, simulator.task
        if render_mode is not None and (render_mode not in RENDER_MODES or task.renderer is None):
            modes = ", ".join(RENDER_MODES) if task.renderer else "none: there is no picture for this system"
            raise InputError(f"render_mode {render_mode!r} is not supported here (supported: {modes}).")
        check_reward_of_one(simulator)
        check_termination_of_one(simulator)
        self.world, self.task = world, task
        self.render_mode = render_mode
        self._annotated = true_or_false(annotated, "annotated")
        self.observation_space, self._actions = simulator.spaces()
        self.action_space = self._actions  # type: ignore[assignment]  # declared as arrays; an int is accepted too
        self._simulator = simulator
        self._step_one: Step | None = None  # compiled when it is first needed, and the start of an episode with it
        self._begin_one: Begin | None = None
        self._renderer: Renderer | None = None
        self._steps = 0
        self._vectors: dict[Any, np.ndarray] = {}  # by whole-number action
        self._x: np.ndarray | None = None
        self._force: np.ndarray | None = None
        self._warned = False

    @property
    def coordinates(self) -> Coordinates:
        """The coordinates of the task's observations and forces; a bump is not a force, and is not declared here."""
        channel, coordinates = self._simulator.channel, self.world.coordinates
        if isinstance(channel, BumpChannel) and not channel.with_force:
            return replace(coordinates, controls=())
        return coordinates

    @property
    def task_source(self) -> Mapping[str, Any] | None:
        """The "id" and "arguments" of the registered environment whose task this is; None for a task of your own."""
        return None if self._own_task else environment_of(self.world)

    @property
    def annotated(self) -> bool:
        """Whether pictures show more than the system itself. May be set, as a camera with a rule does."""
        return self._annotated

    @annotated.setter
    def annotated(self, annotated: bool) -> None:
        if true_or_false(annotated, "annotated") != self._annotated:
            self.close()
            self._annotated = annotated

    @property
    def dt(self) -> float:
        """Time step in s."""
        return self.world.dt

    @property
    def phase_point(self) -> np.ndarray:
        """[q, p], float64 ``(2n,)``; a copy."""
        return self._current().copy()

    @property
    def state(self) -> np.ndarray:
        """[q, dq/dt], float64 ``(2n,)``; a copy. May be set."""
        return np.concatenate(self.world.state(self._current()))

    @state.setter
    def state(self, state: Any) -> None:
        self._x = self.world.phase_point(*self._checked_state(state))

    def bump(self, dE: float) -> float:
        """Give the present state dE joules as an impulse, or take them; return the realised energy in J.

        See :meth:`hnn_gym.WorldModel.bump`.

        Raises:
            InputError: dE is not finite, or the world is a baseline and has no H.
        """
        given = self.world.bump(self._current(), finite_number(dE, "dE"))
        self._x = given.x
        return float(given.realised)

    def reverse(self) -> None:
        """Reverse time: the next steps undo the last ones, given the same actions in reverse order.

        They do so up to rounding, and to the bit with ``exactly_reversible=True``, unless a speed limit, friction or a
        bump came between.

        Raises:
            InputError: the world's scheme cannot be run backwards exactly.
        """
        self.world = self.world.backwards
        self._simulator = replace(self._simulator, world=self.world)
        self._step_one = self._begin_one = None

    def clone_state(self) -> EnvState:
        """Return all that the next steps depend on, for :meth:`restore_state`."""
        rng = None if self._np_random is None else self._np_random.bit_generator.state
        return EnvState(self.phase_point, self._force, self._steps, self.world.dt, rng)

    def restore_state(self, saved: EnvState) -> None:
        """Go back to a state from :meth:`clone_state` of this environment or one like it.

        Raises:
            InputError: the state was cloned from a world with other degrees of freedom or another time step.
        """
        instance(saved, "The saved state", EnvState)
        if saved.x.shape != (2 * self.world.coordinates.n,) or abs(saved.dt) != abs(self.world.dt):
            raise InputError("This state was cloned from another kind of world, or at another dt.")
        if saved.dt != self.world.dt:
            self.reverse()
        self._x, self._force, self._steps = saved.x.copy(), saved.force, saved.steps
        if saved.rng is not None:
            self.np_random.bit_generator.state = saved.rng

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode, at a drawn state or at ``options["state"]`` = [q, dq/dt] ``(2n,)``.

        Raises:
            InputError: an option is unknown or invalid, or the state is not finite or has another shape; nothing has
                changed then, the seed included.
        """
        options = checked_options(options, self.task, also=("state",))
        given = self._checked_state(options["state"]) if "state" in options else None
        super().reset(seed=seed)
        q, v = self.task.initial(self.np_random, options) if given is None else given
        begin = self._begin_one or begin_one(self._simulator, compiled=False)
        self._x, observation, info = begin(q, v)
        self._force, self._steps = None, 0
        if self._renderer is not None:
            self._renderer.clear()
        if self.render_mode == "human":
            self.render()
        return observation, info

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Advance by dt under an action ``(m,)``, clipped to the limits of the physics.

        Raises:
            InputError: the action is not finite or of another shape, or the reward is not a number; the state is then
                unchanged.
            ConvergenceError: the world reached numbers that are not finite, as baselines can.
        """
        x, array = self._current(), self._checked_action(action)
        if self._step_one is None:
            self._step_one = step_one(self._simulator)
            self._begin_one = begin_one(self._simulator, compiled=True)
        outcome = self._step_one(x, array, self._time)
        if not all_finite(outcome.x):
            self._simulator.move(x, array)  # a scheme that does not converge raises its own error
            raise ConvergenceError(
                f"The world reached numbers that are not finite after {self._steps} steps, from state {self.state}: "
                "reset it."
            )
        reward = one_number(outcome.reward)
        self._x, self._force = outcome.x, outcome.force
        self._steps += 1
        if outcome.info.get("close_encounter") and not self._warned:
            self._warn_of_encounter()
        truncated = bool(self._simulator.cut(outcome.info.get("disagreement")))
        if self.render_mode == "human":
            self.render()
        return (
            outcome.observation,
            reward,
            bool(outcome.terminated),
            truncated,
            outcome.info,
        )

    def render(self) -> Any:
        """Draw the state and the last force: uint8 ``(height, width, 3)`` for "rgb_array", else None."""
        if self.render_mode is None or self.task.renderer is None:
            remedy = 'make it with render_mode="rgb_array" or "human"' if self.task.renderer else "it has no picture"
            gymnasium.logger.warn(f"render() was called, but the environment was made without a render_mode: {remedy}.")
            return None
        if self._renderer is None:
            self._renderer = renderer_for(self.task, self.render_mode, annotated=self.annotated)
        return self._renderer.draw(*self.world.state(self._current()), self._force, t=self._time)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the window and the compiled step, which cannot be copied: a copy makes its own."""
        return self.__dict__ | {"_renderer": None, "_step_one": None, "_begin_one": None}

    @property
    def _time(self) -> float:
        """Seconds since the episode began, whether time runs forwards or backwards."""
        return self._steps * abs(self.world.dt)

    def _current(self) -> np.ndarray:
        if self._x is None:
            raise NoStateError("The environment has no state yet: call reset() first.")
        return self._x

    def _warn_of_encounter(self) -> None:
        self._warned = True
        gymnasium.logger.warn(
            f"Step {self._steps} changed the energy by more than {self.task.energy_tolerance} of the kinetic one: "
            f"bodies met too closely for dt = {self.dt} s, and the motion after it is not reliable. Make the "
            "environment with a smaller dt, or softening. info['close_encounter'] marks each such step; this "
            "warning comes once."
        )

    def _checked_action(self, action: Any) -> np.ndarray:
        space = self._actions
        if not isinstance(space, Box):
            vector: np.ndarray | None = self._vectors.get(action) if isinstance(action, _WHOLE) else None
            if vector is None:
                vector = self._simulator.action_vector(whole_numbers(action, space))
                if isinstance(action, _WHOLE):
                    self._vectors[action] = vector
            return vector
        array = numbers(action, "action")
        if array.shape != self.action_space.shape:
            raise InputError(f"The action {action!r} has shape {array.shape}, and must have {self.action_space.shape}.")
        if not all_finite(array):
            raise InputError(f"The action {array.tolist()} is not finite.")
        return array

    def _checked_state(self, state: Any) -> tuple[np.ndarray, np.ndarray]:
        array = numbers(state, "state")
        n = self.world.coordinates.n
        if array.shape != (2 * n,):
            raise InputError(f"The state {state!r} has shape {array.shape}, and must have ({2 * n},): [q, dq/dt].")
        if not all_finite(array):
            raise InputError(f"The state {array.tolist()} is not finite.")
        if max(map(abs, array.tolist())) > _LARGEST:
            raise InputError(
                f"The state {array.tolist()} has numbers beyond {_LARGEST:.3g}, which observations of 32 bits show as "
                "infinite: give smaller ones."
            )
        self.task.check_state(array[:n], array[n:])
        return array[:n], array[n:]

"""Observations made of pictures: the last frames of any environment, stacked, for an agent that sees frames only."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.data.frames import WHOLE, Camera, Channels, FrameRule
from hnn_gym.errors import InputError, checked_arguments


class PixelObservation(gymnasium.ObservationWrapper[np.ndarray, Any, Any], gymnasium.utils.RecordConstructorArgs):
    """The last ``stack`` frames as observation, uint8 ``(size, size, channels * stack)``, the newest one last.

    The frames are made under the same rule as recorded ones: under ``dataset.provenance.frame_rule``, an agent sees
    the same frames as the dataset holds. After a reset the stack repeats the first frame.

    Example:
        >>> env = PixelObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), size=64, stack=2)
        >>> env.reset(seed=0)[0].shape
        (64, 64, 6)

    Args:
        env: made with ``render_mode="rgb_array"``.
        size: see :class:`~hnn_gym.data.frames.FrameRule`, as for the next four.
        channels: of a frame.
        crop: part of the picture that is used.
        annotated: whether frames of this package's own environments show more than the system.
        oversampling: rows drawn for every row of the frame, if the environment can draw at any size.
        stack: number of frames; 2 show velocities.

    Attributes:
        rule: of the frames.

    Raises:
        InputError: the environment does not draw to arrays, or an argument is out of range.
    """

    @checked_arguments
    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        *,
        size: int,
        channels: Channels = "rgb",
        crop: tuple[float, float, float, float] = WHOLE,
        oversampling: int = 4,
        annotated: bool = False,
        stack: int = 2,
    ) -> None:
        gymnasium.utils.RecordConstructorArgs.__init__(
            self,
            size=size,
            channels=channels,
            crop=crop,
            oversampling=oversampling,
            annotated=annotated,
            stack=stack,
        )
        super().__init__(env)
        if stack < 1:
            raise InputError(f"An observation needs at least one frame, and stack is {stack}.")
        self.rule = FrameRule(size, channels, crop, oversampling, annotated)
        self._camera = Camera(env, self.rule)
        self._stack, self._frames = stack, deque[np.ndarray](maxlen=stack)
        rows, columns, depth = self.rule.shape
        self.observation_space = Box(0, 255, (rows, columns, depth * stack), np.uint8)

    @classmethod
    def of(cls, env: gymnasium.Env[Any, Any], rule: FrameRule, *, stack: int = 2) -> PixelObservation:
        """Wrap ``env`` under a given rule, such as that of a dataset."""
        return cls(
            env,
            size=rule.size,
            channels=rule.channels,
            crop=rule.crop,
            oversampling=rule.oversampling,
            annotated=rule.annotated,
            stack=stack,
        )

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Reset the environment, and fill the stack with its first frame.

        Raises:
            InputError: the environment does not draw a picture, or a blank one.
        """
        seen, info = self.env.reset(seed=seed, options=options)
        self._frames.clear()
        return self.observation(seen), info

    def observation(self, observation: Any) -> np.ndarray:
        """Return the stack with a frame of the present picture, uint8 ``(size, size, channels * stack)``.

        Raises:
            InputError: the environment does not draw a picture of the previous size.
        """
        frame = self._camera()
        self._frames.extend([frame] if self._frames else [frame] * self._stack)
        return np.concatenate(list(self._frames), axis=-1)

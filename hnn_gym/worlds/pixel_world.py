"""A world seen through frames: a latent world of positions and velocities, a codec of frames and a learned reward.

    x = [q, p] = encode(frame before, frame),   frame = decode(q)

The latent world is an ordinary :class:`~hnn_gym.WorldModel` whose observation is the latent state, so that
environments, bumps and agents work on it as on any other. A frame shows q alone; the velocity comes from two
frames, v = (q - q_before) / dt, which is exactly the velocity of a symplectic-Euler step.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hnn_gym.errors import InputError, check_fields
from hnn_gym.files.checkpoint import has_part, read_part, write_checkpoint
from hnn_gym.models.pixel import Codec, codec_of
from hnn_gym.models.reward import RewardHead
from hnn_gym.models.task_heads import LearnedTermination
from hnn_gym.worlds.world_model import WorldModel

FRAMES = "frames"
"""Folder inside the checkpoint of a world learned from frames that holds its codec, reward and starts."""


@dataclass(frozen=True)
class PixelWorld:
    """A latent world with its frame codec and learned reward.

    Attributes:
        world: the latent world, on NumPy; its observation is (cos q, sin q, v), (q, v) on a line, or the positions and
            then the velocities of bodies.
        codec: maps frames to q and back.
        reward: the learned reward of a step.
        starts: recorded first states [q, v] ``(k, 2n)``.
        about: provenance of the recording and measured figures, JSON-ready.
        termination: of an episode, as a function of the latent observation; learned from the recorded ends.

    Raises:
        InputError: latent and codec have other degrees of freedom.
    """

    world: WorldModel
    codec: Codec
    reward: RewardHead
    starts: np.ndarray
    about: Mapping[str, object]
    termination: LearnedTermination = field(default_factory=LearnedTermination)

    def __post_init__(self) -> None:
        """Check that the parts fit each other."""
        check_fields(self)
        if self.world.coordinates.angles != self.codec.angles:
            raise InputError(
                f"The codec and the latent world differ in their positions: {self.codec.angles} of the codec are "
                f"angles, and {self.world.coordinates.angles} of the world."
            )

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Phase points ``(..., 2n)`` of pairs of frames, stacked along the channels, the newest last.

        Args:
            frames: uint8 ``(..., H, W, 2 C)``, as :class:`hnn_gym.envs.PixelObservation` gives with ``stack=2``.

        Raises:
            InputError: frames of another shape or type, or blank.
        """
        channels = self.codec.frame_shape[-1]
        if frames.shape[-1] != 2 * channels:
            raise InputError(
                f"A pair of frames has {2 * channels} channels here, two times {channels}, and this has "
                f"{frames.shape[-1]}: stack two frames, the newest last."
            )
        before = self.codec.encode(frames[..., :channels])
        now = self.codec.encode(frames[..., channels:], near=before)
        x = self.world.phase_point(now, self.velocity(before, now))
        return self.world.within_speed_limits(x)

    def velocity(self, before: np.ndarray, now: np.ndarray) -> np.ndarray:
        """Velocities ``(..., n)`` between positions ``(..., n)`` one step apart, the short way round a circle."""
        return np.where(self.codec.angles, turned(now - before, angle=True), now - before) / abs(self.world.dt)

    def arrived(self, before: np.ndarray, now: np.ndarray, action: np.ndarray) -> np.ndarray:
        """Phase points ``(..., 2n)`` in which a step from positions ``before`` under an action has ended at ``now``.

        The velocity before the step is the one that leads to ``now``, and the step itself gives the velocity after it,
        whatever the scheme is. For symplectic Euler that is (now - before) / dt.

        Args:
            before: positions ``(..., n)``.
            now: positions ``(..., n)`` one step later.
            action: the action between them, as the environment takes it, with an axis of entries.
        """
        v = self.velocity(before, now)
        for _ in range(2):  # exact after one step where positions are linear in velocities
            x = self.world.step(self.world.phase_point(before, v), action)
            v = v + self.velocity(self.world.state(x)[0], now)
        x = self.world.step(self.world.phase_point(before, v), action)
        return self.world.within_speed_limits(self.world.phase_point(now, self.world.state(x)[1]))

    def decode(self, x: np.ndarray, *, stack: int = 1) -> np.ndarray:
        """Frames, uint8 ``(..., H, W, stack C)``, of phase points ``(..., 2n)``, the newest last.

        The earlier frame shows q - v dt. Frames before that are not known.

        Raises:
            InputError: ``stack`` is neither 1 nor 2.
        """
        if stack not in (1, 2):
            raise InputError(f"A state shows one or two frames, not stack={stack}: its past is not known.")
        q, v = self.world.state(x)
        now = self.codec.decode(q)
        return now if stack == 1 else np.concatenate([self.codec.decode(q - v * self.world.dt), now], axis=-1)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the latent world as a checkpoint folder, and the rest as a part of it, ``frames``; both at once.

        Raises:
            ExistingPathError: the folder holds a checkpoint and ``overwrite`` is False.
        """
        arrays = self.codec.arrays() | {name: np.asarray(a) for name, a in self.reward.parameters.items()}
        card = {
            "codec": self.codec.to_json(),
            "reward": self.reward.to_json(),
            "termination": self.termination.to_json(),
            "about": dict(self.about),
        }
        parts = {FRAMES: (card, arrays | {"starts": self.starts})}
        write_checkpoint(path, *self.world.as_checkpoint(), parts=parts, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PixelWorld:
        """Read what :meth:`save` wrote. Nothing in it is executed.

        Raises:
            MissingPathError: there is nothing at ``path``.
            InputError: the folder is not such a checkpoint, is damaged, or holds a world without frames.
        """
        world = WorldModel.load(path)
        if not has_part(path, FRAMES):
            raise InputError(f"{path} holds a world that was not learned from frames: use WorldModel.load.")
        card, arrays = read_part(path, FRAMES)
        codec = codec_of(arrays, card.get("codec", {}))
        reward = RewardHead.of(arrays, card.get("reward", {}))
        starts = arrays.get("starts", np.empty(0))
        if starts.shape[1:] != (2 * world.coordinates.n,) or not len(starts) or not np.isfinite(starts).all():
            raise InputError(f"{path} holds no starts of episodes [q, v]: repeat the training.")
        termination = LearnedTermination.from_json(card.get("termination", ()))
        return cls(world, codec, reward, starts, card.get("about", {}), termination)


def turned(difference: np.ndarray, *, angle: bool) -> np.ndarray:
    """Differences of positions; those of angles brought to (-pi, pi]."""
    return np.pi - (np.pi - difference) % (2 * np.pi) if angle else difference

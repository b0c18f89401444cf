"""Play with an environment in a window: ``python -m hnn_gym.play HNNPendulum-v0 --beside Pendulum-v1``.

A strip below the picture shows the energy. ``--headless`` plays a fixed sequence of inputs instead and writes a GIF.
``--help`` lists the keys.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import imageio.v3 as imageio
import numpy as np
import tyro
from PIL import Image, ImageDraw, ImageFont

from hnn_gym.command import check_at_least, run
from hnn_gym.envs import SimulatorEnv
from hnn_gym.envs.render.window import Input, Window
from hnn_gym.errors import ExistingPathError, InputError, check_fields, finite_number
from hnn_gym.files.single_file import check_is_for_a_file, write_file
from hnn_gym.files.storage import checked_path

_PANEL, _STRIP, _LABEL = 360, 110, 24
_FPS = 20


@dataclass(frozen=True)
class PlaySettings:
    """Push an environment, give it energy, reverse its time, and watch its energy in a window.

    Keys:
    - left, right: push; dragging the mouse pushes too;
    - up, down: give or take --joules of energy;
    - r: reverse time;
    - space: pause or continue;
    - q, Escape: quit.
    """

    env: Annotated[str, tyro.conf.Positional]
    """Id of an environment of this package, such as HNNPendulum-v0, or the folder of a checkpoint."""
    beside: str | None = None
    """A second environment that receives the same pushes, such as the real Pendulum-v1, but no energy bumps."""
    joules: float = 1.0
    """Energy of one bump in J."""
    seed: int = 0
    """Seed of the start."""
    headless: bool = False
    """Open no window: play a fixed sequence of inputs and write a GIF."""
    frames: int = 120
    """Number of frames with --headless."""
    out: Path = Path("play.gif")
    """The GIF that --headless writes."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        finite_number(self.joules, "--joules")
        check_fields(self)
        check_at_least(1, frames=self.frames)
        check_at_least(0, seed=self.seed)
        if self.headless and self.out.suffix.lower() != ".gif":
            raise InputError(f"--headless writes a GIF, and {self.out} does not end in .gif: give another --out.")


class Session:
    """The environments being played, and their picture."""

    def __init__(self, settings: PlaySettings) -> None:
        """Make the environments and reset them with one seed.

        Raises:
            InputError: an environment cannot be made or drawn, or the two have different actions.
        """
        self._envs = {settings.env: _make(settings.env)}
        own = self._envs[settings.env].unwrapped
        if not isinstance(own, SimulatorEnv):
            raise InputError(
                f"{settings.env} is not an environment of hnn_gym: play one that is, and give this one as --beside."
            )
        self._own = own
        if settings.beside is not None:
            other = _make(settings.beside)
            if other.action_space.shape != own.action_space.shape:
                raise InputError(f"{settings.beside} and {settings.env} have different actions: give another --beside.")
            self._envs[settings.beside] = other
        self._joules = settings.joules
        for env in self._envs.values():
            env.reset(seed=settings.seed)
        self._energies: deque[float] = deque(maxlen=240)
        self._paused = False
        self.width, self.height = _PANEL * len(self._envs), _LABEL + _PANEL + _STRIP

    def advance(self, given: Input) -> None:
        """Advance by one frame. A baseline, which has no energy, ignores bumps and reversal."""
        has_energy = self._own.world.has_energy
        if given.pause:
            self._paused = not self._paused
        if given.reverse and has_energy:
            self._own.reverse()
        if given.bumps and has_energy:
            self._own.bump(given.bumps * self._joules)
        if not self._paused:
            for env in self._envs.values():
                space = env.action_space
                assert isinstance(space, gymnasium.spaces.Box)
                action = np.zeros(space.shape, space.dtype)
                action[0] = given.force * space.high[0]
                env.unwrapped.step(action)
        if self._own.world.has_energy:
            self._energies.append(float(self._own.world.energy(self._own.phase_point)))

    def picture(self) -> np.ndarray:
        """Draw the environments side by side and the energy strip, uint8 ``(height, width, 3)``."""
        sheet = Image.new("RGB", (self.width, self.height), "white")
        draw = ImageDraw.Draw(sheet)
        font = ImageFont.load_default(size=15)
        for i, (name, env) in enumerate(self._envs.items()):
            frame = Image.fromarray(np.asarray(env.render())).resize((_PANEL, _PANEL), Image.Resampling.BOX)
            sheet.paste(frame, (i * _PANEL, _LABEL))
            note = "  (time runs backwards)" if i == 0 and self._own.world.dt < 0 else ""
            draw.text((i * _PANEL + 8, 4), name + note, fill="black", font=font)
        self._draw_strip(draw)
        return np.asarray(sheet)

    def _draw_strip(self, draw: ImageDraw.ImageDraw) -> None:
        top = _LABEL + _PANEL
        draw.line([(0, top), (self.width, top)], fill="#cccccc")
        font = ImageFont.load_default(size=13)
        if not self._own.world.has_energy:
            draw.text(
                (8, top + 6), "a baseline has no energy: it ignores bumps and reversal", fill="#888888", font=font
            )
            return
        values = np.array(self._energies)
        unit = self._own.world.energy_unit
        now = f"{values[-1]:.2f} {unit}" if len(values) else ""
        draw.text((8, top + 6), f"energy  {now}", fill="#0072B2", font=font)
        if len(values) > 1:
            low, high = values.min(), values.max()
            middle, half = (low + high) / 2, max((high - low) / 2, 0.5)
            x = np.linspace(8, self.width - 8, self._energies.maxlen or 1)[: len(values)]
            y = top + _STRIP * (0.62 - 0.3 * (values - middle) / half)
            draw.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill="#0072B2", width=2)

    def close(self) -> None:
        """Close the environments."""
        for env in self._envs.values():
            env.close()


def score(frames: int) -> Iterator[Input]:
    """The inputs of a headless session: a push, then an energy bump, then time reversal."""
    for frame in range(frames):
        yield Input(
            force=0.6 if frame < frames // 6 else 0.0,
            bumps=int(frame == frames // 3),
            reverse=frame == 2 * frames // 3,
        )


def _make(name: str) -> gymnasium.Env[Any, Any]:
    try:
        if name not in gymnasium.registry and checked_path(name).is_dir():
            return _make_checkpoint(name)
        return gymnasium.make(name, render_mode="rgb_array")
    except (gymnasium.error.Error, ImportError) as error:
        raise InputError(f"There is no folder {name}, and the environment {name!r} cannot be made: {error}") from None


def _make_checkpoint(path: str) -> gymnasium.Env[Any, Any]:
    try:
        return gymnasium.make("HNN-v0", world_model=path, render_mode="rgb_array")
    except InputError:  # the reward may be unknown; here it does not matter, and other errors are raised again
        return gymnasium.make("HNN-v0", world_model=path, render_mode="rgb_array", reward=lambda *_: 0.0)


def play(settings: PlaySettings) -> None:
    """Play in a window, or headless into a GIF.

    Raises:
        InputError: an environment cannot be played.
        ExistingPathError: the GIF exists already.
    """
    if settings.headless and check_is_for_a_file(settings.out).exists():
        raise ExistingPathError(f"{settings.out} exists: give another --out.")
    session = Session(settings)
    try:
        if settings.headless:
            pictures = []
            for given in score(settings.frames):
                session.advance(given)
                pictures.append(session.picture())
            film = imageio.imwrite("<bytes>", np.stack(pictures), extension=".gif", duration=1000 / _FPS, loop=0)
            write_file(settings.out, film)
            return
        window = Window(session.width, session.height, fps=_FPS, title=settings.env)
        try:
            while not (given := window.poll()).quit:
                session.advance(given)
                window.show(session.picture())
        finally:
            window.close()
    finally:
        session.close()


if __name__ == "__main__":
    run(play, PlaySettings, prog="python -m hnn_gym.play")

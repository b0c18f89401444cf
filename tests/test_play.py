"""The play command: the headless inputs, the keys of the window, and environments that cannot be played."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pygame
import pytest

from hnn_gym.command import run
from hnn_gym.envs.render.window import Input, Window
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import ExistingPathError, InputError
from hnn_gym.play import PlaySettings, Session, play, score
from hnn_gym.systems import SpringHold


def test_a_headless_session_writes_a_film_of_both_worlds(tmp_path: Path) -> None:
    out = tmp_path / "x.gif"
    settings = PlaySettings("HNNPendulum-v0", beside="Pendulum-v1", headless=True, frames=12, out=out)
    play(settings)
    film = imageio.imread(out)
    assert film.shape == (12, 494, 720, 3)
    assert film[0][24:384].std() > 5
    with pytest.raises(ExistingPathError, match=r"x\.gif"):
        play(settings)


def test_the_same_force_moves_both_and_a_bump_only_the_learned_world() -> None:
    session = Session(PlaySettings("HNNPendulum-v0", beside="Pendulum-v1"))
    learned, real = (env.unwrapped for env in session._envs.values())
    for _ in range(5):
        session.advance(Input(force=0.5))
    np.testing.assert_allclose(learned.state, real.state, atol=1e-4)  # type: ignore[attr-defined]
    before = float(learned.world.energy(learned.phase_point))  # type: ignore[attr-defined]
    session.advance(Input(pause=True, bumps=1))
    assert float(learned.world.energy(learned.phase_point)) - before == pytest.approx(1, abs=1e-9)  # type: ignore[attr-defined]
    session.close()


def test_a_headless_session_ends_with_time_reversed() -> None:
    session = Session(PlaySettings("HNNPendulum-v0"))
    for given in score(30):
        session.advance(given)
    assert session._own.world.dt < 0
    assert session.picture().shape == (session.height, session.width, 3)
    session.close()


def test_keys_become_force_bumps_reversal_pause_and_quit() -> None:
    window = Window(200, 100, fps=1000, title="x")
    for key in (pygame.K_UP, pygame.K_UP, pygame.K_DOWN, pygame.K_r, pygame.K_SPACE):
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
    assert window.poll() == Input(bumps=1, reverse=True, pause=True)
    window.show(np.zeros((100, 200, 3), np.uint8))
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_q))
    assert window.poll().quit
    window.close()


def test_the_help_lists_every_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["play", "--help"])
    with pytest.raises(SystemExit, match="0"):
        run(play, PlaySettings, prog="play")
    printed = capsys.readouterr().out
    for key in ("left, right: push", "up, down: give or take", "r: reverse", "space: pause", "q, Escape: quit"):
        assert f"- {key}" in printed


def test_a_baseline_ignores_bumps_and_reversals() -> None:
    session = Session(PlaySettings("BaselinePendulum-v0"))
    for given in score(30):
        session.advance(given)
    assert session._own.world.dt > 0
    session.close()


def test_a_checkpoint_is_played_by_its_folder(tmp_path: Path) -> None:
    resolve_world("HNNSpring-v0").save(tmp_path / "spring")
    session = Session(PlaySettings(str(tmp_path / "spring")))
    session.advance(Input(force=1.0))
    assert session._own.world.coordinates == resolve_world("HNNSpring-v0").coordinates
    assert isinstance(session._own.task, SpringHold)  # whose picture shows the energy to hold
    session.close()


def test_a_world_of_an_unknown_environment_lacks_a_picture_and_needs_no_reward_to_be_played(tmp_path: Path) -> None:
    world = resolve_world("HNNSpring-v0")
    card = json.loads(json.dumps(world.card))
    card["data"]["provenance"]["env_id"] = "Homemade-v0"
    replace(world, card=card).save(tmp_path / "own")
    with pytest.raises(InputError, match="there is no picture for this system"):
        Session(PlaySettings(str(tmp_path / "own")))


@pytest.mark.parametrize(
    ("env", "beside", "words"),
    [
        ("NoSuch-v0", None, "NoSuch"),
        ("Pendulum-v1", None, "not an environment of hnn_gym"),
        ("HNNPendulum-v0", "TwoBody-v0", "have different actions"),
    ],
)
def test_what_cannot_be_played_is_refused_by_name(env: str, beside: str | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Session(PlaySettings(env, beside=beside))

"""Setup of all tests: no window, one thread in each process; and a small film with a world learned from it."""

import os
import signal

# Before NumPy or torch is imported, and for the command lines that tests start: pytest -n already gives
# every core a process, and with more threads than cores small models become many times slower.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("MPLBACKEND", "Agg")

# A shell starts what runs in the background with Ctrl-C ignored, and tests of interruptions need it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402

_WEIGHTS = Path(__file__).parents[1] / "hnn_gym/envs/weights"


@pytest.fixture(params=sorted(path.parent.name for path in _WEIGHTS.glob("*/world.json")))
def shipped_world(request):
    """The id of every world that ships with the package, one after the other."""
    return request.param


@pytest.fixture
def own_ids():
    """What the test registers with Gymnasium is removed after it, so that another test can register the same id."""
    import gymnasium

    before = dict(gymnasium.registry)
    yield
    gymnasium.registry.clear()
    gymnasium.registry.update(before)


def _blobs(x, y, *, size=16):
    """Frames of a bright spot at (x, y) in [-1, 1]^2 of pictures that reach to +-1.6, uint8 (..., size, size, 1)."""
    at = np.linspace(-1.6, 1.6, size)
    spot = np.exp(-((at[:, None] + y[..., None, None]) ** 2 + (at - x[..., None, None]) ** 2) / (2 * 0.25**2))
    return np.rint(255 * spot).astype(np.uint8)[..., None]


@pytest.fixture(scope="session")
def pendulum_film():
    """Four episodes of Pendulum-v1's true physics under random torque, filmed as a spot on a circle; with states."""
    from hnn_gym.data import Episode, Provenance, TransitionDataset
    from hnn_gym.systems import PendulumSwingUp, true_world

    world, task, rng = true_world("Pendulum-v1"), PendulumSwingUp(), np.random.default_rng(0)
    episodes = []
    for angle in (0.3, 1.5, -2.5, -0.8):
        action = rng.uniform(-2, 2, (200, 1))
        x = world.rollout(world.phase_point(np.array([angle]), np.zeros(1)), action)
        q, v = world.state(x)
        episodes.append(
            Episode(
                observation=world.decode(x).astype(np.float32),
                action=action.astype(np.float32),
                reward=task.reward(q[:-1], v[:-1], action, q[1:], v[1:]),
                terminated=np.zeros(200, bool),
                truncated=np.arange(200) == 199,
                state=np.concatenate([q, v], axis=-1),
                frame=_blobs(np.sin(q[:, 0]), np.cos(q[:, 0])),
            )
        )
    provenance = Provenance(
        "Film-v0", task.observation_space, task.action_space, dt=0.05, coordinates=world.coordinates.to_json()
    )
    return TransitionDataset.from_episodes(episodes, provenance)


@pytest.fixture(scope="session")
def quick_learning():
    """Settings under which a small film is learned in seconds."""
    from hnn_gym.training.pixel_settings import PixelSettings

    return PixelSettings(
        horizons=(5, 10), steps=12, adam_steps=60, warp=4, harmonics=12, reward_hidden=(12,), reward_steps=15
    )


@pytest.fixture(scope="session")
def seen(pendulum_film, quick_learning):
    """A world learned from that film."""
    from hnn_gym.training.pixels import train_pixel_world

    return train_pixel_world(pendulum_film, options={"hidden": (8,)}, settings=quick_learning)

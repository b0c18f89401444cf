"""``python -m hnn_gym.experiments.pixels``: see :mod:`hnn_gym.experiments.pixels.command`."""

from hnn_gym.command import run
from hnn_gym.experiments.pixels.command import Settings, main

if __name__ == "__main__":
    run(main, Settings, prog="python -m hnn_gym.experiments.pixels")

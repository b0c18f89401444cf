"""``python -m experiments.pixels``: see :mod:`experiments.pixels.command`."""

from experiments.pixels.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.pixels")

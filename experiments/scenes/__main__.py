"""``python -m experiments.scenes``: see :mod:`experiments.scenes.command`."""

from experiments.scenes.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.scenes")

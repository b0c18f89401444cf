"""``python -m experiments.mechanisms``: see :mod:`experiments.mechanisms.command`."""

from experiments.mechanisms.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.mechanisms")

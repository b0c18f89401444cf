"""``python -m experiments.tables``: see :mod:`experiments.tables.command`."""

from experiments.tables.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.tables")

"""``python -m experiments.chains``."""

from experiments.chains.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.chains")

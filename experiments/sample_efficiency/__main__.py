"""``python -m experiments.sample_efficiency``: real returns of planning in worlds learned from few transitions."""

from experiments.sample_efficiency.command import Settings, main
from hnn_gym.command import run

if __name__ == "__main__":
    run(main, Settings, prog="python -m experiments.sample_efficiency")

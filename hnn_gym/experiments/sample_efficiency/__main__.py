"""``python -m hnn_gym.experiments.sample_efficiency``: real transitions against what is earned in reality; resumable."""

from hnn_gym.command import run
from hnn_gym.experiments.sample_efficiency.command import Settings, main

if __name__ == "__main__":
    run(main, Settings, prog="python -m hnn_gym.experiments.sample_efficiency")

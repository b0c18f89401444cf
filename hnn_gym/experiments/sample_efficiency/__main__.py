"""``python -m hnn_gym.experiments.sample_efficiency``: what real transitions earn by planning in a learned world."""

from hnn_gym.command import run
from hnn_gym.experiments.sample_efficiency.command import Settings, main

if __name__ == "__main__":
    run(main, Settings, prog="python -m hnn_gym.experiments.sample_efficiency")

"""The figures of the article, drawn from our runs: ``python -m hnn_gym.experiments.gallery``."""

"""The figures of the article, drawn from our runs: ``python -m experiments.gallery``."""

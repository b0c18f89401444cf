"""Speed and endurance, measured outside the package: ``python -m benchmarks.NAME``."""

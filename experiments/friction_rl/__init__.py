"""Six tasks with friction of PhIHP (RLC 2024), planned in worlds that are learned from random steps."""

"""The tables of the README and the documents, made from the stored results: ``python -m experiments.tables``."""

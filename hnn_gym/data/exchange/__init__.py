"""Datasets in the formats of other libraries, there and back without a lost bit: Minari and Parquet."""

"""Measurements, run by hand from the checkout: ``python -m benchmarks --help``."""

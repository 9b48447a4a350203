"""Generators: from a configuration and a seed to an architecture, as data."""

"""Interchange: searches as files that other tools read."""

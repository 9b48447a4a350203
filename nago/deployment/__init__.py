"""Deployment: networks of a search in other programs, formats and processes."""

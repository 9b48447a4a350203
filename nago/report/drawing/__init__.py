"""Drawings of networks: SVG written directly, without a library of plots."""

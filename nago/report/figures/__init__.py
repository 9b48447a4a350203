"""Figures of one search, of a comparison of searches and of the studies, drawn with matplotlib."""

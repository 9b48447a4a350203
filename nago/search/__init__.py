"""Search: what to try next, from what was tried; knows no network."""

"""The front page of a report: one HTML file that needs no network and no other file."""

"""Results for people: summaries, figures, drawings."""

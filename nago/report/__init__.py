"""Results for people: runs and contestants here; tables, figures, drawings and the page below."""

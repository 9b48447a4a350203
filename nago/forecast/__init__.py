"""Forecast: what a search will cost, before anything has run.

The names here need no numpy; what draws networks, learns from earlier runs and simulates the jobs
stands in modules of its own: `nago.forecast.outlook` has all of it together.
"""

from nago.forecast.plan import Forecast, forecast, measure_seconds_per_epoch
from nago.forecast.words import describe_forecast, describe_total

__all__ = [
    "Forecast",
    "describe_forecast",
    "describe_total",
    "forecast",
    "measure_seconds_per_epoch",
]

"""Metrics: how good predictions are, by name or as functions of arrays."""

from .measures import HIGHER_IS_BETTER, METRICS, OF_SHARES, metric_named

__all__ = ["HIGHER_IS_BETTER", "METRICS", "OF_SHARES", "metric_named"]

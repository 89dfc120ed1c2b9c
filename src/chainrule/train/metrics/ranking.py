"""Ranking: the area under the curve of true against false positives."""

from __future__ import annotations

from typing import Any

import numpy as np


def auc(score: np.ndarray, positive: np.ndarray, weight: Any = None) -> float:
    """The area under the ROC curve: ties count half. NaN where one of the two is missing.

    Shapes: score, positive and weight (n,).
    Source: Hanley and McNeil 1982; with weights, the area by trapezoids over distinct scores.

    >>> auc(np.array([0.5, 0.5, 0.9]), np.array([True, False, True]))
    0.75
    """
    if np.isnan(score).any():
        return float("nan")
    w = np.ones(len(score)) if weight is None else np.asarray(weight, np.float64)
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))  # the last of equal scores
    hit = np.append(0.0, np.cumsum(np.where(positive, w, 0.0)[order])[ends])
    missed = np.append(0.0, np.cumsum(np.where(positive, 0.0, w)[order])[ends])
    if not hit[-1] or not missed[-1]:
        return float("nan")
    return float(np.sum(np.diff(missed) * (hit[1:] + hit[:-1]) / 2) / (hit[-1] * missed[-1]))

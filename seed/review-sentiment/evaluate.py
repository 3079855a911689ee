"""Scores with 95 % intervals, by the percentile bootstrap over holdout rows (Efron 1979)."""

import numpy as np
from scipy.stats import rankdata

RESAMPLES = 2000


def accuracy(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Share of rows whose likelier class is the true one; along the last axis."""
    return np.mean((scores > 0.5) == classes, axis=-1)


def auc(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve, from the rank sum of the positive texts (Mann and Whitney); along the last axis."""
    ranks = rankdata(scores, axis=-1)
    positives = classes.sum(axis=-1)
    negatives = classes.shape[-1] - positives
    rank_sum = np.sum(ranks * classes, axis=-1)
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


METRICS = {"accuracy": accuracy, "auc": auc}


def evaluate(classes: np.ndarray, scores: np.ndarray, others: np.ndarray | None = None) -> dict:
    """`{accuracy: {value, low, high}, auc: {…}}` of `scores`, or of how much it exceeds that of `others`.

    The resamples are the same in every call, so a difference is of two models on the same rows.
    """
    picks = np.random.default_rng(0).integers(len(classes), size=(RESAMPLES, len(classes)))
    result = {}
    for name, metric in METRICS.items():
        value, resampled = metric(classes, scores), metric(classes[picks], scores[picks])
        if others is not None:
            value = value - metric(classes, others)
            resampled = resampled - metric(classes[picks], others[picks])
        low, high = np.percentile(resampled, [2.5, 97.5])
        result[name] = {
            "value": round(float(value), 6),
            "low": round(float(low), 6),
            "high": round(float(high), 6),
        }
    return result

"""Scores with 95 % intervals, by the percentile bootstrap over holdout rows (Efron 1979)."""

import numpy as np

RESAMPLES = 2000


def accuracy(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """For each row 1 where the likeliest class is the true one, otherwise 0."""
    return (scores.argmax(axis=1) == classes).astype(float)


def log_loss(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """For each row the negative logarithm of the true class's probability; lower is better."""
    return -np.log(np.maximum(scores[np.arange(len(classes)), classes], 1e-7))


METRICS = {"accuracy": accuracy, "logLoss": log_loss}


def evaluate(classes: np.ndarray, scores: np.ndarray, others: np.ndarray | None = None) -> dict:
    """`{accuracy: {value, low, high}, logLoss: {…}}` of `scores`, or of how much it exceeds that of `others`.

    The resamples are the same in every call, so a difference is of two models on the same rows.
    """
    picks = np.random.default_rng(0).integers(len(classes), size=(RESAMPLES, len(classes)))
    result = {}
    for name, metric in METRICS.items():
        of_rows = metric(classes, scores)
        if others is not None:
            of_rows = of_rows - metric(classes, others)
        low, high = np.percentile(of_rows[picks].mean(axis=1), [2.5, 97.5])
        result[name] = {
            "value": round(float(of_rows.mean()), 6),
            "low": round(float(low), 6),
            "high": round(float(high), 6),
        }
    return result

"""Errors with 95 % intervals, by the percentile bootstrap over holdout rows (Efron 1979)."""

import numpy as np

RESAMPLES = 2000


def mae(errors: np.ndarray) -> np.ndarray:
    """Mean absolute error; along the last axis."""
    return np.mean(np.abs(errors), axis=-1)


def rmse(errors: np.ndarray) -> np.ndarray:
    """Root of the mean squared error; along the last axis."""
    return np.sqrt(np.mean(errors**2, axis=-1))


METRICS = {"mae": mae, "rmse": rmse}


def evaluate(truth: np.ndarray, values: np.ndarray, others: np.ndarray | None = None) -> dict:
    """`{mae: {value, low, high}, rmse: {…}}` of `values`, or of how much it exceeds that of `others`.

    The resamples are the same in every call, so a difference is of two models on the same rows.
    """
    picks = np.random.default_rng(0).integers(len(truth), size=(RESAMPLES, len(truth)))
    result = {}
    for name, metric in METRICS.items():
        value, resampled = metric(values - truth), metric((values - truth)[picks])
        if others is not None:
            value = value - metric(others - truth)
            resampled = resampled - metric((others - truth)[picks])
        low, high = np.percentile(resampled, [2.5, 97.5])
        result[name] = {
            "value": round(float(value), 6),
            "low": round(float(low), 6),
            "high": round(float(high), 6),
        }
    return result

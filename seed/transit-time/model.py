"""One pipeline from coordinates to minutes."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline

from data import FEATURES

JITTER = 0.02  # degrees, about 2 km: less than the distance of any two airports
SEED = 0


def build(settings: dict) -> Pipeline:
    """An unfitted pipeline for `{columns, flights, neighbors}`: the mean time of the nearest flights.

    columns: the features that the model may use, the others are ignored.
    flights: how many training flights it remembers, drawn at random.
    neighbors: over how many of them it averages.
    """
    seen = [FEATURES.index(name) for name in settings["columns"]]
    return Pipeline(
        [
            ("columns", ColumnTransformer([("seen", "passthrough", seen)])),
            # No weights by distance: skl2onnx exports them wrongly, without an error.
            ("nearest", KNeighborsRegressor(settings["neighbors"])),
        ]
    )


def fit(settings: dict, features, minutes) -> Pipeline:
    """Fits on a sample of `settings["flights"]` of the rows.

    Flights of one route have the same coordinates, and which of a hundred equally near ones are the nearest 15
    is decided by accident, in scikit-learn otherwise than in ONNX. So each remembered flight is moved a little.
    """
    random = np.random.default_rng(SEED)
    picked = np.sort(random.choice(len(features), settings["flights"], replace=False))
    jitter = random.normal(0, JITTER, (len(picked), len(FEATURES)))
    return build(settings).fit(features.to_numpy()[picked] + jitter, minutes.to_numpy(float)[picked])


def predict(pipeline: Pipeline, features) -> np.ndarray:
    """Minutes [N] as float64. The coordinates are rounded to float32 first, as the graph's input is."""
    return pipeline.predict(features.to_numpy(np.float32).astype(float))

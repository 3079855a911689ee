"""Chooses the settings of `second` and `better` by cross-validation on the training rows alone.

    python tune.py        writes tuned.json, which train.py reads; takes half a minute
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from data import CACHE, FEATURES, HERE, load, split
from evaluate import mae
from model import fit, predict

NEIGHBORS = [5, 10, 15, 25, 40, 60, 100]
NARROW = {"flights": [5000, 10000], "neighbors": NEIGHBORS}  # second
WIDE = {"flights": [20000, 40000], "neighbors": NEIGHBORS}  # better: more flights to remember, and a larger graph
FOLDS = 5


def folds(count: int):
    """(training positions, validation positions) within the training rows."""
    parts = np.array_split(np.random.default_rng(0).permutation(count), FOLDS)
    return [(np.sort(np.concatenate(parts[:at] + parts[at + 1 :])), np.sort(parts[at])) for at in range(FOLDS)]


def cross_validated_mae(settings: dict, features, minutes) -> float:
    errors = []
    for training, validation in folds(len(features)):
        pipeline = fit(settings, features.iloc[training], minutes.iloc[training])
        # The 216 routes are the only coordinates: each is answered once.
        rows, truth = features.iloc[validation], minutes.iloc[validation]
        routes = rows.drop_duplicates()
        answers = dict(zip(routes.itertuples(index=False, name=None), predict(pipeline, routes)))
        values = np.array([answers[row] for row in rows.itertuples(index=False, name=None)])
        errors.append(mae(values - truth.to_numpy()))
    return round(float(np.mean(errors)), 6)


def search(space: dict, features, minutes) -> dict:
    """The point of `space` with the lowest mean MAE over the folds."""
    candidates = [
        {"columns": FEATURES, **dict(zip(space, values))} for values in product(*space.values())
    ]
    scores = Parallel(n_jobs=2)(
        delayed(cross_validated_mae)(each, features, minutes) for each in candidates
    )
    best = int(np.argmin(scores))
    return {
        "settings": candidates[best],
        "crossValidation": {"candidates": len(candidates), "folds": FOLDS, "mae": scores[best]},
    }


def main(cache: Path, out: Path) -> None:
    features, _, minutes, _ = split(*load(cache))  # the holdout is not even named here
    tuned = {
        "second": search(NARROW, features, minutes),
        "better": search(WIDE, features, minutes),
    }
    out.write_text(json.dumps(tuned, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the data set's archive")
    parser.add_argument("--out", type=Path, default=HERE / "tuned.json")
    arguments = parser.parse_args()
    main(arguments.cache, arguments.out)

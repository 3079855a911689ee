"""Chooses the settings of `second` and `better` by cross-validation on the training rows alone.

    python tune.py        writes tuned.json, which train.py reads; takes a few minutes on two cores
"""

import argparse
import json
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from data import CACHE, FEATURES, HERE, load, split
from model import build

# second: how deep, how many, how fast. 16 draws, 5 folds.
NARROW = {
    "max_depth": [2, 3, 4, 5],
    "n_estimators": [50, 100, 200, 300],
    "learning_rate": [0.03, 0.05, 0.1, 0.2],
}
# better: also how much of the data each tree sees, and how strongly it is held back. 80 draws, 2 × 5 folds.
WIDE = {
    "max_depth": [2, 3, 4, 5],
    "n_estimators": [100, 150, 200, 300],
    "learning_rate": [0.02, 0.03, 0.05, 0.08],
    "subsample": [0.5, 0.6, 0.7, 0.8, 1.0],
    "colsample_bytree": [0.3, 0.4, 0.5, 0.7, 1.0],
    "min_child_weight": [1, 3, 10, 20, 40],
    "reg_lambda": [1, 3, 10, 30],
    "gamma": [0, 0.5, 1, 2],
}
BAG = 5  # better averages five models, which evens out what one seed happened to sample


def folds(features, classes, repeats: int):
    """(training positions, validation positions) within the training rows."""
    cutter = RepeatedStratifiedKFold(n_splits=5, n_repeats=repeats, random_state=0)
    return list(cutter.split(features, classes))


def draws(space: dict, count: int) -> list[dict]:
    """`count` random points of `space`, the same in every run."""
    random = np.random.default_rng(0)
    return [
        {name: values[random.integers(len(values))] for name, values in space.items()}
        for _ in range(count)
    ]


def cross_validated_auc(settings: dict, features, classes, cuts) -> float:
    scores = []
    for fit, check in cuts:
        pipeline = build(settings).fit(features.iloc[fit], classes.iloc[fit])
        churn = pipeline.predict_proba(features.iloc[check])[:, 1]
        scores.append(roc_auc_score(classes.iloc[check], churn))
    return round(float(np.mean(scores)), 6)


def search(space: dict, count: int, repeats: int, bag: int, features, classes) -> dict:
    """The draw with the highest mean AUC over the folds, scored again as the bag that it is used in."""
    cuts = folds(features, classes, repeats)
    candidates = [{"columns": FEATURES, "bag": 1, "xgboost": draw} for draw in draws(space, count)]
    scores = Parallel(n_jobs=2)(
        delayed(cross_validated_auc)(each, features, classes, cuts) for each in candidates
    )
    best = candidates[int(np.argmax(scores))] | {"bag": bag}
    return {
        "settings": best,
        "crossValidation": {
            "candidates": count,
            "folds": len(cuts),
            "auc": cross_validated_auc(best, features, classes, cuts),
        },
    }


def main(cache: Path, out: Path) -> None:
    features, _, classes, _ = split(*load(cache))  # the holdout is not even named here
    tuned = {
        "second": search(NARROW, 16, 1, 1, features, classes),
        "better": search(WIDE, 80, 2, BAG, features, classes),
    }
    out.write_text(json.dumps(tuned, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the data set's wheel")
    parser.add_argument("--out", type=Path, default=HERE / "tuned.json")
    arguments = parser.parse_args()
    main(arguments.cache, arguments.out)

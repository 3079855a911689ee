"""Chooses the settings of `second` and `better` by cross-validation on the training rows alone.

    python tune.py        writes tuned.json, which train.py reads; takes two minutes on two cores
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import GroupKFold

from data import CACHE, HERE, load, split
from model import build

NARROW = {"ngrams": [1], "minTexts": [3, 5, 10], "words": [None], "c": [1, 3, 10]}  # second: single words
WIDE = {"ngrams": [2], "minTexts": [3, 5, 10], "words": [None], "c": [3, 10, 30]}  # better: pairs of words too
FOLDS = 5


def folds(rows):
    """(training positions, validation positions) within the training rows; no group stands in both."""
    return list(GroupKFold(FOLDS).split(rows, groups=rows["group"]))


def cross_validated_accuracy(settings: dict, rows) -> float:
    scores = []
    for training, validation in folds(rows):
        fitted, checked = rows.iloc[training], rows.iloc[validation]
        pipeline = build(settings).fit(fitted["text"], fitted["class"])
        scores.append(pipeline.score(checked["text"], checked["class"]))
    return round(float(np.mean(scores)), 6)


def search(space: dict, rows) -> dict:
    """The point of `space` with the highest mean accuracy over the folds."""
    candidates = [dict(zip(space, values)) for values in product(*space.values())]
    scores = Parallel(n_jobs=2)(delayed(cross_validated_accuracy)(each, rows) for each in candidates)
    best = int(np.argmax(scores))
    return {
        "settings": candidates[best],
        "crossValidation": {"candidates": len(candidates), "folds": FOLDS, "accuracy": scores[best]},
    }


def main(cache: Path, out: Path) -> None:
    rows, _ = split(load(cache))  # the holdout is not even named here
    tuned = {"second": search(NARROW, rows), "better": search(WIDE, rows)}
    out.write_text(json.dumps(tuned, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the data set's archive")
    parser.add_argument("--out", type=Path, default=HERE / "tuned.json")
    arguments = parser.parse_args()
    main(arguments.cache, arguments.out)

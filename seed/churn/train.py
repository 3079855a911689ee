"""Trains the four versions of `churn` and writes what the repository commits.

    python train.py       models/churn: version first; seed/churn/versions: what differs in the others

models/churn/model.yaml is written by hand and left alone.
"""

import argparse
import csv
import json
from importlib.metadata import version as installed
from pathlib import Path

import numpy as np

from data import CACHE, FEATURES, HERE, INTEGERS, LABELS, MEMBER, MEMBER_SHA256, PACKAGE, TEXT, load, split
from evaluate import evaluate
from export import predict, session, to_onnx
from model import build
from settings import COMPARED_WITH, versions

REPOSITORY = HERE.parent.parent
LIBRARIES = ["xgboost-cpu", "scikit-learn", "skl2onnx", "onnxmltools", "onnx", "onnxruntime", "numpy"]
GOLDEN_ROWS = 20


def cell(name: str, value):
    """A plain value: string, int or float, and None where it is missing."""
    if name in TEXT:
        return value
    if np.isnan(value):
        return None
    return int(value) if name in INTEGERS else float(value)


def plain_rows(features) -> list[dict]:
    return [
        {name: cell(name, value) for name, value in zip(FEATURES, row)}
        for row in features[FEATURES].itertuples(index=False)
    ]


def write_holdout(file: Path, features, classes) -> None:
    """RFC 4180, CRLF included; a missing value is an empty cell."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow([*FEATURES, "label"])
        for row, label in zip(plain_rows(features), classes):
            writer.writerow([*row.values(), LABELS[label]])


def write_json(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def golden_positions(features) -> list[int]:
    """Evenly spread over the holdout, the first of them replaced by a row without total_charges."""
    spread = np.linspace(0, len(features) - 1, GOLDEN_ROWS, dtype=int).tolist()
    missing = int(np.flatnonzero(features["total_charges"].isna())[0])
    return [missing, *spread[1:]]


def golden(features, scores: np.ndarray) -> dict:
    """Rows and the answers that the deployed function must give, within the tolerance."""
    picked = golden_positions(features)
    return {
        "tolerance": 1e-5,
        "rows": plain_rows(features.iloc[picked]),
        "predictions": [
            {"label": LABELS[int(row.argmax())], "scores": dict(zip(LABELS, map(float, row)))}
            for row in scores[picked]
        ],
    }


def main(cache: Path, root: Path) -> None:
    train_features, holdout, train_classes, truth = split(*load(cache))
    truth_array = truth.to_numpy()

    # Train everything before the holdout is opened.
    chosen = versions()
    graphs = {
        name: to_onnx(build(version["settings"]).fit(train_features, train_classes))
        for name, version in chosen.items()
    }

    scores = {name: predict(session(graph), holdout) for name, graph in graphs.items()}
    for name, graph in graphs.items():
        folder = root / ("models/churn" if name == "first" else f"seed/churn/versions/{name}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(graph)
        write_json(folder / "golden.json", golden(holdout, scores[name]))

        churn = scores[name][:, 1]
        metrics = {
            "version": name,
            "trainRows": len(train_features),
            "holdoutRows": len(holdout),
            **evaluate(truth_array, churn),
        }
        if name in COMPARED_WITH:
            other = COMPARED_WITH[name]
            metrics["comparedWith"] = other
            metrics["differences"] = evaluate(truth_array, churn, scores[other][:, 1])
        metrics["intervals"] = "95 %, percentile bootstrap of 2,000 resamples of the holdout rows, differences paired"
        if "crossValidation" in chosen[name]:
            metrics["crossValidation"] = chosen[name]["crossValidation"]
        metrics["hyperparameters"] = chosen[name]["settings"]
        metrics["dataset"] = {"package": PACKAGE, "member": MEMBER, "sha256": MEMBER_SHA256}
        metrics["libraries"] = {library: installed(library) for library in LIBRARIES}
        write_json(folder / "metrics.json", metrics)

    write_holdout(root / "models/churn/holdout.csv", holdout, truth)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the data set's wheel")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the repository to write to")
    arguments = parser.parse_args()
    main(arguments.cache, arguments.root)

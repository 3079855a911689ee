"""Trains the four versions of `transit-time` and writes what the repository commits.

    python train.py       models/transit-time: version first; seed/transit-time/versions: what differs in the others

models/transit-time/model.yaml is written by hand and left alone.
"""

import argparse
import csv
import json
from importlib.metadata import version as installed
from pathlib import Path

import numpy as np

from data import ARCHIVE, ARCHIVE_SHA256, CACHE, FEATURES, HERE, PACKAGE, TARGET, load, split
from evaluate import evaluate
from export import predict, session, to_onnx
from model import fit
from settings import COMPARED_WITH, versions

REPOSITORY = HERE.parent.parent
LIBRARIES = ["scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy"]
GOLDEN_ROWS = 20
INTERVALS = "95 %, percentile bootstrap of 2,000 resamples of the holdout rows, differences paired"


def plain_rows(features) -> list[dict]:
    return features[FEATURES].to_dict("records")


def write_holdout(file: Path, features, minutes) -> None:
    """RFC 4180, CRLF included."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow([*FEATURES, "label"])
        for row, label in zip(plain_rows(features), minutes):
            writer.writerow([*row.values(), label])


def write_json(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def golden_rows(features):
    """20 routes, evenly spread over those of the holdout from south to north."""
    routes = features.drop_duplicates().sort_values(["dest_lat", "dest_lon", "origin_lat"])
    return routes.iloc[np.linspace(0, len(routes) - 1, GOLDEN_ROWS, dtype=int)]


def golden(rows, values: np.ndarray) -> dict:
    """Rows and the answers that the deployed function must give, within the tolerance."""
    return {
        "tolerance": 1e-5,
        "rows": plain_rows(rows),
        "predictions": [{"value": value, "scores": {TARGET: value}} for value in map(float, values)],
    }


def main(cache: Path, root: Path) -> None:
    train_features, holdout, train_minutes, truth = split(*load(cache))
    truth_array = truth.to_numpy()

    # Train everything before the holdout is opened.
    chosen = versions()
    graphs = {
        name: to_onnx(fit(version["settings"], train_features, train_minutes))
        for name, version in chosen.items()
    }

    values = {name: predict(session(graph), holdout) for name, graph in graphs.items()}
    for name, graph in graphs.items():
        folder = root / ("models/transit-time" if name == "first" else f"seed/transit-time/versions/{name}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(graph)
        rows = golden_rows(holdout)
        write_json(folder / "golden.json", golden(rows, predict(session(graph), rows)))

        metrics = {
            "version": name,
            "trainRows": chosen[name]["settings"]["flights"],
            "holdoutRows": len(holdout),
            **evaluate(truth_array, values[name]),
        }
        if name in COMPARED_WITH:
            other = COMPARED_WITH[name]
            metrics["comparedWith"] = other
            metrics["differences"] = evaluate(truth_array, values[name], values[other])
        metrics["intervals"] = INTERVALS
        if "crossValidation" in chosen[name]:
            metrics["crossValidation"] = chosen[name]["crossValidation"]
        metrics["hyperparameters"] = chosen[name]["settings"]
        metrics["dataset"] = {"package": PACKAGE, "archive": ARCHIVE, "sha256": ARCHIVE_SHA256}
        metrics["libraries"] = {library: installed(library) for library in LIBRARIES}
        write_json(folder / "metrics.json", metrics)

    write_holdout(root / "models/transit-time/holdout.csv", holdout, truth)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the data set's archive")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the repository to write to")
    arguments = parser.parse_args()
    main(arguments.cache, arguments.root)

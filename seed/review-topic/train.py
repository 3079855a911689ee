"""Trains the four versions of `review-topic` and writes what the repository commits.

    python train.py       models/review-topic: version first; seed/review-topic/versions: what differs in the others

models/review-topic/model.yaml is written by hand and left alone.
"""

import argparse
import csv
import json
from importlib.metadata import version as installed
from pathlib import Path

import numpy as np

from data import ARCHIVE, ARCHIVE_SHA256, CACHE, HERE, LABELS, PACKAGE, load, split
from evaluate import evaluate
from export import predict, session, to_onnx
from model import build
from settings import COMPARED_WITH, versions

REPOSITORY = HERE.parent.parent
LIBRARIES = ["scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy"]
GOLDEN_ROWS = 20
INTERVALS = "95 %, percentile bootstrap of 2,000 resamples of the holdout rows, differences paired"
# What applications will send one day, and the holdout lacks.
UNUSUAL = [
    "…",
    "日本語のレビュー",
    "A CAFÉ IN AMÉLIE'S MONTMARTRE, Straße & all 👍🏽",
    "tabs\tand\nnew lines, \"quotes\", <b>tags</b> and 3.50 €",
    "The camera is great. " * 400,
]


def write_holdout(file: Path, rows) -> None:
    """RFC 4180, CRLF included."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label"])
        writer.writerows((text, LABELS[number]) for text, number in zip(rows["text"], rows["class"]))


def write_json(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def golden_texts(holdout) -> list[str]:
    """Evenly spread over the holdout, and the unusual ones."""
    spread = np.linspace(0, len(holdout) - 1, GOLDEN_ROWS - len(UNUSUAL), dtype=int)
    return [*holdout["text"].iloc[spread], *UNUSUAL]


def golden(texts: list[str], scores: np.ndarray) -> dict:
    """Rows and the answers that the deployed function must give, within the tolerance."""
    return {
        "tolerance": 1e-5,
        "rows": [{"text": text} for text in texts],
        "predictions": [
            {"label": LABELS[int(row.argmax())], "scores": dict(zip(LABELS, map(float, row)))} for row in scores
        ],
    }


def main(cache: Path, root: Path) -> None:
    rows, holdout = split(load(cache))
    truth = holdout["class"].to_numpy()

    # Train everything before the holdout is opened.
    chosen = versions()
    graphs = {
        name: to_onnx(build(version["settings"]).fit(rows["text"], rows["class"]))
        for name, version in chosen.items()
    }

    scores = {name: predict(session(graph), holdout["text"]) for name, graph in graphs.items()}
    for name, graph in graphs.items():
        folder = root / ("models/review-topic" if name == "first" else f"seed/review-topic/versions/{name}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(graph)
        texts = golden_texts(holdout)
        write_json(folder / "golden.json", golden(texts, predict(session(graph), texts)))

        metrics = {
            "version": name,
            "trainRows": len(rows),
            "holdoutRows": len(holdout),
            **evaluate(truth, scores[name]),
        }
        if name in COMPARED_WITH:
            other = COMPARED_WITH[name]
            metrics["comparedWith"] = other
            metrics["differences"] = evaluate(truth, scores[name], scores[other])
        metrics["intervals"] = INTERVALS
        if "crossValidation" in chosen[name]:
            metrics["crossValidation"] = chosen[name]["crossValidation"]
        metrics["hyperparameters"] = chosen[name]["settings"]
        metrics["dataset"] = {"package": PACKAGE, "archive": ARCHIVE, "sha256": ARCHIVE_SHA256}
        metrics["libraries"] = {library: installed(library) for library in LIBRARIES}
        write_json(folder / "metrics.json", metrics)

    write_holdout(root / "models/review-topic/holdout.csv", holdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the data set's archive")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the repository to write to")
    arguments = parser.parse_args()
    main(arguments.cache, arguments.root)

"""Trains `review-sentiment` and writes what the repository commits.

    python train.py       models/review-sentiment: version first; seed/review-sentiment/versions: what differs in the others

The model.yaml of each version is written by hand and left alone. All versions share one model.onnx: see README.md.
"""

import argparse
import csv
import json
from importlib.metadata import version as installed
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from tokenizers import Tokenizer

import data
from data import CACHE, HERE, LABELS, load, load_encoder, split
from encoder import answer, build, calibrate, session
from evaluate import evaluate

REPOSITORY = HERE.parent.parent
LIBRARIES = ["scikit-learn", "safetensors", "tokenizers", "onnx", "onnxruntime", "numpy"]
INTERVALS = "95 %, percentile bootstrap of 2,000 resamples of the holdout rows, differences paired"

# What differs between the versions: how much of a text is read, and (in model.yaml) where the bands lie.
MAX_TOKENS = {"first": 128, "second": 128, "worse": 8}
C = [1, 3, 10, 30]  # of these, cross-validation chooses the inverse of the head's regularisation
SURE = 0.95  # share of texts beyond a band's edge, in cross-validation, that must be what it says
CALIBRATION_TEXTS = 300

GOLDEN_ROWS = 20
TOLERANCE = 0.01  # rounding to int8 may fall otherwise on another processor
CLEAR_BY = 0.2  # a golden text from the holdout is at least so far from ½
# What applications will send one day, and the holdout lacks. The last one is longer than 128 tokens.
UNUSUAL = [
    "…!",
    "日本語のレビュー、最高でした",
    "A CAFÉ IN AMÉLIE'S MONTMARTRE: naïve, Straße & all 👍🏽 I loved it",
    "tabs\tand\nnew lines, \"quotes\", <b>tags</b> for 3.50 €: awful",
    "The camera is great, and I would buy it again. " * 40,
]


def tokenize(tokenizer_json: str, texts, max_tokens: int) -> list[list[int]]:
    """Token ids, [CLS] and [SEP] included; of longer texts the end is cut off."""
    tokenizer = Tokenizer.from_str(tokenizer_json)
    tokenizer.enable_truncation(max_tokens)
    return [each.ids for each in tokenizer.encode_batch(list(texts))]


def choose_head(embeddings: np.ndarray, rows):
    """(weight, bias, what cross-validation said): logistic regression on the embeddings of the training rows."""
    folds = list(GroupKFold(5).split(rows, groups=rows["group"]))
    classes = rows["class"].to_numpy()
    tried = {}
    for c in C:
        head = LogisticRegression(C=c, max_iter=1000)
        tried[c] = cross_val_predict(head, embeddings, classes, cv=folds, method="predict_proba")[:, 1]
    accuracy = {c: float(np.mean((scores > 0.5) == classes)) for c, scores in tried.items()}
    best = max(C, key=lambda c: accuracy[c])
    head = LogisticRegression(C=best, max_iter=1000).fit(embeddings, classes)
    # Two columns for softmax: half of the difference each.
    weight = np.stack([-head.coef_[0] / 2, head.coef_[0] / 2], axis=1).astype(np.float32)
    bias = np.array([-head.intercept_[0] / 2, head.intercept_[0] / 2], np.float32)
    said = {"folds": 5, "accuracy": round(accuracy[best], 6), "c": best, "bands": bands(classes, tried[best])}
    return weight, bias, said


def bands(classes: np.ndarray, scores: np.ndarray) -> dict:
    """The widest low and high bands, in steps of 0.01, in which the share of right answers is at least SURE."""
    edges = np.arange(1, 100) / 100
    low = [edge for edge in edges[edges <= 0.5] if np.mean(classes[scores < edge] == 0) >= SURE]
    high = [edge for edge in edges[edges >= 0.5] if np.mean(classes[scores >= edge] == 1) >= SURE]
    return {"low": float(max(low)), "high": float(min(high))}


def golden_texts(holdout, scores: np.ndarray) -> list[str]:
    """Evenly spread over the holdout's texts that are clearly on one side, and the unusual ones."""
    clear = holdout["text"][np.abs(scores[:, 1] - 0.5) > CLEAR_BY]
    return [*clear.iloc[np.linspace(0, len(clear) - 1, GOLDEN_ROWS - len(UNUSUAL), dtype=int)], *UNUSUAL]


def golden(texts: list[str], scores: np.ndarray) -> dict:
    """Rows and the answers that the deployed function must give, within the tolerance."""
    return {
        "tolerance": TOLERANCE,
        "rows": [{"text": text} for text in texts],
        "predictions": [
            {"label": LABELS[int(row.argmax())], "scores": dict(zip(LABELS, map(float, row)))} for row in scores
        ],
    }


def write_holdout(file: Path, rows) -> None:
    """RFC 4180, CRLF included."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label"])
        writer.writerows((text, LABELS[number]) for text, number in zip(rows["text"], rows["class"]))


def write_json(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def folder_of(root: Path, name: str) -> Path:
    return root / ("models/review-sentiment" if name == "first" else f"seed/review-sentiment/versions/{name}")


def main(cache: Path, root: Path) -> None:
    rows, holdout = split(load(cache))
    weights, tokenizer = load_encoder(cache)
    tokens = tokenize(tokenizer, rows["text"], MAX_TOKENS["first"])
    ranges = calibrate(weights, tokens[:: len(tokens) // CALIBRATION_TEXTS])
    # The head is trained on what the int8 encoder gives, not on what the float one would.
    weight, bias, cross_validation = choose_head(answer(session(build(weights, ranges)), tokens), rows)
    graph = build(weights, ranges, (weight, bias))

    # Only now is the holdout opened.
    running = session(graph)
    scores = {
        name: answer(running, tokenize(tokenizer, holdout["text"], limit)) for name, limit in MAX_TOKENS.items()
    }
    truth = holdout["class"].to_numpy()
    texts = golden_texts(holdout, scores["first"])
    for name, limit in MAX_TOKENS.items():
        folder = folder_of(root, name)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "golden.json", golden(texts, answer(running, tokenize(tokenizer, texts, limit))))
        metrics = {
            "version": name,
            "trainRows": len(rows),
            "holdoutRows": len(holdout),
            **evaluate(truth, scores[name][:, 1]),
        }
        if name != "first":
            metrics["comparedWith"] = "first"
            metrics["differences"] = evaluate(truth, scores[name][:, 1], scores["first"][:, 1])
        metrics["intervals"] = INTERVALS
        metrics["crossValidation"] = cross_validation
        metrics["hyperparameters"] = {"maxTokens": limit, "c": cross_validation["c"]}
        metrics["dataset"] = {"package": data.PACKAGE, "archive": data.ARCHIVE, "sha256": data.ARCHIVE_SHA256}
        metrics["encoder"] = {"package": data.ENCODER_PACKAGE, "sha256": data.ENCODER_SHA256}
        metrics["libraries"] = {library: installed(library) for library in LIBRARIES}
        write_json(folder / "metrics.json", metrics)

    first = folder_of(root, "first")
    (first / "model.onnx").write_bytes(graph)
    (first / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    write_holdout(first / "holdout.csv", holdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the archives")
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the repository to write to")
    arguments = parser.parse_args()
    main(arguments.cache, arguments.root)

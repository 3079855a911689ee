"""What must hold for the made files, whoever makes them again."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
import yaml

import train
import tune
from data import FEATURES, HERE, INTEGERS, LABELS, TEXT
from export import predict, session
from model import build
from settings import versions

REPOSITORY = HERE.parent.parent
FOLDERS = {"first": "models/churn"} | {
    name: f"seed/churn/versions/{name}" for name in ("second", "better", "worse")
}
TOLERANCE = 1e-5

each_version = pytest.mark.parametrize("name", FOLDERS)


def run(script, data_cache, hash_seed, *options):
    # Sets iterate in another order under another hash seed, as they do from one process to the next.
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, HERE / script, "--cache", data_cache, *options]
    subprocess.run(command, check=True, env=environment)


def files(root):
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in root.rglob("*")
        if file.is_file()
    }


@pytest.fixture(scope="session")
def made(data_cache, tmp_path_factory):
    """Two folders, each made by a process of its own."""
    roots = [tmp_path_factory.mktemp("made") for _ in range(2)]
    for seed, root in zip((1, 4), roots):  # two seeds that did give different bytes before export.py sorted
        run("train.py", data_cache, seed, "--root", root)
    return roots


@pytest.fixture(scope="session")
def pipelines(parts):
    features, _, classes, _ = parts
    return {
        name: build(version["settings"]).fit(features, classes)
        for name, version in versions().items()
    }


def committed(name, file):
    return REPOSITORY / FOLDERS[name] / file


def graph_of(name):
    return session(committed(name, "model.onnx").read_bytes())


def agrees(name, pipelines, features):
    expected = pipelines[name].predict_proba(features)
    given = predict(graph_of(name), features)
    assert np.isfinite(given).all()
    np.testing.assert_allclose(given, expected, rtol=0, atol=TOLERANCE)


def test_a_second_run_makes_the_same_bytes(made):
    first, second = map(files, made)
    assert len(first) == 13  # model.onnx, golden.json and metrics.json of four versions, and holdout.csv
    assert first == second


def test_the_committed_files_are_the_ones_that_this_code_makes(made):
    for path, content in files(made[0]).items():
        assert (REPOSITORY / path).read_bytes() == content, path


@pytest.mark.slow
def test_the_search_chooses_the_committed_settings_again(data_cache, tmp_path):
    run("tune.py", data_cache, 1, "--out", tmp_path / "tuned.json")
    assert (tmp_path / "tuned.json").read_bytes() == (HERE / "tuned.json").read_bytes()


def test_the_holdout_is_a_stratified_fifth_and_shares_no_row_with_training(rows, parts):
    features, holdout, classes, truth = parts
    assert len(holdout) == 1409
    assert set(features.index).isdisjoint(holdout.index)
    assert set(features.index) | set(holdout.index) == set(rows[0].index)
    assert abs(classes.mean() - truth.mean()) < 0.001


def test_no_fold_of_the_search_holds_a_holdout_row(parts, data_cache, tmp_path, monkeypatch):
    searched = []

    def record(space, count, repeats, bag, features, classes):
        for fit, check in tune.folds(features, classes, repeats):
            searched.append(set(features.index[fit]) | set(features.index[check]))
        return {}

    monkeypatch.setattr(tune, "search", record)
    tune.main(data_cache, tmp_path / "tuned.json")

    assert len(searched) == 5 + 10
    for fold in searched:
        assert fold.isdisjoint(parts[1].index)


def test_no_version_is_fitted_on_a_holdout_row(parts, data_cache, tmp_path, monkeypatch):
    fitted = []

    def recording_build(settings):
        pipeline = build(settings)
        fit = pipeline.fit
        pipeline.fit = lambda features, classes: (fitted.append(set(features.index)), fit(features, classes))[1]
        return pipeline

    monkeypatch.setattr(train, "build", recording_build)
    train.main(data_cache, tmp_path)

    assert len(fitted) == len(FOLDERS)
    for rows_used in fitted:
        assert rows_used.isdisjoint(parts[1].index)


@each_version
def test_the_graph_answers_like_the_python_pipeline(name, pipelines, rows):
    agrees(name, pipelines, rows[0])


@each_version
def test_a_missing_number_is_answered_like_in_python(name, pipelines, parts):
    numbers = [feature for feature in FEATURES if feature not in TEXT]
    for missing in [*([number] for number in numbers), numbers]:
        features = parts[1].astype({number: float for number in numbers})
        features[missing] = np.nan
        agrees(name, pipelines, features)


@each_version
def test_a_category_that_training_never_saw_is_answered_like_in_python(name, pipelines, parts):
    for unseen in [*([feature] for feature in TEXT), TEXT]:
        features = parts[1].copy()
        for feature in unseen:
            features[feature] = "Carrier pigeon"
        agrees(name, pipelines, features)


@each_version
def test_one_row_alone_is_answered_like_in_a_batch(name, parts):
    graph, holdout = graph_of(name), parts[1].iloc[:50]
    alone = [predict(graph, holdout.iloc[[i]])[0] for i in range(len(holdout))]
    np.testing.assert_array_equal(alone, predict(graph, holdout))


@each_version
def test_every_graph_takes_all_19_columns_and_gives_two_probabilities(name):
    graph = onnx.load(committed(name, "model.onnx")).graph
    inputs = {
        each.name: (
            each.type.tensor_type.elem_type,
            [dimension.dim_value for dimension in each.type.tensor_type.shape.dim],
        )
        for each in graph.input
    }
    assert list(inputs) == FEATURES
    for feature, found in inputs.items():
        kind = onnx.TensorProto.STRING if feature in TEXT else onnx.TensorProto.FLOAT
        assert found == (kind, [0, 1])  # 0 stands for any number of rows
    assert [each.name for each in graph.output] == ["label", "probabilities"]
    assert graph.output[1].type.tensor_type.shape.dim[1].dim_value == len(LABELS)


@each_version
def test_golden_vectors_are_the_graphs_own_answers_to_holdout_rows(name, parts):
    golden = json.loads(committed(name, "golden.json").read_text())
    picked = parts[1].iloc[train.golden_positions(parts[1])]
    assert golden["rows"] == train.plain_rows(picked)
    assert len(golden["rows"]) == 20
    assert any(row["total_charges"] is None for row in golden["rows"])
    for answer, expected in zip(predict(graph_of(name), picked), golden["predictions"], strict=True):
        assert expected["label"] == LABELS[int(answer.argmax())]
        assert list(expected["scores"]) == LABELS
        np.testing.assert_allclose(list(expected["scores"].values()), answer, atol=golden["tolerance"])


def test_the_holdout_file_gives_the_holdout_scores(parts):
    with committed("first", "holdout.csv").open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    _, holdout, _, truth = parts
    assert [record["label"] for record in records] == [LABELS[each] for each in truth]
    for record, row in zip(records, train.plain_rows(holdout), strict=True):
        for feature in FEATURES:
            value = record[feature]
            read = value if feature in TEXT else None if value == "" else float(value)
            assert read == row[feature]


def test_the_manifest_describes_the_data(rows):
    manifest = yaml.safe_load((REPOSITORY / "models/churn/model.yaml").read_text())
    assert [each["name"] for each in manifest["inputs"]] == FEATURES
    assert manifest["output"]["labels"] == LABELS
    for each in manifest["inputs"]:
        column = rows[0][each["name"]]
        assert each.get("required", True) == (not column.isna().any())
        if each["name"] in TEXT:
            assert each["type"] == "category"
            assert each["values"] == sorted(column.unique())
        else:
            assert each["type"] == ("integer" if each["name"] in INTEGERS else "number")
            assert each["min"] <= column.min() and column.max() <= each["max"]


def test_the_gates_stop_only_the_worse_version():
    gates = yaml.safe_load((REPOSITORY / "models/churn/model.yaml").read_text())["gates"]
    passes = {}
    for name in FOLDERS:
        metrics = json.loads(committed(name, "metrics.json").read_text())
        passes[name] = all(metrics[each]["value"] >= gates[each]["min"] for each in ("accuracy", "auc"))
    assert passes == {"first": True, "second": True, "better": True, "worse": False}

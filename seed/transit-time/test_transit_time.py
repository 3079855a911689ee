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
from data import FEATURES, HERE, TARGET
from export import INPUT, predict, session
from model import JITTER, fit
from model import predict as python_predict
from settings import versions

REPOSITORY = HERE.parent.parent
FOLDERS = {"first": "models/transit-time"} | {
    name: f"seed/transit-time/versions/{name}" for name in ("second", "better", "worse")
}
TOLERANCE = 1e-9  # minutes: the graph computes in double as scikit-learn does

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
    for seed, root in zip((1, 4), roots):
        run("train.py", data_cache, seed, "--root", root)
    return roots


@pytest.fixture(scope="session")
def pipelines(parts):
    features, _, minutes, _ = parts
    return {name: fit(version["settings"], features, minutes) for name, version in versions().items()}


@pytest.fixture(scope="session")
def routes(rows):
    """All 216 routes: every row of the data has the coordinates of one of them."""
    return rows[0].drop_duplicates()


def committed(name, file):
    return REPOSITORY / FOLDERS[name] / file


def graph_of(name):
    return session(committed(name, "model.onnx").read_bytes())


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


def test_the_holdout_shares_no_row_with_training(rows, parts):
    features, holdout, _, _ = parts
    assert len(holdout) == 1500
    assert set(features.index).isdisjoint(holdout.index)
    assert set(features.index) | set(holdout.index) == set(rows[0].index)


def test_no_fold_of_the_search_is_validated_on_a_row_that_it_was_fitted_on():
    for fitted, checked in tune.folds(1003):
        assert set(fitted).isdisjoint(checked)
        assert set(fitted) | set(checked) == set(range(1003))


def test_neither_the_search_nor_a_version_sees_a_holdout_row(parts, data_cache, tmp_path, monkeypatch):
    seen = []

    def record(space, features, minutes):
        seen.append(set(features.index))
        return {}

    def recording_fit(settings, features, minutes):
        seen.append(set(features.index))
        return fit(settings, features, minutes)

    monkeypatch.setattr(tune, "search", record)
    monkeypatch.setattr(train, "fit", recording_fit)
    tune.main(data_cache, tmp_path / "tuned.json")
    train.main(data_cache, tmp_path)

    assert len(seen) == 2 + len(FOLDERS)
    for rows_used in seen:
        assert rows_used.isdisjoint(parts[1].index)


@each_version
def test_the_graph_answers_every_route_like_the_python_pipeline(name, pipelines, routes):
    assert len(routes) == 216
    expected = python_predict(pipelines[name], routes)
    given = predict(graph_of(name), routes)
    assert np.isfinite(given).all()
    np.testing.assert_allclose(given, expected, rtol=0, atol=TOLERANCE)


@each_version
def test_coordinates_that_nobody_flew_to_are_answered_like_in_python(name, pipelines, routes):
    moved = routes + np.random.default_rng(0).normal(0, 3, routes.shape)
    expected = python_predict(pipelines[name], moved)
    np.testing.assert_allclose(predict(graph_of(name), moved), expected, rtol=0, atol=TOLERANCE)


@each_version
def test_one_row_alone_is_answered_like_in_a_batch(name, routes):
    graph = graph_of(name)
    alone = [predict(graph, routes.iloc[[at]])[0] for at in range(len(routes))]
    np.testing.assert_allclose(alone, predict(graph, routes), rtol=0, atol=TOLERANCE)


@each_version
def test_the_last_neighbour_of_a_golden_row_is_clearly_nearer_than_the_next(name, pipelines, parts):
    # Rounding differs between processors; where two flights are equally near, it would choose the answer.
    columns, nearest = pipelines[name].named_steps.values()
    rows = columns.transform(train.golden_rows(parts[1]).to_numpy(np.float32).astype(float))
    distances, _ = nearest.kneighbors(rows, nearest.n_neighbors + 1)
    assert (distances[:, -1] - distances[:, -2]).min() > 1e-7  # the graph's error is some 1e-11


def test_remembered_flights_stay_nearest_to_their_own_airports(routes):
    points = routes.to_numpy()
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + np.eye(len(points))
    assert apart.min() > 6 * JITTER


@each_version
def test_every_graph_takes_one_matrix_of_four_columns_and_gives_one_value(name):
    graph = onnx.load(committed(name, "model.onnx")).graph
    given, answered = graph.input[0], graph.output[0]
    assert (len(graph.input), given.name, len(graph.output), answered.name) == (1, INPUT, 1, TARGET)
    assert given.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    assert [each.dim_value for each in given.type.tensor_type.shape.dim] == [0, 4]  # 0: any number of rows
    assert [each.dim_value for each in answered.type.tensor_type.shape.dim] == [0, 1]


@each_version
def test_golden_vectors_are_the_graphs_own_answers_to_holdout_rows(name, parts):
    golden = json.loads(committed(name, "golden.json").read_text())
    picked = train.golden_rows(parts[1])
    assert golden["rows"] == train.plain_rows(picked)
    assert len(golden["rows"]) == 20
    for answer, expected in zip(predict(graph_of(name), picked), golden["predictions"], strict=True):
        assert list(expected["scores"]) == [TARGET]
        assert expected["value"] == expected["scores"][TARGET]
        assert expected["value"] == pytest.approx(answer, abs=golden["tolerance"])


def test_the_holdout_file_gives_the_holdout_scores(parts):
    with committed("first", "holdout.csv").open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    _, holdout, _, truth = parts
    assert [float(record["label"]) for record in records] == truth.to_list()
    for record, row in zip(records, train.plain_rows(holdout), strict=True):
        assert {name: float(record[name]) for name in FEATURES} == row


def test_the_manifest_describes_the_data(rows):
    manifest = yaml.safe_load((REPOSITORY / "models/transit-time/model.yaml").read_text())
    assert [each["name"] for each in manifest["inputs"]] == FEATURES
    assert manifest["output"]["name"] == TARGET
    for each in manifest["inputs"]:
        column = rows[0][each["name"]]
        assert each["type"] == "number"
        assert each["min"] <= column.min() and column.max() <= each["max"]


def test_the_gates_stop_only_the_worse_version():
    gates = yaml.safe_load((REPOSITORY / "models/transit-time/model.yaml").read_text())["gates"]
    passes = {}
    for name in FOLDERS:
        metrics = json.loads(committed(name, "metrics.json").read_text())
        passes[name] = all(metrics[each]["value"] <= gates[each]["max"] for each in ("mae", "rmse"))
    assert passes == {"first": True, "second": True, "better": True, "worse": False}

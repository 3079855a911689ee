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
from data import HERE, LABELS
from export import predict, session
from model import build
from settings import versions

REPOSITORY = HERE.parent.parent
FOLDERS = {"first": "models/review-topic"} | {
    name: f"seed/review-topic/versions/{name}" for name in ("second", "better", "worse")
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
    for seed, root in zip((1, 4), roots):
        run("train.py", data_cache, seed, "--root", root)
    return roots


@pytest.fixture(scope="session")
def pipelines(parts):
    training = parts[0]
    return {
        name: build(version["settings"]).fit(training["text"], training["class"])
        for name, version in versions().items()
    }


def committed(name, file):
    return REPOSITORY / FOLDERS[name] / file


def graph_of(name):
    return session(committed(name, "model.onnx").read_bytes())


def agrees(name, pipelines, texts):
    given = predict(graph_of(name), texts)
    assert np.isfinite(given).all()
    np.testing.assert_allclose(given, pipelines[name].predict_proba(texts), rtol=0, atol=TOLERANCE)


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


def test_no_article_review_or_text_stands_on_both_sides_of_the_split(rows, parts):
    training, holdout = parts
    assert 1500 <= len(holdout) < 1550
    assert len(training) + len(holdout) == len(rows)
    assert set(training["group"]).isdisjoint(holdout["group"])
    assert set(training["text"]).isdisjoint(holdout["text"])
    shares = [part["class"].value_counts(normalize=True).sort_index() for part in parts]
    assert abs(shares[0] - shares[1]).max() < 0.05  # groups are drawn, not texts


def test_no_group_stands_in_both_parts_of_a_fold(parts):
    for fitted, checked in tune.folds(parts[0]):
        assert set(parts[0]["group"].iloc[fitted]).isdisjoint(parts[0]["group"].iloc[checked])


def test_neither_the_search_nor_a_version_sees_a_holdout_text(parts, data_cache, tmp_path, monkeypatch):
    seen = []

    def record(space, rows):
        seen.append(set(rows["text"]))
        return {}

    def recording_build(settings):
        pipeline = build(settings)
        fit = pipeline.fit
        pipeline.fit = lambda texts, classes: (seen.append(set(texts)), fit(texts, classes))[1]
        return pipeline

    monkeypatch.setattr(tune, "search", record)
    monkeypatch.setattr(train, "build", recording_build)
    tune.main(data_cache, tmp_path / "tuned.json")
    train.main(data_cache, tmp_path)

    assert len(seen) == 2 + len(FOLDERS)
    for texts in seen:
        assert texts.isdisjoint(parts[1]["text"])


@each_version
def test_the_graph_answers_every_text_like_the_python_pipeline(name, pipelines, rows):
    agrees(name, pipelines, rows["text"])


@each_version
def test_unusual_texts_are_answered_like_in_python(name, pipelines):
    agrees(name, pipelines, [*train.UNUSUAL, "", " ", "a\0b", "\u200b", "I " * 5000, "x" * 10000])


@each_version
def test_one_text_alone_is_answered_like_in_a_batch(name, parts):
    graph, texts = graph_of(name), parts[1]["text"].iloc[:50]
    alone = [predict(graph, [text])[0] for text in texts]
    np.testing.assert_allclose(alone, predict(graph, texts), rtol=0, atol=1e-6)


@each_version
def test_every_graph_takes_the_text_and_gives_four_probabilities(name):
    graph = onnx.load(committed(name, "model.onnx")).graph
    assert [each.name for each in graph.input] == ["text"]
    taken = graph.input[0].type.tensor_type
    assert taken.elem_type == onnx.TensorProto.STRING
    assert [each.dim_value for each in taken.shape.dim] == [0, 1]  # 0: any number of rows
    assert [each.name for each in graph.output] == ["label", "probabilities"]
    assert graph.output[1].type.tensor_type.shape.dim[1].dim_value == len(LABELS)


@each_version
def test_the_graph_needs_no_locale_of_the_machine(name):
    nodes = onnx.load(committed(name, "model.onnx")).graph.node
    (normalizer,) = [node for node in nodes if node.op_type == "StringNormalizer"]
    assert {each.name: each.s for each in normalizer.attribute}["locale"] == b"C"


@each_version
def test_golden_vectors_are_the_graphs_own_answers(name, parts):
    golden = json.loads(committed(name, "golden.json").read_text(encoding="utf-8"))
    texts = train.golden_texts(parts[1])
    assert golden["rows"] == [{"text": text} for text in texts]
    assert len(texts) == 20
    for answer, expected in zip(predict(graph_of(name), texts), golden["predictions"], strict=True):
        assert expected["label"] == LABELS[int(answer.argmax())]
        assert list(expected["scores"]) == LABELS
        np.testing.assert_allclose(list(expected["scores"].values()), answer, atol=golden["tolerance"])


def test_the_holdout_file_gives_the_holdout_scores(parts):
    with committed("first", "holdout.csv").open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    assert [record["text"] for record in records] == parts[1]["text"].to_list()
    assert [record["label"] for record in records] == [LABELS[each] for each in parts[1]["class"]]


def test_the_manifest_describes_the_data(rows):
    manifest = yaml.safe_load((REPOSITORY / "models/review-topic/model.yaml").read_text())
    (text,) = manifest["inputs"]
    assert (text["name"], text["type"]) == ("text", "string")
    assert max(map(len, [*rows["text"], *train.UNUSUAL])) <= text["maxLength"]
    assert manifest["output"]["labels"] == LABELS


def test_the_gates_stop_only_the_worse_version():
    gates = yaml.safe_load((REPOSITORY / "models/review-topic/model.yaml").read_text())["gates"]
    passes = {
        name: json.loads(committed(name, "metrics.json").read_text())["accuracy"]["value"] >= gates["accuracy"]["min"]
        for name in FOLDERS
    }
    assert passes == {"first": True, "second": True, "better": True, "worse": False}

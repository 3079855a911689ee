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
from onnx import numpy_helper
from tokenizers import Tokenizer

import train
from data import HERE, LABELS
from encoder import POSITIONS, answer, build, calibrate, feeds, session
from train import MAX_TOKENS, folder_of, tokenize

REPOSITORY = HERE.parent.parent

each_version = pytest.mark.parametrize("name", MAX_TOKENS)


def run(data_cache, hash_seed, root):
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    command = [sys.executable, HERE / "train.py", "--cache", data_cache, "--root", root]
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
        run(data_cache, seed, root)
    return roots


def committed(name, file):
    return folder_of(REPOSITORY, name) / file


def manifest_of(name):
    return yaml.safe_load(committed(name, "model.yaml").read_text(encoding="utf-8"))


def json_of(name, file):
    return json.loads(committed(name, file).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def graph():
    return committed("first", "model.onnx").read_bytes()


@pytest.fixture(scope="session")
def constants(graph):
    return {each.name: numpy_helper.to_array(each) for each in onnx.load_from_string(graph).graph.initializer}


@pytest.fixture(scope="session")
def tokenizer():
    return committed("first", "tokenizer.json").read_text(encoding="utf-8")


def test_a_second_run_makes_the_same_bytes(made):
    first, second = map(files, made)
    assert len(first) == 9  # golden.json and metrics.json of three versions; model.onnx, tokenizer.json, holdout.csv
    assert first == second


def test_the_committed_files_are_the_ones_that_this_code_makes(made):
    for path, content in files(made[0]).items():
        assert (REPOSITORY / path).read_bytes() == content, path


def test_no_article_review_or_text_stands_on_both_sides_of_the_split(parts):
    training, holdout = parts
    assert 500 <= len(holdout) < 550
    assert set(training["group"]).isdisjoint(holdout["group"])
    assert set(training["text"]).isdisjoint(holdout["text"])


def test_neither_ranges_nor_head_see_a_holdout_text(parts, data_cache, tmp_path, monkeypatch):
    seen = []

    def recording_calibrate(weights, token_lists):
        seen.append(token_lists)
        raise StopIteration  # what follows is given the same texts

    monkeypatch.setattr(train, "calibrate", recording_calibrate)
    with pytest.raises(StopIteration):
        train.main(data_cache, tmp_path)
    tokenizer = committed("first", "tokenizer.json").read_text(encoding="utf-8")
    known = {tuple(tokens) for tokens in tokenize(tokenizer, parts[0]["text"], MAX_TOKENS["first"])}
    assert len(seen[0]) >= 300
    assert {tuple(tokens) for tokens in seen[0]} <= known


def test_the_float_encoder_is_the_published_one(encoder):
    # The similarities of the model card's own example on the Hugging Face hub: 0.695, 0.943 and 0.257.
    texts = ["That is a happy person", "That is a happy dog", "That is a very happy person", "Today is a sunny day"]
    weights, tokenizer = encoder
    first, *others = answer(session(build(weights, None)), tokenize(tokenizer, texts, 128))
    np.testing.assert_allclose(others @ first, [0.695, 0.943, 0.257], atol=2e-3)


def test_int8_points_nearly_where_float_points(encoder, parts):
    weights, tokenizer = encoder
    training, holdout = (tokenize(tokenizer, part["text"].iloc[:60], 128) for part in parts)
    quantized = answer(session(build(weights, calibrate(weights, training))), holdout)
    expected = answer(session(build(weights, None)), holdout)
    assert (quantized * expected).sum(axis=1).mean() > 0.985


def test_weights_have_seven_bits_so_that_all_processors_add_the_same(constants):
    found = [value for name, value in constants.items() if name.endswith(".weight") and value.dtype == np.int8]
    assert len(found) == 6 * 4
    assert max(np.abs(value).max() for value in found) == 63


def test_the_head_stays_in_float(constants):
    assert constants["head.weight"].dtype == np.float32
    assert constants["head.weight"].shape == (384, 2)


def test_one_text_alone_is_answered_like_in_a_batch(graph, tokenizer, parts):
    running = session(graph)
    tokens = tokenize(tokenizer, parts[1]["text"].iloc[:50], 128)
    alone = np.vstack([running.run(["probabilities"], feeds([each]))[0] for each in tokens])
    together = running.run(["probabilities"], feeds(tokens))[0]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=1), 1, rtol=0, atol=1e-6)


def test_the_graph_takes_token_ids_of_any_shape(graph):
    described = onnx.load_from_string(graph).graph
    assert [each.name for each in described.input] == ["input_ids", "attention_mask"]
    for each in described.input:
        assert each.type.tensor_type.elem_type == onnx.TensorProto.INT64
        assert [dimension.dim_param for dimension in each.type.tensor_type.shape.dim] == ["N", "S"]
    assert [each.name for each in described.output] == ["probabilities"]
    assert described.output[0].type.tensor_type.shape.dim[1].dim_value == len(LABELS)
    assert max(MAX_TOKENS.values()) <= POSITIONS


def test_the_tokenizer_file_leaves_truncation_to_the_manifest(tokenizer):
    loaded = Tokenizer.from_str(tokenizer)
    assert (loaded.padding, loaded.truncation) == (None, None)
    tokens = tokenize(tokenizer, [train.UNUSUAL[-1]], 128)[0]
    assert len(tokens) == 128
    assert (tokens[0], tokens[-1]) == (loaded.token_to_id("[CLS]"), loaded.token_to_id("[SEP]"))
    whole = loaded.encode(train.UNUSUAL[-1]).ids
    assert len(whole) > 128
    assert tokens[:-1] == whole[:127]


@each_version
def test_golden_vectors_are_the_graphs_own_answers(name, graph, tokenizer):
    golden = json_of(name, "golden.json")
    texts = [row["text"] for row in golden["rows"]]
    assert len(texts) == 20
    assert texts[-len(train.UNUSUAL) :] == train.UNUSUAL
    answers = answer(session(graph), tokenize(tokenizer, texts, MAX_TOKENS[name]))
    for given, expected in zip(answers, golden["predictions"], strict=True):
        assert expected["label"] == LABELS[int(given.argmax())]
        assert list(expected["scores"]) == LABELS
        np.testing.assert_allclose(list(expected["scores"].values()), given, atol=1e-5)
        # Rounding on another processor may not turn the label.
        assert abs(given[1] - 0.5) > 2 * golden["tolerance"]


def test_the_holdout_file_gives_the_holdout_scores(parts):
    with committed("first", "holdout.csv").open(newline="", encoding="utf-8") as file:
        records = list(csv.DictReader(file))
    assert [record["text"] for record in records] == parts[1]["text"].to_list()
    assert [record["label"] for record in records] == [LABELS[each] for each in parts[1]["class"]]


@each_version
def test_the_manifest_describes_the_data(name, rows):
    manifest = manifest_of(name)
    (text,) = manifest["inputs"]
    assert (text["name"], text["type"]) == ("text", "string")
    assert max(map(len, [*rows["text"], *train.UNUSUAL])) <= text["maxLength"]
    assert manifest["tokenizer"] == {"file": "tokenizer.json", "maxTokens": MAX_TOKENS[name]}
    assert (manifest["output"]["labels"], manifest["output"]["positive"]) == (LABELS, LABELS[1])


def test_versions_differ_only_in_the_bands_and_in_how_much_is_read():
    first = manifest_of("first")
    second, worse = manifest_of("second"), manifest_of("worse")
    assert second["output"]["bands"] == json_of("second", "metrics.json")["crossValidation"]["bands"]
    second["output"]["bands"] = first["output"]["bands"]
    worse["tokenizer"] = first["tokenizer"]
    assert first == second == worse


def test_the_gates_stop_only_the_worse_version():
    gates = manifest_of("first")["gates"]
    passes = {}
    for name in MAX_TOKENS:
        metrics = json_of(name, "metrics.json")
        passes[name] = all(metrics[each]["value"] >= gates[each]["min"] for each in ("accuracy", "auc"))
    assert passes == {"first": True, "second": True, "worse": False}

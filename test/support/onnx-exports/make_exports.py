"""Trains and exports some twenty small models as other people would deliver them, one folder per case.

    python3 -m venv ~/.cache/slipway-exports && ~/.cache/slipway-exports/bin/pip install -r requirements.txt
    ~/.cache/slipway-exports/bin/python make_exports.py

Each folder gets model.onnx, data.csv (the author's table with the target column) and case.json: the target, the kind
of export, and the predictions of the library that trained the model (not onnxruntime) for the first rows. The data is
one of scikit-learn's bundled sets, or made in made_data.py. All is seeded.
"""

import json
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import onnx
import onnxruntime
import pandas
import torch
import xgboost
from onnx import TensorProto, helper, numpy_helper
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import convert_sklearn
from skl2onnx.common import _container
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn import datasets
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import made_data

HERE = Path(__file__).parent
CHECKED_ROWS = 12
OPSETS = {"": 17, "ai.onnx.ml": 3}


# skl2onnx 1.20 writes HistGradientBoosting's flags as booleans, which onnx since 1.22 does not take.
_make_node = _container.make_node
_container.make_node = lambda *names, **attributes: _make_node(*names, **{
    name: [int(each) if isinstance(each, (bool, np.bool_, np.integer)) else each for each in value]
    if isinstance(value, list) else value
    for name, value in attributes.items()
})


def save(case, graph, data, target, task_fields, exported, source, predictions):
    """Writes one case's folder. `predictions`: one `{label, scores}` or `{scores}` for each of the first rows."""
    folder = HERE / case
    folder.mkdir(exist_ok=True)
    graph.graph.name = case  # otherwise some converters choose a random one
    operator_sets = sorted(graph.opset_import, key=lambda each: each.domain)  # skl2onnx's order is that of a set
    del graph.opset_import[:]
    graph.opset_import.extend(operator_sets)
    if all(each.type.tensor_type.HasField("shape") for each in graph.graph.input):  # the checker takes no others
        onnx.checker.check_model(graph)
    (folder / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    data.to_csv(folder / "data.csv", index=False, lineterminator="\n")
    description = {
        "target": target,
        "exported": exported,
        "data": source,
        **task_fields,
        "predictions": predictions,
    }
    (folder / "case.json").write_text(json.dumps(description, indent=1) + "\n")


def assert_same_predictions(graph, feeds, output, expected):
    """The export must predict as the library does."""
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    answered = session.run([output], feeds)[0]
    np.testing.assert_allclose(np.reshape(answered, np.shape(expected)), expected, rtol=1e-4, atol=1e-5)


def describe_scores(probabilities, labels):
    """Predictions of the first rows from the library's probabilities [N, labels]."""
    return [
        {
            "label": str(labels[int(np.argmax(row))]),
            "scores": {str(label): float(score) for label, score in zip(labels, row)},
        }
        for row in probabilities[:CHECKED_ROWS]
    ]


def describe_values(values, names):
    """Predictions of the first rows from the library's values [N] or [N, names]."""
    return [
        {"scores": {name: float(value) for name, value in zip(names, row)}}
        for row in np.reshape(values, (len(values), len(names)))[:CHECKED_ROWS]
    ]


def without_unread_constants(graph):
    """Drops unused constants of a converter, because onnxruntime warns about them at every start."""
    read = {name for node in graph.graph.node for name in node.input}
    kept = [each for each in graph.graph.initializer if each.name in read]
    del graph.graph.initializer[:]
    graph.graph.initializer.extend(kept)
    return graph


def dense(name, weights, bias, source):
    """A fully connected layer as a framework's exporter writes it: its node and its two constants."""
    return (
        helper.make_node("Gemm", [source, f"{name}.weight", f"{name}.bias"], [name]),
        [
            numpy_helper.from_array(weights.astype(np.float32), f"{name}.weight"),
            numpy_helper.from_array(bias.astype(np.float32), f"{name}.bias"),
        ],
    )


def network(nodes, constants, source, width, sink, sink_width):
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, ["batch_size", width])],
        [helper.make_tensor_value_info(sink, TensorProto.FLOAT, ["batch_size", sink_width])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def sklearn_columns():
    """One graph input per column, strings and numbers, some cells missing."""
    data = made_data.loans()
    text, numbers, whole = ["employment", "home"], ["income", "debt_ratio"], ["age", "existing_customer"]
    features = data.drop(columns="outcome").fillna({"employment": ""})
    model = make_pipeline(
        ColumnTransformer([
            ("text", OneHotEncoder(handle_unknown="ignore"), text),
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("whole", StandardScaler(), whole),
        ]),
        LogisticRegression(max_iter=500),
    ).fit(features, data["outcome"])
    types = {**dict.fromkeys(text, StringTensorType), **dict.fromkeys(numbers, FloatTensorType)}
    graph = convert_sklearn(
        model,
        initial_types=[(name, types.get(name, Int64TensorType)([None, 1])) for name in features],
        target_opset=OPSETS,
        options={id(model): {"zipmap": False}},
    )
    kinds = {**dict.fromkeys(text, object), **dict.fromkeys(numbers, np.float32)}
    feeds = {name: features[[name]].to_numpy(kinds.get(name, np.int64)) for name in features}
    probabilities = model.predict_proba(features)
    assert_same_predictions(graph, feeds, "probabilities", probabilities)
    save("sklearn-columns", graph, data, "outcome", {"task": "classification"},
         "skl2onnx.convert_sklearn of a Pipeline with a ColumnTransformer, one initial type a column, zipmap=False",
         "made", describe_scores(probabilities, model.classes_))


def sklearn_matrix():
    """A classifier on one float matrix, labels as text."""
    iris = datasets.load_iris(as_frame=True)
    data = iris.data.assign(species=[str(iris.target_names[each]) for each in iris.target])
    data = data.sample(frac=1, random_state=1)
    features = data.drop(columns="species").to_numpy(np.float32)
    model = LogisticRegression(max_iter=500).fit(features, data["species"])
    graph = convert_sklearn(
        model, initial_types=[("X", FloatTensorType([None, 4]))], target_opset=OPSETS, options={"zipmap": False},
    )
    probabilities = model.predict_proba(features)
    assert_same_predictions(graph, {"X": features}, "probabilities", probabilities)
    save("sklearn-matrix", graph, data, "species", {"task": "classification"},
         "skl2onnx.convert_sklearn of a LogisticRegression, one FloatTensorType([None, 4]), zipmap=False",
         "iris (R. A. Fisher 1936), from scikit-learn", describe_scores(probabilities, model.classes_))


def random_forest():
    """Three classes, labels as integers."""
    wine = datasets.load_wine(as_frame=True)
    data = wine.frame.rename(columns={"target": "cultivar"}).sample(frac=1, random_state=1)
    features = data.drop(columns="cultivar").to_numpy(np.float32)
    model = RandomForestClassifier(n_estimators=12, max_depth=4, random_state=1).fit(features, data["cultivar"])
    graph = convert_sklearn(
        model, initial_types=[("float_input", FloatTensorType([None, 13]))], target_opset=OPSETS,
        options={"zipmap": False},
    )
    probabilities = model.predict_proba(features)
    assert_same_predictions(graph, {"float_input": features}, "probabilities", probabilities)
    save("random-forest", graph, data, "cultivar", {"task": "classification"},
         "skl2onnx.convert_sklearn of a RandomForestClassifier, zipmap=False",
         "wine (M. Forina et al. 1991), from scikit-learn", describe_scores(probabilities, model.classes_))


def lightgbm_binary():
    """A booster on a data frame: text as pandas' categories, whose codes go into the matrix; flags; missing cells."""
    data = made_data.bike_hours()
    features = data.drop(columns="busy").astype({"season": "category", "weather": "category"})
    model = lightgbm.LGBMClassifier(n_estimators=15, num_leaves=8, random_state=1, n_jobs=1, verbose=-1)
    model.fit(features, data["busy"])
    graph = convert_lightgbm(
        model, initial_types=[("input", ToolsFloat([None, features.shape[1]]))], target_opset=15, zipmap=False,
    )
    coded = features.assign(season=features["season"].cat.codes, weather=features["weather"].cat.codes)
    probabilities = model.predict_proba(features)
    assert_same_predictions(graph, {"input": coded.to_numpy(np.float32)}, "probabilities", probabilities)
    save("lightgbm-binary", without_unread_constants(graph), data, "busy", {"task": "classification"},
         "onnxmltools.convert_lightgbm of an LGBMClassifier fitted on a pandas.DataFrame, zipmap=False",
         "made", describe_scores(probabilities, model.classes_))


def xgboost_binary():
    """The library takes classes 0 and 1 only; the author's table has their names."""
    cancer = datasets.load_breast_cancer(as_frame=True)
    columns = ["mean radius", "mean texture", "mean smoothness", "mean concavity", "worst area", "worst symmetry"]
    frame = cancer.frame.sample(n=300, random_state=1)
    frame.loc[frame.sample(frac=0.08, random_state=2).index, "mean concavity"] = np.nan
    features, classes = frame[columns], 1 - frame["target"]  # the set has 0 for malignant
    data = features.assign(diagnosis=["malignant" if each else "benign" for each in classes])
    model = xgboost.XGBClassifier(n_estimators=20, max_depth=3, random_state=1, n_jobs=1)
    model.fit(features.to_numpy(np.float32), classes)
    graph = convert_xgboost(model, initial_types=[("float_input", ToolsFloat([None, len(columns)]))], target_opset=15)
    probabilities = model.predict_proba(features.to_numpy(np.float32))
    assert_same_predictions(graph, {"float_input": features.to_numpy(np.float32)}, "probabilities", probabilities)
    save("xgboost-binary", graph, data, "diagnosis", {"task": "classification"},
         "onnxmltools.convert_xgboost of an XGBClassifier fitted on the codes of sklearn's LabelEncoder",
         "breast cancer Wisconsin (W. N. Street et al. 1993), from scikit-learn, six columns, some cells emptied",
         describe_scores(probabilities, ["benign", "malignant"]))


def xgboost_regression():
    frame = datasets.load_diabetes(as_frame=True, scaled=False).frame.sample(n=350, random_state=1)
    data = frame.rename(columns={"target": "progression"})
    features = data.drop(columns="progression").to_numpy(np.float32)
    model = xgboost.XGBRegressor(n_estimators=20, max_depth=3, random_state=1, n_jobs=1)
    model.fit(features, data["progression"])
    graph = convert_xgboost(model, initial_types=[("float_input", ToolsFloat([None, 10]))], target_opset=15)
    values = model.predict(features)
    assert_same_predictions(graph, {"float_input": features}, "variable", values)
    save("xgboost-regression", graph, data, "progression", {"task": "regression"},
         "onnxmltools.convert_xgboost of an XGBRegressor",
         "diabetes (B. Efron et al. 2004), from scikit-learn, unscaled", describe_values(values, ["progression"]))


def mlp_logits():
    """A network as PyTorch exports one: it ends in logits, and the file contains no labels."""
    digits = datasets.load_digits()
    frame = pandas.DataFrame(digits.data.astype(int), columns=digits.feature_names)
    data = frame.assign(digit=digits.target).sample(n=300, random_state=1)
    pixels = data.drop(columns="digit").to_numpy(np.float32)
    model = MLPClassifier((24,), max_iter=400, tol=1e-3, random_state=1).fit(pixels / 16, data["digit"])
    scale = numpy_helper.from_array(np.array(1 / 16, np.float32), "scale")
    (hidden, out) = model.coefs_
    first, first_constants = dense("fc1", hidden, model.intercepts_[0], "scaled")
    last, last_constants = dense("logits", out, model.intercepts_[1], "relu")
    graph = network(
        [
            helper.make_node("Mul", ["input", "scale"], ["scaled"]),
            first,
            helper.make_node("Relu", ["fc1"], ["relu"]),
            last,
        ],
        [scale, *first_constants, *last_constants], "input", 64, "logits", 10,
    )
    probabilities = model.predict_proba(pixels / 16)
    session = onnxruntime.InferenceSession(graph.SerializeToString())
    logits = session.run(None, {"input": pixels})[0]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(exponentials / exponentials.sum(axis=1, keepdims=True), probabilities, atol=1e-5)
    save("mlp-logits", graph, data, "digit", {"task": "classification"},
         "the graph that torch.onnx.export writes for Linear, ReLU, Linear, written with onnx.helper",
         "optical digits (E. Alpaydin and C. Kaynak 1998), from scikit-learn",
         describe_scores(probabilities, model.classes_))


def sigmoid_column():
    """A network as Keras exports one: one probability per row, without the name of its label."""
    data = made_data.machines()
    features = data.drop(columns="failed").to_numpy(np.float32)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, data["failed"])
    scaler, regression = model
    weights = (regression.coef_ / scaler.scale_).T
    bias = regression.intercept_ - regression.coef_ @ (scaler.mean_ / scaler.scale_)
    layer, constants = dense("dense", weights, bias, "input_1")
    graph = network([layer, helper.make_node("Sigmoid", ["dense"], ["dense_1"])], constants,
                    "input_1", features.shape[1], "dense_1", 1)
    probabilities = model.predict_proba(features)
    assert_same_predictions(graph, {"input_1": features}, "dense_1", probabilities[:, 1])
    save("sigmoid-column", graph, data, "failed", {"task": "classification"},
         "the graph that tf2onnx writes for Dense(1, activation='sigmoid'), written with onnx.helper",
         "made", describe_scores(probabilities, model.classes_))


def ridge_double():
    """A scaled linear model in double precision; flags are written as true and false."""
    data = made_data.parcels()
    features = data.drop(columns="minutes")
    model = make_pipeline(StandardScaler(), Ridge()).fit(features.astype(float), data["minutes"])
    graph = convert_sklearn(
        model, initial_types=[("features", DoubleTensorType([None, features.shape[1]]))], target_opset=OPSETS,
    )
    values = model.predict(features.astype(float))
    assert_same_predictions(graph, {"features": features.to_numpy(np.float64)}, "variable", values)
    save("ridge-double", graph, data, "minutes", {"task": "regression"},
         "skl2onnx.convert_sklearn of a Pipeline of StandardScaler and Ridge, one DoubleTensorType",
         "made", describe_values(values, ["minutes"]))


def hist_gradient_boosting():
    """Three text labels from numbers of which many are missing."""
    data = made_data.bearings()
    features = data.drop(columns="state").to_numpy(np.float32)
    model = HistGradientBoostingClassifier(max_iter=8, max_leaf_nodes=7, random_state=1).fit(features, data["state"])
    graph = convert_sklearn(
        model, initial_types=[("X", FloatTensorType([None, features.shape[1]]))], target_opset=OPSETS,
        options={"zipmap": False},
    )
    probabilities = model.predict_proba(features)
    assert_same_predictions(graph, {"X": features}, "probabilities", probabilities)
    save("hist-gradient-boosting", graph, data, "state", {"task": "classification"},
         "skl2onnx.convert_sklearn of a HistGradientBoostingClassifier, zipmap=False",
         "made", describe_scores(probabilities, model.classes_))


def string_matrix():
    """Nothing but text, in one matrix, one of its columns made of digits."""
    data = made_data.tickets()
    features = data.drop(columns="priority")
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), DecisionTreeClassifier(max_depth=5, random_state=1))
    model.fit(features.to_numpy(object), data["priority"])
    graph = convert_sklearn(
        model, initial_types=[("input", StringTensorType([None, features.shape[1]]))], target_opset=OPSETS,
        options={"zipmap": False},
    )
    probabilities = model.predict_proba(features.to_numpy(object))
    assert_same_predictions(graph, {"input": features.to_numpy(object)}, "probabilities", probabilities)
    save("string-matrix", graph, data, "priority", {"task": "classification"},
         "skl2onnx.convert_sklearn of a Pipeline of OneHotEncoder and DecisionTreeClassifier, one StringTensorType",
         "made", describe_scores(probabilities, model.classes_))


def multi_output():
    """Two values per row, from the nearest training rows."""
    data = made_data.rooms()
    targets = ["heating_kwh", "cooling_kwh"]
    features = data.drop(columns=targets).to_numpy(np.float32)
    model = KNeighborsRegressor(n_neighbors=4).fit(features, data[targets])
    graph = convert_sklearn(
        model, initial_types=[("X", FloatTensorType([None, features.shape[1]]))], target_opset=OPSETS,
    )
    values = model.predict(features)
    assert_same_predictions(graph, {"X": features}, graph.graph.output[0].name, values)
    save("multi-output", graph, data, targets, {"task": "regression"},
         "skl2onnx.convert_sklearn of a KNeighborsRegressor with two targets", "made", describe_values(values, targets))


def iris_table():
    iris = datasets.load_iris(as_frame=True)
    data = iris.data.assign(species=[str(iris.target_names[each]) for each in iris.target])
    return data.sample(frac=1, random_state=1)


def catboost_graph(model):
    path = HERE / "catboost.onnx"
    model.save_model(str(path), format="onnx", export_parameters={"onnx_graph_name": "catboost"})
    graph = onnx.load(path)
    path.unlink()
    return graph


def catboost_binary():
    """CatBoost's own export: it always ends in ZipMap."""
    cancer = datasets.load_breast_cancer(as_frame=True)
    data = cancer.data.iloc[:, :5].assign(benign=cancer.target).sample(frac=1, random_state=1)
    features = data.drop(columns="benign").to_numpy(np.float32)
    model = catboost.CatBoostClassifier(iterations=20, depth=3, random_seed=1, verbose=False, allow_writing_files=False)
    model.fit(features, data["benign"])
    save("catboost-binary", catboost_graph(model), data, "benign", {"task": "classification"},
         "catboost.CatBoostClassifier.save_model(format='onnx'), which always ends in ZipMap",
         "breast cancer (W. H. Wolberg et al. 1995), from scikit-learn",
         describe_scores(model.predict_proba(features), model.classes_))


def catboost_text_labels():
    """Three labels of text, which only the nodes of the end hold."""
    data = iris_table()
    features = data.drop(columns="species").to_numpy(np.float32)
    model = catboost.CatBoostClassifier(iterations=15, depth=3, random_seed=1, verbose=False, allow_writing_files=False)
    model.fit(features, data["species"])
    save("catboost-text-labels", catboost_graph(model), data, "species", {"task": "classification"},
         "catboost.CatBoostClassifier.save_model(format='onnx') with labels of text",
         "iris (R. A. Fisher 1936), from scikit-learn", describe_scores(model.predict_proba(features), model.classes_))


def sklearn_iris(case, exported, initial_shape, options, adapt=lambda graph: graph):
    data = iris_table()
    features = data.drop(columns="species").to_numpy(np.float32)
    model = LogisticRegression(max_iter=500).fit(features, data["species"])
    graph = adapt(convert_sklearn(
        model, initial_types=[("X", FloatTensorType(initial_shape) if initial_shape else FloatTensorType())], target_opset=OPSETS, options=options,
    ))
    save(case, graph, data, "species", {"task": "classification"}, exported,
         "iris (R. A. Fisher 1936), from scikit-learn", describe_scores(model.predict_proba(features), model.classes_))


def sklearn_zipmap():
    """skl2onnx's default: a sequence of maps."""
    sklearn_iris("sklearn-zipmap", "skl2onnx.convert_sklearn of a LogisticRegression with its default options",
                 [None, 4], None)


def sklearn_zipmap_columns():
    """One output per label."""
    sklearn_iris("sklearn-zipmap-columns", "skl2onnx.convert_sklearn of a LogisticRegression, zipmap='columns'",
                 [None, 4], {"zipmap": "columns"})


def sklearn_no_shape():
    """A matrix whose shape the graph does not declare."""
    sklearn_iris("sklearn-no-shape", "skl2onnx.convert_sklearn of a LogisticRegression, FloatTensorType(), zipmap=False",
                 (), {"zipmap": False})


def newest_versions(graph):
    graph.ir_version = 14
    for each in graph.opset_import:
        if each.domain == "":
            each.version = 28
    return graph


def sklearn_newest_versions():
    """The versions that onnx 1.23 writes by default; no operator of the graph changed with them."""
    sklearn_iris("sklearn-newest-versions", "as sklearn-matrix, with onnx 1.23's default IR version 14 and opset 28",
                 [None, 4], {"zipmap": False}, newest_versions)


def torch_classifier(case, exported, rows, **export_options):
    """A trained network with softmax, as torch's exporter writes it for one example."""
    data = iris_table()
    names = sorted(set(data["species"]))
    features = data.drop(columns="species").to_numpy(np.float32)
    labels = torch.tensor([names.index(each) for each in data["species"]])
    torch.manual_seed(1)
    layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, len(names)))
    optimizer = torch.optim.Adam(layers.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(layers(torch.tensor(features)), labels).backward()
        optimizer.step()
    model = torch.nn.Sequential(layers, torch.nn.Softmax(dim=1)).eval()
    program = torch.onnx.export(
        model, (torch.tensor(features[:rows]),), dynamo=True, input_names=["x"], output_names=["probabilities"],
        verbose=False, **export_options,
    )
    graph = program.model_proto
    # The exporter's notes hold the paths of this machine.
    for node in [*graph.graph.node, *(node for each in graph.functions for node in each.node)]:
        del node.metadata_props[:]
    with torch.no_grad():
        probabilities = model(torch.tensor(features)).numpy()
    save(case, graph, data, "species", {"task": "classification"}, exported,
         "iris (R. A. Fisher 1936), from scikit-learn", describe_scores(probabilities, names))


def torch_fixed_batch():
    """Exported without dynamic shapes: the graph takes exactly 16 rows."""
    torch_classifier("torch-fixed-batch", "torch.onnx.export(dynamo=True) of 16 rows, without dynamic_shapes", 16)


def torch_embedding():
    """Two ids that select rows of embeddings, of 30 users and 12 items."""
    made = np.random.default_rng(1)
    data = pandas.DataFrame({"user_id": made.integers(0, 25, 300), "item_id": made.integers(0, 12, 300)})

    class Recommender(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.users = torch.nn.Embedding(30, 4)
            self.items = torch.nn.Embedding(12, 4)

        def forward(self, user_id, item_id):
            return (self.users(user_id) * self.items(item_id)).sum(-1)

    torch.manual_seed(1)
    model = Recommender().eval()
    ids = [torch.tensor(data[[name]].to_numpy()) for name in data]
    with torch.no_grad():
        values = model(*ids).numpy()[:, 0]
    graph = torch.onnx.export(
        model, tuple(each[:3] for each in ids), dynamo=True, input_names=list(data), output_names=["rating"],
        dynamic_shapes=({0: torch.export.Dim("rows")}, {0: torch.export.Dim("rows")}), verbose=False,
    ).model_proto
    for node in graph.graph.node:
        del node.metadata_props[:]
    data["rating"] = np.round(values + made.normal(0, 0.3, 300), 3)
    save("torch-embedding", graph, data, "rating", {"task": "regression"},
         "torch.onnx.export(dynamo=True) of two nn.Embedding, int64 [rows, 1] each", "made",
         describe_values(values, ["rating"]))


CASES = [
    sklearn_columns, sklearn_matrix, random_forest, lightgbm_binary, xgboost_binary, xgboost_regression,
    mlp_logits, sigmoid_column, ridge_double, hist_gradient_boosting, string_matrix, multi_output,
    catboost_binary, catboost_text_labels, sklearn_zipmap, sklearn_zipmap_columns, sklearn_no_shape,
    sklearn_newest_versions, torch_fixed_batch, torch_embedding,
]

if __name__ == "__main__":
    for each in CASES:
        each()
        print(each.__name__)

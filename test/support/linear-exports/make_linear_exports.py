"""Trains and exports small linear models and networks, with what exporters put in front of them and behind them.

    python3 -m venv ~/.cache/slipway-exports && ~/.cache/slipway-exports/bin/pip install -r ../onnx-exports/requirements.txt
    ~/.cache/slipway-exports/bin/python make_linear_exports.py

Each model is one file beside this script. The tests compare a compiled graph with onnxruntime on rows that they make
themselves, so there is no data. All is seeded; the versions are those of ../onnx-exports/requirements.txt.
"""

from pathlib import Path

import numpy as np
import pandas
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import BaggingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

HERE = Path(__file__).parent
OPSETS = {"": 17, "ai.onnx.ml": 3}


def save(case, graph):
    graph.graph.name = case  # otherwise some converters choose a random one
    operator_sets = sorted(graph.opset_import, key=lambda each: each.domain)  # skl2onnx's order is that of a set
    del graph.opset_import[:]
    graph.opset_import.extend(operator_sets)
    (HERE / f"{case}.onnx").write_bytes(graph.SerializeToString(deterministic=True))


def save_sklearn(case, model, table, target, inputs):
    model.fit(table, target)
    last = model[-1] if hasattr(model, "steps") else model
    options = {id(last): {"zipmap": False}} if hasattr(last, "predict_proba") else None
    save(case, convert_sklearn(model, initial_types=inputs, options=options, target_opset=OPSETS))


table, classes = make_classification(600, 8, n_informative=5, n_classes=3, n_clusters_per_class=1, random_state=0)
table = table.astype(np.float32)
binary = (classes > 0).astype(int)
words = np.array(["no", "yes"])[binary]
numbers, value = make_regression(600, 8, noise=3, random_state=0)
numbers = numbers.astype(np.float32)
pair = np.column_stack([value, -value + numbers[:, 0]])
value = value / value.std()
matrix = [("X", FloatTensorType([None, 8]))]
doubles = [("X", DoubleTensorType([None, 8]))]

save_sklearn("logistic", LogisticRegression(), table, binary, matrix)
save_sklearn("logistic-scaled", make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), table * 30 + 100, words, matrix)
save_sklearn("logistic-classes", LogisticRegression(), table, classes, matrix)
save_sklearn("logistic-double", make_pipeline(StandardScaler(), LogisticRegression()), table.astype(float), binary, doubles)
save_sklearn("one-vs-rest", OneVsRestClassifier(LogisticRegression()), table, classes, matrix)
save_sklearn("linear-svc", LinearSVC(), table, classes, matrix)
save_sklearn("stochastic", SGDClassifier(loss="log_loss", random_state=0), table, classes, matrix)
save_sklearn("discriminant", LinearDiscriminantAnalysis(), table, classes, matrix)
save_sklearn("voted", VotingClassifier([("a", LogisticRegression()), ("b", LogisticRegression(C=0.01))], voting="soft", flatten_transform=False), table, binary, matrix)
save_sklearn("ridge", make_pipeline(StandardScaler(), Ridge()), numbers, value, matrix)
save_sklearn("ridge-double", Ridge(), numbers.astype(float), value, doubles)
save_sklearn("lasso-unscaled", Lasso(alpha=0.001), numbers * 1000 + 5000, value, matrix)
save_sklearn("linear-svr", LinearSVR(random_state=0), numbers, value, matrix)
save_sklearn("two-targets", LinearRegression(), numbers, pair, matrix)
save_sklearn("poisson", PoissonRegressor(), numbers, np.abs(value), matrix)
save_sklearn("partial-least-squares", PLSRegression(2), numbers, value, matrix)
save_sklearn("components", make_pipeline(PCA(4), LinearRegression()), numbers, value, matrix)
save_sklearn("bagged", BaggingRegressor(Ridge(), n_estimators=3, random_state=0), numbers, value, matrix)
network = {"hidden_layer_sizes": (6,), "max_iter": 300, "random_state": 0}
save_sklearn("network-relu", make_pipeline(StandardScaler(), MLPClassifier(**network)), table, classes, matrix)
save_sklearn("network-tanh", make_pipeline(StandardScaler(), MLPClassifier(activation="tanh", **network)), table, words, matrix)
save_sklearn("network-logistic", MLPRegressor(activation="logistic", **network), numbers, value, matrix)
save_sklearn("network-deep", MLPRegressor(hidden_layer_sizes=(6, 5), max_iter=300, random_state=0), numbers, value, matrix)

random = np.random.default_rng(0)
columns = pandas.DataFrame({
    "a": random.normal(size=400).astype(np.float32),
    "b": random.integers(0, 50, 400),
    "c": random.choice(["x", "y", "z"], 400),
    "d": random.choice([3, 5, 9], 400),
})
outcome = ((columns.a > 0) ^ (columns.c == "x")).astype(int)
inputs = [
    ("a", FloatTensorType([None, 1])),
    ("b", Int64TensorType([None, 1])),
    ("c", StringTensorType([None, 1])),
    ("d", Int64TensorType([None, 1])),
]
encoded = ColumnTransformer([
    ("a", make_pipeline(SimpleImputer(), StandardScaler()), ["a"]),
    ("b", StandardScaler(), ["b"]),
    ("c", OneHotEncoder(handle_unknown="ignore"), ["c"]),
    ("d", OneHotEncoder(), ["d"]),
])
save_sklearn("columns", make_pipeline(encoded, LogisticRegression()), columns, outcome, inputs)

"""Trains and exports each model of docs/what-can-i-serve.md: `python export_rows.py <folder>`.

Writes <folder>/<row>/model.onnx, data.csv and row.json: the library, the kind of model, the lines that export it (exactly
those that ran), the options of `slipway new`, and the library's own answers for the first rows of data.csv. All is seeded.
"""

import json
import sys
import textwrap
from pathlib import Path

import numpy
import pandas
from skl2onnx.common import _container

# skl2onnx 1.20 writes flags as booleans, which onnx since 1.22 does not take.
make_node = _container.make_node
_container.make_node = lambda *names, **attributes: make_node(*names, **{
    name: [int(each) if isinstance(each, (bool, numpy.bool_, numpy.integer)) else each for each in value]
    if isinstance(value, list) else value
    for name, value in attributes.items()
})

ROWS = 120
CHECKED = 20
random = numpy.random.default_rng(7)
COLUMNS = ["age", "income", "visits", "balance"]
X = pandas.DataFrame(random.normal(size=(ROWS, 4)).astype("float32").round(3), columns=COLUMNS)
noise = random.normal(size=ROWS) * 0.2
SCORE = (X["age"] - 0.7 * X["income"] + X["visits"] * X["balance"] * 0.3).to_numpy() + noise
TARGETS = {
    "two": (SCORE > 0).astype(int),
    "words": numpy.where(SCORE > 0, "stay", "churn"),
    "three": numpy.digitize(SCORE, [-0.6, 0.6]),
    "value": SCORE.round(3),
    "values": numpy.stack([SCORE, SCORE * 2 - 1], axis=1).round(3),
    "tags": numpy.stack([SCORE > 0, X["age"] > 0.2, X["visits"] + X["balance"] > 0], axis=1).astype(int),
    "relevance": numpy.clip(numpy.digitize(SCORE, [-1, 0, 1]), 0, 3),
}
GROUPS = numpy.repeat(numpy.arange(ROWS // 8), 8)

rows = []


def row(name, library, kind, target, fit, export, answers, **options):
    """A row of the table. `fit` and `export` are Python as a reader would write it."""
    rows.append({"name": name, "library": library, "kind": kind, "target": target, "fit": fit, "export": export,
                 "answers": answers, **options})


SKLEARN = """\
from skl2onnx import to_onnx
onnx_model = to_onnx(model, X.to_numpy()[:1])"""
SKLEARN_NO_ZIPMAP = """\
from skl2onnx import to_onnx
onnx_model = to_onnx(model, X.to_numpy()[:1], options={"zipmap": False})"""


def sklearn_classifier(name, kind, code, target="two", export=SKLEARN):
    row(name, "scikit-learn", kind, target, code, export, "probabilities")


sklearn_classifier("sklearn-logistic", "LogisticRegression",
                   "from sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression().fit(X.to_numpy(), y)")
sklearn_classifier("sklearn-logistic-words", "LogisticRegression, text labels",
                   "from sklearn.linear_model import LogisticRegression\nmodel = LogisticRegression().fit(X.to_numpy(), y)",
                   target="words", export=SKLEARN_NO_ZIPMAP)
sklearn_classifier("sklearn-forest", "RandomForestClassifier",
                   "from sklearn.ensemble import RandomForestClassifier\nmodel = RandomForestClassifier(30, max_depth=4, random_state=0).fit(X.to_numpy(), y)",
                   target="three")
sklearn_classifier("sklearn-forest-columns", "RandomForestClassifier, zipmap=\"columns\"",
                   "from sklearn.ensemble import RandomForestClassifier\nmodel = RandomForestClassifier(10, max_depth=4, random_state=0).fit(X.to_numpy(), y)",
                   export='from skl2onnx import to_onnx\nonnx_model = to_onnx(model, X.to_numpy()[:1], options={"zipmap": "columns"})')
sklearn_classifier("sklearn-boosting", "HistGradientBoostingClassifier",
                   "from sklearn.ensemble import HistGradientBoostingClassifier\nmodel = HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(X.to_numpy(), y)")
sklearn_classifier("sklearn-mlp", "MLPClassifier",
                   "from sklearn.neural_network import MLPClassifier\nmodel = MLPClassifier((8,), max_iter=300, random_state=0).fit(X.to_numpy(), y)",
                   target="three")
sklearn_classifier("sklearn-knn", "KNeighborsClassifier",
                   "from sklearn.neighbors import KNeighborsClassifier\nmodel = KNeighborsClassifier(5).fit(X.to_numpy(), y)")
sklearn_classifier("sklearn-bayes", "GaussianNB",
                   "from sklearn.naive_bayes import GaussianNB\nmodel = GaussianNB().fit(X.to_numpy(), y)")
sklearn_classifier("sklearn-calibrated", "CalibratedClassifierCV",
                   "from sklearn.calibration import CalibratedClassifierCV\nfrom sklearn.linear_model import LogisticRegression\nmodel = CalibratedClassifierCV(LogisticRegression(), cv=3).fit(X.to_numpy(), y)")
sklearn_classifier("sklearn-voting", "VotingClassifier, soft",
                   "from sklearn.ensemble import RandomForestClassifier, VotingClassifier\nfrom sklearn.linear_model import LogisticRegression\nmodel = VotingClassifier([(\"a\", LogisticRegression()), (\"b\", RandomForestClassifier(5, max_depth=3, random_state=0))], voting=\"soft\", flatten_transform=False).fit(X.to_numpy(), y)")
sklearn_classifier("sklearn-pipeline", "StandardScaler and LogisticRegression",
                   "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\nmodel = make_pipeline(StandardScaler(), LogisticRegression()).fit(X.to_numpy(), y)")
row("sklearn-ridge-classifier", "scikit-learn", "RidgeClassifier (labels without probabilities)", "two",
    "from sklearn.linear_model import RidgeClassifier\nmodel = RidgeClassifier().fit(X.to_numpy(), y)",
    SKLEARN_NO_ZIPMAP, "labels")
row("sklearn-linear-svc", "scikit-learn", "LinearSVC (decision function)", "three",
    "from sklearn.svm import LinearSVC\nmodel = LinearSVC(random_state=0).fit(X.to_numpy(), y)",
    SKLEARN, "labels")
row("sklearn-multilabel", "scikit-learn", "MultiOutputClassifier (several 0/1 targets)", "tags",
    "from sklearn.linear_model import LogisticRegression\nfrom sklearn.multioutput import MultiOutputClassifier\nmodel = MultiOutputClassifier(LogisticRegression()).fit(X.to_numpy(), y)",
    SKLEARN_NO_ZIPMAP, "tags")
row("sklearn-onevsrest", "scikit-learn", "OneVsRestClassifier (several 0/1 targets)", "tags",
    "from sklearn.linear_model import LogisticRegression\nfrom sklearn.multiclass import OneVsRestClassifier\nmodel = OneVsRestClassifier(LogisticRegression()).fit(X.to_numpy(), y)",
    SKLEARN_NO_ZIPMAP, "tags")
for name, kind, code in [
    ("sklearn-linear", "LinearRegression", "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(X.to_numpy(), y)"),
    ("sklearn-forest-regressor", "RandomForestRegressor", "from sklearn.ensemble import RandomForestRegressor\nmodel = RandomForestRegressor(10, max_depth=4, random_state=0).fit(X.to_numpy(), y)"),
    ("sklearn-boosting-regressor", "GradientBoostingRegressor", "from sklearn.ensemble import GradientBoostingRegressor\nmodel = GradientBoostingRegressor(n_estimators=10, random_state=0).fit(X.to_numpy(), y)"),
    ("sklearn-svr", "SVR", "from sklearn.svm import SVR\nmodel = SVR().fit(X.to_numpy(), y)"),
    ("sklearn-pls", "StackingRegressor", "from sklearn.ensemble import StackingRegressor\nfrom sklearn.linear_model import LinearRegression, Ridge\nfrom sklearn.tree import DecisionTreeRegressor\nmodel = StackingRegressor([(\"a\", Ridge()), (\"b\", DecisionTreeRegressor(max_depth=3))], LinearRegression()).fit(X.to_numpy(), y)"),
]:
    row(name, "scikit-learn", kind, "value", code, SKLEARN, "values")
row("sklearn-several-values", "scikit-learn", "LinearRegression of several values", "values",
    "from sklearn.linear_model import LinearRegression\nmodel = LinearRegression().fit(X.to_numpy(), y)", SKLEARN, "values")
row("sklearn-gaussian-process", "scikit-learn", "GaussianProcessRegressor with its standard deviation", "value",
    "from sklearn.gaussian_process import GaussianProcessRegressor\nfrom sklearn.gaussian_process.kernels import RBF\nmodel = GaussianProcessRegressor(RBF(2.0, \"fixed\"), alpha=0.1).fit(X.to_numpy(), y)",
    'from skl2onnx import to_onnx\nonnx_model = to_onnx(model, X.to_numpy()[:1].astype("float64"), options={"return_std": True})', "deviation")
row("sklearn-isolation-forest", "scikit-learn", "IsolationForest", "outlier",
    "from sklearn.ensemble import IsolationForest\nmodel = IsolationForest(n_estimators=20, random_state=0).fit(X.to_numpy())",
    'from skl2onnx import to_onnx\nonnx_model = to_onnx(model, X.to_numpy()[:1], target_opset={"": 17, "ai.onnx.ml": 3})', "anomalies")
row("sklearn-one-class-svm", "scikit-learn", "OneClassSVM", "outlier",
    "from sklearn.svm import OneClassSVM\nmodel = OneClassSVM(nu=0.1).fit(X.to_numpy())",
    SKLEARN, "anomalies")
row("sklearn-local-outlier-factor", "scikit-learn", "LocalOutlierFactor", "outlier",
    "from sklearn.neighbors import LocalOutlierFactor\nmodel = LocalOutlierFactor(novelty=True).fit(X.to_numpy())",
    SKLEARN, "anomalies")
row("sklearn-kmeans", "scikit-learn", "KMeans", "cluster",
    "from sklearn.cluster import KMeans\nmodel = KMeans(3, n_init=3, random_state=0).fit(X.to_numpy())", SKLEARN, "clusters")
row("sklearn-mixture", "scikit-learn", "GaussianMixture", "cluster",
    "from sklearn.mixture import GaussianMixture\nmodel = GaussianMixture(3, random_state=0).fit(X.to_numpy())", SKLEARN, "clusters",
    task="clustering")
XGBOOST = """\
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
onnx_model = convert_xgboost(model, initial_types=[("X", FloatTensorType([None, 4]))])"""
row("xgboost-classifier", "XGBoost", "XGBClassifier", "two",
    "from xgboost import XGBClassifier\nmodel = XGBClassifier(n_estimators=10, max_depth=3).fit(X.to_numpy(), y)", XGBOOST, "probabilities")
row("xgboost-multiclass", "XGBoost", "XGBClassifier, three labels", "three",
    "from xgboost import XGBClassifier\nmodel = XGBClassifier(n_estimators=10, max_depth=3).fit(X.to_numpy(), y)", XGBOOST, "probabilities")
row("xgboost-regressor", "XGBoost", "XGBRegressor", "value",
    "from xgboost import XGBRegressor\nmodel = XGBRegressor(n_estimators=10, max_depth=3).fit(X.to_numpy(), y)", XGBOOST, "values")
row("xgboost-ranker", "XGBoost", "XGBRanker", "relevance",
    "from xgboost import XGBRanker\nmodel = XGBRanker(n_estimators=10, max_depth=3).fit(X.to_numpy(), y, qid=group)",
    """\
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost import XGBRegressor
regressor = XGBRegressor()  # The converter knows no rankers; the trees are the same.
regressor.load_model(bytearray(model.get_booster().save_raw("json")))
onnx_model = convert_xgboost(regressor, initial_types=[("X", FloatTensorType([None, 4]))])""", "ranks")
LIGHTGBM = """\
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType
onnx_model = convert_lightgbm(model, initial_types=[("X", FloatTensorType([None, 4]))])"""
row("lightgbm-classifier", "LightGBM", "LGBMClassifier", "words",
    "from lightgbm import LGBMClassifier\nmodel = LGBMClassifier(n_estimators=10, num_leaves=7, verbose=-1).fit(X.to_numpy(), y)", LIGHTGBM, "probabilities")
row("lightgbm-regressor", "LightGBM", "LGBMRegressor", "value",
    "from lightgbm import LGBMRegressor\nmodel = LGBMRegressor(n_estimators=10, num_leaves=7, verbose=-1).fit(X.to_numpy(), y)", LIGHTGBM, "values")
row("lightgbm-ranker", "LightGBM", "LGBMRanker", "relevance",
    "from lightgbm import LGBMRanker\nmodel = LGBMRanker(n_estimators=10, num_leaves=7, verbose=-1).fit(X.to_numpy(), y, group=[8] * 15)", LIGHTGBM, "ranks")
CATBOOST = """\
import onnx
model.save_model("model.onnx", format="onnx")
onnx_model = onnx.load("model.onnx")"""
row("catboost-classifier", "CatBoost", "CatBoostClassifier", "two",
    "from catboost import CatBoostClassifier\nmodel = CatBoostClassifier(iterations=10, depth=3, verbose=False, allow_writing_files=False).fit(X.to_numpy(), y)", CATBOOST, "probabilities")
row("catboost-multiclass", "CatBoost", "CatBoostClassifier, three labels", "three",
    "from catboost import CatBoostClassifier\nmodel = CatBoostClassifier(iterations=10, depth=3, verbose=False, allow_writing_files=False).fit(X.to_numpy(), y)", CATBOOST, "probabilities")
row("catboost-regressor", "CatBoost", "CatBoostRegressor", "value",
    "from catboost import CatBoostRegressor\nmodel = CatBoostRegressor(iterations=10, depth=3, verbose=False, allow_writing_files=False).fit(X.to_numpy(), y)", CATBOOST, "values")


def answer(kind, model, y, target_names):
    """The library's answers, as Slipway's predictions have them, for the first rows."""
    data = X.to_numpy()[:CHECKED]
    texts = lambda labels: [str(int(each)) if isinstance(each, (int, numpy.integer, float, numpy.floating)) else str(each) for each in numpy.ravel(labels)]
    predicted = model.predict(data)
    if kind == "labels":
        return [{"label": label} for label in texts(predicted)]
    if kind == "probabilities":
        names = texts(model.classes_)
        shares = model.predict_proba(data)
        return [{"label": names[int(numpy.argmax(each))], "scores": dict(zip(names, map(float, each)))} for each in shares]
    if kind == "values":
        return [{"scores": dict(zip(target_names, map(float, numpy.atleast_1d(each))))} for each in predicted]
    if kind == "ranks":
        return [{"value": float(each)} for each in predicted]
    if kind == "deviation":
        mean, deviation = model.predict(data.astype("float64"), return_std=True)
        return [{"value": float(a), "values": [float(a), float(b)]} for a, b in zip(mean, deviation)]
    if kind == "tags":
        return [{"labels": [name for name, flag in zip(target_names, each) if flag]} for each in predicted]
    if kind == "anomalies":
        return [{"label": label, "value": float(score)} for label, score in zip(texts(predicted), numpy.ravel(model.decision_function(data)))]
    if kind == "clusters":
        return [{"label": label} for label in texts(predicted)]
    raise ValueError(kind)


def write(folder, described):
    name, target, kind = described["name"], described["target"], described["answers"]
    scope = {"X": X, "group": GROUPS}
    if target in TARGETS:
        scope["y"] = TARGETS[target]
    exec(described["fit"], scope)
    place = folder / name
    place.mkdir(parents=True)
    import os
    before = os.getcwd()
    os.chdir(place)  # An export that writes a file writes it here.
    try:
        exec(described["export"], scope)
    finally:
        os.chdir(before)
    model = scope["model"]
    (place / "model.onnx").write_bytes(scope["onnx_model"].SerializeToString())
    data = X.copy()
    # What has no truth of its own is compared with what the library says.
    y = TARGETS[target] if target in TARGETS else model.predict(X.to_numpy())
    names = [target] if y.ndim == 1 else [f"{target}{index}" for index in range(y.shape[1])]
    for index, each in enumerate(names):
        data[each] = y if y.ndim == 1 else y[:, index]
    if kind == "ranks":
        data["query"] = GROUPS
    data.to_csv(place / "data.csv", index=False)
    (place / "row.json").write_text(json.dumps({
        "library": described["library"], "kind": described["kind"], "export": described["export"],
        "targets": names, "group": "query" if kind == "ranks" else None, "answers": answer(kind, model, y, names),
        **({"task": described["task"]} if "task" in described else {}),
    }))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    only = set(sys.argv[2:])
    for described in rows:
        if only and described["name"] not in only:
            continue
        try:
            write(folder, described)
        except Exception as error:
            sys.exit(f"{described['name']}: {type(error).__name__}: {textwrap.shorten(str(error), 300)}")

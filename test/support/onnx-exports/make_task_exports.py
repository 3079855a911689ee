"""Trains and exports small models of tasks beside plain classification and regression, one folder per case.

    ~/.cache/slipway-exports/bin/python make_task_exports.py

Environment and folders as in make_exports.py; case.json also holds what the caller of `slipway new` must say (`options`),
and predictions may have several labels. All data is made here, with a seed.
"""

import json

import lightgbm
import numpy as np
import onnx
import onnxruntime
import pandas
import xgboost
from onnx import TensorProto, compose, helper, numpy_helper
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.linear_model import BayesianRidge, LogisticRegression, QuantileRegressor
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import LocalOutlierFactor
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC, OneClassSVM

from make_exports import CHECKED_ROWS, HERE, OPSETS, assert_same_predictions, dense, network

SHOWN_ROWS = 60


def save(case, graph, data, targets, task, exported, predictions, options=None, ignored=()):
    folder = HERE / case
    folder.mkdir(exist_ok=True)
    graph.graph.name = case
    operator_sets = sorted(graph.opset_import, key=lambda each: each.domain)
    del graph.opset_import[:]
    graph.opset_import.extend(operator_sets)
    if all(each.type.tensor_type.HasField("shape") for each in graph.graph.output if each.type.HasField("tensor_type")):
        onnx.checker.check_model(graph)  # skl2onnx declares no shape for a deviation
    (folder / "model.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    data[:SHOWN_ROWS].to_csv(folder / "data.csv", index=False, lineterminator="\n")
    description = {
        "target": targets,
        "exported": exported,
        "data": "made",
        "task": task,
        "options": options or {},
        "predictions": predictions[:CHECKED_ROWS],
    }
    (folder / "case.json").write_text(json.dumps(description, indent=1) + "\n")


def convert(model, width, double=False, **options):
    kind = DoubleTensorType if double else FloatTensorType
    return convert_sklearn(
        model, initial_types=[("X", kind([None, width]))], target_opset=OPSETS,
        options={id(model): options} if options else None,
    )


def payments():
    """Amounts and hours of payments; a few are far from the others."""
    random = np.random.default_rng(11)
    rows = 300
    frame = pandas.DataFrame({
        "amount": random.gamma(2, 30, rows),
        "hour": random.normal(14, 3, rows),
        "age_days": random.gamma(3, 100, rows),
    })
    odd = random.choice(rows, 18, replace=False)
    odd = np.concatenate([odd, [3, 17, 29, 41, 55]])
    frame.loc[odd, "amount"] += 500
    frame.loc[odd, "hour"] = random.uniform(0, 5, len(odd))
    return frame.round(2), np.isin(np.arange(rows), odd)


def anomalies(labels, scores):
    return [
        {"label": str(label), "scores": {"score": float(score)}} for label, score in zip(labels, np.ravel(scores))
    ]


def isolation_forest():
    """Labels 1 and -1 from the library itself, and a target of them."""
    frame, _ = payments()
    features = frame.to_numpy(np.float32)
    model = IsolationForest(n_estimators=10, max_samples=64, contamination=0.08, random_state=1).fit(features)
    scores = model.decision_function(features)
    graph = convert(model, 3)
    assert_same_predictions(graph, {"X": features}, "scores", scores)
    save("isolation-forest-labels", graph, frame.assign(outlier=model.predict(features)), ["outlier"], "anomaly",
         "skl2onnx.convert_sklearn of an IsolationForest", anomalies(model.predict(features), scores))


def one_class_svm():
    """The author's table has yes and no."""
    frame, odd = payments()
    data = frame.assign(fraud=np.where(odd, "yes", "no"))
    scale = frame.to_numpy().std(axis=0)
    features = frame.to_numpy(np.float32)
    model = OneClassSVM(nu=0.08, gamma=0.5 / (scale**2).mean()).fit(features)
    scores = model.decision_function(features)
    graph = convert(model, 3)
    save("one-class-svm", graph, data, ["fraud"], "anomaly", "skl2onnx.convert_sklearn of a OneClassSVM",
         anomalies(model.predict(features), scores))


def local_outlier_factor():
    """Without truth."""
    frame, _ = payments()
    features = frame.to_numpy(np.float32)[:120]
    model = LocalOutlierFactor(n_neighbors=10, novelty=True, contamination=0.08).fit(features)
    scores = model.decision_function(features)
    graph = convert(model, 3)
    save("local-outlier-factor", graph, frame[:120], [], "anomaly",
         "skl2onnx.convert_sklearn of a LocalOutlierFactor(novelty=True)", anomalies(model.predict(features), scores))


def customers():
    random = np.random.default_rng(5)
    centres = np.array([[20, 1], [45, 6], [70, 3]])
    kinds = random.integers(0, 3, 150)
    points = centres[kinds] + random.normal(scale=[4, 0.8], size=(150, 2))
    return pandas.DataFrame({"age": points[:, 0].round(1), "visits": points[:, 1].round(2)})


def clusters(labels, columns):
    return [
        {"label": str(label), "scores": {str(index): float(value) for index, value in enumerate(row)}}
        for label, row in zip(labels, columns)
    ]


def kmeans():
    """The graph's label is the nearest centre: the least of the distances."""
    frame = customers()
    features = frame.to_numpy(float)  # in float32 the export's distances differ in the fourth digit
    model = KMeans(n_clusters=3, n_init=3, random_state=2).fit(features)
    distances = model.transform(features)
    graph = convert(model, 2, double=True)
    assert_same_predictions(graph, {"X": features}, "scores", distances)
    save("kmeans", graph, frame.assign(cluster=model.predict(features)), ["cluster"], "clustering",
         "skl2onnx.convert_sklearn of a KMeans", clusters(model.predict(features), distances))


def gaussian_mixture():
    """Without truth; the label is the likeliest component."""
    frame = customers()
    features = frame.to_numpy(np.float32)
    model = GaussianMixture(n_components=3, random_state=2).fit(features)
    shares = model.predict_proba(features)
    graph = convert(model, 2)
    assert_same_predictions(graph, {"X": features}, "probabilities", shares)
    save("gaussian-mixture", graph, frame, [], "clustering", "skl2onnx.convert_sklearn of a GaussianMixture",
         clusters(model.predict(features), shares))


TAGS = ["billing", "delay", "damage"]


def complaints():
    random = np.random.default_rng(8)
    rows = 200
    features = random.normal(size=(rows, 4)).round(2)
    weights = np.array([[2, 0, 0.3, 0], [0, 2, -0.5, 0.4], [0.2, -1, 2, 0]])
    flags = (features @ weights.T + random.normal(scale=0.7, size=(rows, 3)) - [0.2, 0.5, 1] > 0).astype(int)
    frame = pandas.DataFrame(features, columns=["sum", "days", "photos", "calls"])
    return frame, pandas.DataFrame(flags, columns=TAGS)


def label_sets(flags, scores):
    return [
        {
            "labels": [tag for tag, applies in zip(TAGS, row) if applies],
            "scores": {tag: float(score) for tag, score in zip(TAGS, column)},
        }
        for row, column in zip(np.asarray(flags), scores)
    ]


def multilabel(case, model, exported, scores):
    frame, flags = complaints()
    features = frame.to_numpy(np.float32)
    model.fit(features, flags.to_numpy())
    graph = convert(model, 4, zipmap=False)
    save(case, graph, frame.join(flags), TAGS, "multilabel", exported,
         label_sets(model.predict(features), scores(model, features)))


def multilabel_one_vs_rest():
    multilabel("multilabel-one-vs-rest", OneVsRestClassifier(LogisticRegression()),
               "skl2onnx.convert_sklearn of a OneVsRestClassifier, zipmap=False", lambda model, x: model.predict_proba(x))


def multilabel_decision():
    multilabel("multilabel-decision", OneVsRestClassifier(LinearSVC()),
               "skl2onnx.convert_sklearn of a OneVsRestClassifier of LinearSVC: a decision function",
               lambda model, x: model.decision_function(x))


def multilabel_mlp():
    multilabel("multilabel-mlp", MLPClassifier((6,), max_iter=800, random_state=1),
               "skl2onnx.convert_sklearn of an MLPClassifier on several targets, zipmap=False",
               lambda model, x: model.predict_proba(x))


def multilabel_forest():
    """[labels, N, 2], with probabilities of exactly 0.5, which do not apply."""
    multilabel("multilabel-forest", RandomForestClassifier(n_estimators=4, max_depth=3, random_state=1),
               "skl2onnx.convert_sklearn of a RandomForestClassifier on several targets, zipmap=False",
               lambda model, x: np.stack([each[:, 1] for each in model.predict_proba(x)], axis=1))


def multilabel_multi_output():
    """The probabilities are a sequence of [N, 2]."""
    multilabel("multilabel-multi-output", MultiOutputClassifier(LogisticRegression()),
               "skl2onnx.convert_sklearn of a MultiOutputClassifier, zipmap=False",
               lambda model, x: np.stack([each[:, 1] for each in model.predict_proba(x)], axis=1))


def multilabel_logits():
    """A network as PyTorch exports one for BCEWithLogitsLoss."""
    frame, flags = complaints()
    features = frame.to_numpy(np.float32)
    model = OneVsRestClassifier(LogisticRegression()).fit(features, flags.to_numpy())
    weights = np.stack([each.coef_[0] for each in model.estimators_], axis=1)
    bias = np.array([each.intercept_[0] for each in model.estimators_])
    layer, constants = dense("logits", weights, bias, "input")
    graph = network([layer], constants, "input", 4, "logits", 3)
    save("multilabel-logits", graph, frame.join(flags), TAGS, "multilabel",
         "the graph that torch.onnx.export writes for Linear(4, 3), written with onnx.helper",
         label_sets(model.predict(features), model.predict_proba(features)))


def demand():
    random = np.random.default_rng(21)
    frame = pandas.DataFrame({"price": random.uniform(1, 9, 200).round(2), "weekday": random.integers(0, 7, 200)})
    value = 40 - 3 * frame["price"] + frame["weekday"] + random.normal(scale=1 + 0.4 * frame["price"])
    return frame, value.round(2).rename("demand")


def quantile_columns():
    """Three quantile regressions, joined to one tensor [N, 3]."""
    frame, value = demand()
    features = frame.to_numpy(np.float32)
    models = [QuantileRegressor(quantile=level, alpha=0).fit(features, value) for level in (0.1, 0.5, 0.9)]
    weights = np.stack([each.coef_ for each in models], axis=1)
    layer, constants = dense("yhat", weights, np.array([each.intercept_ for each in models]), "X")
    graph = network([layer], constants, "X", 2, "yhat", 3)
    values = np.stack([each.predict(features) for each in models], axis=1)
    names = ["demand_q10", "demand_q50", "demand_q90"]
    save("quantile-columns", graph, frame.assign(demand=value), ["demand"], "regression",
         "three QuantileRegressors of scikit-learn as one Gemm, written with onnx.helper",
         [{"scores": dict(zip(names, map(float, row)))} for row in values])


def quantile_outputs():
    """Two boosters for the ends of an interval, one output of the graph each."""
    frame, value = demand()
    features = frame.to_numpy(np.float32)
    graphs, columns = [], []
    for name, level in (("low", 0.05), ("high", 0.95)):
        model = lightgbm.LGBMRegressor(objective="quantile", alpha=level, n_estimators=8, num_leaves=4, n_jobs=1, verbose=-1)
        model.fit(features, value)
        graph = convert_lightgbm(model, initial_types=[("X", ToolsFloat([None, 2]))], target_opset=15)
        graph = compose.add_prefix(graph, f"{name}_", rename_inputs=False)
        graph.graph.output[0].name, old = name, graph.graph.output[0].name
        for node in graph.graph.node:
            node.output[:] = [name if each == old else each for each in node.output]
        graphs.append(graph)
        columns.append(model.predict(features))
    first, second = graphs
    first.graph.node.extend(second.graph.node)
    first.graph.initializer.extend(second.graph.initializer)
    first.graph.output.extend(second.graph.output)
    names = ["demand_q5", "demand_q95"]
    save("quantile-outputs", first, frame.assign(demand=value), ["demand"], "regression",
         "two LGBMRegressors of quantiles by onnxmltools, joined with onnx.compose",
         [{"scores": dict(zip(names, map(float, row)))} for row in zip(*columns)], {"quantiles": [0.05, 0.95]})


def deviation(case, model, exported, double, is_wrong=False):
    frame, value = demand()
    frame, value = frame[:SHOWN_ROWS], value[:SHOWN_ROWS]
    features = frame.to_numpy(np.float64)
    model.fit(features, value)
    graph = convert(model, 2, double=double, return_std=True)
    mean, std = model.predict(features, return_std=True)
    if is_wrong:
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        std = session.run(["std"], {"X": features.astype(np.float32)})[0].ravel()
    save(case, graph, frame.assign(demand=value), ["demand"], "regression", exported,
         [{"scores": {"demand": float(m), "demand_std": float(s)}} for m, s in zip(mean, std)])


def bayesian_ridge():
    """skl2onnx 1.20 writes another deviation than scikit-learn's: here the export's own is the expected one."""
    deviation("bayesian-ridge", BayesianRidge(), "skl2onnx.convert_sklearn of a BayesianRidge, return_std=True", False,
              is_wrong=True)


def gaussian_process():
    kernel = ConstantKernel(100.0) * RBF(3.0) + WhiteKernel(4.0)
    deviation("gaussian-process", GaussianProcessRegressor(kernel, optimizer=None, alpha=1e-6),
              "skl2onnx.convert_sklearn of a GaussianProcessRegressor, return_std=True", True)


def searches():
    random = np.random.default_rng(13)
    frame = pandas.DataFrame(random.normal(size=(240, 4)).round(2), columns=["title", "body", "clicks", "age"])
    relevance = (frame["title"] + 0.7 * frame["clicks"] + random.normal(scale=0.6, size=240) + 1.2).round().clip(0, 3)
    return frame, relevance.astype(int), np.repeat(np.arange(40), 6)


def ranking(case, graph, score, exported):
    frame, relevance, query = searches()
    data = frame.assign(query=[f"q{each}" for each in query], relevance=relevance)
    save(case, graph, data, ["relevance"], "ranking", exported,
         [{"scores": {"score": float(each)}} for each in score], {"group": "query"})


def lightgbm_ranker():
    frame, relevance, query = searches()
    features = frame.to_numpy(np.float32)
    model = lightgbm.LGBMRanker(n_estimators=10, num_leaves=5, random_state=1, n_jobs=1, verbose=-1)
    model.fit(features, relevance, group=np.bincount(query))
    graph = convert_lightgbm(model.booster_, initial_types=[("input", ToolsFloat([None, 4]))], target_opset=15)
    score = model.predict(features)
    assert_same_predictions(graph, {"input": features}, "variable", score)
    ranking("lightgbm-ranker", graph, score, "onnxmltools.convert_lightgbm of an LGBMRanker's booster")


def xgboost_ranker():
    frame, relevance, query = searches()
    features = frame.to_numpy(np.float32)
    model = xgboost.XGBRanker(n_estimators=10, max_depth=3, random_state=1, n_jobs=1)
    model.fit(features, relevance, qid=query)
    # onnxmltools has no converter of rankers; their trees are those of a regressor.
    regressor = xgboost.XGBRegressor()
    regressor._Booster = model.get_booster()
    regressor.get_booster().set_param({"objective": "reg:squarederror"})
    graph = convert_xgboost(regressor, initial_types=[("input", ToolsFloat([None, 4]))], target_opset=15)
    score = model.predict(features)
    assert_same_predictions(graph, {"input": features}, "variable", score)
    ranking("xgboost-ranker", graph, score, "onnxmltools.convert_xgboost of an XGBRanker's trees, as a regressor's")


CASES = [
    isolation_forest, one_class_svm, local_outlier_factor, kmeans, gaussian_mixture, multilabel_one_vs_rest,
    multilabel_decision, multilabel_mlp, multilabel_forest, multilabel_multi_output, multilabel_logits, quantile_columns,
    quantile_outputs, bayesian_ridge, gaussian_process, lightgbm_ranker, xgboost_ranker,
]

if __name__ == "__main__":
    for each in CASES:
        each()
        print(each.__name__)

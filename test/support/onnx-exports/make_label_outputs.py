"""Exports models whose label is an output of its own: clusters, anomalies, decision functions and labels alone; and small
forests, whose float32 shares do not add up to 1 exactly. Run it as make_exports.py, in the same environment.

case.json has the library's label for the first rows and, where the library has probabilities or one decision value of a
label, its scores.
"""

import numpy as np
import pandas
from onnx import utils
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.svm import SVC, LinearSVC

from make_exports import CHECKED_ROWS, HERE, OPSETS, describe_scores, save

IRIS = "iris (R. A. Fisher 1936), from scikit-learn"
COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def load_iris():
    data = datasets.load_iris(as_frame=True).frame.sample(frac=1, random_state=1)
    return data.set_axis([*COLUMNS, "species"], axis=1)


def convert(model, options=None):
    return convert_sklearn(
        model, initial_types=[("X", FloatTensorType([None, len(COLUMNS)]))], target_opset=OPSETS,
        options={id(model): options} if options else None,
    )


def keep(case, graph, features, target, truth, exported, predictions):
    data = pandas.DataFrame(features, columns=COLUMNS).assign(**{target: np.asarray(truth)})
    save(case, graph, data, target, {"task": "classification"}, exported, IRIS, predictions)


def labels_of(predicted):
    return [{"label": str(label)} for label in predicted[:CHECKED_ROWS]]


def decisions_of(predicted, values, positive):
    return [
        {"label": str(label), "scores": {str(positive): float(value)}}
        for label, value in zip(predicted[:CHECKED_ROWS], values)
    ]


def main():
    iris = load_iris()
    features = iris[COLUMNS].to_numpy(np.float32)
    species = iris["species"].to_numpy()
    wild = (species > 0).astype(np.int64)

    for case, trees, truth in [("forest-of-ten", 10, species), ("forest-binary", 30, (species == 1).astype(np.int64))]:
        model = RandomForestClassifier(n_estimators=trees, max_depth=4, random_state=1).fit(features, truth)
        keep(case, convert(model, {"zipmap": False}), features, "kind", truth,
             f"skl2onnx.convert_sklearn of a RandomForestClassifier of {trees} trees, zipmap=False",
             describe_scores(model.predict_proba(features), model.classes_))

    clusters = KMeans(n_clusters=3, n_init=4, random_state=1).fit(features)
    predicted = clusters.predict(features)
    keep("k-means", convert(clusters), features, "cluster", predicted,
         "skl2onnx.convert_sklearn of a KMeans: a cluster, and the distances to all", labels_of(predicted))

    model = LinearSVC(random_state=1).fit(features, wild)
    keep("linear-svc", convert(model), features, "wild", wild,
         "skl2onnx.convert_sklearn of a LinearSVC of two classes: a label, and one decision value",
         decisions_of(model.predict(features), model.decision_function(features), 1))

    # skl2onnx gives the second class the negative of the decision value.
    model = SVC(random_state=1).fit(features, wild)
    keep("svc-pair", convert(model, {"zipmap": False}), features, "wild", wild,
         "skl2onnx.convert_sklearn of an SVC without probabilities: two raw values whose greater one is not the label",
         labels_of(model.predict(features)))

    # Its output declares [N, 2] and has one value per row.
    model = RidgeClassifier().fit(features, wild)
    keep("ridge-pair", convert(model, {"zipmap": False}), features, "wild", wild,
         "skl2onnx.convert_sklearn of a RidgeClassifier of two classes: one decision value, declared as two",
         decisions_of(model.predict(features), model.decision_function(features), 1))

    model = RidgeClassifier().fit(features, species)
    values = model.decision_function(features)
    keep("ridge-classifier", convert(model, {"zipmap": False}), features, "kind", species,
         "skl2onnx.convert_sklearn of a RidgeClassifier of three classes: raw values",
         [{"label": str(label), "scores": {str(at): float(value) for at, value in enumerate(row)}}
          for label, row in zip(model.predict(features)[:CHECKED_ROWS], values)])

    model = IsolationForest(n_estimators=8, max_samples=64, random_state=1).fit(features)
    predicted, values = model.predict(features), model.decision_function(features)
    keep("isolation-forest", convert(model), features, "outlier", predicted,
         "skl2onnx.convert_sklearn of an IsolationForest: -1 or 1, and a score", decisions_of(predicted, values, 1))

    # Who wants no ZipMap often exports the label alone.
    model = RandomForestClassifier(n_estimators=5, max_depth=3, random_state=1).fit(features, wild)
    graph = convert(model, {"zipmap": False})
    alone = utils.Extractor(graph).extract_model(["X"], ["label"])
    keep("label-alone", alone, features, "wild", wild,
         "the label of a RandomForestClassifier, without its probabilities", labels_of(model.predict(features)))


if __name__ == "__main__":
    main()
    print(f"written beside {HERE / 'make_label_outputs.py'}")

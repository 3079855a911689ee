"""Saves models as their libraries do, and runs the lines that Slipway prints about such files.

    python save_models.py save <folder>     writes <folder>/<name>/<file>, data.csv and answers.json
    python save_models.py export <folder>   runs <folder>/<name>/lines.py, with `X` as the inputs of the training
"""

import gzip
import json
import os
import pickle
import sys
from pathlib import Path

import joblib
import numpy
import pandas

random = numpy.random.default_rng(3)
ROWS, CHECKED = 120, 20
X = pandas.DataFrame(random.normal(size=(ROWS, 3)).round(3), columns=["age", "income", "visits"])
y = ((X["age"] - X["income"] + random.normal(size=ROWS) * 0.3) > 0).astype(int)
MIXED = X.assign(city=numpy.where(X["visits"] > 0, "Bonn", "Köln"))


def write_pickle(model, path, protocol=5):
    with open(path, "wb") as file:
        pickle.dump(model, file, protocol=protocol)


def write_gzip(model, path):
    with gzip.open(path, "wb") as file:
        pickle.dump(model, file)


def list_models():
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import IsolationForest, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from xgboost import XGBClassifier

    logistic = LogisticRegression().fit(X, y)
    xgboost = XGBClassifier(n_estimators=5, max_depth=3).fit(X, y)
    lightgbm = LGBMClassifier(n_estimators=5, verbose=-1).fit(X, y)
    catboost = CatBoostClassifier(iterations=5, depth=3, verbose=False, allow_writing_files=False).fit(X, y)
    columns = make_column_transformer(
        (StandardScaler(), ["age", "income", "visits"]), (OneHotEncoder(handle_unknown="ignore"), ["city"])
    )
    yield "pickle", "model.pkl", logistic, X, write_pickle
    yield "pickle-protocol-0", "model.pkl", logistic, X, lambda model, path: write_pickle(model, path, 0)
    yield "pickle-gzip", "model.pkl.gz", logistic, X, write_gzip
    yield "joblib", "model.joblib", RandomForestClassifier(5, max_depth=3, random_state=0).fit(X, y), X, joblib.dump
    yield "joblib-zlib", "model.joblib", logistic, X, lambda model, path: joblib.dump(model, path, compress=3)
    yield "dictionary", "model.pkl", logistic, X, lambda model, path: write_pickle({"columns": list(X), "model": model}, path)
    yield "columns", "model.pkl", make_pipeline(columns, LogisticRegression()).fit(MIXED, y), MIXED, write_pickle
    yield "isolation-forest", "model.pkl", IsolationForest(n_estimators=10, random_state=0).fit(X), X, write_pickle
    yield "lightgbm-step", "model.pkl", make_pipeline(
        StandardScaler(), LGBMClassifier(n_estimators=5, verbose=-1)).fit(X.to_numpy(), y), X, write_pickle
    yield "xgboost-step", "model.pkl", make_pipeline(
        StandardScaler(), XGBClassifier(n_estimators=5, max_depth=3)).fit(X.to_numpy(), y), X, write_pickle
    yield "xgboost-pickle", "model.pkl", xgboost, X, write_pickle
    yield "xgboost-json", "model.json", xgboost, X, lambda model, path: model.save_model(path)
    yield "xgboost-ubj", "model.ubj", xgboost, X, lambda model, path: model.save_model(path)
    yield "xgboost-booster", "model.pkl", xgboost, X, lambda model, path: write_pickle(model.get_booster(), path)
    yield "lightgbm-joblib", "model.joblib", lightgbm, X, joblib.dump
    yield "lightgbm-text", "model.txt", lightgbm, X, lambda model, path: model.booster_.save_model(path)
    yield "lightgbm-booster", "model.pkl", lightgbm, X, lambda model, path: write_pickle(model.booster_, path)
    yield "catboost-pickle", "model.pkl", catboost, X, write_pickle
    yield "catboost-cbm", "model.cbm", catboost, X, lambda model, path: model.save_model(str(path))
    yield "catboost-json", "model.json", catboost, X, lambda model, path: model.save_model(str(path), format="json")


def save(folder):
    for name, file, model, data, write in list_models():
        place = folder / name
        place.mkdir(parents=True)
        write(model, place / file)
        if hasattr(model, "predict_proba"):
            answers = [{"label": str(int(numpy.argmax(row))), "scores": {"0": float(row[0]), "1": float(row[1])}}
                       for row in model.predict_proba(data if name == "columns" else data.to_numpy())[:CHECKED]]
            truth = y
        else:
            truth = model.predict(data)
            answers = [{"label": str(label)} for label in truth[:CHECKED]]
        data.assign(target=truth).to_csv(place / "data.csv", index=False)
        (place / "answers.json").write_text(json.dumps({"file": file, "answers": answers}))


def export(folder):
    for place in sorted(each for each in folder.iterdir() if (each / "lines.py").exists()):
        os.chdir(place)
        data = pandas.read_csv("data.csv").drop(columns="target")
        try:
            exec(Path("lines.py").read_text(), {"X": data})
        except Exception as error:
            Path("failed.txt").write_text(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    {"save": save, "export": export}[sys.argv[1]](Path(sys.argv[2]).resolve())

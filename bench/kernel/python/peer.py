"""One engine in a process of its own: `peer.py ENGINE FOLDER`. Reads a command per line and writes an answer per line.

`{"do": "predict", "rows": n, "file": path}` writes the probabilities of the first n rows as float64, row-major (of two
classes only the second). `{"do": "time", "rows": n, "calls": c}` gives the processor time of c calls with n rows each, in
milliseconds; calls take different rows in turn.
"""

import itertools
import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

# Engines print; the answers have the first output for themselves.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

engine, folder = sys.argv[1], Path(sys.argv[2])
shape = json.loads((folder / "shape.json").read_text())
rows = np.fromfile(folder / "rows.f32", np.float32).reshape(10_000, -1)


class NotForThisModel(Exception):
    """The engine does not read this library's models."""


def require(*files: str) -> str:
    found = next((folder / name for name in files if (folder / name).exists()), None)
    if found is None:
        raise NotForThisModel("it reads no model of this library")
    return str(found)


def keep(name: str, make) -> str:
    """A compiled file in the cache; `make(path)` may take minutes. It is renamed when it is complete."""
    kept = folder / name
    if not kept.exists():
        making = folder / f"making-{os.getpid()}-{name}"
        make(str(making))
        making.rename(kept)
    return str(kept)


def open_onnxruntime():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run([shape["output"]], {shape["input"]: x})[0]


def open_lightgbm():
    import lightgbm

    booster = lightgbm.Booster(model_file=require("model.txt"))
    return lambda x: booster.predict(x, num_threads=1)


def open_xgboost():
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(require("model.json"))
    return booster.inplace_predict


def open_catboost():
    import catboost

    model = catboost.CatBoostClassifier().load_model(require("model.cbm"))
    return lambda x: model.predict_proba(x, thread_count=1)


def open_sklearn():
    import pickle

    # Written by the training script beside this one.
    model = pickle.loads(Path(require("model.pickle")).read_bytes())
    return model.predict_proba


def open_ydf():
    import ydf

    model = ydf.load_model(require("model.ydf"))
    names = [f"f{at}" for at in range(rows.shape[1])]
    return lambda x: model.predict(dict(zip(names, x.T)), num_threads=1)


def open_daal4py():
    import daal4py

    path = require("model.txt", "model.json", "model.cbm")
    daal4py.daalinit(1)
    if path.endswith(".txt"):
        import lightgbm

        model = lightgbm.Booster(model_file=path)
    elif path.endswith(".json"):
        import xgboost

        model = xgboost.Booster({"nthread": 1})
        model.load_model(path)
    else:
        import catboost

        model = catboost.CatBoostClassifier().load_model(path)
    converted = daal4py.mb.convert_model(model)
    return converted.predict_proba


def open_lleaves():
    import lleaves

    path = require("model.txt")
    kept = keep("lleaves.bin", lambda making: lleaves.Model(model_file=path).compile(cache=making))
    model = lleaves.Model(model_file=path)
    model.compile(cache=kept)
    return lambda x: model.predict(x, n_jobs=1)


def load_treelite():
    import treelite

    path = require("model.txt", "model.json", "model.pickle")
    if path.endswith(".txt"):
        return treelite.frontend.load_lightgbm_model(path)
    if path.endswith(".json"):
        return treelite.frontend.load_xgboost_model(path)
    import pickle

    return treelite.sklearn.import_model(pickle.loads(Path(path).read_bytes()))


def open_treelite():
    import treelite

    model = load_treelite()
    return lambda x: treelite.gtil.predict(model, x, nthread=1)


def open_tl2cgen():
    import tl2cgen

    model = load_treelite()
    options = {"parallel_comp": 0}

    def compile_library(making: str) -> None:
        library = f"{making}.so"
        tl2cgen.export_lib(model, toolchain="gcc", libpath=library, params=options, nthread=1)
        os.rename(library, making)

    kept = keep("tl2cgen.so", compile_library)
    predictor = tl2cgen.Predictor(kept, nthread=1)
    return lambda x: predictor.predict(tl2cgen.DMatrix(x))


def open_timber(optimize: bool):
    import subprocess

    from timber.runtime.predictor import TimberPredictor

    path = require("model.txt", "model.json", "model.onnx")

    def compile_library(making: str) -> None:
        command = [sys.executable, "-m", "timber.cli", "compile", "--model", path, "--out", making]
        subprocess.run(command + ([] if optimize else ["--no-optimize"]), check=True, stdout=2)
        TimberPredictor.from_artifact(making)

    kept = keep("timber" if optimize else "timber-exact", compile_library)
    return TimberPredictor.from_artifact(kept).predict


engines = {
    "onnxruntime": (open_onnxruntime, "onnxruntime"),
    "LightGBM": (open_lightgbm, "lightgbm"),
    "XGBoost": (open_xgboost, "xgboost-cpu"),
    "CatBoost": (open_catboost, "catboost"),
    "scikit-learn": (open_sklearn, "scikit-learn"),
    "YDF": (open_ydf, "ydf"),
    "daal4py": (open_daal4py, "scikit-learn-intelex"),
    "lleaves": (open_lleaves, "lleaves"),
    "treelite": (open_treelite, "treelite"),
    "tl2cgen": (open_tl2cgen, "tl2cgen"),
    "timber": (lambda: open_timber(True), "timber-compiler"),
    "timber --no-optimize": (lambda: open_timber(False), "timber-compiler"),
}


def answer(message: dict) -> None:
    answers.write(json.dumps(message) + "\n")


def predict(count: int) -> np.ndarray:
    values = np.asarray(run(rows[:count]), np.float64).reshape(count, -1)
    return values[:, 1:] if values.shape[1] == 2 else values


try:
    open_engine, package = engines[engine]
    run = open_engine()
    predict(2)
except Exception as error:  # Whatever a package raises is the reason why it is left out.
    answer({"status": "left-out", "why": f"{type(error).__name__}: {error}".replace("NotForThisModel: ", "").split("\n")[0][:200]})
    sys.exit()
answer({"status": "ready", "version": version(package)})
for line in sys.stdin:
    command = json.loads(line)
    count = command["rows"]
    if command["do"] == "predict":
        np.ascontiguousarray(predict(count)).tofile(command["file"])
        answer({"status": "predicted"})
        continue
    batches = [np.ascontiguousarray(rows[at : at + count]) for at in range(0, min(10_000, count * 1_000), count)]
    turns = list(itertools.islice(itertools.cycle(batches), command["calls"]))
    start = time.process_time()
    for batch in turns:
        run(batch)
    answer({"status": "timed", "cpuMs": (time.process_time() - start) * 1_000})

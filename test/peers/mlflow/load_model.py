"""Loads a registered model as a Python user does, and prints its predictions for golden.json's rows as JSON.

Arguments: the model's URI, the path of golden.json. The tracking server is MLFLOW_TRACKING_URI.
"""

import json
import sys

import mlflow
import onnxruntime
import numpy
import pandas

uri, golden = sys.argv[1:]
rows = json.load(open(golden, encoding="utf-8"))["rows"]
frame = pandas.DataFrame(rows)

graph = mlflow.onnx.load_model(uri)
session = onnxruntime.InferenceSession(graph.SerializeToString())
feeds = {
    each.name: frame[each.name].to_numpy(dtype=object if "string" in each.type else "float32").reshape(-1, 1)
    for each in session.get_inputs()
}
names = [each.name for each in session.get_outputs()]
onnx = dict(zip(names, session.run(names, feeds)))
probabilities = next(value for name, value in onnx.items() if "prob" in name)

model = mlflow.pyfunc.load_model(uri)
predictions = model.predict(frame)
print(
    json.dumps(
        {
            "onnx": numpy.asarray(probabilities).tolist(),
            "pyfunc": predictions.to_dict("records"),
            "columns": [column.name for column in model.metadata.get_input_schema().inputs],
        }
    )
)

/**
 * MLflow's own loader for ONNX hands a DataFrame on as one tensor and so fails on a model with one input per column;
 * this one stands beside the model and takes the manifest's columns. Its answer has a column per label's score, and
 * `label`; a regression's has the value alone; without a readable manifest, the graph's outputs as they are.
 */
export const loaderModule = `"""Loads a model that Slipway registered: rows with the manifest's columns in, scores out."""
import json
import os

import numpy
import onnxruntime
import pandas

NUMBERS = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}


def tensor(graph_input, column):
    if graph_input.type == "tensor(string)":
        values = numpy.array(["" if pandas.isna(value) else str(value) for value in column], dtype=object)
    else:
        if column.dtype == object:
            column = pandas.to_numeric(column)
        values = column.to_numpy(dtype=NUMBERS[graph_input.type])
    return values.reshape(-1, 1) if len(graph_input.shape) == 2 else values


class SlipwayModel:
    def __init__(self, folder):
        with open(os.path.join(folder, "slipway.json"), encoding="utf-8") as file:
            self.scores = json.load(file)["scores"]
        path = os.path.join(folder, "model.onnx")
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def output(self):
        """The probabilities, or the value: the rule of Slipway's own runtime."""
        width = len(self.scores)
        fits = [
            output
            for output in self.session.get_outputs()
            if output.type in ("tensor(float)", "tensor(double)")
            and (len(output.shape) == 2 or width == 1)
            and (len(output.shape) < 2 or not isinstance(output.shape[-1], int) or output.shape[-1] == width)
        ]
        wanted = [one for one in fits if one.name == self.scores[0]] if width == 1 else [one for one in fits if "prob" in one.name.lower()]
        return (wanted or fits)[0].name

    def predict(self, data, params=None):
        frame = data if isinstance(data, pandas.DataFrame) else pandas.DataFrame(data)
        feeds = {one.name: tensor(one, frame[one.name]) for one in self.session.get_inputs()}
        if not self.scores:
            names = [one.name for one in self.session.get_outputs()]
            return dict(zip(names, self.session.run(names, feeds)))
        values = self.session.run([self.output()], feeds)[0].reshape(len(frame), len(self.scores))
        answer = pandas.DataFrame(values, columns=self.scores, index=frame.index)
        if len(self.scores) > 1:
            answer.insert(0, "label", [self.scores[place] for place in values.argmax(axis=1)])
        return answer


def _load_pyfunc(path):
    return SlipwayModel(path)
`;

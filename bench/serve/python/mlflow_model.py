"""The model that `mlflow models serve` loads (models from code). mlflow's own flavor for ONNX gives each input of a graph
with an input for each column as one dimension, which such a graph refuses; so this one makes the tensors."""

from pathlib import Path

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel
from onnx_model import OnnxModel


class Predictor(PythonModel):
    def load_context(self, context) -> None:
        self.model = OnnxModel(Path(context.artifacts["folder"]))

    def predict(self, context, model_input, params=None):
        return self.model.score([model_input[name].to_numpy() for name in self.model.input_names])


set_model(Predictor())

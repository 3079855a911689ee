"""KServe's Python server with a custom model on onnxruntime, protocol V1: python kserve_server.py FOLDER PORT

One worker, no gRPC, no log line for each request.
Source: https://kserve.github.io/website/docs/model-serving/predictive-inference/frameworks/custom-predictor
"""

import sys
from pathlib import Path

from kserve import Model, ModelServer
from onnx_model import OnnxModel

folder, port = Path(sys.argv[1]), int(sys.argv[2])


class Predictor(Model):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.load()

    def load(self) -> bool:
        self.model = OnnxModel(folder)
        self.ready = True
        return self.ready

    async def predict(self, payload: dict, headers: dict | None = None, response_headers: dict | None = None) -> dict:
        rows = payload["instances"]
        columns = [[row.get(name) for row in rows] for name in self.model.input_names]
        return {"predictions": self.model.to_predictions(self.model.score(columns))}


server = ModelServer(http_port=port, workers=1, enable_grpc=False, enable_latency_logging=False)
server.start([Predictor("model")])

"""MLServer with a custom runtime on onnxruntime, Open Inference Protocol V2: python mlserver_server.py FOLDER PORT

Inference in the server's own process (parallel_workers 0: on one processor a second process only costs), no metrics, no
log line for each request.
Source: https://mlserver.readthedocs.io/en/latest/user-guide/custom.html
"""

import asyncio
import socket
import sys
from pathlib import Path

from mlserver import MLModel, MLServer
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.settings import ModelParameters, ModelSettings, Settings
from mlserver.types import InferenceRequest, InferenceResponse
from onnx_model import OnnxModel


class Runtime(MLModel):
    async def load(self) -> bool:
        self.model = OnnxModel(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        columns = [
            StringCodec.decode_input(column) if column.datatype == "BYTES" else NumpyCodec.decode_input(column).ravel()
            for column in payload.inputs
        ]
        scores = self.model.score(columns)
        return InferenceResponse(
            model_name=self.name, outputs=[NumpyCodec.encode_output("probabilities", scores)]
        )


def find_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


settings = Settings(
    debug=False,
    parallel_workers=0,
    host="127.0.0.1",
    http_port=int(sys.argv[2]),
    grpc_port=find_free_port(),
    metrics_endpoint=None,
)
model = ModelSettings(name="model", implementation=Runtime, parameters=ModelParameters(uri=sys.argv[1]))
asyncio.run(MLServer(settings).start([model]))

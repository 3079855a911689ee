"""LitServe on onnxruntime, one worker and one API server: python litserve_server.py FOLDER PORT"""

import sys
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import litserve as ls
from model import Model

folder, port = Path(sys.argv[1]), int(sys.argv[2])


class Api(ls.LitAPI):
    def setup(self, device: str) -> None:
        self.model = Model(folder)

    def decode_request(self, request: dict) -> list:
        return self.model.Question.model_validate(request).rows

    def predict(self, rows: list) -> list:
        return self.model.predict(rows)

    def encode_response(self, predictions: list) -> dict:
        return {
            "id": str(uuid4()),
            "predictions": predictions,
            "createdAt": datetime.now(timezone.utc).isoformat(),
        }


if __name__ == "__main__":
    server = ls.LitServer(Api(api_path="/v1/predict"), accelerator="cpu", workers_per_device=1, timeout=60)
    server.run(host="127.0.0.1", port=port, num_api_servers=1, log_level="warning", generate_client_file=False)

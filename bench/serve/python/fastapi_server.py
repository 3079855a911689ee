"""FastAPI on onnxruntime as its documentation shows it, one uvicorn worker with its fast parts (uvloop, httptools):
python fastapi_server.py FOLDER PORT

The path operation is a plain function, which runs outside the event loop, as the documentation recommends for
computation. A response model checks and writes its result.
Sources: https://fastapi.tiangolo.com/async/ and https://fastapi.tiangolo.com/tutorial/response-model/
"""

import sys
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI
from model import Model
from pydantic import BaseModel
from serving import serve


class Prediction(BaseModel):
    label: str
    scores: dict[str, float]


class PredictionResponse(BaseModel):
    id: str
    predictions: list[Prediction]
    createdAt: datetime


model = Model(Path(sys.argv[1]))
app = FastAPI()


@app.post("/v1/predict")
def predict(question: model.Question) -> PredictionResponse:
    return PredictionResponse(
        id=str(uuid4()),
        predictions=model.predict(question.rows),
        createdAt=datetime.now(timezone.utc),
    )


serve(app, int(sys.argv[2]))

"""FastAPI on onnxruntime, without any work that can be avoided: python fastapi_tuned.py FOLDER PORT"""

import sys
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import orjson
from fastapi import FastAPI, Response
from model import Model
from serving import serve

model = Model(Path(sys.argv[1]))
app = FastAPI()


# `async`, so that a prediction of microseconds does not go through a thread. Only orjson writes the response, because a
# response model would check it a second time.
@app.post("/v1/predict")
async def predict(question: model.Question) -> Response:
    response = {
        "id": str(uuid4()),
        "predictions": model.predict(question.rows),
        "createdAt": datetime.now(timezone.utc),
    }
    return Response(orjson.dumps(response), media_type="application/json")


serve(app, int(sys.argv[2]))

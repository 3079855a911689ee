"""FastAPI on onnxruntime, with everything off its way that can be: python fastapi_tuned.py FOLDER PORT"""

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


# `async`, so that a prediction of microseconds does not take the way over a thread. The answer is made by orjson alone:
# a response model would be checked a second time.
@app.post("/v1/predict")
async def predict(question: model.Question) -> Response:
    answer = {
        "id": str(uuid4()),
        "predictions": model.predict(question.rows),
        "createdAt": datetime.now(timezone.utc),
    }
    return Response(orjson.dumps(answer), media_type="application/json")


serve(app, int(sys.argv[2]))

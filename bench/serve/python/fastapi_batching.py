"""The tuned FastAPI with batches of concurrent requests: python fastapi_batching.py FOLDER PORT

Requests that arrive while a batch runs become the next batch (up to 32 rows). A batch is padded to its longest text and
runs in a thread, so that the event loop takes requests meanwhile.
"""

import asyncio
import sys
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

import orjson
from fastapi import FastAPI, Response
from model import Model
from serving import serve

MAX_ROWS = 32
model = Model(Path(sys.argv[1]))
waiting: asyncio.Queue = asyncio.Queue()


async def run_batches() -> None:
    while True:
        batch = [await waiting.get()]
        while not waiting.empty() and sum(len(rows) for rows, _ in batch) < MAX_ROWS:
            batch.append(waiting.get_nowait())
        try:
            rows = [row for rows, _ in batch for row in rows]
            predictions = await asyncio.to_thread(model.predict, rows)
        except Exception as error:
            for _, answer in batch:
                answer.set_exception(error)
            continue
        for rows, answer in batch:
            answer.set_result(predictions[: len(rows)])
            predictions = predictions[len(rows) :]


@asynccontextmanager
async def lifespan(_: FastAPI):
    batches = asyncio.create_task(run_batches())
    yield
    batches.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/v1/predict")
async def predict(question: model.Question) -> Response:
    answer = asyncio.get_running_loop().create_future()
    waiting.put_nowait((question.rows, answer))
    response = {
        "id": str(uuid4()),
        "predictions": await answer,
        "createdAt": datetime.now(timezone.utc),
    }
    return Response(orjson.dumps(response), media_type="application/json")


serve(app, int(sys.argv[2]))

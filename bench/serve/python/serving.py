"""Runs both FastAPI servers: one uvicorn worker with its fast parts (uvloop, httptools)."""

import uvicorn
from fastapi import FastAPI


def serve(app: FastAPI, port: int) -> None:
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )

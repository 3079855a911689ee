"""`mlflow models serve` with one worker in this environment: python mlflow_server.py FOLDER PORT

The model has a signature, as mlflow's documentation asks for: it checks names and types of the columns.
Source: https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
"""

import json
import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

folder, port = Path(sys.argv[1]), sys.argv[2]
here = Path(__file__).parent
inputs = json.loads((folder / "manifest.json").read_text())["inputs"]
types = {"category": "string", "string": "string", "boolean": "boolean"}
columns = [
    ColSpec(types.get(declared["type"], "double"), declared["name"], required=declared.get("required", True))
    for declared in inputs
]
# Beside the folder, which the model takes a copy of.
saving = Path(mkdtemp(dir=folder.parent))
mlflow.pyfunc.save_model(
    saving / "model",
    python_model=str(here / "mlflow_model.py"),
    code_paths=[str(here / "onnx_model.py")],
    artifacts={"folder": str(folder)},
    signature=ModelSignature(Schema(columns)),
    pip_requirements=["mlflow", "onnxruntime"],
)
# mlflow starts `uvicorn` from the path; the script in this environment's own folder names another interpreter.
uvicorn = saving / "bin" / "uvicorn"
uvicorn.parent.mkdir()
uvicorn.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m uvicorn --log-level warning "$@"\n')
uvicorn.chmod(0o755)
serve = ["-m", "mlflow", "models", "serve", "--env-manager", "local", "--workers", "1"]
address = ["--host", "127.0.0.1", "--port", port, "--model-uri", str(saving / "model")]
environment = {**os.environ, "PATH": f"{uvicorn.parent}:{os.environ['PATH']}"}
os.execve(sys.executable, [sys.executable, *serve, *address], environment)

"""Calls an inference service with kserve's and Triton's clients, and prints the results as JSON.

Arguments: the service's address (http://host:port), the path of golden.json. Each check is a function; its result,
or its exception, is stored under the function's name.
"""

import asyncio
import json
import sys

import kserve
import numpy
import tritonclient.http as triton
from kserve.protocol.infer_type import RequestedOutput
from tritonclient.utils import InferenceServerException

base, golden = sys.argv[1:]
rows = json.load(open(golden, encoding="utf-8"))["rows"]
model = "churn"


def column(name, many=rows):
    """A column in usual types: texts as objects, integers as int64, other numbers as float64 with NaN for missing ones."""
    values = [row[name] for row in many]
    if all(isinstance(value, str) for value in values):
        return numpy.array(values, dtype=object), "BYTES"
    if all(isinstance(value, int) for value in values):
        return numpy.array(values, dtype=numpy.int64), "INT64"
    return numpy.array(values, dtype=numpy.float64), "FP64"


def tensors(make, binary, many=rows, changes={}):
    inputs = []
    for name in many[0]:
        values, datatype = changes.get(name) or column(name, many)
        tensor = make(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        inputs.append(tensor)
    return inputs


def text(values):
    return [value.decode() if isinstance(value, bytes) else value for value in values]


# Triton


def triton_asks(client):
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model),
        "version_ready": client.is_model_ready(model, "3"),
        "other_ready": client.is_model_ready("other"),
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata(model, "3"),
    }


def triton_answer(result):
    return {
        "label": text(result.as_numpy("label").tolist()),
        "probabilities": result.as_numpy("probabilities").tolist(),
        "band": text(result.as_numpy("band").tolist()),
        "id": result.get_response()["id"],
        "version": result.get_response()["model_version"],
    }


def triton_binary(client):
    return triton_answer(client.infer(model, tensors(triton.InferInput, True), request_id="mine"))


def triton_json(client):
    outputs = [triton.InferRequestedOutput(name, binary_data=False) for name in ("label", "probabilities", "band")]
    return triton_answer(client.infer(model, tensors(triton.InferInput, False), "3", outputs, "mine"))


def triton_packed(client):
    inputs = tensors(triton.InferInput, True)
    return [
        triton_answer(
            client.infer(
                model,
                inputs,
                request_id="mine",
                request_compression_algorithm=packed,
                response_compression_algorithm=packed,
            )
        )
        for packed in ("gzip", "deflate")
    ]


def triton_classes(client):
    outputs = [triton.InferRequestedOutput("probabilities", class_count=1)]
    return text(client.infer(model, tensors(triton.InferInput, True), outputs=outputs).as_numpy("probabilities")[:, 0])


def triton_narrow(client):
    """float32 and int32, as numpy users often have their columns, and [rows, 1]."""
    changes = {}
    for name in rows[0]:
        values, datatype = column(name)
        if datatype == "INT64":
            changes[name] = values.astype(numpy.int32).reshape(-1, 1), "INT32"
        elif datatype == "FP64":
            changes[name] = values.astype(numpy.float32).reshape(-1, 1), "FP32"
    return triton_answer(client.infer(model, tensors(triton.InferInput, True, changes=changes)))


def triton_many(client):
    many = (rows * 200)[:10_000]
    return len(client.infer(model, tensors(triton.InferInput, True, many)).as_numpy("label"))


def triton_error(client, ask):
    try:
        ask()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


def triton_errors(client):
    def infer(changes={}, name=model, version="", outputs=None, left_out=()):
        inputs = [each for each in tensors(triton.InferInput, True, changes=changes) if each.name() not in left_out]
        return lambda: client.infer(name, inputs, version, outputs)

    count = len(rows)
    asks = {
        "unknown_model": infer(name="other"),
        "unknown_version": infer(version="2"),
        "unknown_output": infer(outputs=[triton.InferRequestedOutput("nothing")]),
        "missing_input": infer(left_out=("tenure",)),
        "not_a_number": infer({"monthly_charges": (numpy.full(count, numpy.nan), "FP64")}),
        "not_utf8": infer({"contract": (numpy.array([b"\xff"] * count, dtype=object), "BYTES")}),
        "unknown_category": infer({"contract": (numpy.array(["Never"] * count, dtype=object), "BYTES")}),
        "packed": lambda: client.infer("other", tensors(triton.InferInput, True), response_compression_algorithm="gzip"),
        "unknown_model_metadata": lambda: client.get_model_metadata("other"),
    }
    return {name: triton_error(client, ask) for name, ask in asks.items()}


def triton_reconnects(client):
    """Each request uses a new connection, after a refused request on it."""
    labels = []
    inputs = tensors(triton.InferInput, True)
    for _ in range(10):
        with triton.InferenceServerClient(base.removeprefix("http://")) as connection:
            triton_error(connection, lambda: connection.infer("other", inputs))
            labels.append(text(connection.infer(model, inputs).as_numpy("label").tolist()))
    return labels


# KServe


async def kserve_asks(client):
    return {
        "live": await client.is_server_live(base),
        "ready": await client.is_server_ready(base),
        "model_ready": await client.is_model_ready(base, model),
        "other_ready": await client.is_model_ready(base, "other"),
    }


async def kserve_infer(client, binary, changes={}, name=model, outputs=None):
    request = kserve.InferRequest(
        name,
        tensors(kserve.InferInput, binary, changes=changes),
        request_id="mine",
        parameters={"binary_data_output": binary},
        request_outputs=outputs,
    )
    response = await client.infer(base, request, model_name=name)
    return {
        "id": response.id,
        **{each.name: text(each.as_numpy().tolist()) for each in response.outputs},
    }


async def kserve_binary(client):
    return await kserve_infer(client, True)


async def kserve_json(client):
    return await kserve_infer(client, False)


async def kserve_outputs(client):
    return await kserve_infer(client, True, outputs=[RequestedOutput("band", {"binary_data": True}), RequestedOutput("label")])


async def kserve_dict(client):
    """A request as a dictionary, without kserve's classes."""
    inputs = []
    for name in rows[0]:
        _, datatype = column(name)
        data = [row[name] for row in rows]
        inputs.append({"name": name, "shape": [len(rows)], "datatype": datatype, "data": data})
    response = await client.infer(base, {"inputs": inputs}, model_name=model)
    return {"label": response.get_output_by_name("label").data}


async def kserve_at_once(client):
    responses = await asyncio.gather(*(kserve_infer(client, each % 2 == 0) for each in range(20)))
    return [response["label"] for response in responses]


async def kserve_error(ask):
    try:
        await ask
    except Exception as error:
        return {"type": type(error).__name__, "message": str(error)}
    return None


async def kserve_errors(client):
    count = len(rows)
    never = {"contract": (numpy.array(["Never"] * count, dtype=object), "BYTES")}
    nan = {"monthly_charges": (numpy.full(count, numpy.nan), "FP64")}
    return {
        "unknown_model": await kserve_error(kserve_infer(client, True, name="other")),
        "unknown_category": await kserve_error(kserve_infer(client, False, never)),
        "not_a_number": await kserve_error(kserve_infer(client, True, nan)),
        "unknown_output": await kserve_error(kserve_infer(client, True, outputs=[RequestedOutput("nothing")])),
    }


def run_check(check):
    try:
        return check()
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}


async def ask_kserve():
    results = {}
    for check in (kserve_asks, kserve_binary, kserve_json, kserve_outputs, kserve_dict, kserve_at_once, kserve_errors):
        try:
            async with kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2")) as client:
                results[check.__name__] = await check(client)
        except Exception as error:
            results[check.__name__] = {"raised": f"{type(error).__name__}: {error}"}
    return results


results = {}
with triton.InferenceServerClient(base.removeprefix("http://")) as client:
    for check in (
        triton_asks,
        triton_binary,
        triton_json,
        triton_packed,
        triton_classes,
        triton_narrow,
        triton_many,
        triton_errors,
        triton_reconnects,
    ):
        results[check.__name__] = run_check(lambda: check(client))
results.update(asyncio.run(ask_kserve()))
print(json.dumps(results))

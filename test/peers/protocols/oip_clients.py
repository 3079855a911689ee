"""Calls an inference service with kserve's and Triton's own clients, and prints what they made of it as JSON.

Arguments: the service's address (http://host:port), the path of golden.json. Each check is a function of its own; what it
returns, or the exception that it ends with, stands under its name.
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
    """A column as its users have it: texts as objects, whole numbers as int64, others as float64 with NaN for none."""
    values = [row[name] for row in many]
    if all(isinstance(value, str) for value in values):
        return numpy.array(values, dtype=object), "BYTES"
    if all(isinstance(value, int) for value in values):
        return numpy.array(values, dtype=numpy.int64), "INT64"
    return numpy.array(values, dtype=numpy.float64), "FP64"


def tensors(make, binary, many=rows, changes={}):
    made = []
    for name in many[0]:
        values, datatype = changes.get(name) or column(name, many)
        tensor = make(name, list(values.shape), datatype)
        tensor.set_data_from_numpy(values, binary_data=binary)
        made.append(tensor)
    return made


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
    made = tensors(triton.InferInput, True)
    return [
        triton_answer(
            client.infer(
                model,
                made,
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
        made = [one for one in tensors(triton.InferInput, True, changes=changes) if one.name() not in left_out]
        return lambda: client.infer(name, made, version, outputs)

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
    """Each request on a connection of its own, and a refused one before each."""
    labels = []
    made = tensors(triton.InferInput, True)
    for _ in range(10):
        with triton.InferenceServerClient(base.removeprefix("http://")) as one:
            triton_error(one, lambda: one.infer("other", made))
            labels.append(text(one.infer(model, made).as_numpy("label").tolist()))
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
        **{one.name: text(one.as_numpy().tolist()) for one in response.outputs},
    }


async def kserve_binary(client):
    return await kserve_infer(client, True)


async def kserve_json(client):
    return await kserve_infer(client, False)


async def kserve_outputs(client):
    return await kserve_infer(client, True, outputs=[RequestedOutput("band", {"binary_data": True}), RequestedOutput("label")])


async def kserve_dict(client):
    """As a dictionary, without the classes for it."""
    inputs = []
    for name in rows[0]:
        _, datatype = column(name)
        data = [row[name] for row in rows]
        inputs.append({"name": name, "shape": [len(rows)], "datatype": datatype, "data": data})
    response = await client.infer(base, {"inputs": inputs}, model_name=model)
    return {"label": response.get_output_by_name("label").data}


async def kserve_at_once(client):
    answers = await asyncio.gather(*(kserve_infer(client, each % 2 == 0) for each in range(20)))
    return [answer["label"] for answer in answers]


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


def found_or_raised(check):
    try:
        return check()
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}


async def ask_kserve():
    found = {}
    for check in (kserve_asks, kserve_binary, kserve_json, kserve_outputs, kserve_dict, kserve_at_once, kserve_errors):
        try:
            async with kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2")) as client:
                found[check.__name__] = await check(client)
        except Exception as error:
            found[check.__name__] = {"raised": f"{type(error).__name__}: {error}"}
    return found


found = {}
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
        found[check.__name__] = found_or_raised(lambda: check(client))
found.update(asyncio.run(ask_kserve()))
print(json.dumps(found))

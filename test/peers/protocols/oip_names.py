"""Calls an inference service whose inputs have awkward names with kserve's and Triton's clients; prints the results as JSON.

Arguments: the service's address (http://host:port), the model's name, a JSON file {"inputs": {name: [values]}}; values
that are text of digits are integers beyond 2^53.
"""

import asyncio
import json
import sys

import kserve
import numpy
import tritonclient.http as triton

base, model, file = sys.argv[1:]
columns = json.load(open(file, encoding="utf-8"))["inputs"]


def tensors(make, binary):
    inputs = []
    for name, values in columns.items():
        exact = isinstance(values[0], str)
        array = numpy.array([int(value) for value in values] if exact else values, dtype="int64" if exact else "float64")
        tensor = make(name, list(array.shape), "INT64" if exact else "FP64")
        # JSON numbers beyond 2^53 are refused: identifiers go as binary data.
        tensor.set_data_from_numpy(array, binary_data=binary or exact)
        inputs.append(tensor)
    return inputs


async def kserve_results():
    client = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2"))
    found = {}
    for binary in (True, False):
        request = kserve.InferRequest(model, tensors(kserve.InferInput, binary))
        answer = await client.infer(base, request, model_name=model)
        found["binary" if binary else "json"] = answer.get_output_by_name("probabilities").as_numpy().tolist()
    await client.close()
    return found


client = triton.InferenceServerClient(base.removeprefix("http://"))
results = {
    "metadata": [one["name"] for one in client.get_model_metadata(model)["inputs"]],
    "triton": {
        "binary" if binary else "json": client.infer(model, tensors(triton.InferInput, binary))
        .as_numpy("probabilities")
        .tolist()
        for binary in (True, False)
    },
    "kserve": asyncio.run(kserve_results()),
}
print(json.dumps(results))

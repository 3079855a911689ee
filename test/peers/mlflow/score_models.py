"""Gets predictions from registered models in Python and from the service over HTTP, and prints both as JSON.

Argument: a file of { cases: [{ name, folder, url, rows }], bodies: { name: [type, text] }, documented }. `folder`: the
model as MLflow stores it; `url`: the service that serves it. `bodies` and `documented`, a program that prints, use the
first case's model.
"""

import contextlib
import io
import json
import sys
from urllib.parse import urlsplit

import mlflow
import pandas
from mlflow.pyfunc import scoring_server
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

arguments = json.load(open(sys.argv[1], encoding="utf-8"))


def create_client(url):
    address = urlsplit(url)
    return ScoringServerClient(address.hostname, address.port)


def attempt(call):
    """A call's result, or the error that its caller sees."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001
        return {"raised": type(error).__name__, "message": str(error)}


def predictions(response):
    return response.get_predictions().to_dict("records")


def score(case):
    model = mlflow.pyfunc.load_model(case["folder"])
    frame = pandas.DataFrame(case["rows"])
    # Converts a body to a data frame of the signature's types, as a scoring server does.
    typed = scoring_server.infer_and_parse_data({"dataframe_records": case["rows"]}, model.metadata.get_input_schema())
    outputs = [[column.name, column.type.name] for column in model.metadata.get_output_schema().inputs]
    return {
        "outputs": outputs,
        "typed": model.predict(typed).to_dict("records"),
        "frame": attempt(lambda: model.predict(frame).to_dict("records")),
        "served": attempt(lambda: predictions(create_client(case["url"]).invoke(frame))),
    }


first = arguments["cases"][0]
client = create_client(first["url"])
client.wait_server_ready(timeout=30)
model = mlflow.pyfunc.load_model(first["folder"])
schema = model.metadata.get_input_schema()
frame = pandas.DataFrame(first["rows"])
lists = frame.astype(object).where(frame.notna(), None).values


def score_body(type, text):
    """Calls MLflow's scoring server without HTTP."""
    return json.loads(scoring_server.invocations(text, type, model, schema).response)["predictions"]


def run_program(program):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(program, {})
    return output.getvalue()


print(
    json.dumps(
        {
            "documented": run_program(arguments["documented"]),
            "cases": {case["name"]: score(case) for case in arguments["cases"]},
            "bodies": {name: attempt(lambda: score_body(*body)) for name, body in arguments["bodies"].items()},
            "version": client.get_version(),
            "params": predictions(client.invoke(frame, params={"temperature": 0.5})),
            "array": predictions(client.invoke(lists)),
            "wrong": attempt(lambda: client.invoke(frame.assign(contract="Weekly"))),
            "missing": attempt(lambda: client.invoke(frame.drop(columns=["tenure"]))),
            "twice": attempt(lambda: client.invoke(pandas.concat([frame, frame["tenure"]], axis=1))),
            "again": predictions(client.invoke(frame)),
        }
    )
)

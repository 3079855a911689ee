"""Asks registered models in Python and the service over HTTP, and prints what each answers as JSON.

Argument: a file of { cases: [{ name, folder, url, rows }], bodies: { name: [type, text] }, documented }. `folder` holds the model as
MLflow keeps it, `url` is the service that serves it; bodies
and `documented`, a program that prints, are for the first case's model.
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

given = json.load(open(sys.argv[1], encoding="utf-8"))


def client_of(url):
    address = urlsplit(url)
    return ScoringServerClient(address.hostname, address.port)


def attempt(call):
    """What a call gives, or what its caller sees raised."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001
        return {"raised": type(error).__name__, "message": str(error)}


def predictions(answer):
    return answer.get_predictions().to_dict("records")


def ask(case):
    model = mlflow.pyfunc.load_model(case["folder"])
    frame = pandas.DataFrame(case["rows"])
    # A scoring server's own way from a body to a data frame of the signature's types.
    typed = scoring_server.infer_and_parse_data({"dataframe_records": case["rows"]}, model.metadata.get_input_schema())
    outputs = [[column.name, column.type.name] for column in model.metadata.get_output_schema().inputs]
    return {
        "outputs": outputs,
        "typed": model.predict(typed).to_dict("records"),
        "frame": attempt(lambda: model.predict(frame).to_dict("records")),
        "served": attempt(lambda: predictions(client_of(case["url"]).invoke(frame))),
    }


first = given["cases"][0]
client = client_of(first["url"])
client.wait_server_ready(timeout=30)
model = mlflow.pyfunc.load_model(first["folder"])
schema = model.metadata.get_input_schema()
frame = pandas.DataFrame(first["rows"])
lists = frame.astype(object).where(frame.notna(), None).values


def answered(type, text):
    """MLflow's own scoring server, without its HTTP."""
    return json.loads(scoring_server.invocations(text, type, model, schema).response)["predictions"]


def printed(program):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(program, {})
    return output.getvalue()


print(
    json.dumps(
        {
            "documented": printed(given["documented"]),
            "cases": {case["name"]: ask(case) for case in given["cases"]},
            "bodies": {name: attempt(lambda: answered(*body)) for name, body in given["bodies"].items()},
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

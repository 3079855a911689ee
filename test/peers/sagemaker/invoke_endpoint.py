"""Calls the endpoint `churn` with boto3's sagemaker-runtime, and prints its results as JSON.

Arguments: the service's address, a file of { csv, json, wrong, documented }: bodies of golden rows, one with a wrong
value, and a program that prints.
"""

import contextlib
import io
import json
import sys

import boto3
from botocore.exceptions import ClientError

url, bodies_file = sys.argv[1:]
bodies = json.load(open(bodies_file, encoding="utf-8"))
client = boto3.client("sagemaker-runtime", endpoint_url=url)


def invoke(body, type, accept=None, name="churn"):
    options = {"Accept": accept} if accept else {}
    try:
        response = client.invoke_endpoint(EndpointName=name, ContentType=type, Body=body, **options)
    except ClientError as error:
        keys = ("OriginalStatusCode", "OriginalMessage")
        return {
            "raised": type_name(error),
            "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            **{key: error.response[key] for key in keys if key in error.response},
        }
    return {
        "type": response["ContentType"],
        "variant": response["InvokedProductionVariant"],
        "body": response["Body"].read().decode(),
    }


def type_name(error):
    return type(error).__name__


def run_program(program):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(program, {})
    return output.getvalue()


print(
    json.dumps(
        {
            "documented": run_program(bodies["documented"]),
            "csv": invoke(bodies["csv"], "text/csv", "text/csv"),
            "csv_to_json": invoke(bodies["csv"], "text/csv", "application/json"),
            "json": invoke(bodies["json"], "application/json"),
            "wrong": invoke(bodies["wrong"], "text/csv"),
            "other_type": invoke(b"x", "application/x-recordio-protobuf"),
            "other_name": invoke(bodies["csv"], "text/csv", name="other"),
            "again": invoke(bodies["csv"], "text/csv", "text/csv"),
        }
    )
)

"""Calls the endpoint `churn` with boto3's sagemaker-runtime, and prints what it made of it as JSON.

Arguments: the service's address, a file of { csv, json, wrong, documented }: bodies of golden rows, one with a wrong
value, and a program that prints.
"""

import contextlib
import io
import json
import sys

import boto3
from botocore.exceptions import ClientError

url, given = sys.argv[1:]
bodies = json.load(open(given, encoding="utf-8"))
client = boto3.client("sagemaker-runtime", endpoint_url=url)


def invoke(body, type, accept=None, name="churn"):
    more = {"Accept": accept} if accept else {}
    try:
        answer = client.invoke_endpoint(EndpointName=name, ContentType=type, Body=body, **more)
    except ClientError as error:
        keys = ("OriginalStatusCode", "OriginalMessage")
        return {
            "raised": type_name(error),
            "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            **{key: error.response[key] for key in keys if key in error.response},
        }
    return {
        "type": answer["ContentType"],
        "variant": answer["InvokedProductionVariant"],
        "body": answer["Body"].read().decode(),
    }


def type_name(error):
    return type(error).__name__


def printed(program):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(program, {})
    return output.getvalue()


print(
    json.dumps(
        {
            "documented": printed(bodies["documented"]),
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

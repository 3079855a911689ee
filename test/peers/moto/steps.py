"""Calls the tests' HTTP server (STEPS_URL) for what moto cannot run: Lambda invocations and builds.

The server speaks Lambda's protocol: POST /2015-03-31/functions/<name>/invocations?Qualifier=<version>. For an error of
the function it sends 200, the header X-Amz-Function-Error and the body `{errorType, errorMessage, trace}`.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import os
import urllib.request


def steps_url():
    return os.environ.get("STEPS_URL")


def post(url, body, account):
    headers = {"content-type": "application/json", "x-slipway-account": account}
    with urllib.request.urlopen(urllib.request.Request(url, data=body or b"{}", headers=headers)) as response:
        return response.headers.get("x-amz-function-error"), response.read()

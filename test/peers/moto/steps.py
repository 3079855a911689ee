"""What moto cannot run itself, run by an HTTP server of the tests (STEPS_URL): Lambda invocations and builds.

It speaks Lambda's own form: POST /2015-03-31/functions/<name>/invocations?Qualifier=<version>; a fault of the function
is answered with 200, the header X-Amz-Function-Error and `{errorType, errorMessage, trace}` as the body.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import os
import urllib.request


def steps_url():
    return os.environ.get("STEPS_URL")


def post(url, body, account):
    headers = {"content-type": "application/json", "x-slipway-account": account}
    with urllib.request.urlopen(urllib.request.Request(url, data=body or b"{}", headers=headers)) as answer:
        return answer.headers.get("x-amz-function-error"), answer.read()

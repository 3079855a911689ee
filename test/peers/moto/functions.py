"""Lambda: features of aliases, provisioned concurrency and invocations that stock moto lacks."""

import json
import random
import threading
import time
import uuid
from urllib.parse import quote, unquote

from moto.awslambda.exceptions import PreconditionFailedException
from moto.awslambda.models import LambdaAlias, LambdaBackend
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths

from steps import post

lock = threading.RLock()


def check_revisions():
    """UpdateAlias refuses another RevisionId than the alias's, and every update creates a new one.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
    """
    stock_update = LambdaAlias.update
    stock_response = LambdaResponse.update_alias

    def update(self, *args, **kwargs):
        stock_update(self, *args, **kwargs)
        self.revision_id = str(uuid.uuid4())

    def update_alias(self):
        parts = unquote(self.path).rstrip("/").split("/")
        function_name, alias_name = parts[-3], parts[-1]
        revision = json.loads(self.body or "{}").get("RevisionId")
        with lock:
            current = self.backend.get_alias(alias_name, function_name).revision_id
            if revision is not None and revision != current:
                raise PreconditionFailedException(
                    "The RevisionId provided does not match the latest RevisionId. Call the GetAlias API to retrieve the latest RevisionId for your resource.",
                )
            return stock_response(self)

    LambdaAlias.update = update
    LambdaResponse.update_alias = update_alias


def add_provisioned_concurrency():
    """PutProvisionedConcurrencyConfig and related operations: READY at once, where AWS takes minutes.

    https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html
    """
    counts = {}

    def key(self):
        name = unquote(self.path.split("/functions/")[1].split("/")[0])
        qualifier = self.querystring.get("Qualifier", [None])[0]
        return self.current_account, self.region, name, qualifier

    def view(count):
        return json.dumps(
            {
                "RequestedProvisionedConcurrentExecutions": count,
                "AvailableProvisionedConcurrentExecutions": count,
                "AllocatedProvisionedConcurrentExecutions": count,
                "Status": "READY",
                "LastModified": "2026-01-01T00:00:00+0000",
            }
        )

    def put(self):
        counts[key(self)] = json.loads(self.body)["ProvisionedConcurrentExecutions"]
        return 202, {"status": 202}, view(counts[key(self)])

    def get(self):
        count = counts.get(key(self))
        if count is not None:
            return 200, {}, view(count)
        error = {"message": "No Provisioned Concurrency Config found for this function", "Type": "User"}
        headers = {"status": 404, "x-amzn-ErrorType": "ProvisionedConcurrencyConfigNotFoundException"}
        return 404, headers, json.dumps(error)

    def delete(self):
        counts.pop(key(self), None)
        return 204, {"status": 204}, ""

    LambdaResponse.put_provisioned_concurrency_config = put
    LambdaResponse.get_provisioned_concurrency_config = get
    LambdaResponse.delete_provisioned_concurrency_config = delete
    path = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/provisioned-concurrency/?$"
    url_paths[path] = LambdaResponse.dispatch


def add_account_settings():
    """GetAccountSettings, of an account with AWS's usual quota.

    https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
    """

    def get_account_settings(self):
        limit = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
        return 200, {}, json.dumps({"AccountLimit": limit, "AccountUsage": {"FunctionCount": 0}})

    LambdaResponse.get_account_settings = get_account_settings
    url_paths[r"{0}/(?P<api_version>[^/]+)/account-settings/?$"] = LambdaResponse.dispatch


def version_for(backend, function_name, qualifier):
    """The version for an invocation: a weighted alias draws one for each invocation.

    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """
    if qualifier is None or qualifier.isdigit() or qualifier == "$LATEST":
        return qualifier
    alias = backend.get_alias(qualifier, function_name)
    weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
    draw = random.random()
    for version, weight in weights.items():
        if draw < weight:
            return version
        draw -= weight
    return alias.function_version


def invoke_later(url, payload, account):
    """An asynchronous invocation: a failed event is run twice more, after one minute and after two.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    """

    def run():
        for wait in [0, 60, 120]:
            time.sleep(wait)
            error, _ = post(url, payload, account)
            if not error:
                return

    threading.Thread(target=run, daemon=True).start()


def accept_asynchronous_invocations():
    """Without a server that runs functions, an asynchronous event is accepted and never runs."""
    stock_invoke = LambdaBackend.invoke

    def invoke(self, function_name, qualifier, body, headers, response_headers):
        if headers.get("X-Amz-Invocation-Type") != "Event":
            return stock_invoke(self, function_name, qualifier, body, headers, response_headers)
        self.get_function(function_name, qualifier)  # refuses unknown functions as AWS does
        return b""

    LambdaBackend.invoke = invoke


def forward_invocations(steps):
    def invoke(self, function_name, qualifier, body, headers, response_headers):
        function = self.get_function(function_name, qualifier)  # refuses unknown functions as AWS does
        name = function.function_name
        version = version_for(self, name, qualifier) or "$LATEST"
        payload = body if isinstance(body, bytes) else (body or "").encode()
        url = f"{steps}/2015-03-31/functions/{name}/invocations?Qualifier={quote(version)}"
        if headers.get("X-Amz-Invocation-Type") == "Event":
            invoke_later(url, payload, self.account_id)
            return b""
        error, response = post(url, payload, self.account_id)
        if error:
            response_headers["x-amz-function-error"] = error
        response_headers["x-amz-executed-version"] = version
        response_headers["Content-Length"] = str(len(response))
        return response

    LambdaBackend.invoke = invoke


def install(steps):
    check_revisions()
    add_provisioned_concurrency()
    add_account_settings()
    if steps:
        forward_invocations(steps)
    else:
        accept_asynchronous_invocations()

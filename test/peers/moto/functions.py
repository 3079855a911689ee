"""Lambda: what stock moto leaves out of aliases, provisioned concurrency and invocations."""

import json
import random
import threading
import uuid
from urllib.parse import quote, unquote

from moto.awslambda.exceptions import PreconditionFailedException
from moto.awslambda.models import LambdaAlias, LambdaBackend
from moto.awslambda.responses import LambdaResponse
from moto.awslambda.urls import url_paths

from steps import post

lock = threading.RLock()


def check_revisions():
    """UpdateAlias with a RevisionId that is not the alias's is refused, and every update gives a new one.

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
        given = json.loads(self.body or "{}").get("RevisionId")
        with lock:
            current = self.backend.get_alias(alias_name, function_name).revision_id
            if given is not None and given != current:
                raise PreconditionFailedException(
                    "The RevisionId provided does not match the latest RevisionId. Call the GetAlias API to retrieve the latest RevisionId for your resource.",
                )
            return stock_response(self)

    LambdaAlias.update = update
    LambdaResponse.update_alias = update_alias


def add_provisioned_concurrency():
    """PutProvisionedConcurrencyConfig and its siblings: READY at once, where AWS takes minutes.

    https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html
    """
    configured = {}

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
        configured[key(self)] = json.loads(self.body)["ProvisionedConcurrentExecutions"]
        return 202, {"status": 202}, view(configured[key(self)])

    def get(self):
        count = configured.get(key(self))
        if count is not None:
            return 200, {}, view(count)
        error = {"message": "No Provisioned Concurrency Config found for this function", "Type": "User"}
        headers = {"status": 404, "x-amzn-ErrorType": "ProvisionedConcurrencyConfigNotFoundException"}
        return 404, headers, json.dumps(error)

    def delete(self):
        configured.pop(key(self), None)
        return 204, {"status": 204}, ""

    LambdaResponse.put_provisioned_concurrency_config = put
    LambdaResponse.get_provisioned_concurrency_config = get
    LambdaResponse.delete_provisioned_concurrency_config = delete
    path = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/provisioned-concurrency/?$"
    url_paths[path] = LambdaResponse.dispatch


def version_for(backend, function_name, qualifier):
    """The version that one invocation gets: a weighted alias draws anew for each.

    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """
    if qualifier is None or qualifier.isdigit() or qualifier == "$LATEST":
        return qualifier
    alias = backend.get_alias(qualifier, function_name)
    weights = (alias.routing_config or {}).get("AdditionalVersionWeights") or {}
    drawn = random.random()
    for version, weight in weights.items():
        if drawn < weight:
            return version
        drawn -= weight
    return alias.function_version


def forward_invocations(steps):
    def invoke(self, function_name, qualifier, body, headers, response_headers):
        function = self.get_function(function_name, qualifier)  # unknown ones are refused as AWS does
        name = function.function_name
        version = version_for(self, name, qualifier) or "$LATEST"
        payload = body if isinstance(body, bytes) else (body or "").encode()
        url = f"{steps}/2015-03-31/functions/{name}/invocations?Qualifier={quote(version)}"
        error, answer = post(url, payload, self.account_id)
        if error:
            response_headers["x-amz-function-error"] = error
        response_headers["x-amz-executed-version"] = version
        response_headers["Content-Length"] = str(len(answer))
        return answer

    LambdaBackend.invoke = invoke


def install(steps):
    check_revisions()
    add_provisioned_concurrency()
    if steps:
        forward_invocations(steps)

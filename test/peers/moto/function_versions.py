"""Lambda functions from images: AWS's rules for updates, revisions, versions and calls that stock moto lacks."""

import base64
import http.client
import json
import os
import re
import threading
import uuid
from urllib.parse import quote, unquote

from moto.awslambda import models
from moto.awslambda.exceptions import (
    InvalidParameterValueException,
    LambdaClientError,
    PreconditionFailedException,
)
from moto.awslambda.models import LambdaAlias, LambdaBackend, LambdaFunction, LambdaStorage
from moto.awslambda.responses import LambdaResponse
from moto.ecr.models import ecr_backends

lock = threading.RLock()

# Smaller than AWS's 50, so that a suite that reads only one page fails.
PAGE = 3


class ResourceConflict(LambdaClientError):
    code = 409

    def __init__(self, message):
        super().__init__("ResourceConflictException", message)


def find_function(response, place=-2):
    return response.backend.get_function(unquote(response.path.rstrip("/").split("/")[place]), None)


def check_revision(requested, current):
    if requested is not None and requested != current:
        raise PreconditionFailedException(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )


def give_functions_states():
    """A new function is Pending, a changed function InProgress, until the first look; both change its revision.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    stock_init = LambdaFunction.__init__
    stock_configuration = LambdaFunction.get_configuration

    def init(self, *args, **kwargs):
        stock_init(self, *args, **kwargs)
        self.revision_id = str(uuid.uuid4())
        self.pending_field = "State" if self.package_type == "Image" else None

    def get_configuration(self, on_create=False):
        configuration = stock_configuration(self, on_create)
        configuration["RevisionId"] = self.revision_id
        if self.pending_field == "State":
            configuration["State"] = "Pending"
        if self.pending_field == "LastUpdateStatus":
            configuration["LastUpdateStatus"] = "InProgress"
        return configuration

    def complete_after_look(stock, place):
        def look(self):
            with lock:
                response = stock(self)
                qualifier = self._get_param("Qualifier", None)
                function = self.backend.get_function(unquote(self.path.rstrip("/").split("/")[place]), qualifier)
                if function.pending_field:
                    function.pending_field = None
                    function.revision_id = str(uuid.uuid4())
                return response

        return look

    LambdaFunction.__init__ = init
    LambdaFunction.get_configuration = get_configuration
    LambdaResponse.get_function = complete_after_look(LambdaResponse.get_function, -1)
    LambdaResponse.get_function_configuration = complete_after_look(LambdaResponse.get_function_configuration, -2)


def check_updates():
    """Refuses an update during another update or with an old RevisionId; every update creates a new revision.

    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
    """

    def guard(stock, changes):
        def update(self):
            with lock:
                function = find_function(self)
                if function.pending_field:
                    raise ResourceConflict(
                        "The operation cannot be performed at this time. "
                        f"An update is in progress for resource: {function.function_arn}"
                    )
                check_revision(json.loads(self.body or "{}").get("RevisionId"), function.revision_id)
                if not changes:
                    return stock(self)
                # moto's published copies share this dictionary, and moto writes into it.
                function.code = dict(function.code)
                response = stock(self)
                function.pending_field = "LastUpdateStatus" if function.package_type == "Image" else None
                function.revision_id = str(uuid.uuid4())
                body = json.loads(response[2])
                body.update(function.get_configuration())
                return response[0], response[1], json.dumps(body)

        return update

    LambdaResponse.update_function_code = guard(LambdaResponse.update_function_code, True)
    LambdaResponse.update_function_configuration = guard(LambdaResponse.update_function_configuration, True)
    LambdaResponse.publish_version = guard(LambdaResponse.publish_version, False)


def publish_changes_only():
    """PublishVersion without a change returns the last version; a new version is Pending until the first look.

    https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    """
    stock = LambdaStorage.publish_version

    def publish_version(self, name_or_arn, description=""):
        latest = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
        before = len(self._functions[latest.function_name]["versions"])
        version = stock(self, name_or_arn, description)
        latest.code_or_config_updated = False  # stock moto does not reset this for the first version
        if len(self._functions[latest.function_name]["versions"]) > before:
            # Lambda never gives a deleted version's number to another version.
            latest.last_version = getattr(latest, "last_version", 0) + 1
            self._arns.pop(version.function_arn, None)
            version.set_version(latest.last_version)
            for each in self._functions[latest.function_name]["versions"]:
                self._arns[each.function_arn] = each
            if version.package_type == "Image":
                version.pending_field = "State"
        return version

    LambdaStorage.publish_version = publish_version


def find_images_by_account():
    """Reads an image from the registry in its address, in any account; refuses unknown images."""
    stock = LambdaFunction._set_function_code
    address = re.compile(r"^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^@:]+)@(sha256:[0-9a-f]{64})$")

    def set_function_code(self, updated_spec):
        match = address.match(updated_spec.get("ImageUri", ""))
        if not match:
            return stock(self, updated_spec)
        account, region, repository, digest = match.groups()
        repositories = ecr_backends[account][region].repositories
        images = repositories[repository].images if repository in repositories else []
        if not any(image.get_image_digest() == digest for image in images):
            raise InvalidParameterValueException(
                f"Source image {updated_spec['ImageUri']} does not exist. Provide a valid source image."
            )
        self.code_sha_256 = digest.split(":")[1]
        self.code_size = 0
        self.code["ImageUri"] = updated_spec["ImageUri"]

    stock_code = LambdaFunction.get_code

    def get_code(self):
        code = stock_code(self)
        uri = self.code.get("ImageUri", "")
        if address.match(uri):
            code["Code"]["ResolvedImageUri"] = uri
        return code

    LambdaFunction._set_function_code = set_function_code
    LambdaFunction.get_code = get_code


def guard_aliases():
    """Aliases: unique names, existing versions, weights between 0 and 1, and a policy that is deleted with its alias.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html
    """
    stock_create, stock_update = LambdaBackend.create_alias, LambdaBackend.update_alias
    stock_delete, stock_permit = LambdaBackend.delete_alias, LambdaBackend.add_permission

    def check_routing(self, function_name, function_version, routing_config):
        for version, weight in ((routing_config or {}).get("AdditionalVersionWeights") or {}).items():
            self.get_function(function_name, version)
            if version == function_version:
                raise InvalidParameterValueException("The function version in the routing config should be different")
            if not 0 <= weight <= 1:
                raise InvalidParameterValueException("The weight is not between 0 and 1")

    def create_alias(self, name, function_name, function_version, description, routing_config):
        with lock:
            check_routing(self, function_name, function_version, routing_config)
            if any(alias.name == name for alias in self.list_aliases(function_name)):
                raise ResourceConflict(f"Alias already exists: {function_name}:{name}")
            return stock_create(self, name, function_name, function_version, description, routing_config)

    def update_alias(self, name, function_name, function_version, description, routing_config):
        with lock:
            check_routing(self, function_name, function_version, routing_config)
            return stock_update(self, name, function_name, function_version, description, routing_config)

    def delete_alias(self, name, function_name):
        with lock:
            if any(alias.name == name for alias in self.list_aliases(function_name)):
                policy = self.get_function(function_name, name).policy
                policy.statements = [each for each in policy.statements if not each["Resource"].endswith(f":{name}")]
            return stock_delete(self, name, function_name)

    def add_permission(self, function_name, qualifier, raw):
        with lock:
            function = self.get_function(function_name, qualifier)
            sid = json.loads(raw)["StatementId"]
            for statement in function.policy.statements:
                if statement["Sid"] == sid and statement["Resource"].endswith(f":{qualifier}"):
                    raise ResourceConflict(f"The statement id ({sid}) provided already exists.")
            return stock_permit(self, function_name, qualifier, raw)

    LambdaBackend.create_alias = create_alias
    LambdaBackend.update_alias = update_alias
    LambdaBackend.delete_alias = delete_alias
    LambdaBackend.add_permission = add_permission


def page_lists():
    """ListFunctions and ListVersionsByFunction in pages with a Marker, and 404 for versions of an unknown function."""

    def paginate(stock, key):
        def list_page(self):
            if key == "Versions":
                find_function(self)
            items = json.loads(stock(self))[key]
            start = int(self.querystring.get("Marker", ["0"])[0])
            body = {key: items[start : start + PAGE]}
            if start + PAGE < len(items):
                body["NextMarker"] = str(start + PAGE)
            return json.dumps(body)

        return list_page

    LambdaResponse.list_functions = paginate(LambdaResponse.list_functions, "Functions")
    LambdaResponse.list_versions_by_function = paginate(LambdaResponse.list_versions_by_function, "Versions")


def forward(version_for, url):
    """Forwards Invoke of a function from an image to a local server, with the version's configuration; returns its headers.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """

    stock_invoke = LambdaBackend.invoke
    connections = threading.local()

    def post(path, data, headers):
        # One connection per thread of moto; moto has a thread per client connection.
        connection = getattr(connections, "connection", None) or http.client.HTTPConnection(url.split("//")[1])
        connections.connection = None
        connection.request("POST", path, data, headers)
        response = connection.getresponse()
        payload = response.read()
        connections.connection = connection
        return response.status, response.headers, payload

    def invoke(self, function_name, qualifier, body, headers, response_headers):
        if self.get_function(function_name, None).package_type != "Image":
            return stock_invoke(self, function_name, qualifier, body, headers, response_headers)
        name = self.get_function(function_name, qualifier).function_name  # refuses unknown functions as AWS does
        version = version_for(self, name, qualifier) or "$LATEST"
        function = self.get_function(name, version)
        description = {**function.get_configuration(), "ImageUri": function.code.get("ImageUri"), "Account": self.account_id}
        status, headers, payload = post(
            f"/2015-03-31/functions/{quote(name)}/invocations?Qualifier={quote(version)}",
            (body if isinstance(body, bytes) else (body or "").encode()) or b"{}",
            {
                "content-type": "application/json",
                "x-amz-log-type": headers.get("X-Amz-Log-Type", "None"),
                "x-slipway-account": self.account_id,
                "x-slipway-function": base64.b64encode(json.dumps(description, default=str).encode()).decode(),
            },
        )
        if status != 200:
            raise LambdaClientError("ServiceException", payload.decode())
        for header in ("x-amz-function-error", "x-amz-log-result"):
            if headers.get(header):
                response_headers[header] = headers[header]
        response_headers["x-amz-executed-version"] = version
        response_headers["Content-Length"] = str(len(payload))
        return payload

    stock = LambdaResponse.invoke

    def read_qualifier(self):
        # moto reads it in lower case; clients send it as documented.
        if "Qualifier" in self.querystring:
            self.querystring["qualifier"] = self.querystring["Qualifier"]
        return stock(self)

    LambdaBackend.invoke = invoke
    LambdaResponse.invoke = read_qualifier


def let_versions_sleep():
    """A version that the function's tag `moto:inactive` names is Inactive, as after weeks without calls. A call fails and
    wakes it: it is Pending at the first look, then Active.

    https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
    """
    stock_tag = LambdaBackend.tag_resource
    stock_configuration = LambdaFunction.get_configuration
    stock_invoke = LambdaBackend.invoke
    states = {}

    def key(function):
        return function.account_id, function.region, function.function_name, str(function.version)

    def tag_resource(self, resource_arn, tags):
        version = tags.get("moto:inactive")
        if version is None:
            return stock_tag(self, resource_arn, tags)
        states[key(self.get_function(resource_arn.split(":")[6], version))] = "Inactive"

    def get_configuration(self, on_create=False):
        configuration = stock_configuration(self, on_create)
        state = states.get(key(self))
        if state:
            configuration["State"] = state
        if state == "Pending":
            del states[key(self)]
        return configuration

    def invoke(self, function_name, qualifier, body, headers, response_headers):
        function = self.get_function(function_name, qualifier)
        if key(function) in states:
            states[key(function)] = "Pending"
            raise LambdaClientError(
                "CodeArtifactUserPendingException",
                "Lambda is initializing your function. It will be ready to invoke shortly.",
            )
        return stock_invoke(self, function_name, qualifier, body, headers, response_headers)

    LambdaBackend.tag_resource = tag_resource
    LambdaFunction.get_configuration = get_configuration
    LambdaBackend.invoke = invoke


def keep_snap_start():
    """UpdateFunctionConfiguration keeps SnapStart, and a version that is published with it says that it is on.

    https://docs.aws.amazon.com/lambda/latest/api/API_SnapStartResponse.html
    """
    stock_update, stock_configuration = LambdaFunction.update_configuration, LambdaFunction.get_configuration

    def update_configuration(self, config_updates):
        if "SnapStart" in config_updates:
            self.snap_start = config_updates["SnapStart"]["ApplyOn"]
        return stock_update(self, config_updates)

    def get_configuration(self, on_create=False):
        configuration = stock_configuration(self, on_create)
        apply_on = getattr(self, "snap_start", "None")
        published = apply_on != "None" and str(self.version) != "$LATEST"
        configuration["SnapStart"] = {"ApplyOn": apply_on, "OptimizationStatus": "On" if published else "Off"}
        return configuration

    LambdaFunction.update_configuration = update_configuration
    LambdaFunction.get_configuration = get_configuration


def let_aliases_change_over():
    """After a change of its version, an alias of a function with the tag `moto:transition` reads for so many times with
    the version before as an additional weight of 1, which nobody wrote; the end of that changes its revision.

    https://github.com/hashicorp/terraform-provider-aws/pull/48116
    """
    stock_tag, stock_update, stock_json = LambdaBackend.tag_resource, LambdaBackend.update_alias, LambdaAlias.to_json
    reads = {}

    def tag_resource(self, resource_arn, tags):
        count = tags.get("moto:transition")
        if count is None:
            return stock_tag(self, resource_arn, tags)
        reads[self.account_id, resource_arn.split(":")[6]] = int(count)

    def update_alias(self, name, function_name, function_version, description, routing_config):
        before = self.get_alias(name, function_name).function_version
        alias = stock_update(self, name, function_name, function_version, description, routing_config)
        count = reads.get((self.account_id, self.get_function(function_name, None).function_name), 0)
        alias.transition = (before, count) if function_version not in (None, before) else (before, 0)
        return alias

    def to_json(self):
        before, count = getattr(self, "transition", (None, 0))
        if count == 0:
            return stock_json(self)
        self.transition = (before, count - 1)
        body = {**stock_json(self), "RoutingConfig": {"AdditionalVersionWeights": {before: 1.0}}}
        if count == 1:
            self.revision_id = str(uuid.uuid4())
        return body

    LambdaBackend.tag_resource = tag_resource
    LambdaBackend.update_alias = update_alias
    LambdaAlias.to_json = to_json


def install(version_for):
    give_functions_states()
    check_updates()
    publish_changes_only()
    find_images_by_account()
    guard_aliases()
    page_lists()
    url = os.environ.get("FUNCTIONS_URL")
    if url:
        forward(version_for, url)
    let_versions_sleep()
    let_aliases_change_over()
    keep_snap_start()

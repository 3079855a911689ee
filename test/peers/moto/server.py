"""A moto server with the features that Slipway's suites need and stock moto lacks; docs/peers.md lists differences from AWS.

Prints `listening <url>` when all services are loaded. Ends with its standard input, and so with its parent process.
"""

import os
import sys
import threading

import moto.backends
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

import bucket_policies
import builds
import code_repositories
import container_services
import databases
import function_fields
import function_versions
import functions
import http_api
import image_scans
import images
import load_balancers
import log_groups
import managed_policies
import metrics
import object_versions
import repositories
import security_groups
import state_machines
import storage
import trust
from steps import steps_url

# Loaded at the start, so that a test's first request does not wait.
SERVICES = (
    "apigatewayv2", "awslambda", "cloudwatch", "codebuild", "codecommit", "dynamodb", "ecr", "iam", "kms", "logs", "s3",
    "ssm", "stepfunctions", "sts",
)


class Quiet(WSGIRequestHandler):
    """Logs no requests; uses HTTP/1.1, because clients keep their connections."""

    protocol_version = "HTTP/1.1"
    # Sends headers and body together and at once: else a kept connection waits 40 ms for each response.
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_request(self, *args, **kwargs):
        pass


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def main():
    threading.Thread(target=end_with_parent, daemon=True).start()
    functions.install(steps_url())
    function_versions.install(functions.version_for)
    function_fields.install()
    bucket_policies.install()
    builds.install()
    code_repositories.install()
    container_services.install()
    databases.install()
    load_balancers.install()
    log_groups.install()
    managed_policies.install()
    http_api.install()
    image_scans.install()
    images.install()
    object_versions.install()
    repositories.install()
    trust.install()
    security_groups.install()
    storage.install()
    metrics.install()
    state_machines.install(steps_url(), float(os.environ.get("TIME_SCALE", "1")), int(os.environ.get("TASK_PATIENCE", "1")))
    for service in SERVICES:
        moto.backends.get_backend(service)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True, request_handler=Quiet)
    os.environ["MOTO_PORT"] = str(server.port)
    print(f"listening http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()


main()

"""CodeBuild: projects without a source, and builds that run until the first look and then end as the tests define
for their commit.

Stock moto ends every build as SUCCEEDED, without exported variables. BUILDS: JSON, a commit to
`{"status": …, "variables": {name: value}}`. https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html
"""

import json
import os

from moto.codebuild import responses
from moto.codebuild.models import CodeBuildBackend
from moto.codebuild.responses import CodeBuildResponse


def install():
    stock_source = responses._validate_required_params_source

    def source(params):
        """Stock moto requires a location for NO_SOURCE, too; such a project has none."""
        stock_source({"location": "none", **params} if params["type"] == "NO_SOURCE" else params)

    responses._validate_required_params_source = source

    results = json.loads(os.environ.get("BUILDS", "{}"))
    if not results:
        return
    stock = CodeBuildBackend.batch_get_builds
    looks = {}
    start = CodeBuildResponse.start_build
    commits = {}

    def start_build(self):
        """Stock moto drops a build's variables."""
        response = start(self)
        build = self.codebuild_backend.build_history[self._get_param("projectName")][-1]
        for variable in self._get_param("environmentVariablesOverride") or []:
            if variable["name"] == "SLIPWAY_COMMIT":
                commits[build] = variable["value"]
        return response

    CodeBuildResponse.start_build = start_build

    def batch_get_builds(self, ids):
        builds = [dict(build) for build in stock(self, ids)]
        for build in builds:
            looks[build["id"]] = looks.get(build["id"], 0) + 1
            if looks[build["id"]] == 1:
                build["buildStatus"] = "IN_PROGRESS"
                continue
            end = results[commits[build["id"]]]
            build["buildStatus"] = end["status"]
            build["exportedEnvironmentVariables"] = [{"name": name, "value": value} for name, value in end["variables"].items()]
        return builds

    CodeBuildBackend.batch_get_builds = batch_get_builds

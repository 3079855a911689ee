"""CodeBuild: projects without a source, and builds that go on until they were looked at once, then end as the tests said
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

    def source(given):
        """Stock moto asks NO_SOURCE for a location, too; a project of it has none."""
        stock_source({"location": "none", **given} if given["type"] == "NO_SOURCE" else given)

    responses._validate_required_params_source = source

    said = json.loads(os.environ.get("BUILDS", "{}"))
    if not said:
        return
    stock = CodeBuildBackend.batch_get_builds
    looks = {}
    start = CodeBuildResponse.start_build
    commits = {}

    def start_build(self):
        """Stock moto forgets the variables that a build was started with."""
        answer = start(self)
        build = self.codebuild_backend.build_history[self._get_param("projectName")][-1]
        for variable in self._get_param("environmentVariablesOverride") or []:
            if variable["name"] == "SLIPWAY_COMMIT":
                commits[build] = variable["value"]
        return answer

    CodeBuildResponse.start_build = start_build

    def batch_get_builds(self, ids):
        builds = [dict(build) for build in stock(self, ids)]
        for build in builds:
            looks[build["id"]] = looks.get(build["id"], 0) + 1
            if looks[build["id"]] == 1:
                build["buildStatus"] = "IN_PROGRESS"
                continue
            end = said[commits[build["id"]]]
            build["buildStatus"] = end["status"]
            build["exportedEnvironmentVariables"] = [{"name": name, "value": value} for name, value in end["variables"].items()]
        return builds

    CodeBuildBackend.batch_get_builds = batch_get_builds

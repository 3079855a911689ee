"""CodeCommit's repositories as Terraform reads them: dates as numbers, tags, branches (none, before the first push).

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_RepositoryMetadata.html
"""

import json
import time

from moto.codecommit.models import CodeCommit
from moto.codecommit.responses import CodeCommitResponse

tags = {}


def install():
    stock_init = CodeCommit.__init__
    stock_create = CodeCommitResponse.create_repository

    def init(self, *args, **kwargs):
        stock_init(self, *args, **kwargs)
        self.repository_metadata.update(creationDate=int(time.time()), lastModifiedDate=int(time.time()))

    def create_repository(self):
        answer = stock_create(self)
        arn = json.loads(answer)["repositoryMetadata"]["Arn"]
        tags[arn] = self._get_param("tags") or {}
        return answer

    CodeCommit.__init__ = init
    CodeCommitResponse.create_repository = create_repository
    CodeCommitResponse.list_tags_for_resource = lambda self: json.dumps({"tags": tags.get(self._get_param("resourceArn"), {})})
    CodeCommitResponse.list_branches = lambda self: json.dumps({"branches": []})

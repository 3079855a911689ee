"""CodeCommit's repositories as Terraform reads them: dates as numbers, tags, and no branches before the first push.

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
        response = stock_create(self)
        arn = json.loads(response)["repositoryMetadata"]["Arn"]
        tags[arn] = self._get_param("tags") or {}
        return response

    CodeCommit.__init__ = init
    CodeCommitResponse.create_repository = create_repository
    CodeCommitResponse.list_tags_for_resource = lambda self: json.dumps({"tags": tags.get(self._get_param("resourceArn"), {})})
    CodeCommitResponse.list_branches = lambda self: json.dumps({"branches": []})

    templates = {}
    templates_by_repository = {}

    def to_template(name):
        return {"approvalRuleTemplate": templates[name]}

    def create_approval_rule_template(self):
        name = self._get_param("approvalRuleTemplateName")
        templates[name] = {
            "approvalRuleTemplateId": f"template-{len(templates)}",
            "approvalRuleTemplateName": name,
            "approvalRuleTemplateDescription": self._get_param("approvalRuleTemplateDescription"),
            "approvalRuleTemplateContent": self._get_param("approvalRuleTemplateContent"),
            "ruleContentSha256": "0" * 64,
            "creationDate": int(time.time()),
            "lastModifiedDate": int(time.time()),
        }
        return json.dumps(to_template(name))

    def associate(self):
        templates_by_repository.setdefault(self._get_param("repositoryName"), []).append(self._get_param("approvalRuleTemplateName"))
        return json.dumps({})

    def disassociate(self):
        templates_by_repository.get(self._get_param("repositoryName"), []).remove(self._get_param("approvalRuleTemplateName"))
        return json.dumps({})

    # https://docs.aws.amazon.com/codecommit/latest/APIReference/API_CreateApprovalRuleTemplate.html and related operations
    CodeCommitResponse.create_approval_rule_template = create_approval_rule_template
    CodeCommitResponse.get_approval_rule_template = lambda self: json.dumps(to_template(self._get_param("approvalRuleTemplateName")))
    CodeCommitResponse.delete_approval_rule_template = lambda self: json.dumps(
        {"approvalRuleTemplateId": templates.pop(self._get_param("approvalRuleTemplateName"))["approvalRuleTemplateId"]}
    )
    CodeCommitResponse.associate_approval_rule_template_with_repository = associate
    CodeCommitResponse.disassociate_approval_rule_template_from_repository = disassociate
    CodeCommitResponse.list_associated_approval_rule_templates_for_repository = lambda self: json.dumps(
        {"approvalRuleTemplateNames": templates_by_repository.get(self._get_param("repositoryName"), [])}
    )
    CodeCommitResponse.list_repositories_for_approval_rule_template = lambda self: json.dumps(
        {"repositoryNames": [name for name, rules in templates_by_repository.items() if self._get_param("approvalRuleTemplateName") in rules]}
    )

"""STS: a role must exist, and its trust policy must allow the caller's account and external id; moto asks neither.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_common-scenarios_third-party.html
"""

import json
import os

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends
from moto.sts.responses import TokenResponse


class AccessDenied(ServiceException):
    code = "AccessDenied"


def trusts(policy, account, external_id):
    for statement in json.loads(policy)["Statement"]:
        principals = statement["Principal"].get("AWS", [])
        named = [principals] if isinstance(principals, str) else principals
        wanted = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
        if statement["Effect"] == "Allow" and any(f":{account}:" in one for one in named) and wanted in (None, external_id):
            return True
    return False


def remember(role, session):
    """A line of the file ROLE_SESSIONS for each session, as CloudTrail keeps one."""
    if "ROLE_SESSIONS" in os.environ:
        with open(os.environ["ROLE_SESSIONS"], "a", encoding="utf-8") as sessions:
            sessions.write(json.dumps({"role": role, "session": session}) + "\n")


def install():
    stock = TokenResponse.assume_role

    def assume_role(self):
        arn = self._get_param("RoleArn")
        account = arn.split(":")[4]
        roles = iam_backends[account]["aws"].roles.values()
        role = next((one for one in roles if one.arn == arn), None)
        external_id = self._get_param("ExternalId")
        if role is None or not trusts(role.assume_role_policy_document, self.current_account, external_id):
            raise AccessDenied(f"User is not authorized to perform: sts:AssumeRole on resource: {arn}")
        remember(arn, self._get_param("RoleSessionName"))
        return stock(self)

    TokenResponse.assume_role = assume_role

"""STS: a role must exist, and its trust policy must allow the caller's account and external id; stock moto checks neither.

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
        arns = [principals] if isinstance(principals, str) else principals
        required_id = statement.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")
        if statement["Effect"] == "Allow" and any(f":{account}:" in arn for arn in arns) and required_id in (None, external_id):
            return True
    return False


def record_session(role, session):
    """Writes a line for each session to the file ROLE_SESSIONS, as CloudTrail does."""
    if "ROLE_SESSIONS" in os.environ:
        with open(os.environ["ROLE_SESSIONS"], "a", encoding="utf-8") as sessions:
            sessions.write(json.dumps({"role": role, "session": session}) + "\n")


def install():
    stock = TokenResponse.assume_role

    def assume_role(self):
        arn = self._get_param("RoleArn")
        account = arn.split(":")[4]
        roles = iam_backends[account]["aws"].roles.values()
        role = next((each for each in roles if each.arn == arn), None)
        external_id = self._get_param("ExternalId")
        if role is None or not trusts(role.assume_role_policy_document, self.current_account, external_id):
            raise AccessDenied(f"User is not authorized to perform: sts:AssumeRole on resource: {arn}")
        record_session(arn, self._get_param("RoleSessionName"))
        return stock(self)

    TokenResponse.assume_role = assume_role

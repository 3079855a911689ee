"""IAM: the only AWS managed policy that the stacks attach. Stock moto has none, or creates all 1,200 in each account.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/PowerUserAccess.html
"""

import functools
import json

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

NAME = "PowerUserAccess"


@functools.cache
def load_policy():
    return json.loads(aws_managed_policies_data)[NAME]


def install():
    def init_aws_policies(self):
        return [AWSManagedPolicy.from_data(NAME, self.account_id, self.region_name, load_policy())]

    IAMBackend._init_aws_policies = init_aws_policies

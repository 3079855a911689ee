"""IAM: the one policy of AWS's own that the stacks attach. Stock moto has none; told to, all 1,200 in each account anew.

https://docs.aws.amazon.com/aws-managed-policy/latest/reference/PowerUserAccess.html
"""

import functools
import json

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

NAME = "PowerUserAccess"


@functools.cache
def described():
    return json.loads(aws_managed_policies_data)[NAME]


def install():
    def init_aws_policies(self):
        return [AWSManagedPolicy.from_data(NAME, self.account_id, self.region_name, described())]

    IAMBackend._init_aws_policies = init_aws_policies

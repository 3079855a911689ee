"""EC2: the description of a security group's rule that names a group; stock moto keeps those of addresses alone.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
"""

from moto.ec2.models.security_groups import SecurityGroupRule


def install():
    SecurityGroupRule.description = property(
        lambda self: (self.ip_range or {}).get("Description") or (self.source_group or {}).get("Description")
    )

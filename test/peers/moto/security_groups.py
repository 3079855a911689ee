"""EC2: descriptions of security group rules that name a group; stock moto keeps only those of addresses.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
"""

from moto.ec2.models.security_groups import SecurityGroupRule


def install():
    SecurityGroupRule.description = property(
        lambda self: (self.ip_range or {}).get("Description") or (self.source_group or {}).get("Description")
    )

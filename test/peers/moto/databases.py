"""RDS: what stock moto tells of Aurora's clusters and AWS does not.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html
"""

from moto.rds.models import DBCluster


def no_capacity_of_version_1():
    """ScalingConfigurationInfo is there in engine mode `serverless` alone."""
    stock = DBCluster.scaling_configuration_info.fget
    DBCluster.scaling_configuration_info = property(lambda self: stock(self) if self.engine_mode == "serverless" else None)


def install():
    no_capacity_of_version_1()

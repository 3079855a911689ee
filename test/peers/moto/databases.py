"""RDS: a field of Aurora's clusters that stock moto returns and AWS does not.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html
"""

from moto.rds.models import DBCluster


def hide_scaling_configuration():
    """ScalingConfigurationInfo exists only in engine mode `serverless`."""
    stock = DBCluster.scaling_configuration_info.fget
    DBCluster.scaling_configuration_info = property(lambda self: stock(self) if self.engine_mode == "serverless" else None)


def install():
    hide_scaling_configuration()

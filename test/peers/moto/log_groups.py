"""CloudWatch Logs: AssociateKmsKey, which stock moto lacks.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html
"""

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse


def install():
    def associate_kms_key(self):
        groups = self.logs_backend.groups
        name = self._get_param("logGroupName")
        if name not in groups:
            raise ResourceNotFoundException()
        groups[name].kms_key_id = self._get_param("kmsKeyId")
        return "{}"

    LogsResponse.associate_kms_key = associate_kms_key

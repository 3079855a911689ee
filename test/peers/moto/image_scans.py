"""ECR's scans: each result that a test set for an image (moto-api/static/ecr/scan-finding-results) is returned once.

Stock moto always returns the first result, so that a scan never ends and a list never has a second page.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html
"""

from moto.ecr.models import ECRBackend


def install():
    stock = ECRBackend.describe_image_scan_findings

    def describe_image_scan_findings(self, registry_id, repository_name, image_id):
        result = stock(self, registry_id, repository_name, image_id)
        for image in self._get_repository(repository_name, registry_id).images:
            image.scan_finding_results = {key: value for key, value in image.scan_finding_results.items() if value is not result}
        return result

    ECRBackend.describe_image_scan_findings = describe_image_scan_findings

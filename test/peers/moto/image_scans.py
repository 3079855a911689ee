"""ECR's scans: what a test said of an image (moto-api/static/ecr/scan-finding-results) is answered once each, in turn.

Stock moto gives the first of them for ever, so that no scan ever ends and no list has a second page.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html
"""

from moto.ecr.models import ECRBackend


def install():
    stock = ECRBackend.describe_image_scan_findings

    def describe_image_scan_findings(self, registry_id, repository_name, image_id):
        answer = stock(self, registry_id, repository_name, image_id)
        for image in self._get_repository(repository_name, registry_id).images:
            image.scan_finding_results = {key: one for key, one in image.scan_finding_results.items() if one is not answer}
        return answer

    ECRBackend.describe_image_scan_findings = describe_image_scan_findings

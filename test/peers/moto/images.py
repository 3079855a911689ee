"""ECR: an image's digest is its manifest's, and its size is the sum of the manifest's sizes.

Stock moto hashes only the layers' digests and returns the configuration's size.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html
"""

import hashlib
import json

from moto.ecr.models import Image


def install():
    def create_digest(self):
        self._image_digest = "sha256:" + hashlib.sha256(self.image_manifest.encode()).hexdigest()

    def size(self):
        manifest = json.loads(self.image_manifest)
        return sum(part["size"] for part in [manifest["config"], *manifest["layers"]]) if "layers" in manifest else None

    Image._create_digest = create_digest
    Image.get_image_size_in_bytes = size

"""ECR: an image is named by the digest of its manifest and is as large as what the manifest lists.

Stock moto hashes the layers' digests alone and takes the configuration's size for the image's.
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
        return sum(one["size"] for one in [manifest["config"], *manifest["layers"]]) if "layers" in manifest else None

    Image._create_digest = create_digest
    Image.get_image_size_in_bytes = size

"""S3: deletes only the named version, also while a bucket's versioning is suspended; stock moto deletes all, or fails.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html
"""

import threading

from moto.s3.models import S3Backend

lock = threading.RLock()


def install():
    stock = S3Backend.delete_object

    def delete_object(self, bucket_name, key_name, version_id=None, bypass=False):
        bucket = self.get_bucket(bucket_name)
        with lock:
            if version_id is None or bucket.versioning_status != "Suspended":
                return stock(self, bucket_name, key_name, version_id, bypass)
            bucket.versioning_status = "Enabled"
            try:
                return stock(self, bucket_name, key_name, version_id, bypass)
            finally:
                bucket.versioning_status = "Suspended"

    S3Backend.delete_object = delete_object

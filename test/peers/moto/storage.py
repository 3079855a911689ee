"""DynamoDB and KMS: atomic writes, a transaction's token, and a ciphertext that is bound to its full context."""

import threading

from moto.dynamodb.responses import DynamoHandler
from moto.kms import utils as kms
from moto.core.exceptions import JsonRESTError
from moto.kms.exceptions import AccessDeniedException, InvalidCiphertextException
from moto.kms.models import KmsBackend

lock = threading.RLock()


class IncorrectKeyException(JsonRESTError):
    code = 400

    def __init__(self):
        super().__init__("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")


def repeat_transactions():
    """TransactWriteItems with the token of an earlier success succeeds again and changes nothing.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    """
    responses = {}
    stock = DynamoHandler.transact_write_items

    def transact_write_items(self):
        token = (self.current_account, self.region, self.body.get("ClientRequestToken"))
        with lock:
            if token[2] is None or token not in responses:
                responses[token] = stock(self)
            return responses[token]

    DynamoHandler.transact_write_items = transact_write_items


def lock_writes():
    """Two writes of an item never interleave: stock moto checks a condition and writes in steps that other threads see.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
    """
    stock = DynamoHandler.call_action

    def call_action(self):
        with lock:
            return stock(self)

    DynamoHandler.call_action = call_action


def bind_context():
    """Stock moto joins a context's names and values, so that {"a": "bc"} decrypts the ciphertext of {"ab": "c"}. For a
    changed key name in a ciphertext it returns AccessDenied, where AWS returns InvalidCiphertextException, and for another
    key than the encrypting one AccessDenied, too, where AWS returns IncorrectKeyException.

    https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
    """

    def serialize(encryption_context):
        parts = [part.encode() for pair in sorted(encryption_context.items()) for part in pair]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)

    stock = kms.decrypt

    def decrypt(master_keys, ciphertext_blob, encryption_context):
        try:
            return stock(master_keys, ciphertext_blob, encryption_context)
        except AccessDeniedException:
            raise InvalidCiphertextException()

    def decrypt_with(self, ciphertext_blob, encryption_context, key_id=None):
        plaintext, encrypting_key = decrypt(self.keys, ciphertext_blob, encryption_context)
        if key_id is not None and self.any_id_to_key_id(key_id) != encrypting_key:
            raise IncorrectKeyException()
        return plaintext, self.keys[encrypting_key].arn

    kms._serialize_encryption_context = serialize
    KmsBackend.decrypt = decrypt_with


def install():
    lock_writes()
    repeat_transactions()
    bind_context()

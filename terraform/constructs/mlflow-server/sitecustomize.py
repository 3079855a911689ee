"""Python runs this at every start, before MLflow: each new connection to the database gets the password that RDS keeps
in Secrets Manager and turns by itself. It is asked for once a process, and again when the database refuses it."""
import json
import os

import boto3
from sqlalchemy import event
from sqlalchemy.engine import Engine

_kept = {}


def _password(fresh):
    if fresh or "password" not in _kept:
        secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["DATABASE_SECRET"])
        _kept["password"] = json.loads(secret["SecretString"])["password"]
    return _kept["password"]


@event.listens_for(Engine, "do_connect")
def _connect(dialect, _record, arguments, options):
    try:
        return dialect.connect(*arguments, **{**options, "password": _password(False)})
    except dialect.dbapi.OperationalError:
        return dialect.connect(*arguments, **{**options, "password": _password(True)})

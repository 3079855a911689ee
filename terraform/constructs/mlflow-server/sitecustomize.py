"""Python runs this at every start, before MLflow. Each new database connection uses the password that RDS stores in
Secrets Manager and rotates. It is read once per process, and again if the database refuses it."""
import json
import os

import boto3
from sqlalchemy import event
from sqlalchemy.engine import Engine

_cache = {}


def _password(refresh):
    if refresh or "password" not in _cache:
        secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["DATABASE_SECRET"])
        _cache["password"] = json.loads(secret["SecretString"])["password"]
    return _cache["password"]


@event.listens_for(Engine, "do_connect")
def _connect(dialect, _record, arguments, options):
    try:
        return dialect.connect(*arguments, **{**options, "password": _password(False)})
    except dialect.dbapi.OperationalError:
        return dialect.connect(*arguments, **{**options, "password": _password(True)})

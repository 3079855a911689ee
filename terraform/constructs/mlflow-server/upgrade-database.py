"""Runs before MLflow's server, which refuses a schema of an earlier version unless that lacks whole tables. A new
database has no tables yet, and the server creates them itself. Without a difference the upgrade changes nothing."""
import os
import subprocess
import sys

from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
# MLflow's migrations (Alembic) keep the schema's version in this table.
if inspect(create_engine(uri, poolclass=NullPool)).has_table("alembic_version"):
    sys.exit(subprocess.call([sys.executable, "-m", "mlflow", "db", "upgrade", uri]))

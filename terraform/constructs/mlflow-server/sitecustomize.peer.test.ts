import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createPythonEnvironment, requirePython } from "../../../test/peers/python-environment.ts";

const { skip } = requirePython("MLflow's connection to its database");
const requirements = join(import.meta.dirname, "..", "..", "..", "test", "peers", "requirements-mlflow.txt");

/**
 * Uses SQLAlchemy's real events, a driver with one password, which is rotated once, and a Secrets Manager that records
 * its calls. Prints the calls and the passwords that were tried.
 */
const program = `
import json, sys, types
secret_ids, passwords, password = [], [], ["first"]

class Secrets:
    def get_secret_value(self, SecretId):
        secret_ids.append(SecretId)
        return {"SecretString": json.dumps({"username": "slipway", "password": password[0]})}
sys.modules["boto3"] = types.SimpleNamespace(client=lambda name: Secrets())

import sitecustomize
sitecustomize.boto3 = sys.modules["boto3"]
from sqlalchemy import event
from sqlalchemy.engine import Engine
assert event.contains(Engine, "do_connect", sitecustomize._connect)

class OperationalError(Exception): pass
def connect(**options):
    passwords.append(options["password"])
    if options["password"] != password[0]: raise OperationalError("password authentication failed")
dialect = types.SimpleNamespace(connect=connect, dbapi=types.SimpleNamespace(OperationalError=OperationalError))
for current in ["first", "first", "second"]:
    password[0] = current
    sitecustomize._connect(dialect, None, [], {"host": "db"})
print(json.dumps({"secretIds": secret_ids, "passwords": passwords}))
`;

test.skipIf(skip)(
  "a connection uses the cached password, and reads it again only after a rotation",
  async () => {
    const { python } = await createPythonEnvironment(requirements);
    const { stdout } = await promisify(execFile)(python, ["-c", program], {
      env: {
        ...process.env,
        PYTHONPATH: import.meta.dirname,
        DATABASE_SECRET: "arn:secret",
        PYTHONDONTWRITEBYTECODE: "1",
      },
      timeout: 300_000,
    });
    expect(JSON.parse(stdout)).toEqual({
      secretIds: ["arn:secret", "arn:secret"],
      passwords: ["first", "first", "first", "second"],
    });
  },
);

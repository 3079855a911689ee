import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Moto, motoClientConfig, startMoto } from "#test/peers/moto.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { createHashKeyReader } from "./records-hash-key.ts";

const { skip } = requirePython("tests of the records' key in SSM");

describe.skipIf(skip)("the key of hashed records", () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
  });
  afterAll(() => moto?.stop());
  afterEach(() => vi.unstubAllEnvs());

  const put = (Name: string, Value: string) =>
    new SSMClient(motoClientConfig(moto.endpoint)).send(
      new PutParameterCommand({ Name, Value, Type: "SecureString", Overwrite: true }),
    );
  const open = (parameter: string) => {
    const { region, credentials } = motoClientConfig(moto.endpoint);
    vi.stubEnv("AWS_ENDPOINT_URL", moto.endpoint);
    vi.stubEnv("AWS_REGION", region);
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
    const key = createHashKeyReader({ RECORDS_HASH_KEY_PARAMETER: parameter });
    if (key === undefined) throw new Error("a parameter must give a key");
    return key;
  };

  test("is read from its parameter once, even if the parameter changes", async () => {
    const bytes = Buffer.alloc(64, 7);
    await put("/slipway/stage/one", bytes.toString("base64"));
    const key = open("/slipway/stage/one");
    expect(await key()).toEqual(bytes);
    await put("/slipway/stage/one", Buffer.alloc(64, 8).toString("base64"));
    expect(await key()).toEqual(bytes);
  });

  test("that is still missing is read again by the next record", async () => {
    const key = open("/slipway/stage/two");
    await expect(key()).rejects.toMatchObject({ name: "SecretMissing" });
    await put("/slipway/stage/two", Buffer.alloc(32, 7).toString("base64"));
    expect(await key()).toHaveLength(32);
  });

  test("that is too short hashes nothing", async () => {
    await put("/slipway/stage/three", Buffer.alloc(16).toString("base64"));
    await expect(open("/slipway/stage/three")()).rejects.toThrow("32 to 64 bytes");
  });

  test("may be set on the function itself, and without either there is no key", async () => {
    const bytes = Buffer.alloc(32, 1);
    expect(await createHashKeyReader({ RECORDS_HASH_KEY: bytes })?.()).toEqual(bytes);
    expect(createHashKeyReader({})).toBeUndefined();
  });
});

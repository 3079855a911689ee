import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { Accounts } from "#terraform/read-config.ts";
import { requirePython } from "#test/peers/python-environment.ts";
import { requireTerraform } from "#test/peers/terraform.ts";
import { createStackRunner, type StackRunner, unprotectData } from "./stack-runner.ts";

const suite = "the switches of the configuration, applied to moto";
const skip = requireTerraform(suite).skip || requirePython(suite).skip;
const timeout = 1_800_000;

type OwnRegistry = Extract<Accounts["tooling"]["registry"], { kind: "own" }>;
const withRegistry =
  (change: Partial<OwnRegistry>) =>
  (shipped: Accounts): Accounts => {
    const { registry } = shipped.tooling;
    if (registry.kind !== "own") throw new Error("the shipped configuration has its own registry");
    return { ...shipped, tooling: { ...shipped.tooling, registry: { ...registry, ...change } } };
  };

/** Each test continues from the state of the previous test. All data is protected, as in the shipped configuration. */
describe.skipIf(skip)("the registry with protected data", () => {
  let world: StackRunner;
  beforeAll(async () => {
    world = await createStackRunner((shipped) => shipped);
    for (const stack of ["bootstrap-tooling", "network", "registry"]) await world.apply(stack);
  }, timeout);
  afterAll(() => world?.stop());

  /** Calls AWS as a person in tooling's account; moto reads the account from the key and checks no signature. */
  const send = async (
    service: string,
    body: string | URLSearchParams,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const credential = `${world.person.accessKeyId}/20261129/${world.written.accounts.tooling.region}/${service}/aws4_request`;
    const response = await fetch(world.endpoint, {
      method: "POST",
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`,
        "x-amz-security-token": world.person.sessionToken,
        ...headers,
      },
      body,
    });
    const text = await response.text();
    expect([response.status, text]).toEqual([200, text]);
    return text;
  };
  const callRds = (action: string, parameters: Readonly<Record<string, string>>): Promise<string> =>
    send("rds", new URLSearchParams({ Action: action, Version: "2014-10-31", ...parameters }));
  const requestCertificate = async (host: string): Promise<string> => {
    const response = await send("acm", JSON.stringify({ DomainName: host }), {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "CertificateManager.RequestCertificate",
    });
    return z.object({ CertificateArn: z.string() }).parse(JSON.parse(response)).CertificateArn;
  };
  const expectNoChanges = async () => {
    const { code, output } = await world.plan("registry");
    expect([code, code === 0 ? "" : output.slice(-4_000)]).toEqual([0, ""]);
  };

  test("a plan after AWS upgraded the database to a new minor version is empty", { timeout }, async () => {
    await callRds("ModifyDBCluster", {
      DBClusterIdentifier: "slipway-registry",
      EngineVersion: "16.11",
      ApplyImmediately: "true",
    });
    const clusters = await callRds("DescribeDBClusters", {});
    expect(clusters).toContain("<EngineVersion>16.11</EngineVersion>");
    await expectNoChanges();
  });

  test("running: false removes the server and keeps the data; running: true brings it back", {
    timeout,
  }, async () => {
    for (const running of [false, true]) {
      await world.change(withRegistry({ running }));
      await world.apply("registry");
      await expectNoChanges();
      expect(await callRds("DescribeDBClusters", {})).toContain("slipway-registry");
    }
  });

  test("protectData: false ends the protection", { timeout }, async () => {
    await world.change(unprotectData);
    await world.apply("registry");
    await expectNoChanges();
    expect(await callRds("DescribeDBClusters", {})).toContain(
      "<DeletionProtection>false</DeletionProtection>",
    );
  });

  test("a certificate for the load balancer is set, and taken away again", { timeout }, async () => {
    const host = "mlflow.example.com";
    const certificate = { arn: await requestCertificate(host), host };
    for (const change of [withRegistry({ certificate }), withRegistry({})]) {
      await world.change((shipped) => change(unprotectData(shipped)));
      await world.apply("registry");
      await expectNoChanges();
    }
  });
});

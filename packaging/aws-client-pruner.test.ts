import { join } from "node:path";
import { build, type Plugin, stop } from "esbuild";
import { afterAll, expect, test } from "vitest";
import { awsClientPruner } from "./aws-client-pruner.ts";

const root = join(import.meta.dirname, "..");
afterAll(stop);

/** Bundles a module of AWS clients and runs it. */
const run = async (contents: string, plugins: Plugin[]) => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    mainFields: ["module", "main"],
    banner: {
      js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire("/");',
    },
    plugins,
  });
  const [{ text } = { text: "" }] = outputFiles;
  return { size: text.length, module: await import(`data:text/javascript,${encodeURIComponent(text)}`) };
};

test.each(["client-apigatewayv2", "client-s3", "client-ssm"])(
  "the schemas of %s say the same in a lean client",
  async (client) => {
    const schemas = `export * from "./node_modules/@aws-sdk/${client}/dist-es/schemas/schemas_0.js";`;
    const before = JSON.stringify((await run(schemas, [])).module);
    expect(before.length).toBeGreaterThan(10_000);
    expect(JSON.stringify((await run(schemas, [awsClientPruner])).module)).toBe(before);
  },
);

/** A client's call that the service refuses, and what the error says then. */
const refused = (client: string, command: string, input: object) => `
  import { ${client}Client, ${command}Command } from "@aws-sdk/client-${client.toLowerCase()}";
  export const refuse = async (status, contentType, body) => {
    const response = { statusCode: status, headers: { "content-type": contentType }, body: new TextEncoder().encode(body) };
    const client = new ${client}Client({
      region: "eu-central-1",
      maxAttempts: 1,
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
      streamCollector: async (bytes) => bytes,
      requestHandler: { handle: async () => ({ response }), metadata: {} },
    });
    const error = await client.send(new ${command}Command(${JSON.stringify(input)})).catch((error) => error);
    const { name, message, $fault, $metadata, $retryable, CancellationReasons } = error;
    return { name, message, $fault, $metadata, $retryable, CancellationReasons, class: error.constructor.name };
  };`;

const json = "application/x-amz-json-1.1";
const refusal = (type: string, told: object = {}) => JSON.stringify({ __type: type, message: "no", ...told });
const written = { TransactItems: [{ Put: { TableName: "t", Item: { a: { S: "1" } } } }] };
const sts = (code: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;

/** Named by us, or retried by the client: the very class; any other: the service's general error. */
const commit = { repositoryName: "r", commitId: "c" };
const role = { RoleArn: "arn:aws:iam::1:role/r", RoleSessionName: "rr" };
const refusals = [
  ["CodeCommit", "CommitIdDoesNotExistException", "GetCommit", commit, true],
  ["CodeCommit", "EncryptionKeyDisabledException", "GetCommit", commit, false],
  ["CodeCommit", "NeverHeardOfException", "GetCommit", commit, false],
  ["SSM", "ParameterNotFound", "GetParameter", { Name: "n" }, true],
  ["SSM", "ParameterVersionNotFound", "GetParameter", { Name: "n" }, false],
  ["DynamoDB", "TransactionCanceledException", "TransactWriteItems", written, true],
  ["DynamoDB", "ReplicatedWriteConflictException", "TransactWriteItems", written, true],
  ["STS", "RegionDisabledException", "AssumeRole", role, false],
] as const;

test.each(refusals)(
  "%s refuses with %s: that reads the same in a lean client",
  async (client, error, command, input, kept) => {
    const contents = refused(client, command, input);
    const [whole, lean] = [await run(contents, []), await run(contents, [awsClientPruner])];
    const answer =
      client === "STS"
        ? [403, "text/xml", sts(error)]
        : [400, json, refusal(error, { CancellationReasons: [{ Code: "None" }] })];
    const { class: wholeClass, CancellationReasons, ...told } = await whole.module.refuse(...answer);
    const { class: leanClass, CancellationReasons: reasons, ...says } = await lean.module.refuse(...answer);
    expect(says).toEqual(told);
    expect(says).toMatchObject({ name: error, message: "no", $fault: "client" });
    if (kept) expect([leanClass, reasons]).toEqual([wholeClass, CancellationReasons]);
    else expect(leanClass).toMatch(/ServiceException$/);
    expect(lean.size).toBeLessThan(whole.size);
  },
);

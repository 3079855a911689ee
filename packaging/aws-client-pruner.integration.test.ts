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
  "pruning keeps the schemas of %s",
  async (client) => {
    const schemas = `export * from "./node_modules/@aws-sdk/${client}/dist-es/schemas/schemas_0.js";`;
    const before = JSON.stringify((await run(schemas, [])).module);
    expect(before.length).toBeGreaterThan(10_000);
    expect(JSON.stringify((await run(schemas, [awsClientPruner])).module)).toBe(before);
  },
);

/** A module that sends a command, to which the service responds with an error, and returns the error's properties. */
const createRefusedCall = (client: string, command: string, input: object) => `
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
const refusal = (type: string, details: object = {}) =>
  JSON.stringify({ __type: type, message: "no", ...details });
const transactItems = { TransactItems: [{ Put: { TableName: "t", Item: { a: { S: "1" } } } }] };
const sts = (code: string) =>
  `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;

const commit = { repositoryName: "r", commitId: "c" };
const role = { RoleArn: "arn:aws:iam::1:role/r", RoleSessionName: "rr" };
/** The last column: whether the error keeps its class, because our code names it or the client retries it. */
const refusals = [
  ["CodeCommit", "CommitIdDoesNotExistException", "GetCommit", commit, true],
  ["CodeCommit", "EncryptionKeyDisabledException", "GetCommit", commit, false],
  ["CodeCommit", "NeverHeardOfException", "GetCommit", commit, false],
  ["SSM", "ParameterNotFound", "GetParameter", { Name: "n" }, true],
  ["SSM", "ParameterVersionNotFound", "GetParameter", { Name: "n" }, false],
  ["DynamoDB", "TransactionCanceledException", "TransactWriteItems", transactItems, true],
  ["DynamoDB", "ReplicatedWriteConflictException", "TransactWriteItems", transactItems, true],
  ["STS", "RegionDisabledException", "AssumeRole", role, false],
] as const;

test.each(refusals)(
  "pruning keeps name, message and metadata when %s fails with %s",
  async (client, error, command, input, keepsClass) => {
    const contents = createRefusedCall(client, command, input);
    const [original, pruned] = [await run(contents, []), await run(contents, [awsClientPruner])];
    const response =
      client === "STS"
        ? [403, "text/xml", sts(error)]
        : [400, json, refusal(error, { CancellationReasons: [{ Code: "None" }] })];
    const {
      class: originalClass,
      CancellationReasons,
      ...expected
    } = await original.module.refuse(...response);
    const {
      class: prunedClass,
      CancellationReasons: reasons,
      ...actual
    } = await pruned.module.refuse(...response);
    expect(actual).toEqual(expected);
    expect(actual).toMatchObject({ name: error, message: "no", $fault: "client" });
    if (keepsClass) expect([prunedClass, reasons]).toEqual([originalClass, CancellationReasons]);
    else expect(prunedClass).toMatch(/ServiceException$/);
    expect(pruned.size).toBeLessThan(original.size);
  },
);

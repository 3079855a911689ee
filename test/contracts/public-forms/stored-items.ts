import { zstdDecompressSync } from "node:zlib";
import { generateKey, generateKeyId, parseKey } from "#api-keys/key-format.ts";
import { deriveApprovalId } from "#domain/approval/approval-records.ts";
import { hashInputs } from "#inference/records/hash-inputs.ts";
import { createDeliveryName } from "#lambdas/start-delivery/delivery-name.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { hashConfig } from "#platform/serving/hash-config.ts";
import { fakeCommit, fakeDigest, toyModel } from "#test/support/toy-model.ts";
import { resolveDataFolder } from "#worlds/embedded/data/data-folder.ts";
import { describeForm, type Form, type FormOptions, literal } from "./describe-form.ts";
import type { Traces } from "./play-deliveries.ts";

/** What varies in keys and texts. The order matters: a long text contains shorter ones. */
const placeholders: readonly (readonly [RegExp, string])[] = [
  [/sha256:[0-9a-f]{64}/g, "<digest>"],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z~[0-9a-f]{32}/g, "<time>~<32 hex digits>"],
  [/[0-9a-f]{64}/g, "<64 hex digits>"],
  [/[0-9a-f]{40}/g, "<commit>"],
  [new RegExp(`${toyModel}~[0-9a-f]{24}`, "g"), "<model>~<24 hex digits>"],
  [
    new RegExp(`rollback-${toyModel}-[0-9a-f]{8}|${toyModel}-[0-9a-f]{12}-[0-9a-f]{8}(-\\d+)?`, "g"),
    "<delivery>",
  ],
  [new RegExp(`\\b(${toyModel}|churn)\\b`, "g"), "<model>"],
  [/(?<=[#/])(stage|prod)\b|^(stage|prod)(?=#)/g, "<environment>"],
  [/\b\d+-[0-9a-f]{16}\b/g, "<revision>-<16 hex digits>"],
  [/-[0-9a-f]{12}$/g, "-<12 hex digits>"],
  [/\d{13}-request-\d/g, "<epoch milliseconds>-<request>"],
  [/request-\d/g, "<request>"],
  [/AIDAOPERATOR\w+/g, "<operator>"],
  [/[\w+.]+@(users\.noreply\.github\.com|example\.com|partner\.org)/g, "<address>"],
  [/\b\d{4}-\d\d-\d\dT\d\d$/g, "<hour>"],
  [/\b\d{15}\b/g, "<15 digits>"],
  [/\b\d{12}\b/g, "<12 digits>"],
  [/\b\d{10}\b/g, "<10 digits>"],
  [/(?<=^|#)0[0-9A-Za-z]{10}$/g, "<key>"],
  [/(?<=[=/])\d+\b|(?<=-)\d+(?=-<12 hex)/g, "<number>"],
];
const withPlaceholders = (text: string): string =>
  placeholders.reduce((left, [pattern, placeholder]) => left.replace(pattern, placeholder), text);

const isPlaceholder = /^<[^<>]+>([~#-]<[^<>]+>)*$/;

/** Fields whose texts are compared with a name, by the end of their path. */
const nameFields =
  /(^|\.)(status|outcome|verdict|environment|result|alias|models|leftOut\[\]\.why|error\.name|error_name|_type|predicateType|buildType|payloadType|builder\.id|builderId)$/;
/** Fields whose texts are parsed. */
const patternFields =
  /(^|\.)(description|blob|(resolvedDependencies|byproducts|builderDependencies)\[\]\.name)$/;

const options: FormOptions = {
  text: (path, text) => {
    if (nameFields.test(path)) return literal(text);
    const form = withPlaceholders(text);
    return patternFields.test(path) || isPlaceholder.test(form) ? form : undefined;
  },
  field: (_, name) => (/^\d+$/.test(name) ? "<number>" : withPlaceholders(name)),
};

const groupBy = <Value>(values: Iterable<Value>, key: (value: Value) => string): [string, Value[]][] => [
  ...Map.groupBy(values, key),
];

const storedItems = ({ items }: Traces): Form =>
  Object.fromEntries(
    groupBy(
      items,
      (row) => `${withPlaceholders(String(row.partition))} | ${withPlaceholders(String(row.sort))}`,
    ).map(([key, rows]) => [
      key,
      {
        value: describeForm(
          rows.map(({ value }) => JSON.parse(String(value))),
          options,
        ),
        expires: describeForm(rows.map((row) => row.expires_at)),
      },
    ]),
  );

type Blob = { readonly bytes: Uint8Array; readonly contentType: string };
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The content of a blob. ONNX files and manifests are stored as they were committed. */
const contentOf = (contentType: string, blobs: readonly Blob[]): Form => {
  if (contentType.startsWith("application/vnd.dsse.envelope")) {
    const envelopes = blobs.map(({ bytes }) => JSON.parse(textOf(bytes)));
    const payloads = envelopes.map(({ payload }) =>
      JSON.parse(Buffer.from(payload, "base64").toString("utf8")),
    );
    return { envelope: describeForm(envelopes, options), payload: describeForm(payloads, options) };
  }
  if (contentType === "application/zstd") {
    const files = blobs.map(({ bytes }) => textOf(zstdDecompressSync(bytes)).split("\n"));
    const headers: unknown[] = files.map(([header = ""]) => JSON.parse(header));
    const rows: unknown[] = files.flatMap(([, ...lines]) => lines.map((line) => JSON.parse(line)));
    return {
      "first line": describeForm(headers, options),
      "lines of rows with the first row's names, by place": columnsOf(
        rows.filter((row) => Array.isArray(row)),
      ),
      "lines of other rows": describeForm(
        rows.filter((row) => !Array.isArray(row)),
        options,
      ),
    };
  }
  return "as committed";
};
const columnsOf = (rows: readonly (readonly unknown[])[]): Form =>
  (rows[0] ?? []).map((_, place) =>
    describeForm(
      rows.map((row) => row[place]),
      options,
    ),
  );

const storedBlobs = ({ blobs }: Traces): Form =>
  Object.fromEntries(
    groupBy(blobs, ([key]) => withPlaceholders(key)).map(([key, entries]) => {
      const contents = entries.map(([, blob]) => blob);
      const [contentType = "", ...others] = new Set(contents.map((blob) => blob.contentType));
      if (others.length > 0) throw new Error(`${key} has several content types`);
      return [key, { "content type": contentType, content: contentOf(contentType, contents) }];
    }),
  );

/** The tables of state.sqlite, and the rows of those that the store does not use. */
const storedTables = ({ columns, versions, aliases, executions }: Traces): Form => {
  const readable = (row: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries(row)
        // The states' contracts cover these.
        .filter(([column]) => column !== "output" && column !== "state_data"),
    );
  return {
    columns: Object.fromEntries(
      groupBy(columns, ({ table }) => String(table)).map(([table, rows]) => [
        table,
        Object.fromEntries(
          rows.map(({ column, type, required, key }) => [
            String(column),
            `${type}${required ? " NOT NULL" : ""}${key ? `, key ${key}` : ""}`,
          ]),
        ),
      ]),
    ),
    executions: describeForm(executions.map(readable), options),
    model_versions: describeForm(versions.map(readable), options),
    model_aliases: describeForm(aliases, options),
  };
};

/** Computed names and hashes: if they are computed in another way, stored data is not found any more. */
const computedNames = (): Form => {
  const commit = fakeCommit("c");
  const digest = fakeDigest("d");
  const [repository, delivery] = ["models", "churn-1"];
  const random = (size: number) => new Uint8Array(size).fill(7);
  const id = generateKeyId(random);
  const { key, hash } = generateKey(id, random);
  return {
    "a delivery": createDeliveryName({ repository, model: "churn", commit, attempt: 1 }),
    "its second attempt": createDeliveryName({ repository, model: "churn", commit, attempt: 2 }),
    "an approval": deriveApprovalId({ model: "churn", delivery, baseline: 3 }),
    "a function's configuration": hashConfig({
      digest,
      memoryMb: 512,
      timeoutSeconds: 30,
      variables: { SLIPWAY_MODEL: "churn", SLIPWAY_DIGEST: digest },
    }),
    "hashed inputs": hashInputs(new Uint8Array(32).fill(1), "churn")({ tenure: 1, contract: "one-year" }),
    "an API key": { id, hash, "hash of what is read": parseKey(key)?.hash ?? "none" },
    "a function": toFunctionName("prod", "churn"),
  };
};

/** All that deliveries leave in the data folder: items, blobs, tables and file names. */
export const storedForms = (traces: Traces) => ({
  "stored-items": storedItems(traces),
  "stored-blobs": storedBlobs(traces),
  "stored-tables": storedTables(traces),
  "stored-names": {
    "computed names": computedNames(),
    "image tags": [...new Set(traces.imageTags.map(withPlaceholders))],
    "files of the data folder": Object.values(resolveDataFolder("<data>")),
  },
});

import * as z from "zod";
import { listRowsPrefixes, type RecordScope, recordPartitions } from "#inference/records/record-keys.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import type { Entry, Json, WriteBatch } from "#platform/store/store.ts";
import { parseJson } from "#untrusted/parse-json.ts";

const Key = z.object({ partition: z.string().max(200), sort: z.string().max(200) });
const value = z.custom<Json>((json) => json !== undefined);
const expiresAt = z.exactOptional(z.int());

const Item = z.union([
  z.object({ key: Key, value, expiresAt }),
  z.object({ key: Key, json: z.string(), expiresAt }),
]);
const Batch = z.object({
  entries: z.array(Item),
  additions: z.array(z.object({ key: Key, amounts: z.record(z.string(), z.int()), expiresAt })),
});

/** A worker's call to the record storage; bytes are base64 where the call travels as JSON. */
export const RecordCall = z.discriminatedUnion("method", [
  z.object({ method: z.literal("get"), args: z.tuple([Key]) }),
  z.object({
    method: z.literal("page"),
    args: z.tuple([
      z.object({
        partition: z.string().max(200),
        order: z.enum(["ascending", "descending"]),
        limit: z.int(),
        prefix: z.exactOptional(z.string()),
        after: z.exactOptional(z.string()),
      }),
    ]),
  }),
  z.object({
    method: z.literal("putAll"),
    args: z.tuple([z.array(Item)]),
  }),
  z.object({
    method: z.literal("add"),
    args: z.tuple([Key, z.record(z.string(), z.int()), z.object({ expiresAt }).optional()]),
  }),
  /** The result has, for each batch, the error or null. */
  z.object({ method: z.literal("append"), args: z.tuple([z.array(Batch)]) }),
  z.object({
    method: z.literal("putBlob"),
    args: z.tuple([
      z.string().max(500),
      z.union([z.string(), z.custom<Uint8Array>((bytes) => bytes instanceof Uint8Array)]),
      z.object({ contentType: z.string().max(100) }),
    ]),
  }),
  z.object({ method: z.literal("getBlob"), args: z.tuple([z.string().max(500)]) }),
]);
export type RecordCall = z.infer<typeof RecordCall>;

/** A worker tried to access something other than its model's records. */
export class RecordOutOfReach extends Error {
  override readonly name = "RecordOutOfReach";
}

/** Parses an entry's text: an item that is not JSON would break each later read of its partition. */
const parseEntry = (entry: Entry): Entry =>
  "json" in entry
    ? {
        key: entry.key,
        value: parseJson(entry.json),
        ...(entry.expiresAt === undefined ? {} : { expiresAt: entry.expiresAt }),
      }
    : entry;

/**
 * Serves a worker's calls, for the records of its own model and environment only: a worker runs untrusted models. Throws
 * RecordOutOfReach, and the storage's errors.
 */
export const serveRecordCalls = (storage: RecordStorage, scope: RecordScope) => {
  const partitions = recordPartitions(scope);
  const requestPrefix = partitions.request("");
  const assertOwnPartition = (partition: string): void => {
    if (
      partition === partitions.index ||
      partition === partitions.counts ||
      partition === partitions.forms ||
      partition.startsWith(requestPrefix)
    )
      return;
    throw new RecordOutOfReach("a function may access only its own model's records");
  };
  const assertOwnBlob = (key: string): void => {
    if (listRowsPrefixes(scope).some((prefix) => key.startsWith(prefix))) return;
    throw new RecordOutOfReach("a function may access only its own model's records");
  };

  /** Null, or why the batch was not written. */
  const appendBatch = async ({ entries, additions }: WriteBatch) => {
    try {
      if (!storage.append) throw new RecordOutOfReach("this storage has no journal");
      for (const { key } of [...entries, ...additions]) assertOwnPartition(key.partition);
      for (const entry of entries) if ("json" in entry) JSON.parse(entry.json);
      await storage.append({ entries, additions });
      return null;
    } catch (error) {
      return error instanceof Error
        ? { name: error.name, message: error.message }
        : { name: "Error", message: String(error) };
    }
  };

  return async (call: RecordCall): Promise<unknown> => {
    switch (call.method) {
      case "get": {
        const [key] = call.args;
        assertOwnPartition(key.partition);
        return (await storage.store.get(key)) ?? null;
      }
      case "page": {
        const [query] = call.args;
        assertOwnPartition(query.partition);
        return storage.store.page(query);
      }
      case "putAll": {
        const [entries] = call.args;
        for (const { key } of entries) assertOwnPartition(key.partition);
        await storage.store.putAll(entries.map(parseEntry));
        return null;
      }
      case "add": {
        const [key, amounts, options] = call.args;
        assertOwnPartition(key.partition);
        await storage.store.add(key, amounts, options ?? {});
        return null;
      }
      case "append": {
        const [batches] = call.args;
        return Promise.all(batches.map(appendBatch));
      }
      case "putBlob": {
        const [key, bytes, options] = call.args;
        assertOwnBlob(key);
        await storage.blobs.put(
          key,
          typeof bytes === "string" ? Buffer.from(bytes, "base64") : bytes,
          options,
        );
        return null;
      }
      case "getBlob": {
        const [key] = call.args;
        assertOwnBlob(key);
        const bytes = await storage.blobs.get(key);
        return bytes ? Buffer.from(bytes).toString("base64") : null;
      }
      default:
        return call satisfies never;
    }
  };
};

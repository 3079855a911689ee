import { z } from "zod";
import { listRowsPrefixes, type RecordScope, recordPartitions } from "#inference/records/record-keys.ts";
import type { RecordStorage } from "#inference/records/records.ts";
import type { Json } from "#platform/store/store.ts";

const Key = z.object({ partition: z.string().max(200), sort: z.string().max(200) });
const value = z.custom<Json>((given) => given !== undefined);
const expiresAt = z.exactOptional(z.int());

/** What a worker asks of the place that records lie in; bytes travel as base64, because its channel speaks JSON. */
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
    args: z.tuple([z.array(z.object({ key: Key, value, expiresAt }))]),
  }),
  z.object({
    method: z.literal("add"),
    args: z.tuple([Key, z.record(z.string(), z.int()), z.object({ expiresAt }).optional()]),
  }),
  z.object({
    method: z.literal("putBlob"),
    args: z.tuple([z.string().max(500), z.string(), z.object({ contentType: z.string().max(100) })]),
  }),
  z.object({ method: z.literal("getBlob"), args: z.tuple([z.string().max(500)]) }),
]);
export type RecordCall = z.infer<typeof RecordCall>;

/** A worker asked for what is not its model's record. */
export class RecordOutOfReach extends Error {
  override readonly name = "RecordOutOfReach";
}

/**
 * Answers a worker's calls with the records of its own model in its own environment, and with nothing else of the
 * store: a worker runs a model that others made. Throws RecordOutOfReach, and what the place throws.
 */
export const serveRecordCalls = (place: RecordStorage, served: RecordScope) => {
  const places = recordPartitions(served);
  const requests = places.request("");
  const within = (partition: string): void => {
    if (partition === places.index || partition === places.counts || partition.startsWith(requests)) return;
    throw new RecordOutOfReach("this function reads and writes its own model's records alone");
  };
  const withinBlobs = (key: string): void => {
    if (listRowsPrefixes(served).some((prefix) => key.startsWith(prefix))) return;
    throw new RecordOutOfReach("this function reads and writes its own model's records alone");
  };

  return async (call: RecordCall): Promise<unknown> => {
    switch (call.method) {
      case "get": {
        const [key] = call.args;
        within(key.partition);
        return (await place.store.get(key)) ?? null;
      }
      case "page": {
        const [query] = call.args;
        within(query.partition);
        return place.store.page(query);
      }
      case "putAll": {
        const [entries] = call.args;
        for (const { key } of entries) within(key.partition);
        await place.store.putAll(entries);
        return null;
      }
      case "add": {
        const [key, amounts, options] = call.args;
        within(key.partition);
        await place.store.add(key, amounts, options ?? {});
        return null;
      }
      case "putBlob": {
        const [key, bytes, options] = call.args;
        withinBlobs(key);
        await place.blobs.put(key, Buffer.from(bytes, "base64"), options);
        return null;
      }
      case "getBlob": {
        const [key] = call.args;
        withinBlobs(key);
        const bytes = await place.blobs.get(key);
        return bytes ? Buffer.from(bytes).toString("base64") : null;
      }
      default:
        return call satisfies never;
    }
  };
};

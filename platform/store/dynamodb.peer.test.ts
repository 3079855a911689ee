import { DeleteItemCommand, DynamoDBClient, UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { storeContract } from "#test/contracts/store.ts";
import { createTable } from "#test/peers/create-table.ts";
import { describeWithFaults, type MotoPeer } from "#test/peers/describe-with-faults.ts";
import { createDynamoDbStore } from "./dynamodb.ts";

let tables = 0;
const makeTable = async (peer: MotoPeer): Promise<string> => {
  const direct = new DynamoDBClient(peer.direct());
  tables += 1;
  const TableName = `slipway-${tables}`;
  await createTable(direct, TableName);
  const TimeToLiveSpecification = { AttributeName: "expiresAt", Enabled: true };
  await direct.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
  direct.destroy();
  return TableName;
};

const subject = async (peer: MotoPeer) => {
  const table = await makeTable(peer);
  const client = new DynamoDBClient(peer.config());
  let offset = 0;
  const now = () => Date.now() + offset;
  return {
    table,
    store: createDynamoDbStore({ client, table, clock: now }),
    now,
    answersLost: () => peer.proxy().injected.get("cut after") ?? 0,
    advance: (milliseconds: number) => {
      offset += milliseconds;
    },
    close: async () => client.destroy(),
  };
};

describeWithFaults("store", (peer, name) => {
  storeContract(`DynamoDB, ${name}`, () => subject(peer), 25);

  test("a permanent write does not name the attribute `expiresAt`, so that IAM can forbid it", async () => {
    const { store, advance, close } = await subject(peer);
    const key = { partition: "p", sort: "kept" };
    const options = { expect: "absent", permanent: true } as const;
    expect(await store.put(key, "one", options)).toEqual({ written: true, version: 1 });
    expect(await store.put(key, "two", options)).toMatchObject({ written: false });
    expect(await store.put(key, "two", { expect: 1, permanent: true })).toEqual({
      written: true,
      version: 2,
    });
    advance(10 * 365 * 86_400_000);
    expect(await store.get(key)).toMatchObject({ value: "two" });
    await close();
  });

  test("a write or removal with a lost response reports success and takes effect once", async () => {
    const { store, close } = await subject(peer);
    const key = { partition: "p", sort: "a" };
    const withLostResponse = <T>(call: () => Promise<T>): Promise<T> => {
      peer.proxy().next("cut after");
      return call();
    };
    const created = await withLostResponse(() => store.put(key, "one", { expect: "absent" }));
    expect(created).toEqual({ written: true, version: 1 });
    expect(await withLostResponse(() => store.put(key, "two", { expect: 1 }))).toEqual({
      written: true,
      version: 2,
    });
    expect(await withLostResponse(() => store.put(key, "three"))).toEqual({ written: true, version: 3 });
    const also = [{ key: { ...key, sort: "other" }, value: 1 }];
    expect(await withLostResponse(() => store.put(key, "four", { expect: 3, also }))).toEqual({
      written: true,
      version: 4,
    });
    expect(await store.get({ ...key, sort: "other" })).toMatchObject({ value: 1, version: 1 });
    expect(await withLostResponse(() => store.remove(key, { expect: 4 }))).toBe(true);
    expect(await store.remove(key)).toBe(false);
    await close();
  });

  test("an addition with a lost response counts once, also on expired counters", async () => {
    const { store, now, advance, close } = await subject(peer);
    const key = { partition: "p", sort: "a" };
    const withLostResponse = (expiresAt: number) => {
      peer.proxy().next("cut after");
      return store.add(key, { a: 2 }, { expiresAt });
    };
    await withLostResponse(Math.floor(now() / 1_000) + 60);
    expect((await store.get(key))?.value).toEqual({ a: 2 });
    await withLostResponse(Math.floor(now() / 1_000) + 60);
    expect(await store.get(key)).toEqual({ key, value: { a: 4 }, version: 2 });
    advance(120_000);
    await withLostResponse(Math.floor(now() / 1_000) + 60);
    expect(await store.get(key)).toEqual({ key, value: { a: 2 }, version: 1 });
    await close();
  });

  test("a batch with a lost response is written once", async () => {
    const { store, close } = await subject(peer);
    const entries = Array.from({ length: 30 }, (_, index) => ({
      key: { partition: "p", sort: String(index).padStart(2, "0") },
      value: index,
    }));
    peer.proxy().next("cut after");
    await store.putAll(entries);
    const { items } = await store.page({ partition: "p", order: "ascending", limit: 100 });
    expect(items).toEqual(entries.map((entry) => ({ ...entry, version: 1 })));
    await close();
  });

  test("a page continues over responses without live items to the end of the partition", async () => {
    const { store, now, advance, close } = await subject(peer);
    const at = (index: number) => ({ partition: "p", sort: String(index).padStart(3, "0") });
    const expiresAt = Math.floor(now() / 1_000) + 60;
    for (let index = 0; index < 60; index += 1)
      await store.put(at(index), index, index < 59 ? { expiresAt } : {});
    advance(120_000);
    const page = await store.page({ partition: "p", order: "ascending", limit: 1 });
    expect(page.items.map(({ value }) => value)).toEqual([59]);
    expect(page.cursor).toBeUndefined();
    await close();
  });

  test("items of 300 KB come back on one page, although a response holds three of them", async () => {
    const { store, close } = await subject(peer);
    const large = "x".repeat(300_000);
    for (const sort of ["a", "b", "c", "d", "e"]) await store.put({ partition: "p", sort }, large);
    const page = await store.page({ partition: "p", order: "descending", limit: 10 });
    expect(page.items.map(({ key }) => key.sort)).toEqual(["e", "d", "c", "b", "a"]);
    await close();
  });

  test.each(["throttled", "failed", "cut before", "cut after"] as const)(
    "calls that are %s at each attempt end as TemporaryFault",
    async (fault) => {
      const { store, close } = await subject(peer);
      const key = { partition: "p", sort: "a" };
      peer.proxy().force(fault);
      for (const call of [
        () => store.get(key),
        () => store.put(key, 1),
        () => store.put(key, 1, { expect: "absent", also: [{ key: { ...key, sort: "b" }, value: 1 }] }),
        () => store.remove(key),
        () => store.putAll([{ key, value: 1 }]),
        () => store.add(key, { a: 1 }),
        () => store.page({ partition: "p", order: "ascending", limit: 1 }),
      ])
        await expect(call()).rejects.toMatchObject({ name: "TemporaryFault" });
      peer.proxy().force(undefined);
      await close();
    },
  );

  test("an item can be created again after DynamoDB deleted its expired predecessor", async () => {
    const { store, table, now, close } = await subject(peer);
    const key = { partition: "p", sort: "a" };
    await store.put(key, 1, { expiresAt: Math.floor(now() / 1_000) + 60 });
    const direct = new DynamoDBClient(peer.direct());
    await direct.send(new DeleteItemCommand({ TableName: table, Key: { pk: { S: "p" }, sk: { S: "a" } } }));
    direct.destroy();
    expect(await store.put(key, 2, { expect: "absent" })).toEqual({ written: true, version: 1 });
    await close();
  });
});

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  encodeCursor,
  ItemTooLarge,
  itemLimitBytes,
  type Json,
  type Key,
  type Store,
  type StoredItem,
} from "#platform/store/store.ts";

export type StoreUnderTest = {
  readonly store: Store;
  /** Moves the store's clock forward; it starts at the real time. */
  advance(milliseconds: number): void;
  now(): number;
  /** How many responses were lost so far, although the store had done the work. Default: none. */
  answersLost?(): number;
  close(): Promise<void>;
};

/** Non-empty, well-formed text with characters of every UTF-8 length, short enough for a sort key in DynamoDB. */
const text = fc.string({
  minLength: 1,
  maxLength: 6,
  unit: fc.constantFrom("a", "b", "B", "~", "#", "0", " ", "é", "ß", "\uffff", "語", "😀", "\u{10ffff}"),
});

const compareByBytes = (a: StoredItem, b: StoredItem): number =>
  Buffer.compare(Buffer.from(a.key.sort), Buffer.from(b.key.sort));

const all = async (
  store: Store,
  query: Omit<Parameters<Store["page"]>[0], "after">,
): Promise<readonly StoredItem[]> => {
  const items: StoredItem[] = [];
  let after: string | undefined;
  do {
    const page = await store.page({ ...query, ...(after === undefined ? {} : { after }) });
    expect(page.items.length).toBeLessThanOrEqual(query.limit);
    items.push(...page.items);
    after = page.cursor;
  } while (after !== undefined);
  return items;
};

type Command =
  | {
      readonly do: "put";
      readonly sort: string;
      readonly value: Json;
      readonly expect: "fits" | "older" | "newer" | "absent" | "any";
    }
  | { readonly do: "remove"; readonly sort: string; readonly expect: "fits" | "older" | "newer" | "any" }
  | { readonly do: "putAll"; readonly entries: readonly (readonly [sort: string, value: number])[] }
  | { readonly do: "add"; readonly sort: string; readonly amounts: Readonly<Record<string, number>> }
  | { readonly do: "get"; readonly sort: string }
  | {
      readonly do: "page";
      readonly limit: number;
      readonly prefix: string;
      readonly order: "ascending" | "descending";
    };

const sorts = fc.oneof(
  fc.constantFrom("a", "ab", "b", "é", "é語", "😀", "\ud7ffa", "\ue000", "\u{10ffff}\u{10ffff}"),
  text,
);
const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    do: fc.constant("put" as const),
    sort: sorts,
    // Through JSON once, because JSON has no -0.
    value: fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json),
    expect: fc.constantFrom(
      "fits" as const,
      "older" as const,
      "newer" as const,
      "absent" as const,
      "any" as const,
    ),
  }),
  fc.record({
    do: fc.constant("remove" as const),
    sort: sorts,
    expect: fc.constantFrom("fits" as const, "older" as const, "newer" as const, "any" as const),
  }),
  fc.record({ do: fc.constant("get" as const), sort: sorts }),
  fc.record({
    do: fc.constant("putAll" as const),
    entries: fc.array(fc.tuple(sorts, fc.integer()), { maxLength: 4 }),
  }),
  fc.record({
    do: fc.constant("add" as const),
    sort: fc.constantFrom("a", "é", "\u{10ffff}").map((sort) => `${sort}+`),
    amounts: fc.dictionary(
      fc.oneof(fc.constantFrom("a", "b", "a.b", 'a"b', "__proto__", ""), text),
      fc.integer({ min: -1_000, max: 1_000 }),
      { minKeys: 1, maxKeys: 3 },
    ),
  }),
  fc.record({
    do: fc.constant("page" as const),
    limit: fc.integer({ min: 1, max: 5 }),
    prefix: fc.constantFrom("", "a", "ab", "é", "😀", "\ud7ff", "\u{10ffff}"),
    order: fc.constantFrom("ascending" as const, "descending" as const),
  }),
);

/** Runs one command on the store and on a Map; the results must be equal. */
const expectSameResult = async (
  store: Store,
  model: Map<string, StoredItem>,
  partition: string,
  command: Command,
): Promise<void> => {
  if (command.do === "page") {
    const { limit, prefix, order } = command;
    const expected = [...model.values()]
      .filter(({ key }) => key.sort.startsWith(prefix))
      .sort(compareByBytes);
    if (order === "descending") expected.reverse();
    expect(await all(store, { partition, order, limit, ...(prefix === "" ? {} : { prefix }) })).toEqual(
      expected,
    );
    return;
  }
  if (command.do === "putAll") {
    const entries = command.entries.map(([sort, value]) => ({ key: { partition, sort }, value }));
    await store.putAll(entries);
    for (const { key, value } of entries) model.set(key.sort, { key, value, version: 1 });
    return;
  }
  const key = { partition, sort: command.sort };
  if (command.do === "add") {
    const before = model.get(command.sort);
    const counters = new Map(Object.entries((before?.value ?? {}) as Record<string, number>));
    for (const [name, amount] of Object.entries(command.amounts))
      counters.set(name, (counters.get(name) ?? 0) + amount);
    const value = Object.fromEntries(counters);
    expect(await store.add(key, command.amounts)).toEqual(value);
    model.set(command.sort, { key, value, version: (before?.version ?? 0) + 1 });
    return;
  }
  const stored = model.get(command.sort);
  if (command.do === "get") {
    expect(await store.get(key)).toEqual(stored);
    return;
  }
  const current = stored?.version ?? 1;
  const { expect: condition } = command;
  const expected =
    condition === "any" || condition === "absent"
      ? condition
      : current + { older: -1, fits: 0, newer: 1 }[condition];
  const holds =
    expected === "any" || (expected === "absent" ? stored === undefined : stored?.version === expected);
  if (command.do === "remove") {
    const options = typeof expected === "number" ? { expect: expected } : {};
    expect(await store.remove(key, options)).toBe(holds && stored !== undefined);
    if (holds) model.delete(command.sort);
    return;
  }
  const result = await store.put(key, command.value, expected === "any" ? {} : { expect: expected });
  const version = (stored?.version ?? 0) + 1;
  expect(result).toEqual(holds ? { written: true, version } : { written: false, found: stored });
  if (holds) model.set(command.sort, { key, value: command.value, version });
};

/**
 * The rules of `Store`, for every implementation. `make` returns a store that is empty or has new partitions.
 * `runs`: the number of random command lists; fewer where each command is a call over the network.
 */
export const storeContract = (name: string, make: () => Promise<StoreUnderTest>, runs = 60): void => {
  describe(`store: ${name}`, () => {
    let subject: StoreUnderTest;
    let partitions = 0;
    let key: Key;
    beforeEach(async () => {
      subject = await make();
      partitions += 1;
      key = { partition: `contract#${partitions}`, sort: "item" };
    });
    afterEach(() => subject.close());

    test("the store gives the same results as a Map with the same commands", {
      timeout: 120_000,
    }, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(commands, { minLength: 10, maxLength: 40, size: "max" }), async (list) => {
          partitions += 1;
          const model = new Map<string, StoredItem>();
          for (const command of list)
            await expectSameResult(subject.store, model, `contract#${partitions}`, command);
        }),
        { numRuns: runs },
      );
    });

    test("exactly one of many concurrent creations of an item succeeds, and the others get that item", async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => subject.store.put(key, { index }, { expect: "absent" })),
      );
      expect(results.filter(({ written }) => written)).toHaveLength(1);
      const stored = await subject.store.get(key);
      for (const result of results) if (!result.written) expect(result.found).toEqual(stored);
    });

    test("exactly one of many concurrent replacements of a version succeeds", async () => {
      await subject.store.put(key, "first");
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => subject.store.put(key, index, { expect: 1 })),
      );
      expect(results.filter(({ written }) => written)).toHaveLength(1);
      expect((await subject.store.get(key))?.version).toBe(2);
    });

    test("other items are written together with an item, and none of them where its condition is false", async () => {
      const { store } = subject;
      const other = (sort: string) => ({ ...key, sort });
      const also = (value: Json) => [
        { key: other("x"), value },
        { key: other("y"), value },
      ];
      const values = async () =>
        (await all(store, { partition: key.partition, order: "ascending", limit: 10 })).map(
          ({ value }) => value,
        );
      expect(await store.put(key, 1, { expect: "absent", also: also("one") })).toEqual({
        written: true,
        version: 1,
      });
      expect(await values()).toEqual([1, "one", "one"]);
      const found = { key, value: 1, version: 1 };
      for (const expected of ["absent", 2] as const)
        expect(await store.put(key, 2, { expect: expected, also: also("two") })).toEqual({
          written: false,
          found,
        });
      expect(await values()).toEqual([1, "one", "one"]);
      expect(await store.put(key, 3, { expect: 1, also: also("three") })).toEqual({
        written: true,
        version: 2,
      });
      expect(await values()).toEqual([3, "three", "three"]);
      await expect(store.put(key, 4, { also: also("four") })).rejects.toThrow(TypeError);
      const large = [{ key: other("z"), value: "x".repeat(itemLimitBytes) }];
      await expect(store.put(key, 5, { expect: 2, also: large })).rejects.toThrow(ItemTooLarge);
      expect(await values()).toEqual([3, "three", "three"]);
    });

    test("an item that replaces an expired one together with others keeps counting its writes", async () => {
      const { store, advance, now } = subject;
      await store.put(key, "short", { expiresAt: Math.floor(now() / 1_000) + 60 });
      advance(62_000);
      const also = [{ key: { ...key, sort: "other" }, value: 1 }];
      const result = await store.put(key, "new", { expect: "absent", also });
      expect(result).toEqual({ written: true, version: (await store.get(key))?.version });
      expect((await store.put(key, "stale", { expect: 1 })).written).toBe(false);
    });

    test("exactly one of many concurrent writes with other items succeeds, and only its other items are written", async () => {
      const results = await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const also = [{ key: { ...key, sort: `other ${index}` }, value: index }];
          for (;;)
            try {
              return await subject.store.put(key, index, { expect: "absent", also });
            } catch (error) {
              // DynamoDB cancels transactions that meet on one item.
              if (!(error instanceof Error && error.name === "TemporaryFault")) throw error;
            }
        }),
      );
      const winners = results.flatMap(({ written }, index) => (written ? [index] : []));
      expect(winners).toHaveLength(1);
      const items = await all(subject.store, { partition: key.partition, order: "ascending", limit: 20 });
      expect(items.map(({ value }) => value)).toEqual([...winners, ...winners]);
    });

    test("items of one partition never appear in another, even if its name is a prefix of the other name", async () => {
      await subject.store.put(key, 1);
      const other = { partition: `${key.partition}0`, sort: key.sort };
      expect(await subject.store.get(other)).toBeUndefined();
      expect(await all(subject.store, { partition: other.partition, order: "ascending", limit: 10 })).toEqual(
        [],
      );
    });

    test("an expired item does not exist for reads, pages, removals and conditions", async () => {
      const { store, advance, now } = subject;
      await store.put(key, "short", { expiresAt: Math.floor(now() / 1_000) + 60 });
      await store.put({ ...key, sort: "other" }, "long");
      advance(58_000);
      expect((await store.get(key))?.value).toBe("short");
      advance(4_000);
      expect(await store.get(key)).toBeUndefined();
      const page = await all(store, { partition: key.partition, order: "ascending", limit: 10 });
      expect(page.map(({ value }) => value)).toEqual(["long"]);
      expect(await store.put(key, "stale", { expect: 1 })).toEqual({ written: false, found: undefined });
      expect(await store.remove(key)).toBe(false);
      expect((await store.put(key, "new", { expect: "absent" })).written).toBe(true);
      expect((await store.get(key))?.value).toBe("new");
    });

    test("a write without an expiry removes the earlier expiry", async () => {
      const { store, advance, now } = subject;
      await store.put(key, "short", { expiresAt: Math.floor(now() / 1_000) + 60 });
      await store.put(key, "stays");
      advance(120_000);
      expect((await store.get(key))?.value).toBe("stays");
    });

    test("items written between two pages do not move the other items", async () => {
      const { store } = subject;
      const put = (sort: string) => store.put({ ...key, sort }, sort);
      for (const sort of ["b", "d", "f", "h"]) await put(sort);
      const first = await store.page({ partition: key.partition, order: "ascending", limit: 2 });
      await put("a");
      await put("c");
      const rest = await store.page({
        partition: key.partition,
        order: "ascending",
        limit: 10,
        ...(first.cursor === undefined ? {} : { after: first.cursor }),
      });
      expect([...first.items, ...rest.items].map(({ value }) => value)).toEqual(["b", "d", "f", "h"]);
    });

    test("an item at the size limit is stored, and a larger one fails with ItemTooLarge and changes nothing", async () => {
      const fits = "x".repeat(itemLimitBytes - 2);
      expect((await subject.store.put(key, fits)).written).toBe(true);
      await expect(subject.store.put(key, `${fits}x`)).rejects.toThrow(ItemTooLarge);
      await expect(subject.store.put(key, "語".repeat(itemLimitBytes / 3 + 1))).rejects.toThrow(ItemTooLarge);
      expect((await subject.store.get(key))?.value).toBe(fits);
    });

    test("putAll writes 100 items, keeps the last one of each key, and replaces earlier items", async () => {
      const { store } = subject;
      const at = (index: number) => ({ ...key, sort: String(index).padStart(3, "0") });
      await store.put(at(7), "before");
      await store.put(at(7), "before");
      const entries = Array.from({ length: 100 }, (_, index) => ({ key: at(index), value: { index } }));
      await store.putAll([{ key: at(3), value: "earlier" }, ...entries]);
      const items = await all(store, { partition: key.partition, order: "ascending", limit: 1_000 });
      expect(items).toEqual(entries.map((entry) => ({ ...entry, version: 1 })));
      await store.putAll(entries);
      expect(await all(store, { partition: key.partition, order: "ascending", limit: 1_000 })).toEqual(items);
      await store.putAll([]);
    });

    test("putAll writes nothing if one item is too large or there are too many items", async () => {
      const { store } = subject;
      const small = Array.from({ length: 30 }, (_, index) => ({
        key: { ...key, sort: `${index}` },
        value: 1,
      }));
      const large = { key, value: "x".repeat(itemLimitBytes) };
      await expect(store.putAll([...small, large])).rejects.toThrow(ItemTooLarge);
      const many = Array.from({ length: 1_001 }, (_, index) => ({
        key: { ...key, sort: `${index}` },
        value: 1,
      }));
      await expect(store.putAll(many)).rejects.toThrow(RangeError);
      expect(await all(store, { partition: key.partition, order: "ascending", limit: 10 })).toEqual([]);
    });

    test("items of one putAll expire at their own times", async () => {
      const { store, advance, now } = subject;
      const expiresAt = Math.floor(now() / 1_000) + 60;
      await store.putAll([
        { key, value: "short", expiresAt },
        { key: { ...key, sort: "other" }, value: "long" },
      ]);
      expect((await store.get(key))?.value).toBe("short");
      advance(62_000);
      expect(await store.get(key)).toBeUndefined();
      expect((await store.get({ ...key, sort: "other" }))?.value).toBe("long");
    });

    test("all concurrent additions are counted, at most twice if a response was lost", async () => {
      const lostBefore = subject.answersLost?.() ?? 0;
      const sums = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          subject.store.add(key, { all: 1, [`n${index % 2}`]: index }),
        ),
      );
      const lost = (subject.answersLost?.() ?? 0) - lostBefore;
      // Each addition returns the sum so far, so all results differ.
      const sortedSums = sums.map(({ all = 0 }) => all).sort((a, b) => a - b);
      expect(new Set(sortedSums).size).toBe(20);
      const total = sortedSums.at(-1) ?? 0;
      expect(total).toBeLessThanOrEqual(20 + lost);
      if (total === 20) {
        expect(sortedSums).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
        expect(await subject.store.get(key)).toEqual({
          key,
          value: { all: 20, n0: 90, n1: 100 },
          version: 20,
        });
      }
      expect((await subject.store.get(key))?.value).toMatchObject({ all: total });
    });

    test("counters restart after their expiry, and keep additions before it", async () => {
      const { store, advance, now } = subject;
      const soon = () => ({ expiresAt: Math.floor(now() / 1_000) + 60 });
      await store.add(key, { a: 1, b: 1 }, soon());
      advance(40_000);
      await store.add(key, { a: 2 }, soon());
      advance(40_000);
      expect((await store.get(key))?.value).toEqual({ a: 3, b: 1 });
      advance(40_000);
      expect(await store.get(key)).toBeUndefined();
      expect(await store.add(key, { a: 5 })).toEqual({ a: 5 });
      expect(await store.get(key)).toEqual({ key, value: { a: 5 }, version: 1 });
    });

    test("one addition changes up to 100 counters; more counters and fractions are refused", async () => {
      const { store } = subject;
      const amounts = Object.fromEntries(
        Array.from({ length: 100 }, (_, index) => [`${"label".repeat(20)} ${index}`, index]),
      );
      await store.add(key, amounts);
      await store.add(key, amounts);
      const doubled = Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * 2]));
      expect((await store.get(key))?.value).toEqual(doubled);
      const invalid: Record<string, number>[] = [{ ...amounts, more: 1 }, {}, { a: 0.5 }, { a: Number.NaN }];
      for (const refused of invalid) await expect(store.add(key, refused)).rejects.toThrow(RangeError);
    });

    test("a page can start after a sort key without an item", async () => {
      const { store } = subject;
      for (const sort of ["a", "c", "e"]) await store.put({ ...key, sort }, sort);
      const from = (order: "ascending" | "descending") =>
        store.page({ partition: key.partition, order, limit: 10, after: encodeCursor("d") });
      expect((await from("ascending")).items.map(({ value }) => value)).toEqual(["e"]);
      expect((await from("descending")).items.map(({ value }) => value)).toEqual(["c", "a"]);
    });

    test("a page limit below 1, above 1,000 or with a fraction is refused", async () => {
      for (const limit of [0, 1_001, 1.5]) {
        const query = { partition: key.partition, order: "ascending", limit } as const;
        await expect(subject.store.page(query)).rejects.toThrow(RangeError);
      }
    });
  });
};

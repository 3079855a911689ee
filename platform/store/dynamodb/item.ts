import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type Counters, type Json, type Key, limitItemSize, type StoredItem } from "#platform/store/store.ts";
import { parseJson } from "#untrusted/parse-json.ts";

export type Item = Record<string, AttributeValue>;

/** Attributes of an item besides its counters; `expiresAt` (epoch seconds) is the table's TTL attribute. */
const attributeNames = {
  "#pk": "pk",
  "#value": "value",
  "#version": "version",
  "#expiresAt": "expiresAt",
  "#write": "write",
};
/** Only the used names: DynamoDB refuses unused ones. */
export const selectAttributeNames = (...expressions: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributeNames).filter(([name]) =>
      expressions.some((expression) => expression.match(/#\w+/g)?.includes(name)),
    ),
  );

/** True for an item that has not expired; `:now` is in epoch seconds. */
export const liveCondition = "(attribute_not_exists(#expiresAt) OR #expiresAt >= :now)";

/** Each counter is an attribute, because DynamoDB can only add to attributes without a read. */
const counterPrefix = "n:";
export const toCounterName = (name: string): string => `${counterPrefix}${name}`;

export const readCounters = (item: Item): Counters =>
  Object.fromEntries(
    Object.entries(item).flatMap(([name, value]) =>
      name.startsWith(counterPrefix) ? [[name.slice(counterPrefix.length), Number(value.N)]] : [],
    ),
  );

export const toItemKey = ({ partition, sort }: Key): Item => ({ pk: { S: partition }, sk: { S: sort } });

const readValue = (item: Item): Json => {
  if (item.value?.S === undefined) return readCounters(item);
  return parseJson(item.value.S);
};

export const toStoredItem = (item: Item): StoredItem => ({
  key: { partition: item.pk?.S ?? "", sort: item.sk?.S ?? "" },
  value: readValue(item),
  version: Number(item.version?.N),
});

/** The value's JSON; throws ItemTooLarge. */
export const encodeValue = (key: Key, value: Json): string => limitItemSize(key, JSON.stringify(value));

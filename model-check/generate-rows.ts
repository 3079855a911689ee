import type { Input, Row } from "#model-folder/manifest/manifest.ts";
import { getOwnProperty } from "#untrusted/get-own-property.ts";

type Needs = {
  readonly inputs: readonly Input[];
  /** Rows that the model takes; at least one. */
  readonly rows: readonly Row[];
  /** Values that matter, by input; each is in at least one row. */
  readonly values: ReadonlyMap<string, readonly number[]>;
  readonly least: number;
  readonly most: number;
};

/** Numbers from 0 to 1 by a generator of 32 bits (mulberry32, public domain): the same in each check. */
const createRandom = (): (() => number) => {
  let state = 20_261_130;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const shuffle = <T>(list: readonly T[], random: () => number): readonly T[] => {
  const mixed = [...list];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
  }
  return mixed;
};

/** A value that the manifest allows; undefined: the row keeps its own. */
const drawValue = (input: Input, random: () => number): Row[string] | undefined => {
  switch (input.type) {
    case "integer":
      return input.min + Math.floor(random() * (input.max - input.min + 1));
    case "number":
      return Math.min(input.max, input.min + random() * (input.max - input.min));
    case "boolean":
      return random() < 0.5;
    case "category":
      return input.values[Math.floor(random() * input.values.length)];
    case "string":
    case "tensor":
    case "image":
      return undefined;
    default:
      return input satisfies never;
  }
};

const missingShare = 0.05;
const ownShare = 0.2;

/**
 * Rows that the manifest allows: each of `values` in one, and otherwise values of the given rows, random ones and missing
 * ones. The same arguments give the same rows.
 */
export const generateRows = ({ inputs, rows, values, least, most }: Needs): readonly Row[] => {
  const random = createRandom();
  const mixed = new Map([...values].map(([name, list]) => [name, shuffle(list, random)]));
  const count = Math.min(most, Math.max(least, ...[...mixed.values()].map(({ length }) => length)));
  return Array.from({ length: count }, (_, index) => {
    const base = rows[Math.floor(random() * rows.length)] ?? {};
    return Object.fromEntries(
      inputs.flatMap((input): [string, Row[string]][] => {
        const list = mixed.get(input.name) ?? [];
        const value = index < list.length ? list[index] : drawOther(input, list, base, random);
        return value === undefined ? [] : [[input.name, value]];
      }),
    );
  });
};

const drawOther = (
  input: Input,
  values: readonly number[],
  base: Row,
  random: () => number,
): Row[string] | undefined => {
  const chance = random();
  if ("required" in input && !input.required && chance < missingShare) return null;
  const own = getOwnProperty(base, input.name);
  if (chance < ownShare) return own;
  if (values.length > 0 && chance < 0.8) return values[Math.floor(random() * values.length)];
  return drawValue(input, random) ?? own;
};

import { describe, expect, test } from "vitest";
import { fuzzTokenizers } from "#test/peers/fuzz-tokenizers.ts";
import { requirePython } from "#test/peers/python-environment.ts";

const { skip } = requirePython("the reference implementation of tokenizer.json");
/** A new sample each day; SLIPWAY_SEED repeats one. */
const seed = Number(process.env.SLIPWAY_SEED ?? Math.floor(Date.now() / 86_400_000));

describe.skipIf(skip)("random tokenizers and texts", () => {
  test(`have the reference implementation's tokens (seed ${seed})`, async () => {
    const { components, differences } = await fuzzTokenizers({ seed, tokenizers: 190, texts: 15 });
    expect(differences).toEqual([]);
    expect(components.length).toBeGreaterThan(30);
    for (const { name, texts } of components) expect([name, texts > 0]).toEqual([name, true]);
  });
});

import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MessageState } from "#domain/message/message-state.ts";
import { createMemoryWorld, type MemoryWorld } from "#test/support/memory-world.ts";
import { createNewApproval } from "#test/support/record-approval.ts";
import { toyModel } from "#test/support/toy-model.ts";
import type { CommandContext } from "./command-world.ts";
import { decideQuestion } from "./decide-question.ts";
import { openTerminal } from "./open-terminal.ts";

const ada = "U024BE7LH";
let world: MemoryWorld;
let shown: MessageState[];
beforeEach(() => {
  world = createMemoryWorld();
  shown = [];
});
afterEach(() => world.close());

const checks = ["golden vectors", "accuracy", "latency p95"].map((name) => ({
  name,
  verdict: "pass" as const,
  measured: 1,
  limit: 2,
  unit: "ms",
  detail: "fine",
}));
const ask = async (delivery = "toy-1", letter = "c") => {
  world.engine.waiting.add(`token of ${delivery}`);
  const evidence = { champion: null, changed: [], checks, omitted: [] };
  const question = createNewApproval(world, { delivery, letter, version: 3, evidence });
  return (await world.approvals.ask(question, `token of ${delivery}`)).id;
};
type Options = {
  readonly decision?: "approved" | "rejected";
  readonly reason?: string;
  readonly yes?: boolean;
  /** What the person types; undefined: there is no terminal. "" ends the input. */
  readonly types?: string;
  /** What happens while the person thinks. */
  readonly meanwhile?: () => Promise<unknown>;
};
const decide = (
  named: string,
  { decision = "approved", reason, yes = false, types, meanwhile = async () => undefined }: Options = {},
) => {
  const input = new PassThrough();
  // A terminal, so that the question reads keys: Ctrl-C is one.
  const output = Object.assign(new PassThrough(), { isTTY: true });
  if (types !== undefined)
    output.once("data", async () => {
      await meanwhile();
      if (types === "") input.end();
      else input.write(`${types}\n`);
    });
  // The world of a command has capabilities that no decision uses.
  const context = world as unknown as CommandContext["world"];
  return decideQuestion({
    world: context,
    voter: async (as) => ({ id: as, name: "Ada", email: "ada@example.com", via: "command" }),
    show: (state) => void shown.push(state),
    openTerminal: types === undefined ? undefined : () => openTerminal(input, output),
  })({ named, as: ada, decision, reason, yes });
};
const expectNothing = () => expect(world.engine.answers).toEqual([]);

test("every check is shown before the person is asked, and yes decides", async () => {
  const id = await ask();
  const result = await decide(toyModel, {
    types: "yes",
    meanwhile: async () => {
      expect(shown).toMatchObject([{ checks: checks.map(({ name }) => ({ name })) }]);
      expectNothing();
    },
  });
  expect(result).toEqual({ id, taken: true, sentence: "It is approved by Ada." });
  expect(world.engine.answers).toHaveLength(1);
});

test.each(["no", "", "n", "yes please", " "])("typing %j decides nothing", async (types) => {
  await ask();
  expect(await decide(toyModel, { types })).toBeUndefined();
  expectNothing();
});

test("Ctrl-C decides nothing, and ends the command as interrupted", async () => {
  await ask();
  await expect(decide(toyModel, { types: "\u0003" })).rejects.toMatchObject({
    name: "Interrupted",
    message: "Nothing was decided.",
  });
  expect(world.engine.answers).toEqual([]);
});

test("without a terminal nothing is decided unasked; --yes decides, and shows the checks all the same", async () => {
  await ask();
  await expect(decide(toyModel)).rejects.toThrow("add --yes to decide without being asked");
  expectNothing();
  // Whoever adds --yes then has seen every check.
  expect(shown).toHaveLength(1);
  expect(await decide(toyModel, { yes: true })).toMatchObject({ taken: true });
  expect(shown).toHaveLength(2);
});

describe("a rejection", () => {
  const decision = "rejected";
  test("without a reason is refused where nobody can be asked", async () => {
    await ask();
    for (const options of [{}, { yes: true }, { yes: true, types: "yes" }])
      await expect(decide(toyModel, { ...options, decision })).rejects.toThrow("requires --reason");
    // The sentence about the command line stands alone, not below a long question.
    expect(shown).toEqual([]);
    expectNothing();
  });

  test("takes the reason that the person types, and nothing typed decides nothing", async () => {
    await ask();
    expect(await decide(toyModel, { decision, types: " " })).toBeUndefined();
    expectNothing();
    expect(await decide(toyModel, { decision, types: "too early" })).toMatchObject({ taken: true });
    expect(world.engine.answers).toMatchObject([{ output: { status: "rejected", reason: "too early" } }]);
  });

  test.each([{ yes: true, reason: "no" }, { types: "no" }, { types: "yes", reason: "no" }])(
    "may have the reason no: %j",
    async (options) => {
      await ask();
      expect(await decide(toyModel, { decision, ...options })).toMatchObject({ taken: true });
      expect(world.engine.answers).toMatchObject([{ output: { reason: "no" } }]);
    },
  );

  test("with an unreadable reason asks nothing", async () => {
    await ask();
    await expect(decide(toyModel, { decision, reason: "\u200b", types: "yes" })).rejects.toThrow("--reason:");
    expect(shown).toEqual([]);
    expectNothing();
  });
});

describe("the question that a person names", () => {
  test("may be an approval's id, a delivery or a model", async () => {
    for (const [index, named] of ["id", "delivery", "model"].entries()) {
      const id = await ask(`toy-${index}`);
      const name = { id, delivery: `toy-${index}`, model: toyModel }[named] ?? "";
      expect(await decide(name, { yes: true })).toMatchObject({ id, taken: true });
    }
  });

  test("is named when a model has several, and nothing is decided", async () => {
    const ids = [await ask("toy-1"), await ask("toy-2", "d")];
    await expect(decide(toyModel, { yes: true })).rejects.toThrow(
      /has 2 open approvals: name one of toy~.*, toy~/,
    );
    expectNothing();
    expect(await decide(ids[1] ?? "", { yes: true })).toMatchObject({ id: ids[1], taken: true });
    expect(shown).toMatchObject([{ delivery: "toy-2" }]);
  });

  test("is the one that takes votes, beside one that is decided and not sent, and beside an expired one", async () => {
    const decided = await ask("toy-1");
    const vote = { user: ada, name: "Ada", verdict: "approved", reason: null } as const;
    await world.approvals.click(decided, { ...vote, at: world.time.now });
    world.time.now += 3_600_000;
    const open = await ask("toy-2", "d");
    expect(await decide(toyModel, { yes: true })).toMatchObject({ id: open, taken: true });
  });

  test("that is unknown is a mistake that names what is open; a wrong id says that it does not exist", async () => {
    await ask();
    await expect(decide("churn", { types: "yes" })).rejects.toThrow(
      "churn has no open approval (open: toy).",
    );
    expect(await decide("toy~nothing", { types: "yes" })).toMatchObject({
      taken: false,
      sentence: "This approval no longer exists.",
    });
    expect(shown).toEqual([]);
    expectNothing();
  });

  test("that is over is not asked about, and its name says who decided", async () => {
    const id = await ask();
    await decide(id, { yes: true });
    expect(await decide(id)).toMatchObject({ taken: false, sentence: "This was already approved by Ada." });
  });
});

describe("while the person is asked", () => {
  test("a withdrawal ends the question, and the answer does not count", async () => {
    const id = await ask();
    const meanwhile = () => world.approvals.withdraw(id, { name: "Superseded", cause: "a later commit" });
    expect(await decide(toyModel, { types: "yes", meanwhile })).toMatchObject({
      taken: false,
      sentence: "This approval was withdrawn.",
    });
    expect(world.engine.answers).toMatchObject([{ error: { name: "Superseded" } }]);
  });

  test("another person's decision holds, and is named", async () => {
    const id = await ask();
    const vote = { user: ada, name: "Bob", verdict: "rejected", reason: "no" } as const;
    const meanwhile = () => world.approvals.click(id, { ...vote, at: world.time.now });
    expect(await decide(toyModel, { types: "yes", meanwhile })).toMatchObject({
      taken: false,
      sentence: "This was already rejected by Bob.",
    });
  });

  test("the question may expire", async () => {
    await ask();
    const meanwhile = async () => {
      world.time.now += 3_600_000;
    };
    expect(await decide(toyModel, { types: "yes", meanwhile })).toMatchObject({ taken: false });
    expectNothing();
  });
});

import { setTimeout as pause } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { addCommand } from "#cli/add-command.ts";
import type { CommandContext } from "#cli/command-world.ts";
import { OrderRefused, UsageMistake } from "#cli/errors.ts";
import { exitCode } from "#cli/exit-code.ts";
import { formatCanaryLine, formatJudgement } from "#cli/format-canary-line.ts";
import { withWorld } from "#cli/open-world.ts";
import {
  addWorldOptions,
  jsonOption,
  parseDuration,
  parseModelName,
  type WorldOptions,
} from "#cli/options.ts";
import { paint, print, printJson } from "#cli/print.ts";
import { printQuestion } from "#cli/print-question.ts";
import { endProgress } from "#cli/progress.ts";
import { requireModel } from "#cli/require-model.ts";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import {
  describeInconclusive,
  findTypedConfirmation,
  isConfirmed,
} from "#domain/approval/typed-confirmation.ts";
import { findHold, holdLimits } from "#domain/canary/canary-control.ts";
import type { CanaryFacts } from "#domain/canary/canary-facts.ts";
import type { OrderRequest, OrderResult } from "#domain/canary/give-canary-order.ts";
import { readCanaryFacts } from "#domain/canary/read-canary-facts.ts";
import { submitCanaryOrder } from "#domain/canary/submit-canary-order.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";
import { NotRunning } from "#worlds/embedded/remote-deliveries.ts";
import { writeToStream } from "#worlds/embedded/write-to-stream.ts";

type World = CommandContext["world"];

/** How often the store is read while a canary is watched. */
const pollMs = 2_000;
const newestEntries = 10;

const parseHold = (text: string): number => {
  const ms = parseDuration(text);
  if (!(ms >= 60_000 && ms <= holdLimits.longestMs))
    throw new InvalidArgumentError("a hold takes from a minute (1m) to a day (24h)");
  return ms;
};

/** `slipway canary`: watches a canary; hold, go and abort give it an order, as Slack's buttons do. */
export const canaryCommand = (): Command => {
  const command = new Command("canary").description("watch a canary, hold it, let it go on, or abort it");
  addCommand(command, watchCommand(), { isDefault: true });
  const orders = [
    orderCommand("hold", "keep the canary at its share until an end; a failed check still rolls it back")
      .addOption(
        new Option("--for <time>", "how long: 30m, 2h or PT30M, at most 24h")
          .argParser(parseHold)
          .makeOptionMandatory(),
      )
      .addOption(reasonOption()),
    orderCommand(
      "go",
      "let a canary go on: ends its hold; without one asks the approvers whether it goes on inconclusive, or answers their open question",
    )
      .addOption(new Option("--yes", "vote for it where the approvers are asked already"))
      .addOption(
        new Option("--confirm <model>", "the model's name, with --yes: its checks are inconclusive"),
      ),
    orderCommand("abort", "end the canary: prod goes back to the previous version").addOption(reasonOption()),
  ];
  for (const order of orders) addCommand(command, order);
  return command;
};

const reasonOption = () =>
  new Option(
    "--reason <text>",
    "why: the message, the ledger and the data scientist show it",
  ).makeOptionMandatory();

/** The newest delivery of a model that gave, or gives, its version a share of prod. */
const findCanary = async (world: World, model: string, only: "running" | "any"): Promise<string> => {
  const entries = await world.ledger.entries("prod", model, newestEntries);
  if (entries.length === 0)
    throw new UsageMistake(`prod serves no version of ${model}: \`slipway status\` lists the models.`);
  const isCanary = ({ status, shares }: (typeof entries)[number]) =>
    status === "canary" || (only === "any" && shares.some(({ percent }) => percent > 0 && percent < 100));
  const found = entries.find(({ status }) => status === "canary") ?? entries.find(isCanary);
  if (!found)
    throw new NoCanary(`no canary of ${model} is running: \`slipway status ${model}\` shows what is.`);
  return found.delivery;
};

/** There is nothing to watch, or to give an order about. */
class NoCanary extends Error {
  override readonly name = "NoCanary";
}

const watchCommand = (): Command =>
  addWorldOptions(new Command("watch"))
    .description(
      "show a canary on one line that is rewritten in place, until it ends; without a terminal one line per judgement",
    )
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--once", "print its state once, and exit"))
    .addOption(jsonOption("the canary's state, judgements and orders, once"))
    .action((model: string, { once, json, ...options }: { once?: boolean; json?: boolean } & WorldOptions) =>
      withWorld(options, async (context) => {
        const { world, running, where } = context;
        await requireModel(context, model);
        const delivery = await findCanary(world, model, "any");
        const read = async (): Promise<CanaryFacts> => {
          const facts = await readCanaryFacts(world)(model, delivery);
          if (!facts) throw new NoCanary(`${delivery} has no canary.`);
          return facts;
        };
        const facts = await read();
        const isStopped = !running && !isOver(facts);
        if (json) return printJson({ ...facts, running });
        if (once) {
          print(formatCanaryLine(facts, world.clock()));
          if (isStopped) print(`${paint("yellow", "!")} ${where}`);
          return;
        }
        if (isStopped)
          throw new NotRunning(
            `no rehearsal runs on this folder, so this canary stands still: start one with \`npm start\` (\`slipway canary ${model} --once\` shows where it stopped).`,
          );
        const last = await follow(read, world.clock, process.stdout.isTTY === true);
        if (last.status === "ended") process.exitCode = exitCode.failed;
      }),
    );

const isOver = ({ status }: CanaryFacts): boolean => status === "promoted" || status === "ended";

/** Rewrites one line on a terminal; otherwise prints each judgement once, and the end. */
const follow = async (
  read: () => Promise<CanaryFacts>,
  clock: () => number,
  isTerminal: boolean,
): Promise<CanaryFacts> => {
  for (let told = -1; ; ) {
    const facts = await read();
    // The line of progress would stay beside this one.
    endProgress();
    if (isTerminal) {
      const line = escapeTerminalLine(formatCanaryLine(facts, clock(), (process.stdout.columns || 80) - 1));
      writeToStream(process.stdout, `\r\u001b[2K${isOver(facts) ? "" : line}`);
    } else
      for (const look of facts.looks.filter(({ index }) => index > told)) {
        told = look.index;
        const line = formatJudgement(facts.model, look);
        if (line !== undefined) print(escapeTerminalLine(line));
      }
    if (isOver(facts)) {
      print(escapeTerminalLine(formatCanaryLine(facts, clock())));
      return facts;
    }
    await pause(pollMs);
  }
};

type OrderOptions = WorldOptions & {
  readonly as: string;
  readonly for?: number;
  readonly reason?: string;
  readonly yes?: boolean;
  readonly confirm?: string;
  readonly json?: boolean;
};

type OrderName = "hold" | "go" | "abort";

const toRequest = (
  kind: OrderName,
  { for: forMs = 0, reason = "", confirm }: OrderOptions,
): Exclude<OrderRequest, { kind: "end-hold" }> => {
  if (kind === "go") return { kind, confirmation: confirm };
  const parsed = parseRejectionReason(reason);
  if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
  return kind === "hold" ? { kind, forMs, reason: parsed.reason } : { kind, reason: parsed.reason };
};

const orderCommand = (kind: OrderName, description: string): Command =>
  addWorldOptions(new Command(kind))
    .description(description)
    .argument("<model>", "the model", parseModelName)
    .addOption(new Option("--as <user>", "your Slack user id").makeOptionMandatory())
    .addOption(jsonOption("whether the order was taken, and what follows"))
    .action((model: string, options: OrderOptions) =>
      withWorld(options, async (context) => {
        const { world, running, voter } = context;
        const typed = toRequest(kind, options);
        await requireModel(context, model);
        if (!running)
          throw new NotRunning(
            "no rehearsal runs on this folder, so no canary takes an order: start one with `npm start`.",
          );
        const delivery = await findCanary(world, model, "running");
        const isHeld = findHold(await world.canaries.read(delivery), world.clock()) !== undefined;
        const request: OrderRequest = kind === "go" && isHeld ? { kind: "end-hold" } : typed;
        const { id, name = id, ...rest } = await voter(options.as);
        const person = { user: id, name, ...rest };
        const result =
          (request.kind === "go" ? await showQuestion(world, delivery, person, options) : undefined) ??
          (await submitCanaryOrder(world)(delivery, request, person));
        const sentence = escapeControls(result.sentence);
        if (!result.taken) throw new OrderRefused(sentence);
        if (options.json) return printJson({ model, delivery, order: request.kind, ...result });
        print(`${paint("green", "✓")} ${sentence}`);
      }),
    );

/**
 * Before "go" answers an open question, its evidence is shown, and the vote is confirmed as an approval's. Undefined: it is,
 * or nothing is asked.
 */
const showQuestion = async (
  { approvals, messages }: World,
  delivery: string,
  { user }: { readonly user: string },
  { json, yes, confirm }: OrderOptions,
): Promise<OrderResult | undefined> => {
  const question = (await approvals.ofDelivery(delivery)).at(-1);
  if (!question?.canary || question.state.status !== "pending") return undefined;
  const typed = findTypedConfirmation(question);
  if (yes && isConfirmed(typed, confirm)) return undefined;
  const state = await messages.state(delivery);
  if (state && !json) printQuestion(state);
  const why = typed ? `, and ${describeInconclusive(typed)}` : "";
  const command = `slipway canary go ${question.model} --as ${user} --yes${typed ? ` --confirm ${typed.phrase}` : ""}`;
  return {
    taken: false,
    sentence: `The approvers are asked whether this canary goes on without a verdict${why}. Approve it with \`${command}\`, or answer in Slack.`,
  };
};

import { setTimeout } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { dataOption, parseModelName } from "#cli/options.ts";
import { paint, print, printError, printTable } from "#cli/print.ts";
import { endProgress, showProgress } from "#cli/progress.ts";
import { requireModel } from "#cli/require-model.ts";
import { describeEvent } from "#domain/events/describe-event.ts";
import { detailTypes } from "#platform/events/events.ts";
import type { PublishedEvent } from "#platform/events/sqlite.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";

const pollMs = 500;

const parseLimit = (text: string): number => {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    throw new InvalidArgumentError("write a number from 1 to 1000");
  return limit;
};

type Options = {
  readonly data?: string;
  readonly model?: string;
  readonly limit: number;
  readonly follow?: boolean;
  readonly json?: boolean;
};

const printEvents = (events: readonly PublishedEvent[], { json, follow }: Options): void => {
  // A line each, so that a program can read them while they come.
  if (json) for (const { event } of events) print(JSON.stringify(event));
  else if (follow)
    for (const { event } of events)
      print(
        escapeControls(`${event.at}  ${detailTypes[event.type]}  ${event.model}  ${describeEvent(event)}`),
      );
  else
    printTable(
      ["at", "event", "model", "what"],
      events.map(({ event }) => [event.at, detailTypes[event.type], event.model, describeEvent(event)]),
      { least: ["event"] },
    );
};

/** `slipway events`: the embedded world's bus. On AWS subscribers add a rule to the bus. */
export const eventsCommand = (): Command =>
  new Command("events")
    .description("list the events that subscribers get on AWS, oldest first (docs/events.md)")
    .addOption(dataOption())
    .addOption(new Option("--model <name>", "only events of this model").argParser(parseModelName))
    .addOption(new Option("--limit <n>", "the most events to print").default(20).argParser(parseLimit))
    .addOption(new Option("--follow", "go on and print each new event, until Ctrl-C"))
    .addOption(new Option("--json", "print a line of JSON for each event"))
    .action(async (options: Options) => {
      showProgress("Reading the data folder");
      const { withEmbeddedWorld } = await import("#cli/open-embedded-world.ts");
      await withEmbeddedWorld(options.data, async (context) => {
        const { world } = context;
        // What another command of this folder wrote while no rehearsal runs.
        await world.outbox.publishPending();
        const isWanted = ({ event }: PublishedEvent) =>
          options.model === undefined || event.model === options.model;
        const latest = world.events.latest(1_000);
        const first = latest.filter(isWanted).slice(-options.limit);
        // A model with events is known.
        if (first.length === 0 && options.model !== undefined) await requireModel(context, options.model);
        if (first.length === 0 && !options.json && !options.follow)
          return print(
            `No event${options.model === undefined ? "" : ` of ${options.model}`} was published yet.`,
          );
        endProgress();
        printEvents(first, options);
        if (options.follow && !context.running)
          printError(`${paint("yellow", "!")} ${context.where} Until then only other commands cause events.`);
        for (let position = latest.at(-1)?.position ?? 0; options.follow; await setTimeout(pollMs)) {
          const next = world.events.after(position, 1_000);
          position = next.at(-1)?.position ?? position;
          printEvents(next.filter(isWanted), options);
        }
      });
    });

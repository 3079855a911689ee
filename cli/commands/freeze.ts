import { Command, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { UsageMistake } from "#cli/errors.ts";
import { withWorld } from "#cli/open-world.ts";
import {
  addWorldOptions,
  isDurationText,
  jsonOption,
  parseDuration,
  parseModelName,
  type WorldOptions,
} from "#cli/options.ts";
import { print, printJson, printTable } from "#cli/print.ts";
import { requireModel } from "#cli/require-model.ts";
import { parseRejectionReason } from "#domain/approval/parse-rejection-reason.ts";
import { everyModel, type Freeze } from "#domain/changes/freezes.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";

type Until = { readonly kind: "time" | "duration"; readonly ms: number };
type Options = WorldOptions & { readonly all?: boolean; readonly json?: boolean };

const longestMs = 366 * 86_400_000;

/** `2026-12-27T08:00:00+01:00`, or a duration from now on (`12h`, `PT12H`). */
const parseUntil = (text: string): Until => {
  if (isDurationText(text)) return { kind: "duration", ms: parseDuration(text) };
  if (!z.iso.datetime({ offset: true, precision: undefined, local: false }).safeParse(text).success)
    throw new InvalidArgumentError(
      "write a time with its offset (2026-12-27T08:00:00+01:00) or a duration (12h, 3d, PT12H)",
    );
  return { kind: "time", ms: Date.parse(text) };
};

const formatTime = (at: number): string => new Date(at).toISOString();
const formatScope = (scope: string): string => (scope === everyModel ? "all models" : scope);
const toJson = ({ scope, until, at, lifted, ...freeze }: Freeze) => ({
  models: scope === everyModel ? "all" : [scope],
  until: formatTime(until),
  ...freeze,
  at: formatTime(at),
  ...(lifted && { lifted: { by: lifted.by, at: formatTime(lifted.at) } }),
});

const selectScope = (model: string | undefined, all: boolean | undefined): string => {
  if (model !== undefined && all) throw new UsageMistake("name a model or --all, not both.");
  if (model === undefined && !all) throw new UsageMistake("name a model, or --all for all of them.");
  return model ?? everyModel;
};

const allOption = () => new Option("--all", "all models");

/** `slipway freeze`: no delivery changes prod until a time; without a model it lists what is frozen. */
export const freezeCommand = (): Command =>
  addWorldOptions(new Command("freeze"))
    .description(
      "let no delivery change prod of a model until a time (rollbacks still do); without a model list what is frozen",
    )
    .argument("[model]", "the model", parseModelName)
    .addOption(allOption())
    .addOption(
      new Option("--until <time>", "a time with its offset, or a duration like 12h or P3D").argParser(
        parseUntil,
      ),
    )
    .addOption(new Option("--reason <text>", "why, for those who wait"))
    .addOption(jsonOption("the freeze and the one that it replaced; without a model a list of freezes"))
    .action(
      (
        model: string | undefined,
        { all, until, reason, json, ...options }: Options & { until?: Until; reason?: string },
      ) =>
        withWorld(options, async (context) => {
          const { world, operator } = context;
          if (model === undefined && !all && until === undefined && reason === undefined) {
            const freezes = await world.freezes.list();
            if (json) return printJson(freezes.map(toJson));
            if (freezes.length === 0) return print("Nothing is frozen.");
            return printTable(
              ["models", "until", "by", "reason"],
              freezes.map((each) => [
                formatScope(each.scope),
                formatTime(each.until),
                each.by.name,
                each.reason,
              ]),
            );
          }
          const scope = selectScope(model, all);
          if (until === undefined || reason === undefined)
            throw new UsageMistake("a freeze needs --until <time> and --reason <text>.");
          const parsed = parseRejectionReason(reason);
          if ("problem" in parsed) throw new UsageMistake(`--reason: ${parsed.problem}`);
          const now = world.clock();
          const end = until.kind === "time" ? until.ms : now + until.ms;
          if (end <= now) throw new UsageMistake(`--until ${formatTime(end)} is over already.`);
          if (end - now > longestMs) throw new UsageMistake("a freeze is at most 366 days long.");
          if (model !== undefined) await requireModel(context, model);
          const by = await operator();
          const freeze = { scope, until: end, reason: parsed.reason, by };
          const before = await world.freezes.freeze(freeze);
          await world.audit.recordFreezes(scope);
          if (json)
            return printJson({
              ...toJson({ ...freeze, at: now, lifted: null }),
              replaced: before ? toJson(before) : null,
            });
          print(`Frozen until ${formatTime(end)}: ${formatScope(scope)}. Rollbacks stay possible.`);
          if (before)
            print(
              escapeControls(
                `It replaces the freeze until ${formatTime(before.until)} by ${before.by.name}: ${before.reason}`,
              ),
            );
        }),
    );

/** `slipway unfreeze`: ends a freeze early. */
export const unfreezeCommand = (): Command =>
  addWorldOptions(new Command("unfreeze"))
    .description("end a freeze before its time; one of all models and one of a model are separate")
    .argument("[model]", "the model", parseModelName)
    .addOption(allOption())
    .addOption(jsonOption("the freeze that ended"))
    .action((model: string | undefined, { all, json, ...options }: Options) =>
      withWorld(options, async (context) => {
        const { world, running, operator } = context;
        const scope = selectScope(model, all);
        const ended = await world.freezes.unfreeze(scope, await operator());
        if (!ended) {
          if (model !== undefined) await requireModel(context, model);
          const others = (await world.freezes.list()).map((each) => formatScope(each.scope));
          throw new UsageMistake(
            `${formatScope(scope)} ${scope === everyModel ? "are" : "is"} not frozen${others.length === 0 ? "." : ` (frozen: ${others.join(", ")}).`}`,
          );
        }
        await world.audit.recordFreezes(scope);
        if (json) return printJson(toJson(ended));
        print(
          `No longer frozen: ${formatScope(scope)}. Deliveries that wait go on ${running ? "at their next look" : "once a rehearsal runs: start one with `npm start`"}.`,
        );
      }),
    );

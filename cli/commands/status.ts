import { setTimeout } from "node:timers/promises";
import { Command, Option } from "commander";
import type { CommandContext } from "#cli/command-world.ts";
import { formatAge } from "#cli/format-age.ts";
import { withWorld } from "#cli/open-world.ts";
import { addWorldOptions, jsonOption, parseModelName, type WorldOptions } from "#cli/options.ts";
import { clearTerminal, paint, print, printJson, printTable } from "#cli/print.ts";
import { endProgress } from "#cli/progress.ts";
import { requireModel } from "#cli/require-model.ts";
import { formatAge as formatDistance } from "#console/format-age.ts";
import { findHold } from "#domain/canary/canary-control.ts";
import { everyModel } from "#domain/changes/freezes.ts";
import { readDeliveryModel } from "#domain/delivery/read-delivery-model.ts";
import { readStateWait } from "#domain/delivery/read-state-wait.ts";
import { formatRejection } from "#domain/message/format-rejection.ts";
import { nameRollbackPerson } from "#domain/message/name-rollback-person.ts";
import type { Execution, StateEvent } from "#platform/deliveries/deliveries.ts";
import { environments } from "#platform/serving/serving.ts";
import { escapeTerminalLine } from "#untrusted/escape-for-terminal.ts";

type Options = { readonly json?: boolean; readonly watch?: boolean } & WorldOptions;

/** On AWS each look is some twenty calls. */
const watchIntervalMs = { embedded: 2_000, aws: 15_000 } as const;

/** `slipway status`: what each environment serves, the newest deliveries, open approvals. */
export const statusCommand = (): Command =>
  addWorldOptions(new Command("status"))
    .description("show what each environment serves, the newest deliveries, and open approvals")
    .argument("[model]", "only this model", parseModelName)
    .addOption(
      new Option(
        "--watch",
        "go on until Ctrl-C: a terminal is redrawn, a pipe gets the whole status again after each change",
      ),
    )
    .addOption(
      jsonOption("running, serving, deliveries, approvals, freezes; with --watch one line for each change"),
    )
    .action((model: string | undefined, { json, watch, ...options }: Options) => {
      const read = () =>
        withWorld(options, async (context) => {
          if (model !== undefined) await requireModel(context, model);
          return { where: context.where, status: await readStatus(context, model) };
        });
      return watch
        ? watchStatus(read, options.world ?? "embedded", json ?? false)
        : showOnce(read, json ?? false);
    });

type ReadStatus = () => Promise<{ readonly where: string; readonly status: Status }>;

const showOnce = async (read: ReadStatus, json: boolean): Promise<void> => {
  const { where, status } = await read();
  if (json) printJson(status);
  else printStatus(status, where);
};

/** Opens the world for each look, because a rehearsal may start or stop in between. */
const watchStatus = async (read: ReadStatus, world: "embedded" | "aws", json: boolean): Promise<never> => {
  const isTerminal = process.stdout.isTTY && !json;
  for (let shown: string | undefined; ; await setTimeout(watchIntervalMs[world])) {
    const { where, status } = await read();
    endProgress();
    const line = JSON.stringify(status);
    // A terminal is redrawn anyway, because the ages grow.
    if (line === shown && !isTerminal) continue;
    if (isTerminal) clearTerminal();
    else if (shown !== undefined && !json) print("");
    shown = line;
    if (json) print(line);
    else printStatus(status, where);
  }
};

const styles = { promoted: "green", unchanged: "green", failed: "red" } as const;
const paintOutcome = (outcome: string | null): string => {
  const style = Object.entries(styles).find(([name]) => name === outcome)?.[1];
  return style === undefined ? (outcome ?? "") : paint(style, outcome ?? "");
};

/** `2026-12-27 08:00 UTC, in 3 h` */
const formatEnd = (at: string): string =>
  `${at.slice(0, 16).replace("T", " ")} UTC, ${formatDistance(Date.parse(at), Date.now())}`;

/** An expired approval is open until the sweep ends its delivery, up to a minute later. */
export const describeApproval = (
  { id, delivery, expiresAt }: Pick<Status["approvals"][number], "id" | "delivery" | "expiresAt">,
  running: boolean,
  now: number,
): string => {
  if (!running) return `${delivery} needs approval (${id}), once a rehearsal runs`;
  return Date.parse(expiresAt) <= now
    ? `${delivery} was not approved in time (${id}): expired, being ended`
    : `${delivery} needs approval (${id}) until ${formatEnd(expiresAt)}`;
};

const formatWait = ({ why, until }: NonNullable<Status["deliveries"][number]["waits"]>): string =>
  escapeTerminalLine(until === null ? why : `${why}; until ${formatEnd(until)}`);

/** A wait has a line of its own, with why and until when. */
const describeState = ({ state, since, waits }: Status["deliveries"][number], running: boolean): string => {
  if (state === null) return "";
  if (!running) return waits ? "stopped while it waits" : `stopped in ${state}`;
  const age = since === null ? "" : ` for ${formatAge(Date.parse(since), Date.now()).replace(/ ago$/, "")}`;
  return waits ? "waits" : `${state}${age}`;
};

const formatScope = (scope: string): string => (scope === everyModel ? "all models are" : `${scope} is`);

const printStatus = ({ running, serving, deliveries, approvals, freezes }: Status, where: string): void => {
  if (serving.length === 0) print("No environment serves a model yet.");
  else
    printTable(
      ["model", "environment", "version", "image", "share", "url"],
      serving.map((row) => [
        row.model,
        row.environment,
        String(row.version),
        row.digest.slice(0, 19),
        `${row.percent} %`,
        row.url ?? "(stopped)",
      ]),
      { least: ["image"] },
    );
  if (deliveries.length > 0) {
    print("");
    printTable(
      ["delivery", "started", "state", "outcome", "error"],
      deliveries.map((row) => [
        row.delivery,
        formatAge(Date.parse(row.startedAt), Date.now()),
        describeState(row, running),
        row.rolledBackBy === undefined
          ? paintOutcome(row.outcome)
          : paint("yellow", `rolled back by ${nameRollbackPerson(row.rolledBackBy)}`),
        row.error?.name ?? "",
      ]),
      { least: ["error", "started"] },
    );
  }
  for (const { scope, until, reason, by } of freezes)
    print(
      `${paint("yellow", "…")} prod is closed: ${formatScope(scope)} frozen by ${escapeTerminalLine(by)}: ${escapeTerminalLine(reason)}; until ${formatEnd(until)}`,
    );
  for (const { delivery, waits } of deliveries)
    if (waits) print(`${paint("yellow", "…")} ${delivery} waits: ${formatWait(waits)}`);
  for (const { id, delivery, expiresAt, rejectedBefore } of approvals) {
    print(`${paint("yellow", "?")} ${describeApproval({ id, delivery, expiresAt }, running, Date.now())}`);
    if (rejectedBefore) print(`  ${escapeTerminalLine(formatRejection(rejectedBefore))}`);
  }
  print(running ? paint("dim", where) : `${paint("yellow", "!")} ${where}`);
};

const maxShownDeliveries = 10;

/** Other models' deliveries may be newer; a model whose last delivery is older than this many is shown without one. */
const maxReadDeliveries = 100;

/** The newest deliveries, of one model or of all. */
const listDeliveries = async (
  { deliveries }: Pick<CommandContext["world"], "deliveries">,
  only: string | undefined,
): Promise<readonly Execution[]> => {
  const found: Execution[] = [];
  let after: string | undefined;
  let read = 0;
  do {
    const page = await deliveries.list({
      limit: maxShownDeliveries,
      ...(after === undefined ? {} : { after }),
    });
    read += page.executions.length;
    after = page.cursor;
    found.push(
      ...page.executions.filter(({ name }) => only === undefined || readDeliveryModel(name) === only),
    );
  } while (after !== undefined && found.length < maxShownDeliveries && read < maxReadDeliveries);
  return found.slice(0, maxShownDeliveries);
};

/** Why a delivery does not change prod now, and until when. Undefined: nothing holds it. */
const readWait = async (
  { messages, canaries, clock }: Pick<CommandContext["world"], "messages" | "canaries" | "clock">,
  delivery: string,
  history: readonly StateEvent[],
): Promise<{ readonly why: string; readonly until: string | null } | undefined> => {
  const toIso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  // The stored hold tells a closed prod also to a canary, and its end as it is now.
  const message = await messages.state(delivery);
  if (message?.held) return { why: `prod is closed: ${message.held.why}`, until: toIso(message.held.until) };
  const hold = message?.canary && findHold(await canaries.read(delivery), clock());
  if (hold)
    return {
      why: `${hold.name} holds the canary at ${message.canary?.percent} %: ${hold.reason}`,
      until: toIso(hold.until),
    };
  const last = history.at(-1);
  const output = history.findLast((event) => event.output !== undefined)?.output;
  const wait = last && /^(AwaitProd|ClaimProd)$/.test(last.state) && readStateWait("ClaimProd", output);
  return wait ? { why: wait.why, until: toIso(wait.until) } : undefined;
};

type Serving = {
  readonly model: string;
  readonly environment: "stage" | "prod";
  readonly version: number;
  readonly digest: string;
  readonly percent: number;
  /** null: no rehearsal runs, so nothing listens. */
  readonly url: string | null;
};

type Status = Awaited<ReturnType<typeof readStatus>>;

const readStatus = async ({ world, running, modelUrl }: CommandContext, only: string | undefined) => {
  const serving: Serving[] = [];
  for (const environment of environments)
    for (const model of await world.serving[environment].models()) {
      if (only !== undefined && model !== only) continue;
      const live = await world.serving[environment].live(model);
      if (!live) continue;
      const canary = live.canary ? Math.round(live.canary.weight * 100) : 0;
      for (const [version, percent] of [
        [live.version, 100 - canary],
        ...(live.canary ? [[live.canary.version, canary] as const] : []),
      ] as const) {
        const config = (await world.serving[environment].version(model, version))?.config;
        if (!config) continue;
        serving.push({
          model,
          environment,
          version: Number(config.variables.SLIPWAY_MODEL_VERSION),
          digest: config.digest,
          percent,
          url: running ? modelUrl(environment, model) : null,
        });
      }
    }
  const executions = await listDeliveries(world, only);
  const deliveries = await Promise.all(
    executions.map(async ({ name, status, startedAt, error }) => {
      const outcome = await world.outcomes.read(name);
      const history = status === "RUNNING" ? await world.deliveries.history(name) : [];
      const last = history.at(-1);
      const waits = status === "RUNNING" ? await readWait(world, name, history) : undefined;
      const cause = outcome ? outcome.error : error;
      return {
        delivery: name,
        startedAt,
        state: status === "RUNNING" ? (last?.state ?? "starting") : null,
        /** When this state began; null: it waits, so that states follow each other for nothing, or it has ended. */
        since: last?.status === "entered" && !waits ? last.at : null,
        ...(waits && { waits }),
        outcome: outcome?.outcome ?? (status === "RUNNING" ? null : "failed"),
        ...(outcome?.rolledBackBy === undefined ? {} : { rolledBackBy: outcome.rolledBackBy }),
        ...(cause ? { error: cause } : {}),
      };
    }),
  );
  const approvals = (await world.approvals.open(only)).map(({ id, delivery, rule, expiresAt, evidence }) => ({
    id,
    delivery,
    approvers: rule.approvers,
    expiresAt: new Date(expiresAt).toISOString(),
    ...(evidence.rejectedBefore && { rejectedBefore: evidence.rejectedBefore }),
  }));
  const freezes = (await world.freezes.list())
    .filter(({ scope }) => only === undefined || scope === only || scope === everyModel)
    .map(({ scope, until, reason, by }) => ({
      ...{ scope, until: new Date(until).toISOString(), reason, by: by.name },
    }));
  return { running, serving, deliveries, approvals, freezes };
};

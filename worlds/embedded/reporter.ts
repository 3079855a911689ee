import { styleText } from "node:util";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import { readDeliveryModel } from "#domain/delivery/read-delivery-model.ts";
import type { StateWait } from "#domain/delivery/read-state-wait.ts";
import type { Omission, Verdict } from "#domain/gates/verdict.ts";
import type { StateEvent } from "#platform/deliveries/deliveries.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { explainRemedy } from "#statemachine/explain-remedy.ts";
import { escapeControls } from "#untrusted/escape-controls.ts";
import { escapeForTerminal } from "#untrusted/escape-for-terminal.ts";
import { prefixContinuationLines } from "#untrusted/prefix-continuation-lines.ts";
import { writeToStream } from "./write-to-stream.ts";

/** The events of a rehearsal; `--json` prints them, one per line. */
export type EmbeddedWorldEvent =
  | {
      readonly event: "state";
      readonly delivery: string;
      readonly state: string;
      readonly status: StateEvent["status"];
      readonly ms: number;
      /** Of a state that judges: "fail" where a gate failed, although the state itself succeeded. */
      readonly verdict?: Verdict;
      /** Names of the checks that failed. */
      readonly failed?: readonly string[];
      /** Set where nothing could be checked: what, why, and what to do about it. */
      readonly omitted?: readonly Omission[];
      /** Set where the delivery goes on only later: the state runs again until then. */
      readonly waits?: StateWait;
    }
  | {
      readonly event: "question";
      readonly delivery: string;
      readonly desk: string;
      readonly callbackUrl: string;
    }
  | {
      readonly event: "serving";
      readonly environment: Environment;
      readonly model: string;
      readonly version: number;
      readonly digest: string;
      readonly url: string;
    }
  | {
      readonly event: "outcome";
      readonly delivery: string;
      readonly outcome: Outcome;
      /** Name and cause of the error of a failed delivery. */
      readonly error?: string;
      readonly cause?: string;
      /** The person's rollback that ended it: who and why. */
      readonly rolledBackBy?: string;
    };

/** The output of a rehearsal: events, and messages for a person. */
export type Reporter = {
  event(event: EmbeddedWorldEvent): void;
  say(message: string): void;
};

/** Events on stdout, one JSON object per line; messages on stderr. */
export const createJsonReporter = (): Reporter => ({
  event: (event) => writeToStream(process.stdout, `${escapeControls(JSON.stringify(event))}\n`),
  say: (message) => writeToStream(process.stderr, `${escapeForTerminal(message)}\n`),
});

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal without NO_COLOR, otherwise plain. */
const paint = (style: Style, text: string) => styleText(style, text, { stream: process.stdout });

const formatMs = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** States that the terminal leaves out: choices and notes take no time, and the state before a wait says what for. */
const quietStates =
  /^(Is|Has|Needs|Start|Mark|Name|Gate|Canary|Promoted|Unchanged|Rejected|Expired|Superseded|Failed|Deliver|RollBackFailed|Await|HoldResumedCanary$)/;

type StateOfDelivery = Extract<EmbeddedWorldEvent, { event: "state" }>;

/** A round of a canary between two judgements, so that people's orders act soon. */
const isWaitingRound = ({ state, status, verdict }: StateOfDelivery): boolean =>
  state === "JudgeCanary" && status === "succeeded" && verdict === undefined;

/** What a state's line begins with. */
const chooseMark = ({ status, verdict, omitted, waits }: StateOfDelivery): string => {
  if (status === "failed") return paint("red", "✗");
  if (status === "caught") return paint("yellow", "!");
  if (status === "retried") return paint("yellow", "↻");
  if (waits) return paint("yellow", "…");
  if (omitted) return paint("yellow", "–");
  if (verdict === "fail") return paint("red", "✗");
  return verdict === "inconclusive" ? paint("yellow", "?") : paint("green", "✓");
};

const formatWait = ({ why, until }: StateWait): string =>
  escapeControls(
    `waits: ${why}${until === null ? "" : `; until ${new Date(until).toISOString().slice(0, 16).replace("T", " ")} UTC`}`,
  );

/**
 * One line for each state that ends, with its duration. While deliveries of several models are on their way, and until the
 * last of them has ended, every line names its model.
 */
export const createTerminalReporter = (
  write: (text: string) => void = (text) => writeToStream(process.stdout, text),
): Reporter => {
  const say = (line: string) => write(`${escapeForTerminal(line)}\n`);
  const open = new Set<string>();
  let isNaming = false;
  /** What each delivery waits for, as its last line says. */
  const waiting = new Map<string, string>();
  /** How long the canary of each delivery has baked since its last judgement: many rounds are one line. */
  const bakes = new Map<string, number>();
  /** The state whose failure was a delivery's last line; its catch adds nothing. */
  const failures = new Map<string, string>();
  /** A delivery's model, or its whole name where another delivery of that model is on its way. */
  const chooseName = (delivery: string): string => {
    const model = readDeliveryModel(delivery);
    const isAlone = [...open].every((other) => other === delivery || readDeliveryModel(other) !== model);
    return escapeControls(isAlone ? model : delivery);
  };
  /** The name of a delivery while there are several, aligned in a column. */
  const nameModel = (delivery: string): string => {
    if (!isNaming) return "";
    const width = Math.max(...[...open, delivery].map((each) => chooseName(each).length));
    return `${chooseName(delivery).padEnd(width)}  `;
  };
  return {
    say,
    event: (event) => {
      switch (event.event) {
        case "state": {
          open.add(event.delivery);
          isNaming ||= open.size > 1;
          if (quietStates.test(event.state) || event.status === "entered") return;
          if (event.status === "succeeded" && event.state === "Bake") {
            bakes.set(event.delivery, (bakes.get(event.delivery) ?? 0) + event.ms);
            return;
          }
          if (isWaitingRound(event)) return;
          const baked = bakes.get(event.delivery);
          if (baked !== undefined && bakes.delete(event.delivery))
            say(
              `  ${paint("green", "✓")} ${nameModel(event.delivery)}${"Bake".padEnd(16)} ${paint("dim", formatMs(baked))}`,
            );
          if (event.status === "caught" && failures.get(event.delivery) === event.state) return;
          if (event.status === "failed") failures.set(event.delivery, event.state);
          else failures.delete(event.delivery);
          const wait = event.waits && formatWait(event.waits);
          if (wait !== undefined && wait === waiting.get(event.delivery)) return;
          if (wait === undefined) waiting.delete(event.delivery);
          else waiting.set(event.delivery, wait);
          const notes = [
            ...(event.status === "retried" ? ["retrying"] : []),
            ...(event.omitted
              ? [
                  `not checked: ${event.omitted.map(({ name, why }) => escapeControls(`${name} (${why})`)).join(", ")}`,
                ]
              : event.verdict === "inconclusive"
                ? ["inconclusive"]
                : []),
            ...(event.verdict === "fail"
              ? [`failed: ${(event.failed ?? []).map(escapeControls).join(", ")}`]
              : []),
          ];
          say(
            `  ${chooseMark(event)} ${nameModel(event.delivery)}${escapeControls(event.state).padEnd(16)} ${wait ?? `${paint("dim", formatMs(event.ms))}${notes.map((note) => ` ${note}`).join("")}`}`,
          );
          for (const { remedy } of event.omitted ?? [])
            if (remedy !== undefined) say(`      → ${escapeControls(remedy)}`);
          return;
        }
        case "question":
          return say(
            `  ${paint("yellow", "?")} ${paint("bold", `${event.delivery} needs approval:`)} ${paint("cyan", escapeControls(event.desk))}`,
          );
        case "serving":
          return say(
            `  ${paint("cyan", "→")} ${event.environment} serves ${escapeControls(event.model)} v${event.version} ${paint("dim", event.digest.slice(0, 19))}`,
          );
        case "outcome": {
          const isGood = event.outcome === "promoted" || event.outcome === "unchanged";
          const model = nameModel(event.delivery);
          open.delete(event.delivery);
          waiting.delete(event.delivery);
          bakes.delete(event.delivery);
          failures.delete(event.delivery);
          isNaming &&= open.size > 0;
          say(
            `  ${model}${paint(isGood ? "green" : event.outcome === "failed" ? "red" : "yellow", event.rolledBackBy === undefined ? event.outcome : escapeControls(`rolled back by ${event.rolledBackBy}`))}${event.error ? `: ${paint("red", escapeControls(event.error))} ${prefixContinuationLines(event.cause ?? "")}` : ""}`,
          );
          return event.error
            ? say(
                `  ${paint("bold", "What to do:")} ${explainRemedy({ name: event.error, cause: event.cause }, readDeliveryModel(event.delivery))}\n`,
              )
            : say("");
        }
        default:
          event satisfies never;
      }
    },
  };
};

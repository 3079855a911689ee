import { styleText } from "node:util";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import type { StateEvent } from "#platform/deliveries/deliveries.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { findRemedy } from "#statemachine/remedies.ts";
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

/** States that the terminal leaves out: choices and notes take no time. */
const quietStates =
  /^(Is|Has|Needs|Start|Mark|Name|Gate|Canary|Promoted|Unchanged|Rejected|Expired|Superseded|Failed|Deliver|RollBackFailed)/;

/** One line for each state that ends, with its duration. */
export const createTerminalReporter = (): Reporter => {
  const say = (line: string) => writeToStream(process.stdout, `${escapeForTerminal(line)}\n`);
  return {
    say,
    event: (event) => {
      switch (event.event) {
        case "state": {
          if (quietStates.test(event.state) || event.status === "entered") return;
          const marks = {
            succeeded: paint("green", "✓"),
            failed: paint("red", "✗"),
            retried: paint("yellow", "↻"),
            caught: paint("yellow", "!"),
          };
          const mark =
            event.status === "caught" || event.status === "retried" || event.status === "failed"
              ? marks[event.status]
              : marks.succeeded;
          return say(
            `  ${mark} ${escapeControls(event.state).padEnd(16)} ${paint("dim", formatMs(event.ms))}${event.status === "retried" ? " retrying" : ""}`,
          );
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
          say(
            `  ${paint(isGood ? "green" : "yellow", event.outcome)}${event.error ? `: ${paint("red", escapeControls(event.error))} ${prefixContinuationLines(event.cause ?? "")}` : ""}`,
          );
          return event.error
            ? say(`  ${paint("bold", "What to do:")} ${findRemedy(event.error)}\n`)
            : say("");
        }
        default:
          event satisfies never;
      }
    },
  };
};

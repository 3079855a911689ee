import { styleText } from "node:util";
import type { Outcome } from "#domain/delivery/outcomes.ts";
import type { StateEvent } from "#platform/deliveries/deliveries.ts";
import type { Environment } from "#platform/serving/serving.ts";
import { remedyOf } from "#statemachine/remedies.ts";
import { markedLines } from "#untrusted/marked-lines.ts";
import { oneLine } from "#untrusted/one-line.ts";
import { terminalText } from "#untrusted/terminal-text.ts";
import { writeOut } from "./write-out.ts";

/** What a rehearsal tells of; with `--json` exactly these, one to a line. */
export type RehearsalEvent =
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
      /** The error's name, where it failed; its cause in a sentence. */
      readonly error?: string;
      readonly cause?: string;
    };

/** Where a rehearsal speaks: events, and sentences for a person. */
export type Voice = {
  event(event: RehearsalEvent): void;
  say(sentence: string): void;
};

/** One JSON object a line on stdout, sentences on stderr. */
export const jsonVoice = (): Voice => ({
  event: (event) => writeOut(process.stdout, `${oneLine(JSON.stringify(event))}\n`),
  say: (sentence) => writeOut(process.stderr, `${terminalText(sentence)}\n`),
});

type Style = Parameters<typeof styleText>[0];

/** Colours where stdout is a terminal (and NO_COLOR is not set), plain text elsewhere. */
const paint = (style: Style, text: string) => styleText(style, text, { stream: process.stdout });

const time = (ms: number): string => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`);

/** States that are work or waiting; choices and notes pass in no time and would only blur the picture. */
const quiet =
  /^(Is|Has|Needs|Start|Mark|Name|Gate|Canary|Promoted|Unchanged|Rejected|Expired|Superseded|Failed|Deliver|RollBackFailed)/;

/** A line for each state as it ends, with its time. */
export const terminalVoice = (): Voice => {
  const say = (line: string) => writeOut(process.stdout, `${terminalText(line)}\n`);
  return {
    say,
    event: (event) => {
      switch (event.event) {
        case "state": {
          if (quiet.test(event.state) || event.status === "entered") return;
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
            `  ${mark} ${oneLine(event.state).padEnd(16)} ${paint("dim", time(event.ms))}${event.status === "retried" ? " trying again" : ""}`,
          );
        }
        case "question":
          return say(
            `  ${paint("yellow", "?")} ${paint("bold", "An approval is asked for:")} ${paint("cyan", oneLine(event.desk))}`,
          );
        case "serving":
          return say(
            `  ${paint("cyan", "→")} ${event.environment} serves ${oneLine(event.model)} version ${event.version} ${paint("dim", event.digest.slice(0, 19))}`,
          );
        case "outcome": {
          const good = event.outcome === "promoted" || event.outcome === "unchanged";
          say(
            `  ${paint(good ? "green" : "yellow", event.outcome)}${event.error ? `: ${paint("red", oneLine(event.error))} ${markedLines(event.cause ?? "")}` : ""}`,
          );
          return event.error ? say(`  ${paint("bold", "What to do:")} ${remedyOf(event.error)}\n`) : say("");
        }
        default:
          event satisfies never;
      }
    },
  };
};

/**
 * Load in a separate process: `{ url, body, seconds, perSecond | connections }` as JSON on standard input. With
 * `perSecond` requests are sent on schedule, whether or not earlier ones have a response (an open loop); with `connections`
 * each connection sends its next request after the response. Prints a LoadReport.
 */
import { Agent, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";

type Load = {
  readonly url: string;
  readonly body: string;
  readonly seconds: number;
  readonly perSecond?: number;
  readonly connections?: number;
};
export type LoadReport = {
  /** Responses with 200, in total and per second. */
  readonly answered: number;
  readonly perSecond: number;
  /** Of those, from the send on: this process's own wait for a processor does not count. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** 429 with Retry-After. */
  readonly refused: number;
  /** All other responses and errors. */
  readonly failed: number;
};

const load: Load = JSON.parse(await text(process.stdin));
const agent = new Agent({ keepAlive: true, maxSockets: load.connections ?? 512 });
const times: number[] = [];
let refused = 0;
let failed = 0;

const send = (): Promise<void> =>
  new Promise((resolve) => {
    const at = performance.now();
    const end = ({ statusCode, headers }: IncomingMessage) => {
      if (statusCode === 200) times.push(performance.now() - at);
      else if (statusCode === 429 && /^[1-9]\d*$/.test(headers["retry-after"] ?? "")) refused += 1;
      else failed += 1;
      resolve();
    };
    const sent = request(
      load.url,
      { method: "POST", agent, headers: { "content-type": "application/json" } },
      (response) => void response.resume().once("end", () => end(response)),
    );
    sent.once("error", () => {
      failed += 1;
      resolve();
    });
    sent.end(load.body);
  });

const began = performance.now();
const until = began + load.seconds * 1_000;
if (load.perSecond === undefined) {
  const repeat = async () => {
    while (performance.now() < until) await send();
  };
  await Promise.all(Array.from({ length: load.connections ?? 1 }, repeat));
} else {
  const open: Promise<void>[] = [];
  for (let now = began; now < until; now = performance.now()) {
    const due = Math.floor(((now - began) * load.perSecond) / 1_000);
    while (open.length < due) open.push(send());
    await wait(1);
  }
  await Promise.all(open);
}
const tookMs = performance.now() - began;
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
const report: LoadReport = {
  answered: times.length,
  perSecond: (times.length / tookMs) * 1_000,
  medianMs: at(0.5),
  p99Ms: at(0.99),
  refused,
  failed,
};
console.log(JSON.stringify(report));
process.exit(0);

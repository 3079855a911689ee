/**
 * Normal traffic in a separate process: `node normal-load.ts <requests per second> <seconds>`, `{ url, body }` on
 * standard input. Requests are sent on schedule, whether or not earlier ones have a response, so that a blocked server
 * delays all requests of that time. Prints `{ medianMs, p99Ms, maxMs, answered, failed }`.
 */
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";

const [perSecond = "50", seconds = "5"] = process.argv.slice(2);
const { url, body }: { url: string; body: string } = JSON.parse(await text(process.stdin));
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const times: number[] = [];
let failed = 0;

const sendRequest = (at: number): Promise<void> =>
  new Promise((resolve) => {
    const end = (ok: boolean) => {
      if (ok) times.push(performance.now() - at);
      else failed++;
      resolve();
    };
    const sent = request(
      url,
      { method: "POST", agent, headers: { "content-type": "application/json" } },
      (response) => {
        response.resume();
        response.on("end", () => end(response.statusCode === 200));
        response.on("error", () => end(false));
      },
    );
    sent.on("error", () => end(false));
    sent.end(body);
  });

const count = Math.round(Number(perSecond) * Number(seconds));
const began = performance.now();
await Promise.all(
  Array.from({ length: count }, async (_, index) => {
    const at = began + (index * 1_000) / Number(perSecond);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
    // Measured from the send, so that this process's wait for a processor does not count.
    await sendRequest(performance.now());
  }),
);
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
console.log(
  JSON.stringify({ medianMs: at(0.5), p99Ms: at(0.99), maxMs: at(1), answered: times.length, failed }),
);
process.exit(0);

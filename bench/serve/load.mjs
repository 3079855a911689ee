/**
 * The load generator, in a separate process: autocannon sends bodies in turn to one address, each connection from another
 * body on, so that requests at the same time differ. Takes
 * `{ url, bodies, connections, seconds | requests }` on standard input and prints
 * `{ perSecond, medianMs, p95Ms, maxMs, answered, failed, generatorShare }`: `generatorShare` is the share of a
 * processor that this process used.
 */
import { text } from "node:stream/consumers";
import autocannon from "autocannon";

const { url, bodies, connections, seconds, requests } = JSON.parse(await text(process.stdin));
const all = bodies.map((body) => ({ body }));
let clients = 0;
const setupClient = (client) => {
  const first = Math.floor(((clients++ % connections) * all.length) / connections);
  client.setRequests([...all.slice(first), ...all.slice(0, first)]);
};
const common = {
  url,
  connections,
  method: "POST",
  headers: { "content-type": "application/json" },
  requests: all,
  setupClient,
  timeout: 60,
};

const run = (limit) =>
  new Promise((resolve, reject) => {
    const times = [];
    let failed = 0;
    const began = performance.now();
    const cpuBefore = process.cpuUsage();
    const instance = autocannon({ ...common, ...limit }, (error, result) => {
      if (error) return reject(error);
      const tookMs = performance.now() - began;
      const { user, system } = process.cpuUsage(cpuBefore);
      times.sort((a, b) => a - b);
      const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
      resolve({
        perSecond: (times.length / tookMs) * 1_000,
        medianMs: at(0.5),
        p95Ms: at(0.95),
        maxMs: at(1),
        answered: times.length,
        failed: failed + result.errors,
        generatorShare: (user + system) / 1_000 / tookMs,
      });
    });
    instance.on("response", (_client, status, _bytes, ms) => {
      if (status === 200) times.push(ms);
      else failed++;
    });
  });

const timed = await run(requests ? { amount: requests } : { duration: seconds });
// A server that answered nothing in that time is slow: it gets the time that one request of each connection takes.
const measured = timed.answered + timed.failed > 0 ? timed : await run({ amount: connections });
process.stdout.write(JSON.stringify(measured));

/**
 * Imports the module named by the first argument, as Lambda's runtime does with a handler, and prints what that took
 * since the start of this process, `{ wallMs, cpuMs }`, with the processor time of all its threads. With an event as the
 * second argument it also handles that event and prints the same for the first response alone as `first`.
 */
const readElapsed = () => {
  const { user, system } = process.cpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1_000 };
};
const [entry, event] = process.argv.slice(2);
const { handler } = await import(entry);
const started = readElapsed();
let first;
if (event !== undefined) {
  const response = await handler(JSON.parse(event));
  const { wallMs, cpuMs } = readElapsed();
  if (!response.predictions || response.storageWarning) throw new Error(JSON.stringify(response));
  first = { wallMs: wallMs - started.wallMs, cpuMs: cpuMs - started.cpuMs };
}
process.stdout.write(`${JSON.stringify({ ...started, first })}\n`, () => process.exit());

import { pythonEnvironment, pythonPeer } from "./python-environment.ts";

/** Before the first peer's test: one process installs what all of them need. */
export default async (): Promise<void> => {
  const { skip } = pythonPeer("tests on Python's servers");
  if (skip) return;
  const start = performance.now();
  await pythonEnvironment();
  const seconds = (performance.now() - start) / 1_000;
  if (seconds > 1) console.info(`peer: Python's packages were installed in ${seconds.toFixed(1)} s`);
};

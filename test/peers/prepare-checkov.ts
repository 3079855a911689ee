import { join } from "node:path";
import { createPythonEnvironment, requirePython } from "./python-environment.ts";

/** Runs before the first test of the stacks: installing checkov's 300 packages takes longer than a test may. */
export default async (): Promise<void> => {
  const { skip } = requirePython("checkov on the stacks");
  if (skip) return;
  const start = performance.now();
  await createPythonEnvironment(join(import.meta.dirname, "requirements-checkov.txt"));
  const seconds = (performance.now() - start) / 1_000;
  if (seconds > 1) console.info(`peer: checkov installed in ${seconds.toFixed(1)} s`);
};

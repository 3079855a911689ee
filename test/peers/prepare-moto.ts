import { createPythonEnvironment, requirePython } from "./python-environment.ts";

/** Runs before the stacks are applied: installing moto takes longer than a test may. */
export default async (): Promise<void> => {
  const { skip } = requirePython("the stacks, applied to moto");
  if (!skip) await createPythonEnvironment();
};

import { createPythonEnvironment, requirePython } from "./python-environment.ts";

/** Before the stacks are applied: moto is not installed within a test's time. */
export default async (): Promise<void> => {
  const { skip } = requirePython("the stacks, applied to moto");
  if (!skip) await createPythonEnvironment();
};

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { compareTokens } from "#test/support/tokenizers/compare-tokens.ts";
import { completeListOptions, createPythonEnvironment } from "./python-environment.ts";

const program = fileURLToPath(new URL("../support/tokenizers/make_cases.py", import.meta.url));
const requirements = fileURLToPath(new URL("requirements-tokenizers.txt", import.meta.url));

/** Installs the reference implementation, once. */
export const installTokenizers = (): Promise<{ readonly python: string }> =>
  createPythonEnvironment(requirements, completeListOptions);

type FuzzOptions = { readonly seed: number; readonly tokenizers: number; readonly texts: number };
type Component = { name: string; texts: number; refused: number; different: number };

/**
 * Compares random tokenizers and texts with the reference implementation. Equal options give equal cases.
 * @returns counts by component, and a line for each text with other tokens
 */
export const fuzzTokenizers = async ({
  seed,
  tokenizers,
  texts,
}: FuzzOptions): Promise<{
  readonly components: readonly Readonly<Component>[];
  readonly differences: readonly string[];
}> => {
  const { python } = await installTokenizers();
  const child = spawn(
    python,
    [program, "--seed", `${seed}`, "--tokenizers", `${tokenizers}`, "--texts", `${texts}`],
    // A panic of the reference writes its stack to stderr, and is a case.
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const ended = once(child, "close");
  const components = new Map<string, Component>();
  const differences: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const result = compareTokens(line);
    const component = components.get(result.name) ?? {
      name: result.name,
      texts: 0,
      refused: 0,
      different: 0,
    };
    component.texts += result.texts;
    component.refused += result.refused;
    component.different += result.differences.length;
    components.set(result.name, component);
    differences.push(...result.differences);
  }
  const [code] = await ended;
  if (code !== 0) throw new Error(`make_cases.py ended with ${code}`);
  return { components: [...components.values()], differences };
};

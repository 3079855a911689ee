import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { parsePlatformRules } from "#domain/policy/parse-policy.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { PolicyWriter } from "#domain/policy/policy-writer.ts";
import { readMachineOperator } from "./machine-identity.ts";

/**
 * Writes the platform's policy to a data folder that has none, from the policy.yaml of Slipway's checkout. Later commits
 * and changes of that file cannot loosen it. Throws PolicyInvalid for an invalid policy.yaml.
 */
export const writeFirstPolicy = async ({
  policy,
  changes,
  checkout,
  say,
}: {
  readonly policy: PlatformPolicy;
  readonly changes: Pick<PolicyWriter, "writeFirst">;
  readonly checkout: string;
  readonly say: (message: string) => void;
}): Promise<void> => {
  if (await policy.find()) return;
  const file = join(checkout, "policy.yaml");
  const rules = parsePlatformRules(await readFile(file), file, emptyIdentities);
  await changes.writeFirst(rules, await readMachineOperator());
  say(
    `The platform's policy was written from ${file}: no commit can loosen it. Change it with \`npx slipway policy apply\`.`,
  );
};

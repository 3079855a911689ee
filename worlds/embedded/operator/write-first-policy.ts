import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { emptyIdentities } from "#domain/approval/identities.ts";
import { parsePlatformRules } from "#domain/policy/parse-policy.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { PolicyWriter } from "#domain/policy/policy-writer.ts";
import { readMachineOperator } from "./machine-identity.ts";

/**
 * Writes the platform's copy of the policy where a data folder has none yet, from the policy.yaml of Slipway's own
 * checkout, and says so. From then on no commit, and no change of that file, loosens it.
 * Throws PolicyInvalid where the file cannot be read as a policy.
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
  readonly say: (sentence: string) => void;
}): Promise<void> => {
  if (await policy.find()) return;
  const file = join(checkout, "policy.yaml");
  const rules = parsePlatformRules(await readFile(file), file, emptyIdentities);
  await changes.writeFirst(rules, await readMachineOperator());
  say(
    `The platform's copy of the policy was written from ${file}: no commit can loosen it, \`npx slipway policy apply\` changes it.`,
  );
};

import { emptyIdentities } from "#domain/approval/identities.ts";
import { parsePolicy } from "#domain/policy/parse-policy.ts";
import { createPolicyWriter } from "#domain/policy/policy-writer.ts";
import type { Store } from "#platform/store/store.ts";

/**
 * Writes the platform's copy of the policy into a store as two people do: a first copy, then the requested one, which one
 * proposes and the other confirms.
 */
export const writePolicy = async (store: Store, text: string): Promise<void> => {
  const floor = parsePolicy(new TextEncoder().encode(text), "the platform's copy");
  const changes = createPolicyWriter({ store, clock: Date.now });
  const [ada, bob] = [
    { id: "AIDAPLATFORMADA", name: "Ada" },
    { id: "AIDAPLATFORMBOB", name: "Bob" },
  ];
  const first = { ...floor, approval: { ...floor.approval, timeout: "P1D" } };
  const identities = { ...emptyIdentities, domains: ["example.com"] };
  await changes.writeFirst({ floor: first, identities }, ada);
  const { id } = await changes.propose({ floor, identities }, ada);
  await changes.confirm(id, bob);
};

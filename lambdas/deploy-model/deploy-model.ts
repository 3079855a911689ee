import {
  type AssertApprovedDependencies as ApprovedNeeds,
  assertApproved,
} from "#domain/approval/assert-approved.ts";
import type { Claims } from "#domain/claims/claims.ts";
import { loadRules, readCommittedGolden } from "#domain/delivery/read-committed-model.ts";
import { ensureDeployedVersion } from "#domain/deployment/ensure-deployed-version.ts";
import { createFunctionConfig } from "#domain/deployment/function-config.ts";
import { setLiveAlias } from "#domain/deployment/set-live-alias.ts";
import { verifyGoldenVectors } from "#domain/deployment/verify-golden-vectors.ts";
import type { Ledger } from "#domain/ledger/ledger.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import type { ProvenanceVerifier } from "#domain/provenance/provenance-store.ts";
import type { Environment, Serving } from "#platform/serving/serving.ts";
import type { Source } from "#platform/source/source.ts";
import type { DeployModelInput, DeployModelOutput } from "#statemachine/contracts.ts";

type DeployModelDependencies = ApprovedNeeds & {
  readonly serving: Readonly<Record<Environment, Serving>>;
  readonly source: Source;
  readonly policy: Pick<PlatformPolicy, "read" | "find">;
  readonly ledger: Ledger;
  readonly claims: Claims;
  readonly provenance: ProvenanceVerifier;
  readonly clock: () => number;
};

/**
 * Publishes the image as a function version. On stage the alias moves to it at once. On prod its golden vectors are
 * verified, it gets no traffic, and what an earlier canary left is removed.
 * Throws Superseded, GoldenVectorsDiffer or ApprovalMismatch.
 */
export const deployModel =
  ({ serving, source, policy, ledger, claims, approvals, provenance, clock }: DeployModelDependencies) =>
  async (input: DeployModelInput): Promise<DeployModelOutput> => {
    const { delivery, model, commit, environment, fence, digest, version } = input;
    // Read before the claim is checked: a rollback takes the claim first, so this is still what prod serves.
    const champion = await ledger.serving("prod", model);
    await claims.assertHeld(environment, model, fence);
    if (input.environment === "prod")
      await assertApproved({ approvals })({ ...input, baseline: champion?.sequence ?? 0 });
    const breakGlass =
      input.environment === "prod" ? (await approvals.read(input.approval))?.breakGlass : undefined;
    // Checked in each environment, because hours may pass between the build and prod.
    const verified = await provenance.verify({ digest, model, commit });
    const { challenger: manifest, rules } = await loadRules({ source, policy })(
      model,
      commit,
      champion?.commit,
    );
    const here = serving[environment];
    const { url } = await here.ensure(model);
    // If someone deleted the function, the champion is gone too: stage compares with it, and prod serves it.
    const championVersion =
      champion &&
      (await ensureDeployedVersion({ serving, source, ledger, policy, provenance })(
        environment,
        champion,
        "refuse",
      ));
    const published = await here.publish(
      model,
      createFunctionConfig({ model, environment, digest, version, resources: rules.resources }),
    );
    const entry = await ledger.begin(
      {
        environment,
        model,
        delivery,
        commit,
        digest,
        version,
        functionVersion: published.version,
        fence,
        previous: champion?.sequence ?? 0,
        reason: null,
        builder: verified?.builder ?? null,
        ...(breakGlass && { breakGlass }),
      },
      clock(),
    );
    // A retry after someone deleted the function publishes under another number: the next steps route by the ledger.
    await ledger.change(entry, (current) => {
      const isOpen = current.status === "deployed" && current.functionVersion !== published.version;
      return isOpen ? { ...current, functionVersion: published.version } : undefined;
    });
    const writer = { model, delivery, fence };
    if (environment === "stage") {
      await setLiveAlias(here)(writer, { version: published.version });
      return { functionVersion: published.version, url, championVersion: null, canary: false };
    }
    const golden = await readCommittedGolden({ source })(model, commit, { manifest });
    await verifyGoldenVectors(here)(model, { version: published.version }, golden);
    if (championVersion !== undefined) await setLiveAlias(here)(writer, { version: championVersion });
    return {
      functionVersion: published.version,
      url,
      championVersion: championVersion ?? null,
      canary: championVersion !== undefined,
    };
  };

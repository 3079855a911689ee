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
 * Publishes the image as a function version. On stage the alias moves there at once; on prod the version is proven
 * by its golden vectors and gets no traffic, and what a former delivery left of a canary is taken away.
 * Throws Superseded, GoldenVectorsDiffer or ApprovalMismatch.
 */
export const deployModel =
  ({ serving, source, policy, ledger, claims, approvals, provenance, clock }: DeployModelDependencies) =>
  async (input: DeployModelInput): Promise<DeployModelOutput> => {
    const { delivery, model, commit, environment, fence, digest, version } = input;
    // Read before the claim is looked at: a rollback takes the claim first, so what is read here is still prod's.
    const champion = await ledger.serving("prod", model);
    await claims.assertHeld(environment, model, fence);
    if (input.environment === "prod")
      await assertApproved({ approvals })({ ...input, baseline: champion?.sequence ?? 0 });
    // Asked on each environment: hours lie between the build and prod.
    const verified = await provenance.verify({ digest, model, commit });
    const { challenger: manifest, rules } = await loadRules({ source, policy })(
      model,
      commit,
      champion?.commit,
    );
    const here = serving[environment];
    const { url } = await here.ensure(model);
    // Where someone deleted the function, the champion went with it: stage compares with it, prod's traffic is its.
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
      },
      clock(),
    );
    // Run again after somebody deleted the function, it was published under another number: the steps after this one
    // route by the ledger's.
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

import type { LogWarning } from "#domain/delivery/log-warning.ts";
import { readCommittedManifest } from "#domain/delivery/read-committed-model.ts";
import type { Deployment, Ledger } from "#domain/ledger/ledger.ts";
import { PolicyInvalid } from "#domain/policy/parse-policy.ts";
import type { PlatformPolicy } from "#domain/policy/platform-policy.ts";
import { ProvenanceMissing, type ProvenanceVerifier } from "#domain/provenance/provenance-store.ts";
import type { Environment, Serving } from "#platform/serving/serving.ts";
import type { Source } from "#platform/source/source.ts";
import { createFunctionConfig } from "./function-config.ts";

export type EnsureDeployedVersionDependencies = {
  readonly serving: Readonly<Record<Environment, Serving>>;
  readonly source: Source;
  readonly ledger: Ledger;
  readonly policy: Pick<PlatformPolicy, "find">;
  readonly provenance: ProvenanceVerifier;
};

/**
 * The function version of a deployment on prod, in any environment. If someone deleted the function, it is created again
 * and the same image is published. Lambda never reuses a version number, so the ledger gets the new one. Throws NotServed
 * where the image is gone too, and the errors of provenance.verify.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
 * @param withoutProvenance for an image from before provenance existed: a delivery refuses it, a rollback warns and goes on
 */
export const ensureDeployedVersion =
  ({ serving, source, ledger, policy, provenance }: EnsureDeployedVersionDependencies) =>
  async (
    environment: Environment,
    deployment: Deployment,
    withoutProvenance: "refuse" | LogWarning,
  ): Promise<string> => {
    const { model, digest, commit } = deployment;
    const here = serving[environment];
    const entry =
      environment === "prod"
        ? deployment
        : await ledger.ofImage(environment, model, digest, deployment.version);
    const existing = entry && (await here.version(model, entry.functionVersion));
    // A recreated function may reuse the number for another image, so compare the image.
    if (existing?.config.digest === digest) return existing.version;
    // A new publish verifies the provenance again. An image from before provenance existed has none: only a rollback may
    // publish it.
    if (withoutProvenance === "refuse" || deployment.builder !== null)
      await provenance.verify({ digest, model, commit });
    else
      withoutProvenance(
        `${model} version ${deployment.version} is from before provenance was kept, and its image is published anew on ${environment} for a rollback`,
        new ProvenanceMissing(`there is no provenance of ${digest.slice(0, 19)}…`),
        { model, delivery: deployment.delivery },
      );
    await here.ensure(model);
    const manifest = await readCommittedManifest({ source })(model, commit, { promoted: true });
    // Stricter limits, or an invalid policy, must not block a rollback to a promoted version.
    const revision = await policy.find().catch((error: unknown) => {
      if (error instanceof PolicyInvalid) return undefined;
      throw error;
    });
    const limit = revision?.floor.resources;
    const resources = {
      memoryMb: Math.min(manifest.resources.memoryMb, limit?.memoryMb ?? manifest.resources.memoryMb),
      timeoutSeconds: Math.min(
        manifest.resources.timeoutSeconds,
        limit?.timeoutSeconds ?? manifest.resources.timeoutSeconds,
      ),
      ...(manifest.resources.snapStart === true && (limit === undefined || limit.snapStart === true)
        ? { snapStart: true }
        : {}),
    };
    const { version } = await here.publish(
      model,
      createFunctionConfig({ ...deployment, environment, resources }),
    );
    if (entry)
      await ledger.change(entry, (current) =>
        current.functionVersion === version ? undefined : { ...current, functionVersion: version },
      );
    return version;
  };

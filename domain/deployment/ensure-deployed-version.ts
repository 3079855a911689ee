import { readCommittedManifest } from "#domain/delivery/read-committed-model.ts";
import type { Warn } from "#domain/delivery/warn.ts";
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
 * The function version that a deployment of prod's ledger has in an environment. Where someone deleted the function it
 * is made anew and the same image published there again; Lambda never uses a number twice, so the ledger learns the
 * new one. Throws NotServed where the image is gone, too, and what verifying its provenance throws.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
 * @param withoutProvenance what to do about an image from before provenance was kept: a delivery refuses it; a restore,
 * which puts back what prod served, goes on and warns
 */
export const ensureDeployedVersion =
  ({ serving, source, ledger, policy, provenance }: EnsureDeployedVersionDependencies) =>
  async (
    environment: Environment,
    deployment: Deployment,
    withoutProvenance: "refuse" | Warn,
  ): Promise<string> => {
    const { model, digest, commit } = deployment;
    const here = serving[environment];
    const entry =
      environment === "prod"
        ? deployment
        : await ledger.ofImage(environment, model, digest, deployment.version);
    const there = entry && (await here.version(model, entry.functionVersion));
    // Where functions count their versions anew, the number may be another image's by now: the image decides.
    if (there?.config.digest === digest) return there.version;
    // What is published anew proves itself anew. What was deployed before provenance was kept has none to show: it comes
    // back where prod is put back to what it served, and that is said; no delivery builds on it.
    if (withoutProvenance === "refuse" || deployment.builder !== null)
      await provenance.verify({ digest, model, commit });
    else
      withoutProvenance(
        `${model} version ${deployment.version} is from before provenance was kept, and its image is published anew on ${environment} to put back what prod served`,
        new ProvenanceMissing(`nothing says how ${digest.slice(0, 19)}… was built`),
        { model, delivery: deployment.delivery },
      );
    await here.ensure(model);
    const manifest = await readCommittedManifest({ source })(model, commit, { promoted: true });
    // What the platform refuses by now, or does not say, never stops the way back to a version that was promoted.
    const found = await policy.find().catch((fault: unknown) => {
      if (fault instanceof PolicyInvalid) return undefined;
      throw fault;
    });
    const most = found?.floor.resources;
    const resources = {
      memoryMb: Math.min(manifest.resources.memoryMb, most?.memoryMb ?? manifest.resources.memoryMb),
      timeoutSeconds: Math.min(
        manifest.resources.timeoutSeconds,
        most?.timeoutSeconds ?? manifest.resources.timeoutSeconds,
      ),
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

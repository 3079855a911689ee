import { z } from "zod";
import { buildVariables } from "#domain/delivery/parse-built-image.ts";
import type { ProvenanceStore } from "#domain/provenance/provenance-store.ts";
import { builderIds } from "#domain/provenance/statement.ts";
import type { ArtifactStore } from "#platform/artifacts/artifacts.ts";
import { type BuildOptions, ImageBuildFailed, type Images } from "#platform/images/images.ts";
import type { Json } from "#platform/store/store.ts";

const StartBuild = z.object({
  EnvironmentVariablesOverride: z.array(z.object({ Name: z.string(), Value: z.string() })),
});

/** The engine's error for a failed `.sync` build; its Cause is the build in CodeBuild's form. */
export class TaskFailed extends Error {
  override readonly name = "States.TaskFailed";
}

type Needs = {
  readonly images: Images;
  /** Keeps the artefacts of builds for their registrations. */
  readonly artifacts: Pick<ArtifactStore, "keep">;
  readonly resolveFiles?: BuildOptions["resolveFiles"];
  readonly provenance: Pick<ProvenanceStore, "record">;
  /** Digest of the builder's code. */
  readonly builder: () => Promise<string>;
  /** The builder's id in the provenance. */
  readonly builderId?: (typeof builderIds)[keyof typeof builderIds];
  readonly clock: () => number;
};

/**
 * `codebuild:startBuild.sync` on this machine: builds the image and returns CodeBuild's output
 * (https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html). A failed build exports its error's name
 * and cause, so that the delivery ends with them.
 */
export const runBuildTask =
  ({ images, artifacts, resolveFiles, provenance, builder, builderId = builderIds.embedded, clock }: Needs) =>
  async (event: Json): Promise<Json> => {
    const { EnvironmentVariablesOverride: given } = StartBuild.parse(event);
    const value = (name: string) => given.find(({ Name }) => Name === name)?.Value ?? "";
    const commit = value("SLIPWAY_COMMIT");
    const exported = (variables: Record<string, string>) =>
      Object.entries(variables).map(([Name, Value]) => ({ Name, Value }));
    try {
      const asked = { model: value("SLIPWAY_MODEL"), commit, runtime: value("SLIPWAY_RUNTIME") };
      const build = await images.build(asked, {
        keepArtifact: artifacts.keep,
        ...(resolveFiles && { resolveFiles }),
      });
      const { digest, buildId, contents } = build;
      if (contents === undefined)
        throw new ImageBuildFailed(`the build of ${digest} has no list of its contents`);
      await provenance.record({
        ...asked,
        ...contents,
        digest,
        buildId,
        baseImage: null,
        builderId,
        builder: await builder(),
        finishedAt: clock(),
      });
      return {
        Build: {
          Id: build.buildId,
          BuildStatus: "SUCCEEDED",
          ExportedEnvironmentVariables: exported({
            [buildVariables.digest]: build.digest,
            [buildVariables.sizeBytes]: String(build.sizeBytes),
            [buildVariables.buildId]: build.buildId,
            [buildVariables.builtAt]: String(clock()),
          }),
        },
      };
    } catch (fault) {
      const { name, message } = fault instanceof Error ? fault : new Error(String(fault));
      throw new TaskFailed(
        JSON.stringify({
          BuildStatus: "FAILED",
          ExportedEnvironmentVariables: exported({
            [buildVariables.error]: name,
            [buildVariables.cause]: message.slice(0, 4_000),
          }),
        }),
      );
    }
  };

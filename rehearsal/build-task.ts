import { z } from "zod";
import { buildVariables } from "../domain/built-image.ts";
import type { Images } from "../platform/images/images.ts";
import type { Json } from "../platform/store/store.ts";

const StartBuild = z.object({
  SourceVersion: z.string(),
  EnvironmentVariablesOverride: z.array(z.object({ Name: z.string(), Value: z.string() })),
});

/** The engine's fault for a `.sync` build that failed, its Cause the build as CodeBuild describes it. */
export class TaskFailed extends Error {
  override readonly name = "States.TaskFailed";
}

/**
 * `codebuild:startBuild.sync` on this machine: builds the image as buildspec.yml does and answers in CodeBuild's form
 * (https://docs.aws.amazon.com/step-functions/latest/dg/connect-codebuild.html). A check that fails exports its
 * error's name and cause, so that the delivery ends with them.
 */
export const buildTask =
  ({ images, clock }: { images: Images; clock: () => number }) =>
  async (event: Json): Promise<Json> => {
    const { SourceVersion: commit, EnvironmentVariablesOverride: given } = StartBuild.parse(event);
    const value = (name: string) => given.find(({ Name }) => Name === name)?.Value ?? "";
    const exported = (variables: Record<string, string>) =>
      Object.entries(variables).map(([Name, Value]) => ({ Name, Value }));
    try {
      const build = await images.build({
        model: value("SLIPWAY_MODEL"),
        commit,
        runtime: value("SLIPWAY_RUNTIME"),
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

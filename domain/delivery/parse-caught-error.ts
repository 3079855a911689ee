import * as z from "zod";
import { buildVariables, ExportedVariables } from "./parse-built-image.ts";

/** A fault as the engine hands it to Catch. */
export const CaughtError = z.object({ Error: z.string(), Cause: z.string().default("") });
type EngineError = z.infer<typeof CaughtError>;

/** A Lambda function's fault as Step Functions puts it into Cause. */
const LambdaError = z.object({ errorMessage: z.string() });
/** A failed build as `codebuild:startBuild.sync` puts it into Cause. */
const FailedBuild = z.object({
  Id: z.string().optional(),
  BuildStatus: z.string().optional(),
  ExportedEnvironmentVariables: ExportedVariables,
});

/**
 * The fault that led to the rollback, under the name that a person reads: a failed build passes its check's error on,
 * Lambda's JSON becomes its message, and names that a Fail state may not raise again (`States.…`) become `Engine.…`.
 */
export const parseCaughtError = ({
  Error: name,
  Cause: cause,
}: EngineError): { name: string; cause: string } => {
  const json = parseJson(cause);
  const build = FailedBuild.safeParse(json);
  if (build.success) {
    const value = (wanted: string) =>
      build.data.ExportedEnvironmentVariables.find(({ Name }) => Name === wanted)?.Value;
    return {
      name: value(buildVariables.error) || "ImageBuildFailed",
      cause:
        value(buildVariables.cause) ||
        `build ${build.data.Id ?? "?"} ended as ${build.data.BuildStatus ?? "failed"}`,
    };
  }
  const fault = LambdaError.safeParse(json);
  return {
    name: name.replace(/^States\./, "Engine."),
    cause: fault.success ? fault.data.errorMessage : cause,
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

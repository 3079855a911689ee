import * as z from "zod";
import { buildVariables, ExportedVariables } from "./parse-built-image.ts";

/** An error in the form that the engine passes to Catch. */
export const CaughtError = z.object({ Error: z.string(), Cause: z.string().default("") });
type EngineError = z.infer<typeof CaughtError>;

/** The Cause of a failed Lambda function. */
const LambdaError = z.object({ errorMessage: z.string() });
/** The Cause of a failed `codebuild:startBuild.sync`. */
const FailedBuild = z.object({
  Id: z.string().optional(),
  BuildStatus: z.string().optional(),
  ExportedEnvironmentVariables: ExportedVariables,
});

/**
 * The error that a delivery ends with: a failed build returns the error of its check, Lambda's JSON is reduced to its
 * message, and `States.…`, which a Fail state may not raise, becomes `Engine.…`.
 */
export const parseCaughtError = ({
  Error: name,
  Cause: cause,
}: EngineError): { name: string; cause: string } => {
  const json = parseJson(cause);
  const build = FailedBuild.safeParse(json);
  if (build.success) {
    const value = (variable: string) =>
      build.data.ExportedEnvironmentVariables.find(({ Name }) => Name === variable)?.Value;
    return {
      name: value(buildVariables.error) || "ImageBuildFailed",
      cause:
        value(buildVariables.cause) ||
        `build ${build.data.Id ?? "?"} ended as ${build.data.BuildStatus ?? "failed"}`,
    };
  }
  const error = LambdaError.safeParse(json);
  return {
    name: name.replace(/^States\./, "Engine."),
    cause: error.success ? error.data.errorMessage : cause,
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

import {
  AddPermissionCommand,
  type AliasConfiguration,
  CreateAliasCommand,
  DeleteAliasCommand,
  GetAliasCommand,
  PreconditionFailedException,
  ResourceConflictException,
  ResourceNotFoundException,
  UpdateAliasCommand,
} from "@aws-sdk/client-lambda";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { type LiveAlias, NotServed, RevisionConflict } from "#platform/serving/serving.ts";
import type { LambdaServingDependencies } from "./lambda-dependencies.ts";
import { readVersion } from "./publish-version.ts";

type Needs = Pick<LambdaServingDependencies, "environment" | "lambda" | "httpApi">;
type AliasUpdate = Omit<LiveAlias, "revision">;

export const aliasName = "live";

const toLiveAlias = (alias: AliasConfiguration): LiveAlias | undefined => {
  if (alias.FunctionVersion === undefined || alias.RevisionId === undefined) return undefined;
  const [canary] = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
  return {
    version: alias.FunctionVersion,
    ...(canary && { canary: { version: canary[0], weight: canary[1] } }),
    description: alias.Description ?? "",
    revision: alias.RevisionId,
  };
};

const isSame = (found: LiveAlias, wanted: AliasUpdate): boolean =>
  found.version === wanted.version &&
  found.description === wanted.description &&
  found.canary?.version === wanted.canary?.version &&
  found.canary?.weight === wanted.canary?.weight;

/** The client sent this call more than once: what refuses the second may be the first one's effect. */
const wasRepeated = (error: PreconditionFailedException | ResourceConflictException): boolean =>
  (error.$metadata.attempts ?? 1) > 1;

/**
 * The alias `live` of an environment's functions, changed only under the revision that was read.
 * https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
 */
export const createLiveAlias = ({ environment, lambda, httpApi }: Needs) => {
  const named = (model: string) => ({ FunctionName: toFunctionName(environment, model), Name: aliasName });
  const conflict = (model: string, cause?: unknown) =>
    new RevisionConflict(`the alias live of ${model} in ${environment} is at another revision`, { cause });

  const live = async (model: string): Promise<LiveAlias | undefined> => {
    try {
      return toLiveAlias(await lambda.send(new GetAliasCommand(named(model))));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  };

  const write = async (model: string, wanted: AliasUpdate, expect: string): Promise<LiveAlias> => {
    const { canary } = wanted;
    const input = {
      ...named(model),
      FunctionVersion: wanted.version,
      Description: wanted.description,
      // An empty map removes the canary of before: without it, its weight would stay.
      RoutingConfig: { AdditionalVersionWeights: canary ? { [canary.version]: canary.weight } : {} },
    };
    try {
      const written = toLiveAlias(
        expect === "absent"
          ? await lambda.send(new CreateAliasCommand(input))
          : await lambda.send(new UpdateAliasCommand({ ...input, RevisionId: expect })),
      );
      if (!written) throw conflict(model);
      return written;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) throw conflict(model, error);
      if (!(error instanceof PreconditionFailedException || error instanceof ResourceConflictException))
        throw error;
      const found = wasRepeated(error) ? await live(model) : undefined;
      if (found && isSame(found, wanted)) return found;
      throw conflict(model, error);
    }
  };

  /** A permission belongs to the alias and goes with it, so it is given anew whenever the alias may be new. */
  const allowHttpApi = async (model: string, aliasArn: string): Promise<void> => {
    const [, partition, , region, account] = aliasArn.split(":");
    await lambda
      .send(
        new AddPermissionCommand({
          FunctionName: toFunctionName(environment, model),
          Qualifier: aliasName,
          StatementId: "slipway-http-api",
          Action: "lambda:InvokeFunction",
          Principal: "apigateway.amazonaws.com",
          SourceArn: `arn:${partition}:execute-api:${region}:${account}:${httpApi.id}/*/*/models/${model}/{proxy+}`,
        }),
      )
      .catch((error: unknown) => {
        // There already; or the alias has just been taken away, and nobody is to be let in.
        const settled =
          error instanceof ResourceConflictException || error instanceof ResourceNotFoundException;
        if (!settled) throw error;
      });
  };

  const mustHave = async (model: string, version: string): Promise<void> => {
    if (!(await readVersion({ environment, lambda })(model, version)))
      throw new NotServed(`${model} has no version ${version} in ${environment}`);
  };

  return {
    live,
    allowHttpApi,
    async route(model: string, wanted: AliasUpdate, expect: string): Promise<LiveAlias> {
      const { version, canary } = wanted;
      if (canary?.version === version) throw new RangeError(`version ${version} cannot be its own canary`);
      if (canary && !(canary.weight >= 0 && canary.weight <= 1))
        throw new RangeError(`a canary's weight is between 0 and 1, not ${canary.weight}`);
      await mustHave(model, version);
      if (canary) await mustHave(model, canary.version);
      return write(model, wanted, expect);
    },
    /**
     * DeleteAlias takes no revision, so the alias is first written under the one that was read: whoever else read
     * that revision is refused from then on. Only someone who reads between these two calls could still be lost.
     */
    async unroute(model: string, expect: string): Promise<void> {
      const found = await live(model);
      if (!found || found.revision !== expect) throw conflict(model);
      await write(model, { version: found.version, description: `${found.description} withdrawn` }, expect);
      await lambda.send(new DeleteAliasCommand(named(model)));
    },
  };
};

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
import { defaultPoll, type LambdaServingDependencies } from "./lambda-dependencies.ts";
import { readVersion } from "./publish-version.ts";

type Needs = Pick<LambdaServingDependencies, "environment" | "lambda" | "httpApi" | "poll">;
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

/** How often an alias is read while Lambda changes it over; with the default pauses about half a minute. */
const maxTransitionReads = 10;

const isOfSameWriter = (current: AliasUpdate, wanted: AliasUpdate): boolean =>
  current.version === wanted.version && current.description === wanted.description;

const isSame = (current: AliasUpdate, wanted: AliasUpdate): boolean =>
  isOfSameWriter(current, wanted) &&
  current.canary?.version === wanted.canary?.version &&
  current.canary?.weight === wanted.canary?.weight;

/** The client repeated this call, so an earlier attempt may have caused the conflict. */
const wasRepeated = (error: PreconditionFailedException | ResourceConflictException): boolean =>
  (error.$metadata.attempts ?? 1) > 1;

/**
 * The alias `live` of an environment's functions; every change requires the revision that was read.
 * https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
 */
export const createLiveAlias = ({ environment, lambda, httpApi, poll = defaultPoll }: Needs) => {
  const toAliasId = (model: string) => ({
    FunctionName: toFunctionName(environment, model),
    Name: aliasName,
  });
  const createConflict = (model: string, cause?: unknown) =>
    new RevisionConflict(`the alias live of ${model} in ${environment} is at another revision`, { cause });

  const live = async (model: string): Promise<LiveAlias | undefined> => {
    try {
      return toLiveAlias(await lambda.send(new GetAliasCommand(toAliasId(model))));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  };

  /**
   * After a change of its version, Lambda gives an alias weights for a while that nobody wrote: the version before still gets
   * traffic. Waits until it reads as written; whoever reads it afterwards sees no canary that is none. A later write of
   * someone else ends the wait. Where the weights stay, the result has them, and its reader decides.
   * https://github.com/hashicorp/terraform-provider-aws/pull/48116
   */
  const awaitTransition = async (
    model: string,
    wanted: AliasUpdate,
    written: LiveAlias,
  ): Promise<LiveAlias> => {
    let current = written;
    for (let read = 0; read < maxTransitionReads; read++) {
      const next = await live(model);
      if (!next || !isOfSameWriter(next, wanted)) return current;
      current = next;
      if (isSame(current, wanted)) return current;
      const seconds = Math.min(poll.maxDelay, poll.minDelay * 2 ** read);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    }
    return current;
  };

  const write = async (model: string, wanted: AliasUpdate, expect: string): Promise<LiveAlias> => {
    const { canary } = wanted;
    const input = {
      ...toAliasId(model),
      FunctionVersion: wanted.version,
      Description: wanted.description,
      // An empty map removes the previous canary; without the map, its weight would stay.
      RoutingConfig: { AdditionalVersionWeights: canary ? { [canary.version]: canary.weight } : {} },
    };
    try {
      const updated = toLiveAlias(
        expect === "absent"
          ? await lambda.send(new CreateAliasCommand(input))
          : await lambda.send(new UpdateAliasCommand({ ...input, RevisionId: expect })),
      );
      if (!updated) throw createConflict(model);
      return await awaitTransition(model, wanted, updated);
    } catch (error) {
      if (error instanceof ResourceNotFoundException) throw createConflict(model, error);
      if (!(error instanceof PreconditionFailedException || error instanceof ResourceConflictException))
        throw error;
      const current = wasRepeated(error) ? await live(model) : undefined;
      if (current && isSame(current, wanted)) return current;
      throw createConflict(model, error);
    }
  };

  /** Deleting the alias deletes its permission, so it is added again whenever the alias may be new. */
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
        // The permission exists, or the alias has just been removed and needs none.
        const isExpected =
          error instanceof ResourceConflictException || error instanceof ResourceNotFoundException;
        if (!isExpected) throw error;
      });
  };

  const assertVersionExists = async (model: string, version: string): Promise<void> => {
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
        throw new RangeError(`invalid canary weight ${canary.weight} (0 to 1)`);
      await assertVersionExists(model, version);
      if (canary) await assertVersionExists(model, canary.version);
      return write(model, wanted, expect);
    },
    /**
     * DeleteAlias takes no revision, so this first updates the alias with the expected revision: other writers with that
     * revision then get a conflict. Only the write of someone who reads between these two calls can be lost.
     */
    async unroute(model: string, expect: string): Promise<void> {
      const current = await live(model);
      if (!current || current.revision !== expect) throw createConflict(model);
      await write(
        model,
        { version: current.version, description: `${current.description} withdrawn` },
        expect,
      );
      await lambda.send(new DeleteAliasCommand(toAliasId(model)));
    },
  };
};

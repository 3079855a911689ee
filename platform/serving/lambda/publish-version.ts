import {
  GetFunctionCommand,
  type GetFunctionCommandOutput,
  InvalidParameterValueException,
  PreconditionFailedException,
  PublishVersionCommand,
  paginateListVersionsByFunction,
  ResourceConflictException,
  ResourceNotFoundException,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionUpdatedV2,
  waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { hashConfig } from "#platform/serving/hash-config.ts";
import { type FunctionConfig, type FunctionVersion, NotServed } from "#platform/serving/serving.ts";
import { defaultPoll, type LambdaServingDependencies, updateTimeoutSeconds } from "./lambda-dependencies.ts";

type Needs = Pick<LambdaServingDependencies, "environment" | "lambda" | "repository" | "poll">;

const maxAttempts = 20;

/** The image's digest as Lambda resolved it; `ImageUri` says only what was asked for. */
const readImageDigest = ({ Code }: GetFunctionCommandOutput): string | undefined =>
  /@(sha256:[0-9a-f]{64})$/.exec(Code?.ResolvedImageUri ?? Code?.ImageUri ?? "")?.[1];

const toFunctionConfig = (found: GetFunctionCommandOutput): FunctionConfig | undefined => {
  const digest = readImageDigest(found);
  const { MemorySize, Timeout, Environment } = found.Configuration ?? {};
  if (digest === undefined || MemorySize === undefined || Timeout === undefined) return undefined;
  return { digest, memoryMb: MemorySize, timeoutSeconds: Timeout, variables: Environment?.Variables ?? {} };
};

/**
 * A published version as Lambda describes it, or undefined where it is not there.
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
 */
export const readVersion =
  ({ environment, lambda }: Pick<Needs, "environment" | "lambda">) =>
  async (model: string, version: string): Promise<FunctionVersion | undefined> => {
    if (!/^[1-9]\d*$/.test(version)) return undefined;
    try {
      const found = await lambda.send(
        new GetFunctionCommand({ FunctionName: toFunctionName(environment, model), Qualifier: version }),
      );
      const config = toFunctionConfig(found);
      return config && { version, config };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  };

/**
 * Publishes a configuration, or finds the version that already has it: a version's description carries the
 * configuration's hash. Each write passes the RevisionId just read, so what is published is what was set here and
 * nothing that another process mixed in; a write that is refused, and one whose answer was lost and that was
 * repeated, both end in reading anew.
 * https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
 */
export const publishVersion = (needs: Needs) => {
  const { environment, lambda, repository, poll = defaultPoll } = needs;
  const waiter = { client: lambda, maxWaitTime: updateTimeoutSeconds, ...poll };

  const published = async (name: string, hash: string): Promise<string | undefined> => {
    for await (const { Versions } of paginateListVersionsByFunction(
      { client: lambda },
      { FunctionName: name },
    ))
      for (const { Version, Description } of Versions ?? [])
        if (Version !== "$LATEST" && Description === `config=${hash}`) return Version;
    return undefined;
  };

  /** The function as it stands, once no update of it is under way. */
  const settled = async (name: string): Promise<GetFunctionCommandOutput> => {
    const read = new GetFunctionCommand({ FunctionName: name });
    const now = await lambda.send(read);
    const { State, LastUpdateStatus } = now.Configuration ?? {};
    if (State !== "Pending" && LastUpdateStatus !== "InProgress") return now;
    await waitUntilFunctionUpdatedV2(waiter, { FunctionName: name });
    // The end of an update is a revision of its own.
    return lambda.send(read);
  };

  const setUp = async (name: string, config: FunctionConfig): Promise<GetFunctionCommandOutput> => {
    let now = await settled(name);
    if (readImageDigest(now) !== config.digest) {
      await lambda.send(
        new UpdateFunctionCodeCommand({
          FunctionName: name,
          ImageUri: `${repository}@${config.digest}`,
          RevisionId: now.Configuration?.RevisionId,
        }),
      );
      now = await settled(name);
    }
    const found = toFunctionConfig(now);
    if (!found || hashConfig(found) !== hashConfig(config)) {
      await lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: name,
          MemorySize: config.memoryMb,
          Timeout: config.timeoutSeconds,
          Environment: { Variables: { ...config.variables } },
          RevisionId: now.Configuration?.RevisionId,
        }),
      );
      now = await settled(name);
    }
    return now;
  };

  const publishOnce = async (name: string, config: FunctionConfig): Promise<string | undefined> => {
    const hash = hashConfig(config);
    const now = await setUp(name, config);
    // Someone may have changed the function after the last update: what was read then is theirs.
    const standing = toFunctionConfig(now);
    if (!standing || hashConfig(standing) !== hash) return undefined;
    const { Version } = await lambda.send(
      new PublishVersionCommand({
        FunctionName: name,
        Description: `config=${hash}`,
        RevisionId: now.Configuration?.RevisionId,
      }),
    );
    return Version;
  };

  return async (model: string, config: FunctionConfig): Promise<FunctionVersion> => {
    const name = toFunctionName(environment, model);
    for (let round = 0; round < maxAttempts; round++)
      try {
        const hash = hashConfig(config);
        const version = (await published(name, hash)) ?? (await publishOnce(name, config));
        if (version === undefined) continue;
        await waitUntilPublishedVersionActive(waiter, { FunctionName: name, Qualifier: version });
        const read = await readVersion(needs)(model, version);
        if (read && hashConfig(read.config) === hash) return read;
      } catch (error) {
        if (error instanceof ResourceNotFoundException)
          throw new NotServed(
            `there is no function for ${model} in ${environment}: deliver the model again, which makes it anew`,
            { cause: error },
          );
        if (error instanceof InvalidParameterValueException && /source image/i.test(error.message))
          throw new NotServed(
            `there is no image ${config.digest} in ${repository}: deliver the model again, which builds it, and see that nothing deletes images there`,
            { cause: error },
          );
        if (!(error instanceof PreconditionFailedException || error instanceof ResourceConflictException))
          throw error;
      }
    throw new TemporaryFault(
      `${name} was changed by others ${maxAttempts} times while a version was being published`,
    );
  };
};

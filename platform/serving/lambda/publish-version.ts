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
  type UpdateFunctionConfigurationCommandInput,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import { hashConfig } from "#platform/serving/hash-config.ts";
import { type FunctionConfig, type FunctionVersion, NotServed } from "#platform/serving/serving.ts";
import { awaitActive } from "./await-active.ts";
import { defaultPoll, type LambdaServingDependencies, updateTimeoutSeconds } from "./lambda-dependencies.ts";

type Needs = Pick<LambdaServingDependencies, "environment" | "lambda" | "repository" | "poll">;

const maxAttempts = 20;

/** The digest that Lambda resolved; `ImageUri` is only the requested image. */
const readImageDigest = ({ Code }: GetFunctionCommandOutput): string | undefined =>
  /@(sha256:[0-9a-f]{64})$/.exec(Code?.ResolvedImageUri ?? Code?.ImageUri ?? "")?.[1];

const toFunctionConfig = (response: GetFunctionCommandOutput): FunctionConfig | undefined => {
  const digest = readImageDigest(response);
  const { MemorySize, Timeout, Environment, SnapStart } = response.Configuration ?? {};
  if (digest === undefined || MemorySize === undefined || Timeout === undefined) return undefined;
  return {
    digest,
    memoryMb: MemorySize,
    timeoutSeconds: Timeout,
    variables: Environment?.Variables ?? {},
    ...(SnapStart?.ApplyOn === "PublishedVersions" ? { snapStart: true } : {}),
  };
};

/**
 * Lambda makes the snapshot when the version is published; the image's label allows it (packaging/push-image.ts).
 * https://docs.aws.amazon.com/lambda/latest/dg/snapstart.html
 */
const toSnapStart = (
  { snapStart }: FunctionConfig,
  current: FunctionConfig | undefined,
): Pick<UpdateFunctionConfigurationCommandInput, "SnapStart"> => {
  if (snapStart) return { SnapStart: { ApplyOn: "PublishedVersions" } };
  return current?.snapStart ? { SnapStart: { ApplyOn: "None" } } : {};
};

/**
 * Reads a published version; undefined if it does not exist.
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
 */
export const readVersion =
  ({ environment, lambda }: Pick<Needs, "environment" | "lambda">) =>
  async (model: string, version: string): Promise<FunctionVersion | undefined> => {
    if (!/^[1-9]\d*$/.test(version)) return undefined;
    try {
      const response = await lambda.send(
        new GetFunctionCommand({ FunctionName: toFunctionName(environment, model), Qualifier: version }),
      );
      const config = toFunctionConfig(response);
      return config && { version, config };
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      throw error;
    }
  };

/**
 * Publishes a configuration, or finds the version that already has it: a version's description holds the
 * configuration's hash. Each write passes the RevisionId just read, so a concurrent change is never published. After a
 * conflict, which a retry with a lost response also causes, the function is read again.
 * https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
 */
export const publishVersion = (needs: Needs) => {
  const { environment, lambda, repository, poll = defaultPoll } = needs;
  const waiter = { client: lambda, maxWaitTime: updateTimeoutSeconds, ...poll };

  const findVersion = async (name: string, hash: string): Promise<string | undefined> => {
    for await (const { Versions } of paginateListVersionsByFunction(
      { client: lambda },
      { FunctionName: name },
    ))
      for (const { Version, Description } of Versions ?? [])
        if (Version !== "$LATEST" && Description === `config=${hash}`) return Version;
    return undefined;
  };

  /** Waits for a running update and reads the function. */
  const readSettled = async (name: string): Promise<GetFunctionCommandOutput> => {
    const read = new GetFunctionCommand({ FunctionName: name });
    const current = await lambda.send(read);
    const { State, LastUpdateStatus } = current.Configuration ?? {};
    if (State !== "Pending" && LastUpdateStatus !== "InProgress") return current;
    await waitUntilFunctionUpdatedV2(waiter, { FunctionName: name });
    // The end of an update changes the revision.
    return lambda.send(read);
  };

  const applyConfig = async (name: string, config: FunctionConfig): Promise<GetFunctionCommandOutput> => {
    let current = await readSettled(name);
    if (readImageDigest(current) !== config.digest) {
      await lambda.send(
        new UpdateFunctionCodeCommand({
          FunctionName: name,
          ImageUri: `${repository}@${config.digest}`,
          RevisionId: current.Configuration?.RevisionId,
        }),
      );
      current = await readSettled(name);
    }
    const currentConfig = toFunctionConfig(current);
    if (!currentConfig || hashConfig(currentConfig) !== hashConfig(config)) {
      await lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName: name,
          MemorySize: config.memoryMb,
          Timeout: config.timeoutSeconds,
          Environment: { Variables: { ...config.variables } },
          ...toSnapStart(config, currentConfig),
          RevisionId: current.Configuration?.RevisionId,
        }),
      );
      current = await readSettled(name);
    }
    return current;
  };

  const publishOnce = async (name: string, config: FunctionConfig): Promise<string | undefined> => {
    const hash = hashConfig(config);
    const current = await applyConfig(name, config);
    // Someone may have changed the function after the last update.
    const currentConfig = toFunctionConfig(current);
    if (!currentConfig || hashConfig(currentConfig) !== hash) return undefined;
    const { Version } = await lambda.send(
      new PublishVersionCommand({
        FunctionName: name,
        Description: `config=${hash}`,
        RevisionId: current.Configuration?.RevisionId,
      }),
    );
    return Version;
  };

  return async (model: string, config: FunctionConfig): Promise<FunctionVersion> => {
    const name = toFunctionName(environment, model);
    for (let attempt = 0; attempt < maxAttempts; attempt++)
      try {
        const hash = hashConfig(config);
        const version = (await findVersion(name, hash)) ?? (await publishOnce(name, config));
        if (version === undefined) continue;
        // A version from an earlier delivery may have become inactive, and its next step may be traffic.
        await awaitActive(needs)(name, version);
        const published = await readVersion(needs)(model, version);
        if (published && hashConfig(published.config) === hash) return published;
      } catch (error) {
        if (error instanceof ResourceNotFoundException)
          throw new NotServed(
            `there is no function for ${model} in ${environment}: deliver the model again to create it`,
            { cause: error },
          );
        if (error instanceof InvalidParameterValueException && /source image/i.test(error.message))
          throw new NotServed(
            `there is no image ${config.digest} in ${repository}: deliver the model again to build it, and check which rule deletes images there`,
            { cause: error },
          );
        if (!(error instanceof PreconditionFailedException || error instanceof ResourceConflictException))
          throw error;
      }
    throw new TemporaryFault(`${name} changed ${maxAttempts} times while a version was being published`);
  };
};

import {
  AssociateKmsKeyCommand,
  CreateLogGroupCommand,
  DeleteLogGroupCommand,
  ResourceNotFoundException as NoLogGroup,
  PutRetentionPolicyCommand,
  ResourceAlreadyExistsException,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  ResourceConflictException,
  ResourceNotFoundException,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import { callAws } from "#platform/errors/call-aws.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import type { Json } from "#platform/store/store.ts";
import { toFunctionName } from "./function-name.ts";
import { awaitActive, isPreparing } from "./lambda/await-active.ts";
import { createHttpRoute } from "./lambda/http-route.ts";
import {
  defaultPoll,
  type LambdaServingDependencies,
  updateTimeoutSeconds,
} from "./lambda/lambda-dependencies.ts";
import { listModels } from "./lambda/list-models.ts";
import { aliasName, createLiveAlias } from "./lambda/live-alias.ts";
import { publishVersion, readVersion } from "./lambda/publish-version.ts";
import { readFailure } from "./lambda/read-failure.ts";
import { parseReportLine } from "./lambda-report.ts";
import { NotServed, type Serving } from "./serving.ts";

/** The memory of a new function; each published version sets its own. */
const firstMemoryMb = 128;

const isAlreadyThere = (error: unknown): boolean =>
  error instanceof ResourceConflictException || error instanceof ResourceAlreadyExistsException;
const isNotFound = (error: unknown): boolean =>
  error instanceof ResourceNotFoundException || error instanceof NoLogGroup;

/** Awaits a call and ignores the accepted errors: another attempt was faster. */
const ignoreErrors = async (accepted: (error: unknown) => boolean, call: Promise<unknown>): Promise<void> => {
  await call.catch((error: unknown) => {
    if (!accepted(error)) throw error;
  });
};

const createUnguardedServing = (needs: LambdaServingDependencies): Serving => {
  const { environment, lambda, logs, httpApi, poll = defaultPoll } = needs;
  const liveAlias = createLiveAlias(needs);
  const httpRoute = createHttpRoute(needs);
  const publish = publishVersion(needs);
  const logGroup = (model: string) => `/aws/lambda/${toFunctionName(environment, model)}`;

  /** The ARN of the alias `live`, even if it does not exist. Throws ResourceNotFoundException without a function. */
  const readAliasArn = async (model: string): Promise<string> => {
    const response = await lambda.send(
      new GetFunctionCommand({ FunctionName: toFunctionName(environment, model) }),
    );
    return `${response.Configuration?.FunctionArn?.replace(/:\$LATEST$/, "")}:${aliasName}`;
  };

  const ensureLogGroup = async (model: string): Promise<void> => {
    const logGroupName = logGroup(model);
    const { logKey: kmsKeyId } = needs;
    await ignoreErrors(isAlreadyThere, logs.send(new CreateLogGroupCommand({ logGroupName, kmsKeyId })));
    // An existing log group may have another key or none.
    if (kmsKeyId !== undefined) await logs.send(new AssociateKmsKeyCommand({ logGroupName, kmsKeyId }));
    await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: needs.logRetentionDays }));
  };

  const ensureFunction = async (model: string): Promise<void> => {
    const FunctionName = toFunctionName(environment, model);
    const existing = await lambda.send(new GetFunctionCommand({ FunctionName })).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
    if (existing?.Configuration?.State === "Active") return;
    if (existing === undefined)
      await ignoreErrors(
        isAlreadyThere,
        lambda.send(
          new CreateFunctionCommand({
            FunctionName,
            PackageType: "Image",
            Code: { ImageUri: `${needs.repository}@${needs.firstDigest}` },
            Role: needs.role,
            Architectures: [needs.architecture],
            MemorySize: firstMemoryMb,
            Tags: { "slipway:model": model, "slipway:environment": environment },
          }),
        ),
      );
    // An Inactive function (idle for weeks) only becomes active with its next update, so waiting would time out.
    if (existing?.Configuration?.State !== "Inactive")
      await waitUntilFunctionActiveV2(
        { client: lambda, maxWaitTime: updateTimeoutSeconds, ...poll },
        { FunctionName },
      );
  };

  return {
    async ensure(model) {
      // The log group first: otherwise the function's first line creates one without a retention.
      await ensureLogGroup(model);
      await ensureFunction(model);
      const arn = await readAliasArn(model);
      await httpRoute.ensure(model, arn);
      if (await liveAlias.live(model)) await liveAlias.allowHttpApi(model, arn);
      return { url: `${httpApi.url}/models/${model}` };
    },

    publish: (model, config) =>
      publish(model, { ...config, variables: { ...needs.variables, ...config.variables } }),
    version: readVersion(needs),
    live: liveAlias.live,

    async route(model, wanted, { expect }) {
      const live = await liveAlias.route(model, wanted, expect);
      await liveAlias.allowHttpApi(model, await readAliasArn(model));
      return live;
    },

    unroute: (model, { expect }) => liveAlias.unroute(model, expect),

    async invoke(model, qualifier, payload) {
      const FunctionName = toFunctionName(environment, model);
      const Qualifier = qualifier === "live" ? aliasName : qualifier.version;
      const command = new InvokeCommand({
        FunctionName,
        Qualifier,
        LogType: "Tail",
        Payload: Buffer.from(JSON.stringify(payload)),
      });
      const response = await lambda
        .send(command)
        .catch(async (error: unknown) => {
          if (!isPreparing(error)) throw error;
          await awaitActive(needs)(FunctionName, Qualifier);
          return lambda.send(command);
        })
        .catch((error: unknown) => {
          if (!isPreparing(error)) throw error;
          // During a canary the alias has two versions, and the other one may be the one that sleeps.
          throw new TemporaryFault(`Lambda is still preparing ${FunctionName}:${Qualifier}`, {
            cause: error,
          });
        })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
          throw new NotServed(`${model} has no ${Qualifier} in ${environment}`, { cause: error });
        });
      if (response.FunctionError !== undefined) throw readFailure(response);
      const result: Json = JSON.parse(response.Payload?.transformToString() || "null");
      const log = Buffer.from(response.LogResult ?? "", "base64").toString("utf8");
      const version = response.ExecutedVersion ?? Qualifier;
      return { payload: result, version, ...(parseReportLine(log) ?? { durationMs: 0 }) };
    },

    async retire(model) {
      const FunctionName = toFunctionName(environment, model);
      await httpRoute.remove(model, FunctionName);
      await ignoreErrors(isNotFound, logs.send(new DeleteLogGroupCommand({ logGroupName: logGroup(model) })));
      // Delete the function last, with its versions and alias: an interrupted retirement stays in the list.
      await ignoreErrors(isNotFound, lambda.send(new DeleteFunctionCommand({ FunctionName })));
    },
    models: listModels(needs),
  };
};

/**
 * Serving on Lambda and an HTTP API, in the clients' account. Each model has one function with the alias `live`; all
 * images are in one repository. Also throws TemporaryFault.
 */
export const createLambdaServing = (needs: LambdaServingDependencies): Serving => {
  const serving = createUnguardedServing(needs);
  const guard =
    <Input extends unknown[], Output>(operation: string, call: (...input: Input) => Promise<Output>) =>
    (...input: Input): Promise<Output> =>
      callAws(`Lambda: ${operation}`, () => call(...input));
  return {
    ensure: guard("creating a function", serving.ensure),
    publish: guard("publishing a version", serving.publish),
    version: guard("reading a version", serving.version),
    live: guard("reading the alias", serving.live),
    route: guard("moving the alias", serving.route),
    unroute: guard("removing the alias", serving.unroute),
    invoke: guard("calling a function", serving.invoke),
    retire: guard("retiring a model", serving.retire),
    models: guard("listing functions", serving.models),
  };
};

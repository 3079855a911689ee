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
  type InvokeCommandOutput,
  paginateListFunctions,
  ResourceConflictException,
  ResourceNotFoundException,
  waitUntilFunctionActiveV2,
} from "@aws-sdk/client-lambda";
import * as z from "zod";
import { callAws } from "#platform/errors/call-aws.ts";
import type { Json } from "#platform/store/store.ts";
import { parseFunctionName, toFunctionName } from "./function-name.ts";
import { createHttpRoute } from "./lambda/http-route.ts";
import {
  defaultPoll,
  type LambdaServingDependencies,
  updateTimeoutSeconds,
} from "./lambda/lambda-dependencies.ts";
import { aliasName, createLiveAlias } from "./lambda/live-alias.ts";
import { publishVersion, readVersion } from "./lambda/publish-version.ts";
import { parseReportLine } from "./lambda-report.ts";
import { FunctionFailed, NotServed, type Serving } from "./serving.ts";

/** What a function made before its first version has; each published version brings its own. */
const firstMemoryMb = 128;

const FailurePayload = z.object({ errorMessage: z.string(), errorType: z.string().optional() });

const readFailure = ({ FunctionError, Payload }: InvokeCommandOutput): FunctionFailed => {
  const text = Payload?.transformToString() ?? "";
  try {
    const { errorType, errorMessage } = FailurePayload.parse(JSON.parse(text));
    return new FunctionFailed(errorType ? `${errorType}: ${errorMessage}` : errorMessage);
  } catch {
    return new FunctionFailed(`${FunctionError}: ${text.slice(0, 1_000)}`);
  }
};

const isAlreadyThere = (error: unknown): boolean =>
  error instanceof ResourceConflictException || error instanceof ResourceAlreadyExistsException;
const isNotFound = (error: unknown): boolean =>
  error instanceof ResourceNotFoundException || error instanceof NoLogGroup;

/** Waits for a call and takes the named refusals for its success: another attempt was faster. */
const ignoreErrors = async (accepted: (error: unknown) => boolean, call: Promise<unknown>): Promise<void> => {
  await call.catch((error: unknown) => {
    if (!accepted(error)) throw error;
  });
};

const createUnguardedServing = (needs: LambdaServingDependencies): Serving => {
  const { environment, lambda, logs, httpApi, poll = defaultPoll } = needs;
  const alias = createLiveAlias(needs);
  const http = createHttpRoute(needs);
  const publish = publishVersion(needs);
  const logGroup = (model: string) => `/aws/lambda/${toFunctionName(environment, model)}`;

  /** The ARN of the alias `live`, whether or not it exists. Throws ResourceNotFoundException without function. */
  const aliasArn = async (model: string): Promise<string> => {
    const found = await lambda.send(
      new GetFunctionCommand({ FunctionName: toFunctionName(environment, model) }),
    );
    return `${found.Configuration?.FunctionArn?.replace(/:\$LATEST$/, "")}:${aliasName}`;
  };

  const ensureLogGroup = async (model: string): Promise<void> => {
    const logGroupName = logGroup(model);
    const { logKey: kmsKeyId } = needs;
    await ignoreErrors(isAlreadyThere, logs.send(new CreateLogGroupCommand({ logGroupName, kmsKeyId })));
    // One that was there before may have another or none.
    if (kmsKeyId !== undefined) await logs.send(new AssociateKmsKeyCommand({ logGroupName, kmsKeyId }));
    await logs.send(new PutRetentionPolicyCommand({ logGroupName, retentionInDays: needs.logRetentionDays }));
  };

  const ensureFunction = async (model: string): Promise<void> => {
    const FunctionName = toFunctionName(environment, model);
    const standing = await lambda.send(new GetFunctionCommand({ FunctionName })).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
    if (standing?.Configuration?.State === "Active") return;
    if (standing === undefined)
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
    // An Inactive function (idle for weeks) wakes with its next update, and would be waited for in vain.
    if (standing?.Configuration?.State !== "Inactive")
      await waitUntilFunctionActiveV2(
        { client: lambda, maxWaitTime: updateTimeoutSeconds, ...poll },
        { FunctionName },
      );
  };

  return {
    async ensure(model) {
      // The log group comes first, or the function's first line would make one that keeps its lines forever.
      await ensureLogGroup(model);
      await ensureFunction(model);
      const arn = await aliasArn(model);
      await http.ensure(model, arn);
      if (await alias.live(model)) await alias.allowHttpApi(model, arn);
      return { url: `${httpApi.url}/models/${model}` };
    },

    publish: (model, config) =>
      publish(model, { ...config, variables: { ...needs.variables, ...config.variables } }),
    version: readVersion(needs),
    live: alias.live,

    async route(model, wanted, { expect }) {
      const written = await alias.route(model, wanted, expect);
      await alias.allowHttpApi(model, await aliasArn(model));
      return written;
    },

    unroute: (model, { expect }) => alias.unroute(model, expect),

    async invoke(model, qualifier, payload) {
      const Qualifier = qualifier === "live" ? aliasName : qualifier.version;
      const answer = await lambda
        .send(
          new InvokeCommand({
            FunctionName: toFunctionName(environment, model),
            Qualifier,
            LogType: "Tail",
            Payload: Buffer.from(JSON.stringify(payload)),
          }),
        )
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
          throw new NotServed(`${model} has no ${Qualifier} in ${environment}`, { cause: error });
        });
      if (answer.FunctionError !== undefined) throw readFailure(answer);
      const body: Json = JSON.parse(answer.Payload?.transformToString() || "null");
      const log = Buffer.from(answer.LogResult ?? "", "base64").toString("utf8");
      const version = answer.ExecutedVersion ?? Qualifier;
      return { payload: body, version, ...(parseReportLine(log) ?? { durationMs: 0 }) };
    },

    async retire(model) {
      const FunctionName = toFunctionName(environment, model);
      await http.remove(model, FunctionName);
      await ignoreErrors(isNotFound, logs.send(new DeleteLogGroupCommand({ logGroupName: logGroup(model) })));
      // The function goes last, and its versions and alias with it: an interrupted retirement is still listed.
      await ignoreErrors(isNotFound, lambda.send(new DeleteFunctionCommand({ FunctionName })));
    },

    async models() {
      const names: string[] = [];
      for await (const { Functions } of paginateListFunctions({ client: lambda }, {}))
        for (const { FunctionName = "", PackageType } of Functions ?? []) {
          const read = parseFunctionName(FunctionName);
          if (PackageType === "Image" && read?.environment === environment) names.push(read.model);
        }
      return names;
    },
  };
};

/**
 * Serving on Lambda and an HTTP API, in the account that the clients act in. One function per model from one image
 * repository; `live` is its alias. Throws, beside the contract's errors, TemporaryFault.
 */
export const createLambdaServing = (needs: LambdaServingDependencies): Serving => {
  const serving = createUnguardedServing(needs);
  const guard =
    <Input extends unknown[], Output>(what: string, call: (...input: Input) => Promise<Output>) =>
    (...input: Input): Promise<Output> =>
      callAws(`Lambda: ${what}`, () => call(...input));
  return {
    ensure: guard("making a function", serving.ensure),
    publish: guard("publishing a version", serving.publish),
    version: guard("reading a version", serving.version),
    live: guard("reading the alias", serving.live),
    route: guard("moving the alias", serving.route),
    unroute: guard("taking the alias away", serving.unroute),
    invoke: guard("calling a function", serving.invoke),
    retire: guard("retiring a model", serving.retire),
    models: guard("listing functions", serving.models),
  };
};

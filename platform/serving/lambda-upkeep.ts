import {
  DeleteFunctionCommand,
  GetAliasCommand,
  paginateListVersionsByFunction,
  ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import { callAws } from "#platform/errors/call-aws.ts";
import { toFunctionName } from "./function-name.ts";
import { wake } from "./lambda/await-active.ts";
import type { LambdaServingDependencies } from "./lambda/lambda-dependencies.ts";
import { listModels } from "./lambda/list-models.ts";
import { aliasName } from "./lambda/live-alias.ts";
import { readFailure } from "./lambda/read-failure.ts";
import { NotServed, type VersionUpkeep } from "./serving.ts";

type Needs = Pick<LambdaServingDependencies, "environment" | "lambda">;

/** The versions that have traffic. */
const readLiveVersions = async ({ lambda }: Needs, FunctionName: string): Promise<readonly string[]> => {
  try {
    const { FunctionVersion = "", RoutingConfig } = await lambda.send(
      new GetAliasCommand({ FunctionName, Name: aliasName }),
    );
    return [FunctionVersion, ...Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {})];
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return [];
    throw error;
  }
};

const createUnguardedUpkeep = (needs: Needs): VersionUpkeep => {
  const { environment, lambda } = needs;
  return {
    models: listModels(needs),

    async wake(model, version) {
      const id = { FunctionName: toFunctionName(environment, model), Qualifier: version };
      const response = await wake(lambda, id).catch((error: unknown) => {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        throw new NotServed(`${model} has no version ${version} in ${environment}`, { cause: error });
      });
      if (response?.FunctionError !== undefined) throw readFailure(response);
      return response ? "awake" : "waking";
    },

    async deleteSnapshots(model, keep) {
      const FunctionName = toFunctionName(environment, model);
      const newest = Math.max(...keep.map(Number));
      const kept = new Set([...keep, ...(await readLiveVersions(needs, FunctionName))]);
      const deleted: string[] = [];
      for await (const { Versions } of paginateListVersionsByFunction({ client: lambda }, { FunctionName }))
        for (const { Version = "$LATEST", SnapStart } of Versions ?? []) {
          if (SnapStart?.ApplyOn !== "PublishedVersions" || kept.has(Version)) continue;
          // $LATEST is no number and has no snapshot; a newer version may belong to a delivery that runs.
          if (Number(Version) < newest) deleted.push(Version);
        }
      for (const Qualifier of deleted)
        await lambda.send(new DeleteFunctionCommand({ FunctionName, Qualifier }));
      return deleted;
    },
  };
};

/** The upkeep of versions on Lambda, in the client's account. Also throws TemporaryFault. */
export const createLambdaUpkeep = (needs: Needs): VersionUpkeep => {
  const upkeep = createUnguardedUpkeep(needs);
  return {
    models: () => callAws("Lambda: listing functions", upkeep.models),
    wake: (...input) => callAws("Lambda: waking a version", () => upkeep.wake(...input)),
    deleteSnapshots: (...input) =>
      callAws("Lambda: deleting snapshots", () => upkeep.deleteSnapshots(...input)),
  };
};

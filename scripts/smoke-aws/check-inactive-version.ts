import {
  InvokeCommand,
  LambdaClient,
  paginateListFunctions,
  paginateListVersionsByFunction,
} from "@aws-sdk/client-lambda";
import { openRole } from "./open-role.ts";
import type { SmokeCheck, SmokeNeeds } from "./smoke-check.ts";

const findInactive = async (client: LambdaClient) => {
  for await (const { Functions = [] } of paginateListFunctions({ client }, {}))
    for (const { FunctionName = "" } of Functions)
      if (FunctionName.startsWith("slipway-stage-"))
        for await (const { Versions = [] } of paginateListVersionsByFunction({ client }, { FunctionName }))
          for (const { State, Version } of Versions)
            if (State === "Inactive" && Version !== undefined) return { FunctionName, Qualifier: Version };
  return undefined;
};

/** Calls a version of stage that was idle for weeks, if there is one. */
export const checkInactiveVersion = (needs: SmokeNeeds): SmokeCheck => ({
  behaviour:
    "an inactive version's first call fails with `CodeArtifactUserPendingException` or `ResourceNotReadyException`, and wakes it",
  expected: "one of these two errors",
  writes: "wakes one version on stage that was idle for weeks, if there is one",
  aboutAws: true,
  run: async () => {
    const client = new LambdaClient({ credentials: openRole(needs, "stage"), maxAttempts: 1 });
    const version = await findInactive(client);
    if (version === undefined)
      return {
        status: "not checked",
        actual: "no version of stage is inactive: run this again in some weeks",
      };
    try {
      await client.send(new InvokeCommand({ ...version, Payload: Buffer.from("{}") }));
      return { status: "fail", actual: "the call had a response" };
    } catch (error) {
      const { name } = error instanceof Error ? error : new Error(String(error));
      const known = /^(CodeArtifactUserPendingException|ResourceNotReadyException)$/.test(name);
      return { status: known ? "pass" : "fail", actual: name };
    }
  },
});

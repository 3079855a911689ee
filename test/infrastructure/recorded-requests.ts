import { readFile } from "node:fs/promises";
import * as z from "zod";
import { nameResources } from "#terraform/resource-names.ts";
import type { RecordedCall } from "#test/peers/recording-proxy.ts";
import { type IamRequest, toIamRequests } from "./iam-requests.ts";
import type { SynthesizedStacks } from "./synth-stacks.ts";
import { readResourceValue } from "./terraform-values.ts";

const Recorded = z.object({
  /** `deploy-model`; of those that each environment has, `authorize-key@stage`. */
  function: z.string(),
  /** The ARN of the caller's role. */
  role: z.string(),
  action: z.string(),
  resource: z.string(),
  context: z.record(z.string(), z.string()),
});
/** A request that a function's bundle caused. */
export type RecordedRequest = z.infer<typeof Recorded>;

const recordingUrl = new URL("recorded-calls.json", import.meta.url);

/** Ids that differ between runs: of a route, a run, a model version's artefacts, an approval. */
const replaceRunIds = (text: string): string =>
  text
    .replace(/\/(routes|integrations)\/\w+$/, "/$1/id")
    .replace(/\b(m-)?[0-9a-f]{32}\b/g, "$1id")
    .replace(/~[0-9a-f]{24}\b/g, "~id")
    .replace(/(records-[^/]+\/).*/, "$1blob")
    .replace(/(artefacts-[^/]+\/provenance\/).*/, "$1statement")
    .replace(/\b([a-z][\w-]*)-[0-9a-f]{12}-[0-9a-f]{8}(-\d+)?\b/g, "$1-delivery");

/** The requests of recorded calls, each once, in order. `named`: ids from moto and their names in the stacks. */
export const toRecordedRequests = (
  written: SynthesizedStacks,
  calls: readonly RecordedCall[],
  named: ReadonlyMap<string, string>,
): readonly RecordedRequest[] => {
  const known = nameResources(written.accounts);
  const renamed = (text: string) =>
    [...named].reduce((whole, [drawn, name]) => whole.replaceAll(drawn, name), text);
  const keys = new Map(
    (["tooling", "stage", "prod"] as const).map((name) => [
      written.accounts[name].account,
      readResourceValue(written, `bootstrap-${name}`, "aws_kms_key", "arn"),
    ]),
  );
  const api = readResourceValue(written, "registry", "aws_apigatewayv2_api", "execution_arn");
  const ownRole = (name: string) => {
    const [base = "", environment] = name.split("@");
    if (environment !== "stage" && environment !== "prod") return known.functionRoleArn(name);
    return base === "predict"
      ? known.inferenceRoleArn(environment)
      : `arn:aws:iam::${written.accounts[environment].account}:role/slipway-${base}`;
  };
  const all = calls.flatMap((call) => {
    const role = call.role ?? ownRole(call.function);
    const account = role.split(":")[4] ?? "";
    const key = keys.get(account) ?? "";
    return toIamRequests(call, { account, api, key }).map(
      (request: IamRequest): RecordedRequest => ({
        function: call.function,
        role,
        action: request.action,
        resource: replaceRunIds(renamed(request.resource)),
        context: Object.fromEntries(
          Object.entries(request.context).map(([name, value]) => [name, replaceRunIds(renamed(value))]),
        ),
      }),
    );
  });
  const lines = new Map(all.map((one) => [JSON.stringify(one), one]));
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
};

/** The recording that the repository holds. */
export const readRecording = async (): Promise<readonly RecordedRequest[]> =>
  z.array(Recorded).parse(JSON.parse(await readFile(recordingUrl, "utf8")));

/** Its text: a request in a line, so that a change is read as what it is. */
export const formatRecording = (recorded: readonly RecordedRequest[]): string =>
  `[\n${recorded.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]\n`;
export const recordingFile = recordingUrl;

/**
 * Requests of functions in another world, with other names, that the recording does not have: function and action. Callers
 * that are no functions of the recording are left out.
 */
export const findUnrecordedRequests = (
  calls: readonly RecordedCall[],
  recorded: readonly RecordedRequest[],
): readonly string[] => {
  const named = (of: string, action: string) => `${of.split("@")[0]} ${action}`;
  const functions = new Set(recorded.map((one) => named(one.function, "")));
  const known = new Set(recorded.map((one) => named(one.function, one.action)));
  const operations = calls
    .filter((call) => functions.has(named(call.function, "")))
    .flatMap((call) =>
      toIamRequests(call, { account: "", api: "", key: "" }).map(({ action }) =>
        named(call.function, action),
      ),
    );
  return [...new Set(operations)].filter((one) => !known.has(one));
};

import { readFile } from "node:fs/promises";
import * as z from "zod";
import { nameResources } from "#terraform/resource-names.ts";
import type { RecordedCall } from "#test/peers/recording-proxy.ts";
import { type IamRequest, toIamRequests } from "./iam-requests.ts";
import type { SynthesizedStacks } from "./synth-stacks.ts";
import { readResourceValue } from "./terraform-values.ts";

const Recorded = z.object({
  /** `deploy-model`, or `authorize-key@stage` for a function of each environment. */
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

/** Replaces ids that differ between runs: of a route, a run, a model version's artefacts, an approval. */
const replaceRunIds = (text: string): string =>
  text
    .replace(/\/(routes|integrations)\/\w+$/, "/$1/id")
    .replace(/\b(m-)?[0-9a-f]{32}\b/g, "$1id")
    .replace(/~[0-9a-f]{24}\b/g, "~id")
    .replace(/(records-[^/]+\/).*/, "$1blob")
    .replace(/(artefacts-[^/]+\/provenance\/).*/, "$1statement")
    .replace(/(slipway-audit-[^/]+\/audit\/).*/, "$1anchor")
    .replace(/(artefacts-[^/]+\/artefacts\/sha256\/).*/, "$1hash")
    .replace(/\b([a-z][\w-]*)-[0-9a-f]{12}-[0-9a-f]{8}(-\d+)?\b/g, "$1-delivery");

/** The requests of recorded calls, each once, in order. `names`: the stacks' names by moto's ids. */
export const toRecordedRequests = (
  written: SynthesizedStacks,
  calls: readonly RecordedCall[],
  names: ReadonlyMap<string, string>,
): readonly RecordedRequest[] => {
  const resourceNames = nameResources(written.accounts);
  const replaceIds = (text: string) =>
    [...names].reduce((result, [id, name]) => result.replaceAll(id, name), text);
  const keys = new Map(
    (["tooling", "stage", "prod"] as const).map((name) => [
      written.accounts[name].account,
      readResourceValue(written, `bootstrap-${name}`, "aws_kms_key", "arn"),
    ]),
  );
  const api = readResourceValue(written, "registry", "aws_apigatewayv2_api", "execution_arn");
  const findRole = (name: string) => {
    const [base = "", environment] = name.split("@");
    if (environment !== "stage" && environment !== "prod") return resourceNames.functionRoleArn(name);
    return base === "predict"
      ? resourceNames.inferenceRoleArn(environment)
      : `arn:aws:iam::${written.accounts[environment].account}:role/slipway-${base}`;
  };
  const all = calls.flatMap((call) => {
    const role = call.role ?? findRole(call.function);
    const account = role.split(":")[4] ?? "";
    const key = keys.get(account) ?? "";
    return toIamRequests(call, { account, api, key }).map(
      (request: IamRequest): RecordedRequest => ({
        function: call.function,
        role,
        action: request.action,
        resource: replaceRunIds(replaceIds(request.resource)),
        context: Object.fromEntries(
          Object.entries(request.context).map(([name, value]) => [name, replaceRunIds(replaceIds(value))]),
        ),
      }),
    );
  });
  const lines = new Map(all.map((request) => [JSON.stringify(request), request]));
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, request]) => request);
};

/** The recording in the repository. */
export const readRecording = async (): Promise<readonly RecordedRequest[]> =>
  z.array(Recorded).parse(JSON.parse(await readFile(recordingUrl, "utf8")));

/** The recording's text: one request per line, so that diffs are readable. */
export const formatRecording = (recorded: readonly RecordedRequest[]): string =>
  `[\n${recorded.map((request) => `  ${JSON.stringify(request)}`).join(",\n")}\n]\n`;
export const recordingFile = recordingUrl;

/**
 * Requests (function and action) of functions in another world, with other names, that the recording does not have.
 * Ignores callers that are not functions of the recording.
 */
export const findUnrecordedRequests = (
  calls: readonly RecordedCall[],
  recorded: readonly RecordedRequest[],
): readonly string[] => {
  const toKey = (name: string, action: string) => `${name.split("@")[0]} ${action}`;
  const functions = new Set(recorded.map((request) => toKey(request.function, "")));
  const known = new Set(recorded.map((request) => toKey(request.function, request.action)));
  const operations = calls
    .filter((call) => functions.has(toKey(call.function, "")))
    .flatMap((call) =>
      toIamRequests(call, { account: "", api: "", key: "" }).map(({ action }) =>
        toKey(call.function, action),
      ),
    );
  return [...new Set(operations)].filter((key) => !known.has(key));
};

import { readFile } from "node:fs/promises";
import * as z from "zod";
import { names } from "#terraform/names.ts";
import type { RecordedCall } from "#test/peers/recorded-calls.ts";
import { type IamRequest, iamRequests } from "./iam-requests.ts";
import { valueIn } from "./terraform-values.ts";
import type { Written } from "./written-stacks.ts";

const Recorded = z.object({
  /** `deploy-model`; of those that each environment has, `authorize-key@stage`. */
  function: z.string(),
  /** The ARN of the role that asks. */
  role: z.string(),
  action: z.string(),
  resource: z.string(),
  context: z.record(z.string(), z.string()),
});
/** What a function's bundle had AWS ask its policies. */
export type Recorded = z.infer<typeof Recorded>;

const file = new URL("recorded-calls.json", import.meta.url);

/** Ids that differ from run to run: of a route, a run, a model version's artefacts, a question. */
const steady = (text: string): string =>
  text
    .replace(/\/(routes|integrations)\/\w+$/, "/$1/id")
    .replace(/\b(m-)?[0-9a-f]{32}\b/g, "$1id")
    .replace(/~[0-9a-f]{24}\b/g, "~id")
    .replace(/(records-[^/]+\/).*/, "$1blob")
    .replace(/(artefacts-[^/]+\/provenance\/).*/, "$1statement")
    .replace(/\b([a-z][\w-]*)-[0-9a-f]{12}-[0-9a-f]{8}(-\d+)?\b/g, "$1-delivery");

/** Recorded calls as what AWS asks, each once, in order. `named`: ids that moto drew, and their names in the stacks. */
export const requestsOf = (
  written: Written,
  calls: readonly RecordedCall[],
  named: ReadonlyMap<string, string>,
): readonly Recorded[] => {
  const known = names(written.accounts);
  const renamed = (text: string) =>
    [...named].reduce((whole, [drawn, name]) => whole.replaceAll(drawn, name), text);
  const keys = new Map(
    (["tooling", "stage", "prod"] as const).map((name) => [
      written.accounts[name].account,
      valueIn(written, `bootstrap-${name}`, "aws_kms_key", "arn"),
    ]),
  );
  const api = valueIn(written, "registry", "aws_apigatewayv2_api", "execution_arn");
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
    return iamRequests(call, { account, api, key }).map(
      (request: IamRequest): Recorded => ({
        function: call.function,
        role,
        action: request.action,
        resource: steady(renamed(request.resource)),
        context: Object.fromEntries(
          Object.entries(request.context).map(([name, value]) => [name, steady(renamed(value))]),
        ),
      }),
    );
  });
  const lines = new Map(all.map((one) => [JSON.stringify(one), one]));
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
};

/** The recording that the repository holds. */
export const recording = async (): Promise<readonly Recorded[]> =>
  z.array(Recorded).parse(JSON.parse(await readFile(file, "utf8")));

/** Its text: a request in a line, so that a change is read as what it is. */
export const recordingText = (recorded: readonly Recorded[]): string =>
  `[\n${recorded.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]\n`;
export const recordingFile = file;

/**
 * What functions asked in another world, whose names are others, and the recording has not: function and action.
 * Callers that are no functions of the recording's are left out.
 */
export const unrecorded = (
  calls: readonly RecordedCall[],
  recorded: readonly Recorded[],
): readonly string[] => {
  const named = (of: string, action: string) => `${of.split("@")[0]} ${action}`;
  const functions = new Set(recorded.map((one) => named(one.function, "")));
  const known = new Set(recorded.map((one) => named(one.function, one.action)));
  const asked = calls
    .filter((call) => functions.has(named(call.function, "")))
    .flatMap((call) =>
      iamRequests(call, { account: "", api: "", key: "" }).map(({ action }) => named(call.function, action)),
    );
  return [...new Set(asked)].filter((one) => !known.has(one));
};

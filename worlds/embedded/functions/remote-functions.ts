import { z } from "zod";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import type { Functions } from "#platform/serving/functions.ts";
import { parseReportLine } from "#platform/serving/lambda-report.ts";
import { FunctionBusy, FunctionFailed, NotServed } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";

type Needs = {
  /** URL of the running rehearsal, without a trailing slash. */
  readonly url: string;
  readonly token: string;
  readonly fetch?: typeof globalThis.fetch;
  /** The error for a rehearsal that does not respond. Default: RehearsalUnreachable. */
  readonly unreachable?: (cause: unknown) => Error;
};

/** The rehearsal does not respond, or it refuses the token. */
export class RehearsalUnreachable extends Error {
  override readonly name = "RehearsalUnreachable";
}

/** Time beyond the function's limit, for the queue and a cold start. */
const extraWaitMs = 90_000;
const Failure = z.object({ errorMessage: z.string() });

/**
 * Calls the functions of a rehearsal in another process, by Lambda's Invoke path of its gateway. Throws
 * RehearsalUnreachable where it does not respond, FunctionBusy and TemporaryFault where it is overloaded.
 */
export const remoteFunctions = ({
  url,
  token,
  fetch = globalThis.fetch,
  unreachable = (cause) =>
    new RehearsalUnreachable(`no rehearsal responds at ${url}: start one with \`npm start\``, { cause }),
}: Needs): Functions => ({
  async invoke({ environment, model, version, payload }) {
    const path = `/2015-03-31/functions/${toFunctionName(environment, model)}/invocations`;
    const response = await fetch(`${url}${path}?Qualifier=${encodeURIComponent(version.version)}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "x-amz-log-type": "Tail",
      },
      body: JSON.stringify(payload),
      signal: AbortSignal.timeout(version.config.timeoutSeconds * 1_000 + extraWaitMs),
    }).catch((error: unknown) => {
      throw unreachable(error);
    });
    if (response.status === 404)
      throw new NotServed(`${model} has no version ${version.version} in ${environment}`);
    if (response.status === 429) throw new FunctionBusy(`too many requests wait for ${model}`);
    if (response.status === 503) throw new TemporaryFault(`the rehearsal at ${url} is overloaded`);
    if (!response.ok)
      throw new RehearsalUnreachable(`the rehearsal at ${url} refused the call: status ${response.status}`);
    const result: Json = JSON.parse(await response.text());
    if (response.headers.has("x-amz-function-error"))
      throw new FunctionFailed(Failure.safeParse(result).data?.errorMessage ?? "the function failed");
    const log = Buffer.from(response.headers.get("x-amz-log-result") ?? "", "base64").toString("utf8");
    return { payload: result, ...(parseReportLine(log) ?? { durationMs: 0 }) };
  },
});

import { z } from "zod";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { toFunctionName } from "#platform/serving/function-name.ts";
import type { Functions } from "#platform/serving/functions.ts";
import { parseReportLine } from "#platform/serving/lambda-report.ts";
import { FunctionBusy, FunctionFailed, NotServed } from "#platform/serving/serving.ts";
import type { Json } from "#platform/store/store.ts";

type Needs = {
  /** Where the running rehearsal answers, without a slash at the end. */
  readonly url: string;
  readonly token: string;
  readonly fetch?: typeof globalThis.fetch;
  /** The fault where nobody answers. Default: RehearsalUnreachable. */
  readonly unreachable?: (cause: unknown) => Error;
};

/** Nobody answers where the rehearsal should: it is not running, or it refuses this token. */
export class RehearsalUnreachable extends Error {
  override readonly name = "RehearsalUnreachable";
}

/** What a call may take beyond the function's own limit: waiting for its turn, and a cold start. */
const extraWaitMs = 90_000;
const Failure = z.object({ errorMessage: z.string() });

/**
 * The functions of a rehearsal that runs in another process, called over Lambda's Invoke path of its gateway.
 * Throws RehearsalUnreachable where nobody answers there, FunctionBusy and TemporaryFault where there is no room now.
 */
export const remoteFunctions = ({
  url,
  token,
  fetch = globalThis.fetch,
  unreachable = (cause) =>
    new RehearsalUnreachable(`no rehearsal answers at ${url}: is \`npm start\` running?`, { cause }),
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
    if (response.status === 503)
      throw new TemporaryFault(`the rehearsal at ${url} has no room for a request now`);
    if (!response.ok)
      throw new RehearsalUnreachable(`the rehearsal at ${url} refused the call: ${response.status}`);
    const answer: Json = JSON.parse(await response.text());
    if (response.headers.has("x-amz-function-error"))
      throw new FunctionFailed(Failure.safeParse(answer).data?.errorMessage ?? "the function failed");
    const log = Buffer.from(response.headers.get("x-amz-log-result") ?? "", "base64").toString("utf8");
    return { payload: answer, ...(parseReportLine(log) ?? { durationMs: 0 }) };
  },
});

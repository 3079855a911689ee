import type { z } from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";

export type MlflowApiDependencies = {
  /** The tracking server, without a slash at the end. */
  readonly uri: string;
  readonly fetch: typeof globalThis.fetch;
  /** Such as `authorization`, where the server asks for it. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** MLflow refused a call; `code` is its `error_code`. */
export class MlflowRefused extends SlipwayError {
  override readonly name = "MlflowRefused";
  override readonly retryable = false;
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

const callLimitMs = 15_000;
/** One artefact of 512 MB over a slow line. */
const artifactLimitMs = 300_000;

const isTemporary = (status: number): boolean => status === 429 || status >= 500;

/** The reason in MLflow's own form, or the beginning of whatever was answered. */
const parseReason = (text: string): { readonly code: string; readonly message: string } => {
  try {
    const { error_code, message } = JSON.parse(text);
    if (typeof error_code === "string") return { code: error_code, message: String(message) };
  } catch {
    // Not MLflow's form: a proxy before it answered.
  }
  return { code: "UNKNOWN", message: text.slice(0, 500) };
};

/**
 * MLflow's REST API 2.0. What has no answer, 429 and 5xx end as TemporaryFault, all other refusals as MlflowRefused.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html
 */
export const createMlflowApi = ({ uri, fetch, headers }: MlflowApiDependencies) => {
  const ask = async (what: string, url: string, init: RequestInit, limitMs: number): Promise<Response> => {
    const response = await fetch(url, {
      ...init,
      headers: { ...headers, ...init.headers },
      signal: AbortSignal.timeout(limitMs),
    }).catch((error: unknown) => {
      throw new TemporaryFault(`MLflow at ${uri} did not answer ${what}: ${String(error)}`, { cause: error });
    });
    if (response.ok || response.status === 404) return response;
    const { code, message } = parseReason(await response.text());
    if (isTemporary(response.status))
      throw new TemporaryFault(`MLflow answered ${what} with ${response.status}: ${message}`);
    throw new MlflowRefused(`MLflow refused ${what} with ${response.status} ${code}: ${message}`, code);
  };

  const read = async (response: Response, what: string): Promise<unknown> => {
    const text = await response.text();
    if (!response.ok) {
      const { code, message } = parseReason(text);
      throw new MlflowRefused(`MLflow refused ${what} with ${response.status} ${code}: ${message}`, code);
    }
    try {
      return JSON.parse(text || "{}");
    } catch (error) {
      throw new TemporaryFault(`MLflow's answer to ${what} broke off`, { cause: error });
    }
  };

  const artifactUrl = (path: string) =>
    `${uri}/api/2.0/mlflow-artifacts/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`;

  return {
    async get<Answer>(
      path: string,
      query: Readonly<Record<string, string>>,
      answer: z.ZodType<Answer>,
    ): Promise<Answer> {
      const url = `${uri}/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`;
      return answer.parse(await read(await ask(path, url, { method: "GET" }, callLimitMs), path));
    },
    async send<Answer>(
      method: "POST" | "DELETE",
      path: string,
      body: object,
      answer: z.ZodType<Answer>,
    ): Promise<Answer> {
      const init = {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      };
      const response = await ask(path, `${uri}/api/2.0/mlflow/${path}`, init, callLimitMs);
      return answer.parse(await read(response, path));
    },
    /** A file behind the server's artefact proxy. */
    async putArtifact(path: string, bytes: Uint8Array): Promise<void> {
      const init = { method: "PUT", body: new Uint8Array(bytes) };
      await read(await ask(`artefact ${path}`, artifactUrl(path), init, artifactLimitMs), `artefact ${path}`);
    },
    async getArtifact(path: string): Promise<Uint8Array | undefined> {
      const response = await ask(`artefact ${path}`, artifactUrl(path), { method: "GET" }, artifactLimitMs);
      if (response.status === 404) return undefined;
      return response
        .arrayBuffer()
        .then((bytes) => new Uint8Array(bytes))
        .catch((error: unknown) => {
          throw new TemporaryFault(`MLflow's answer with the artefact ${path} broke off`, { cause: error });
        });
    },
  };
};
export type MlflowApi = ReturnType<typeof createMlflowApi>;

/** Takes one refusal for an answer: `undefined`. */
export const ignoreRefusal = async <T>(code: string, call: Promise<T>): Promise<T | undefined> => {
  try {
    return await call;
  } catch (error) {
    if (error instanceof MlflowRefused && error.code === code) return undefined;
    throw error;
  }
};

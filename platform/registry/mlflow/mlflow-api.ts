import { Readable } from "node:stream";
import type { z } from "zod";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { TemporaryFault } from "#platform/errors/temporary-fault.ts";
import { convertStreamErrors } from "#platform/files/convert-stream-errors.ts";
import type { FileContent } from "#platform/files/file-content.ts";

export type MlflowApiDependencies = {
  /** The tracking server's URL, without a trailing slash. */
  readonly uri: string;
  readonly fetch: typeof globalThis.fetch;
  /** Additional headers, for instance `authorization`. */
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
/** Enough for an artefact of 512 MB over a slow connection. */
const artifactLimitMs = 300_000;

const isTemporary = (status: number): boolean => status === 429 || status >= 500;

/** Reads MLflow's error format; otherwise returns the beginning of the body. */
const parseReason = (text: string): { readonly code: string; readonly message: string } => {
  try {
    const { error_code, message } = JSON.parse(text);
    if (typeof error_code === "string") return { code: error_code, message: String(message) };
  } catch {
    // Another format: the response is from a proxy in front of MLflow.
  }
  return { code: "UNKNOWN", message: text.slice(0, 500) };
};

/**
 * MLflow's REST API 2.0. No response, 429 and 5xx are TemporaryFault, all other refusals MlflowRefused.
 * https://mlflow.org/docs/latest/api_reference/rest-api.html
 */
export const createMlflowApi = ({ uri, fetch, headers }: MlflowApiDependencies) => {
  const sendRequest = async (
    operation: string,
    url: string,
    init: RequestInit,
    limitMs: number,
  ): Promise<Response> => {
    const response = await fetch(url, {
      ...init,
      headers: { ...headers, ...init.headers },
      signal: AbortSignal.timeout(limitMs),
    }).catch((error: unknown) => {
      throw new TemporaryFault(`MLflow at ${uri} did not respond to ${operation}: ${String(error)}`, {
        cause: error,
      });
    });
    if (response.ok || response.status === 404) return response;
    const { code, message } = parseReason(await response.text());
    if (isTemporary(response.status))
      throw new TemporaryFault(`MLflow responded to ${operation} with ${response.status}: ${message}`);
    throw new MlflowRefused(`MLflow refused ${operation} with ${response.status} ${code}: ${message}`, code);
  };

  const read = async (response: Response, operation: string): Promise<unknown> => {
    const text = await response.text();
    if (!response.ok) {
      const { code, message } = parseReason(text);
      throw new MlflowRefused(
        `MLflow refused ${operation} with ${response.status} ${code}: ${message}`,
        code,
      );
    }
    try {
      return JSON.parse(text || "{}");
    } catch (error) {
      throw new TemporaryFault(`MLflow's response to ${operation} was interrupted`, { cause: error });
    }
  };

  const artifactUrl = (path: string) =>
    `${uri}/api/2.0/mlflow-artifacts/artifacts/${path.split("/").map(encodeURIComponent).join("/")}`;

  return {
    async get<Result>(
      path: string,
      query: Readonly<Record<string, string>>,
      schema: z.ZodType<Result>,
    ): Promise<Result> {
      const url = `${uri}/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`;
      return schema.parse(await read(await sendRequest(path, url, { method: "GET" }, callLimitMs), path));
    },
    async send<Result>(
      method: "POST" | "DELETE",
      path: string,
      body: object,
      schema: z.ZodType<Result>,
    ): Promise<Result> {
      const init = {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      };
      const response = await sendRequest(path, `${uri}/api/2.0/mlflow/${path}`, init, callLimitMs);
      return schema.parse(await read(response, path));
    },
    /** Writes a file through the server's artefact proxy. A file of this machine is streamed. */
    async putArtifact(path: string, content: FileContent): Promise<void> {
      const init: RequestInit =
        content instanceof Uint8Array
          ? { method: "PUT", body: new Uint8Array(content) }
          : {
              method: "PUT",
              body: Readable.toWeb(Readable.from(content.open())),
              duplex: "half",
              // The hash, for a signed request: it must be known before the stream is sent.
              headers: { "content-length": String(content.size), "x-amz-content-sha256": content.sha256 },
            };
      await read(
        await sendRequest(`artefact ${path}`, artifactUrl(path), init, artifactLimitMs),
        `artefact ${path}`,
      );
    },

    /** A file as a stream: read it to its end, or destroy it. Undefined: there is none. */
    async openArtifact(path: string): Promise<Readable | undefined> {
      const init = { method: "GET" };
      const response = await sendRequest(`artefact ${path}`, artifactUrl(path), init, artifactLimitMs);
      const { body } = response;
      if (response.status === 404 || body === null) {
        await body?.cancel();
        return undefined;
      }
      return convertStreamErrors(
        Readable.fromWeb(body),
        (error) =>
          new TemporaryFault(`MLflow's response with the artefact ${path} was interrupted`, { cause: error }),
      );
    },
  };
};
export type MlflowApi = ReturnType<typeof createMlflowApi>;

/** Returns undefined instead of throwing MlflowRefused with this code. */
export const ignoreRefusal = async <T>(code: string, call: Promise<T>): Promise<T | undefined> => {
  try {
    return await call;
  } catch (error) {
    if (error instanceof MlflowRefused && error.code === code) return undefined;
    throw error;
  }
};

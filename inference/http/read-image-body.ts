import type { Manifest } from "#model-folder/manifest/manifest.ts";
import type { RowProblem } from "#model-folder/rows/row-problem.ts";
import type { HttpProblem } from "./http-problem.ts";
import type { HttpRequest } from "./http-request.ts";
import { readBody } from "./read-body.ts";

const mediaType = /^\s*image\/(jpeg|png)\s*(;|$)/i;

type ImageRequest = {
  readonly rows: readonly Readonly<Record<string, string>>[];
  readonly pointer: (problem: RowProblem) => string;
};

/**
 * Creates the reader of requests whose body is a JPEG or PNG itself; undefined for a model whose only input is no image.
 * The reader returns undefined for any other request.
 */
export const createImageBodyReader = ({ inputs }: Pick<Manifest, "inputs">) => {
  const [input, ...others] = inputs;
  if (input?.type !== "image" || others.length > 0) return undefined;
  const { name } = input;
  return async (request: HttpRequest): Promise<ImageRequest | HttpProblem | undefined> => {
    if (!mediaType.test(request.header("content-type") ?? "")) return undefined;
    const bytes = await readBody(request);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    // The body is the value, so its pointer is that of the whole body.
    return { rows: [{ [name]: text }], pointer: () => "" };
  };
};

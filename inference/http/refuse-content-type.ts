import type { Manifest } from "#model-folder/manifest/manifest.ts";
import { createProblem } from "./create-problem.ts";
import type { HttpProblem } from "./http-problem.ts";

/** The problem of a body that is neither JSON nor CSV, nor an image for a model whose only input is one. */
export const refuseContentType = ({ inputs }: Pick<Manifest, "inputs">): HttpProblem => {
  const takesImage = inputs.length === 1 && inputs[0]?.type === "image";
  return createProblem(
    "wrong-content-type",
    takesImage
      ? "Send the image itself as image/jpeg or image/png, or application/json or text/csv in UTF-8."
      : "Send application/json or text/csv, in UTF-8.",
  );
};

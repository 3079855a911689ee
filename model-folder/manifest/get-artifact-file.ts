import type { Artifact } from "./artifact.ts";

/**
 * The artefact's name in every copy of the model's folder. In a file without the schema: an inference function starts
 * without it.
 */
export const getArtifactFile = ({ artifact }: { readonly artifact: Artifact }): string =>
  typeof artifact === "string" ? artifact : "model.onnx";

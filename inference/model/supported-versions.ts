import type { SupportedVersions } from "#model-folder/onnx/compare-versions.ts";

/** What the installed onnxruntime-node reads. A test compares it with the runtime, so an upgrade changes these too. */
export const supportedVersions: SupportedVersions = {
  runtime: "ONNX Runtime 1.30",
  irVersion: 13,
  opsets: new Map([
    ["", 26],
    ["ai.onnx.ml", 5],
  ]),
};

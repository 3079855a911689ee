import type { Service } from "#inference/service.ts";
import { modelOutputs } from "./model-outputs.ts";
import { inputDatatypes } from "./tensors-to-rows.ts";

/** The server, with the extensions of the protocol that it speaks, under the names that Triton gives them. */
export const serverMetadata = {
  name: "slipway",
  version: "0.2.0",
  extensions: ["binary_tensor_data", "classification"],
} as const;

/**
 * The model's tensors; -1 stands for the number of rows. Beyond the protocol, an output whose columns have names says
 * them in its parameters.
 */
export const toModelMetadata = ({ model: { manifest }, identity }: Pick<Service, "model" | "identity">) => ({
  name: identity.model,
  versions: [String(identity.version)],
  platform: "onnx_onnxv1",
  inputs: manifest.inputs.map(({ name, type }) => ({ name, datatype: inputDatatypes[type], shape: [-1] })),
  outputs: modelOutputs(manifest).map(({ name, datatype, labels }) => ({
    name,
    datatype,
    shape: labels ? [-1, labels.length] : [-1],
    ...(labels ? { parameters: { labels: JSON.stringify(labels) } } : {}),
  })),
});

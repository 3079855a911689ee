import type { Service } from "#inference/service.ts";

/** Describes the served model for applications: its contract and its version. */
export const describeModel = ({
  model: { manifest, engine },
  identity,
}: Pick<Service, "model" | "identity">) => ({
  name: manifest.name,
  task: manifest.task,
  ...(manifest.description === undefined ? {} : { description: manifest.description }),
  owner: manifest.owner,
  inputs: manifest.inputs,
  output: manifest.output,
  version: identity.version,
  digest: identity.digest,
  environment: identity.environment,
  engine: engine.name,
  ...(engine.name === "onnxruntime" ? { engineReason: engine.reason } : {}),
});

import type { Mismatch } from "./bind-inputs.ts";
import type { OnnxSummary } from "./inspect-onnx.ts";
import { operatorChanges } from "./operator-changes.ts";

/** The newest versions that a runtime reads. */
export type SupportedVersions = {
  readonly runtime: string;
  readonly irVersion: number;
  /** By domain; "" is ONNX's own. */
  readonly opsets: ReadonlyMap<string, number>;
};
type Versions = Pick<OnnxSummary, "irVersion" | "opsets" | "hasFunctions" | "nodeList">;

/**
 * Version 14 of the file format only adds element types of 6 bits (onnx.proto), which no older runtime reads in any form: a
 * file without them means the same in version 13.
 */
const newestKnownIrVersion = 14;

const listNewerOpsets = (
  { opsets }: Pick<Versions, "opsets">,
  supported: SupportedVersions,
): [string, number][] =>
  [...opsets].filter(
    ([domain, version]) => version > (supported.opsets.get(domain) ?? Number.POSITIVE_INFINITY),
  );

/** Why the runtime cannot read the file's versions; undefined where it can. */
export const findVersionMismatch = (
  graph: Pick<Versions, "irVersion" | "opsets">,
  supported: SupportedVersions,
): Mismatch | undefined => {
  const newer = listNewerOpsets(graph, supported);
  const isNewerIr = graph.irVersion > supported.irVersion;
  if (newer.length === 0 && !isNewerIr) return undefined;
  const name = (domain: string): string => (domain === "" ? "opset" : `${domain} opset`);
  const parts = [
    ...newer.map(
      ([domain, version]) =>
        [`${name(domain)} ${version}`, `${name(domain)} ${supported.opsets.get(domain)}`] as const,
    ),
    ...(isNewerIr ? [[`IR version ${graph.irVersion}`, `IR version ${supported.irVersion}`] as const] : []),
  ];
  const opset = supported.opsets.get("");
  return {
    message: `the model has ${parts.map(([own]) => own).join(" and ")}; ${supported.runtime} reads up to ${parts.map(([, most]) => most).join(" and ")}`,
    remedy: `Export with an older version: target_opset={'': ${opset}, 'ai.onnx.ml': ${supported.opsets.get("ai.onnx.ml")}} (skl2onnx, onnxmltools) or opset_version=${opset} (torch.onnx.export), and set model.ir_version = ${supported.irVersion} before onnx.save.`,
  };
};

/**
 * Whether the file means the same under the versions that the runtime reads: none of its operators was added or redefined
 * since. Then only the numbers differ.
 */
export const canLowerVersions = (graph: Versions, supported: SupportedVersions): boolean => {
  // Functions name versions of their own.
  if (graph.hasFunctions || graph.irVersion > newestKnownIrVersion) return false;
  const operators = new Set(
    graph.nodeList.nodes.flatMap(({ operator, domain }) => (domain === "" ? [operator] : [])),
  );
  return listNewerOpsets(graph, supported).every(([domain, version]) => {
    if (domain !== "") return false;
    const oldest = supported.opsets.get("") ?? version;
    return Array.from({ length: version - oldest }, (_, index) => oldest + index + 1).every((added) => {
      const changed = operatorChanges.get(added);
      return changed !== undefined && [...operators].every((operator) => !changed.has(operator));
    });
  });
};

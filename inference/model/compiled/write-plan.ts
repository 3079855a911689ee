import canonicalize from "canonicalize";
import type { OnnxFile, Plan } from "./plan.ts";
import { alignPlanOffset, planFormat } from "./plan-format.ts";
import { sumWords } from "./sum-words.ts";

/**
 * The bytes of `model.plan`. They depend on the plan and the ONNX file alone: each machine writes the same.
 * @param file the ONNX file that the plan was compiled from
 */
export const writePlan = async (plan: Plan, file: OnnxFile): Promise<Uint8Array> => {
  const isCompiled = plan.status === "compiled";
  const ensembles = isCompiled ? plan.ensembles : [];
  const content = isCompiled ? { status: plan.status, graph: plan.graph } : plan;
  const parts = [new TextEncoder().encode(canonicalize(content) ?? ""), ...ensembles];
  const offsets: number[] = [];
  let end = planFormat.ensembleBytesAt + 4 * ensembles.length;
  for (const { length } of parts) {
    offsets.push(alignPlanOffset(end));
    end = alignPlanOffset(end) + length;
  }
  const bytes = new Uint8Array(end);
  const view = new DataView(bytes.buffer);
  const write = (at: number, value: number) => view.setUint32(at, value, true);
  const writeChecksum = (at: number, content: Uint8Array) => {
    for (const [index, sum] of sumWords(content).entries()) view.setBigUint64(at + 8 * index, sum, true);
  };
  new TextEncoder().encodeInto(planFormat.magic, bytes);
  write(planFormat.magic.length, planFormat.version);
  write(planFormat.modelBytesAt, file.size);
  if (isCompiled) writeChecksum(planFormat.modelChecksumAt, await file.bytes());
  write(planFormat.jsonBytesAt, parts[0]?.length ?? 0);
  write(planFormat.ensemblesAt, ensembles.length);
  for (const [index, { length }] of ensembles.entries())
    write(planFormat.ensembleBytesAt + 4 * index, length);
  for (const [index, part] of parts.entries()) bytes.set(part, offsets[index]);
  writeChecksum(planFormat.checksumAt, bytes.subarray(planFormat.checkedFrom));
  return bytes;
};

import type * as z from "zod";
import { arrayLimits } from "./array-limits.ts";
import type { MultioutputOutput, TensorsOutput } from "./task-outputs.ts";

type OutputMistake = { readonly path: readonly (string | number)[]; readonly message: string };
type Manifest =
  | { readonly task: "tensors"; readonly output: z.infer<typeof TensorsOutput> }
  | { readonly task: "multioutput"; readonly output: z.infer<typeof MultioutputOutput> };

const findDuplicateNames = (
  list: "tensors" | "heads",
  outputs: readonly { readonly name: string }[],
): OutputMistake[] =>
  outputs.flatMap(({ name }, index) =>
    outputs.findIndex((other) => other.name === name) < index
      ? [{ path: [list, index, "name"], message: `two outputs are named ${name}` }]
      : [],
  );

/** The mistakes of tensors and heads that their schemas cannot express. */
export const findArrayOutputMistakes = ({ task, output }: Manifest): OutputMistake[] =>
  task === "multioutput"
    ? [
        ...findDuplicateNames("heads", output.heads),
        ...output.heads.flatMap(({ labels }, index) =>
          new Set(labels).size < labels.length
            ? [{ path: ["heads", index, "labels"], message: "a label is listed twice" }]
            : [],
        ),
      ]
    : [
        ...findDuplicateNames("tensors", output.tensors),
        ...output.tensors.flatMap(({ shape }, index): OutputMistake[] => {
          const elements = shape.reduce<number>((product, size) => product * (size ?? 1), 1);
          const path = ["tensors", index, "shape"];
          return [
            ...(shape.filter((size) => size === null).length > 1
              ? [{ path, message: "at most one dimension can be open (null)" }]
              : []),
            ...(elements > arrayLimits.rowElements
              ? [{ path, message: `has ${elements} elements (limit ${arrayLimits.rowElements})` }]
              : []),
          ];
        }),
      ];

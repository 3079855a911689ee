import type { AttributeValue, StoredTensor, WholeNode } from "#model-folder/onnx/read-graph.ts";
import { NotCompiled } from "./not-compiled.ts";

/**
 * Reads a node's attributes by type; what the node does not have is undefined. Throws NotCompiled for an attribute of
 * another type, and for one that the rules do not know (`assertOnly`).
 */
export const readAttributes = ({ operator, attributes }: WholeNode) => {
  const read = <Kind extends AttributeValue["kind"]>(
    name: string,
    kind: Kind,
  ): Extract<AttributeValue, { kind: Kind }> | undefined => {
    const value = attributes.get(name);
    if (value === undefined) return undefined;
    if (!hasKind(value, kind)) throw new NotCompiled(`${operator} has the attribute ${name} in another type`);
    return value;
  };
  return {
    float: (name: string): number | undefined => read(name, "float")?.float,
    int: (name: string): number | undefined => read(name, "int")?.int,
    string: (name: string): string | undefined => read(name, "string")?.string,
    tensor: (name: string): StoredTensor | undefined => read(name, "tensor")?.tensor,
    floats: (name: string): Float32Array | undefined => read(name, "floats")?.floats,
    ints: (name: string): readonly number[] | undefined => {
      const value = read(name, "ints");
      return value && Array.from(value.ints);
    },
    strings: (name: string): readonly string[] | undefined => read(name, "strings")?.strings,
    /** Another version of the operator may have attributes that change its result. */
    assertOnly: (...known: readonly string[]): void => {
      for (const name of attributes.keys())
        if (!known.includes(name)) throw new NotCompiled(`${operator} has the attribute ${name}`);
    },
  };
};

export type Attributes = ReturnType<typeof readAttributes>;

const hasKind = <Kind extends AttributeValue["kind"]>(
  value: AttributeValue,
  kind: Kind,
): value is Extract<AttributeValue, { kind: Kind }> => value.kind === kind;

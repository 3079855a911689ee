import { describe, expect, test } from "vitest";
import { findRefusal } from "#test/support/onnx/find-refusal.ts";
import { floatType, type LocalFunction, type Node, writeOnnx } from "#test/support/onnx/write-onnx.ts";
import { defaultOnnxLimits, inspectOnnx } from "./inspect-onnx.ts";

const domain = "pkg.onnxscript.torch_lib";
const call = (op: string, attributes: Node["attributes"] = []): Node => ({
  op,
  domain,
  inputs: ["x"],
  outputs: ["y"],
  attributes,
});
const define = (name: string, nodes: readonly Node[]): LocalFunction => ({
  domain,
  name,
  inputs: ["a"],
  outputs: ["o"],
  nodes,
});
const writeCalls = (nodes: readonly Node[], functions: readonly LocalFunction[]): Uint8Array =>
  writeOnnx({
    graph: {
      nodes,
      inputs: [{ name: "x", type: floatType, shape: ["N", 2] }],
      outputs: [{ name: "y", type: floatType, shape: ["N", 2] }],
    },
    opsets: { "": 17, [domain]: 1 },
    functions,
  });
const sine: Node = { op: "Sin", inputs: ["a"], outputs: ["o"] };
/** A function that calls another one twice. */
const twice = (name: string, called: string): LocalFunction =>
  define(name, [
    { op: called, domain, inputs: ["a"], outputs: ["m"] },
    { op: called, domain, inputs: ["m"], outputs: ["o"] },
  ]);

describe("a model's own functions", () => {
  test("are read as the nodes that run", () => {
    const { nodeList, unbounded, hasFunctions } = inspectOnnx(
      writeCalls(
        [call("f")],
        [
          define("f", [
            { op: "Cos", inputs: ["a"], outputs: ["t"] },
            { ...sine, inputs: ["t"] },
          ]),
        ],
      ),
    );
    expect(hasFunctions).toBe(true);
    expect(unbounded).toBeUndefined();
    const [cos, sin] = nodeList.nodes;
    expect(cos).toMatchObject({ operator: "Cos", inputs: ["x"] });
    expect(sin).toMatchObject({ operator: "Sin", inputs: cos?.outputs, outputs: ["y"] });
  });

  test("hide no operator whose time depends on the request", () => {
    const hidden = define("f", [{ op: "NonZero", inputs: ["a"], outputs: ["o"] }]);
    expect(inspectOnnx(writeCalls([call("g")], [twice("g", "f"), hidden])).unbounded).toBe("NonZero");
  });

  test("hide no random operator", () => {
    const hidden = define("f", [{ op: "RandomNormalLike", inputs: ["a"], outputs: ["o"] }]);
    expect(inspectOnnx(writeCalls([call("f")], [hidden])).unstable.random).toEqual(["RandomNormalLike"]);
  });

  const deep = Array.from({ length: 40 }, (_, level) =>
    level === 0 ? define("f0", [sine]) : twice(`f${level}`, `f${level - 1}`),
  );
  const refusals: [string, Uint8Array, RegExp][] = [
    ["a function that calls itself", writeCalls([call("f")], [twice("f", "f")]), /f calls itself/],
    [
      "functions that call each other in a circle, though nothing calls them",
      writeCalls([{ ...sine, inputs: ["x"], outputs: ["y"] }], [twice("f", "g"), twice("g", "f")]),
      /calls itself/,
    ],
    ["a trillion nodes from forty functions", writeCalls([call("f39")], deep), /more than 100000 nodes when/],
    [
      "calls within calls beyond the limit",
      writeCalls(
        [call("f69")],
        Array.from({ length: 70 }, (_, level) =>
          define(`f${level}`, [
            level === 0 ? sine : { op: `f${level - 1}`, domain, inputs: ["a"], outputs: ["o"] },
          ]),
        ).toReversed(),
      ),
      /more than 64 levels/,
    ],
    [
      "a call of a function that is not there",
      writeCalls([call("h")], [define("f", [sine])]),
      /does not define/,
    ],
    [
      "an operator of an unknown domain in a function",
      writeCalls([call("f")], [define("f", [{ ...sine, domain: "com.evil" }])]),
      /com\.evil/,
    ],
    [
      "a function in a standard domain",
      writeCalls([], [{ ...define("Sin", [sine]), domain: "ai.onnx.ml" }]),
      /reserved/,
    ],
    [
      "a function that is defined twice",
      writeCalls([call("f")], [define("f", [sine]), define("f", [])]),
      /twice/,
    ],
    [
      "a terabyte from a constant in a function",
      writeCalls(
        [call("f")],
        [
          define("f", [
            { op: "Constant", outputs: ["s"], attributes: [{ name: "value_ints", ints: [2 ** 40] }] },
            { op: "ConstantOfShape", inputs: ["s"], outputs: ["o"] },
          ]),
        ],
      ),
      /ConstantOfShape creates a tensor/,
    ],
    [
      "a terabyte from an attribute of the call",
      writeCalls(
        [call("f", [{ name: "size", ints: [2 ** 40] }])],
        [
          define("f", [
            { op: "Constant", outputs: ["s"], attributes: [{ name: "value_ints", ref: "size" }] },
            { op: "ConstantOfShape", inputs: ["s"], outputs: ["o"] },
          ]),
        ],
      ),
      /ConstantOfShape creates a tensor/,
    ],
  ];
  test.each(refusals)("refuses %s", (_, bytes, reason) => {
    expect(findRefusal(bytes)).toMatch(reason);
  });

  test("count with every call in bytes and nodes", () => {
    const bytes = writeCalls([call("g")], [twice("g", "f"), define("f", [sine])]);
    expect(findRefusal(bytes)).toBe("accepted");
    expect(findRefusal(bytes, { ...defaultOnnxLimits, functionBytes: 100 })).toMatch(/more than 100 bytes/);
    expect(findRefusal(bytes, { ...defaultOnnxLimits, functions: 1 })).toMatch(/more than 1 functions/);
  });
});

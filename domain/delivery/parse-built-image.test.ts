import { expect, test } from "vitest";
import { createBuildVariables, fakeDigest } from "#test/support/memory-world.ts";
import { buildVariables, parseBuiltImage } from "./parse-built-image.ts";

test("what a build exported is read whatever else it exported, and in any order", () => {
  expect(parseBuiltImage([{ Name: "PATH", Value: "x" }, ...createBuildVariables("a", 77)].reverse())).toEqual(
    {
      digest: fakeDigest("a"),
      sizeBytes: 1_000,
      buildId: "build:1",
      builtAt: 77,
    },
  );
});

test.each([buildVariables.digest, buildVariables.sizeBytes, buildVariables.buildId, buildVariables.builtAt])(
  "a build whose %s is missing, empty or no such thing is no usable image",
  (name) => {
    const others = createBuildVariables("a").filter(({ Name }) => Name !== name);
    const unusable = [others, [...others, { Name: name, Value: "" }]];
    if (name !== buildVariables.buildId) unusable.push([...others, { Name: name, Value: "latest" }]);
    for (const variables of unusable)
      expect(() => parseBuiltImage(variables)).toThrow(expect.objectContaining({ name: "ContractBroken" }));
  },
);

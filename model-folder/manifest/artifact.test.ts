import { describe, expect, test } from "vitest";
import { Artifact } from "./artifact.ts";
import { getArtifactFile } from "./get-artifact-file.ts";

const sha256 = "0123456789abcdef".repeat(4);

describe("the artefact of a manifest", () => {
  test.each([
    "https://models.example.com/churn/7.onnx",
    "s3://our-models/churn/7 .onnx".replace(" ", ""),
    "file:artefacts/churn-7.onnx",
  ])("%s is an address", (uri) => {
    expect(Artifact.safeParse({ uri, sha256 }).success).toBe(true);
    expect(getArtifactFile({ artifact: { uri, sha256 } })).toBe("model.onnx");
  });

  test.each([
    "http://models.example.com/churn.onnx",
    "https://user:secret@models.example.com/churn.onnx",
    "https://models.example.com:8443/churn.onnx",
    "https://models.example.com/churn.onnx#part",
    "https://models.example.com/churn.onnx?X-Amz-Signature=0123",
    "https://models.example.com/churn.onnx?",
    "https://models.example.com/a/../b.onnx",
    "https://MODELS.example.com/churn.onnx",
    "https://2130706433/churn.onnx",
    "https:models.example.com/churn.onnx",
    "s3://our-models",
    "s3://our-models/",
    "s3://Our_Models/churn.onnx",
    "s3://our-models/churn.onnx?versionId=1",
    "file:///etc/passwd",
    "file:/etc/passwd",
    "file:../other/model.onnx",
    "file:a/../../model.onnx",
    "file:.git/config",
    "file:a//b.onnx",
    "ftp://models.example.com/churn.onnx",
    "data:,onnx",
    "model.onnx",
    "",
  ])("%j is no address", (uri) => {
    expect(Artifact.safeParse({ uri, sha256 }).success).toBe(false);
  });

  test.each([
    ["no hash", { uri: "s3://our-models/a.onnx" }],
    ["a short hash", { uri: "s3://our-models/a.onnx", sha256: "abc" }],
    ["a hash in capitals", { uri: "s3://our-models/a.onnx", sha256: sha256.toUpperCase() }],
    ["a size of nothing", { uri: "s3://our-models/a.onnx", sha256, size: 0 }],
    ["an unknown field", { uri: "s3://our-models/a.onnx", sha256, region: "eu-central-1" }],
  ])("an address with %s is refused", (_, artifact) => {
    expect(Artifact.safeParse(artifact).success).toBe(false);
  });

  test("a file keeps its name", () => {
    expect(getArtifactFile({ artifact: "churn.onnx" })).toBe("churn.onnx");
  });
});

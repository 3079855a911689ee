import { posix, win32 } from "node:path";
import { expect, test } from "vitest";
import { toRepositoryPath } from "./to-repository-path.ts";

const onLinux = (folder: string, file: string, workspace?: string) =>
  toRepositoryPath(folder, file, {
    paths: posix,
    exists: (path) => path === "/home/runner/work/acme/models repo/.git",
    workspace,
  });

test("a file's path begins at its repository, wherever that was checked out", () => {
  const root = "/home/runner/work/acme/models repo";
  expect(onLinux(`${root}/models/churn`, "model.yaml", "/home/runner/work/acme")).toBe(
    "models/churn/model.yaml",
  );
  expect(onLinux(`${root}/models/churn`, "../../policy.yaml")).toBe("policy.yaml");
  expect(onLinux(`${root}/ml/models/churn`, "my holdout.csv")).toBe("ml/models/churn/my holdout.csv");
});

test("on Windows it has slashes too", () => {
  const paths = win32;
  const exists = (path: string) => path === "D:\\a\\acme\\acme\\.git";
  const folder = "D:\\a\\acme\\acme\\models\\churn";
  expect(toRepositoryPath(folder, "model.yaml", { paths, exists })).toBe("models/churn/model.yaml");
  expect(toRepositoryPath(folder, "..\\..\\policy.yaml", { paths, exists })).toBe("policy.yaml");
});

test("without a repository it begins at the workspace of GitHub Actions", () => {
  expect(onLinux("/home/runner/models/churn", "model.yaml", "/home/runner")).toBe("models/churn/model.yaml");
});

import { globSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SlipwayError } from "#platform/errors/slipway-error.ts";
import { retryableErrors } from "./step-errors.ts";

const root = join(import.meta.dirname, "..");

type ErrorClass = new () => Error;
const isErrorClass = (value: unknown): value is ErrorClass =>
  typeof value === "function" && value.prototype instanceof Error && value !== SlipwayError;

/** Every error class that the rules, the capabilities and the steps export, once, in the order of its name. */
const findErrorClasses = async (): Promise<readonly ErrorClass[]> => {
  const files = globSync("{domain,platform,lambdas}/**/*.ts", { cwd: root }).filter(
    (file) => !/\.test\.ts$|\/handler\.ts$/.test(file),
  );
  const modules = await Promise.all(files.map((file) => import(join(root, file))));
  return [...new Set(modules.flatMap((module: object) => Object.values(module).filter(isErrorClass)))];
};

test("every error says whether it may be retried, and the state machine retries exactly those that may", async () => {
  const classes = await findErrorClasses();
  expect(classes.length).toBeGreaterThan(30);
  expect(
    classes.filter((Class) => !(Class.prototype instanceof SlipwayError)).map(({ name }) => name),
  ).toEqual([]);
  const retryable = classes.flatMap((Class) => {
    const error = new Class();
    return error instanceof SlipwayError && error.retryable ? [error.name] : [];
  });
  expect(retryable.toSorted()).toEqual(retryableErrors.toSorted());
});

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { slipwayApp } from "#terraform/app.ts";
import { config } from "#terraform/config.ts";
import { type DeployedFunction, deployedFunctions } from "#terraform/functions.ts";
import { type Accounts, readConfig } from "#terraform/read-config.ts";
import { temporaryFolder } from "#test/support/temporary-folder.ts";

export type Resource = Readonly<Record<string, unknown>>;

/** A stack as Terraform reads it. */
export type WrittenStack = {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Resource>>>>;
  readonly data?: {
    readonly terraform_remote_state?: Readonly<Record<string, { readonly config: { readonly key: string } }>>;
  };
  readonly provider: {
    readonly aws: readonly (Resource & { readonly allowed_account_ids: readonly string[] })[];
  };
  readonly output?: Readonly<Record<string, { readonly value: unknown }>>;
  readonly terraform: { readonly backend: { readonly s3: Resource } };
};

export type Written = {
  readonly accounts: Accounts;
  readonly functions: readonly DeployedFunction[];
  /** `<folder>/stacks/<stack>/cdk.tf.json` */
  readonly folder: string;
  readonly stacks: ReadonlyMap<string, WrittenStack>;
  remove(): Promise<void>;
};

/** Writes the stacks of a configuration (as it ships, changed by `change`) into a folder of their own, with empty zips. */
export const writtenStacks = async (
  change: (shipped: Accounts) => Accounts = (shipped) => shipped,
): Promise<Written> => {
  const { path, remove } = await temporaryFolder();
  const folder = join(path, "terraform", "cdktf.out");
  const built = join(path, "dist");
  const accounts = readConfig(change(config));
  const functions = await deployedFunctions();
  await mkdir(built, { recursive: true });
  await mkdir(join(path, "terraform"));
  for (const { name } of functions) await writeFile(join(built, `${name}.zip`), name);
  await writeFile(join(built, "runtime.digest"), `sha256:${"a".repeat(64)}\n`);
  await writeFile(join(built, "builder.tar"), "the builder");
  slipwayApp({ accounts, functions, folder, built }).synth();
  const stacks = new Map<string, WrittenStack>();
  for (const name of (await readdir(join(folder, "stacks"))).sort())
    stacks.set(name, JSON.parse(await readFile(join(folder, "stacks", name, "cdk.tf.json"), "utf8")));
  return { accounts, functions, folder, stacks, remove };
};

/** Every resource of a type over all stacks, or those named: `[stack, name, resource]`. */
export const resourcesOf = (
  { stacks }: Written,
  type: string,
  among: readonly string[] = [...stacks.keys()],
): readonly (readonly [string, string, Resource])[] =>
  among.flatMap((stack) =>
    Object.entries(stacks.get(stack)?.resource?.[type] ?? {}).map(
      ([name, one]) => [stack, name, one] as const,
    ),
  );

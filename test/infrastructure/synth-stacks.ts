import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactRules } from "#platform/artifact-rules/artifact-rules.ts";
import { createSlipwayApp } from "#terraform/app.ts";
import { config } from "#terraform/config.ts";
import { type DeployedFunction, listDeployedFunctions } from "#terraform/deployed-functions.ts";
import { type Accounts, readConfig } from "#terraform/read-config.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";

export type ResourceJson = Readonly<Record<string, unknown>>;

/** A stack as Terraform reads it. */
type StackJson = {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, ResourceJson>>>>;
  readonly data?: {
    readonly terraform_remote_state?: Readonly<Record<string, { readonly config: { readonly key: string } }>>;
  };
  readonly provider: {
    readonly aws: readonly (ResourceJson & { readonly allowed_account_ids: readonly string[] })[];
  };
  readonly output?: Readonly<Record<string, { readonly value: unknown }>>;
  readonly terraform: { readonly backend: { readonly s3: ResourceJson } };
};

export type SynthesizedStacks = {
  readonly accounts: Accounts;
  readonly functions: readonly DeployedFunction[];
  /** `<folder>/stacks/<stack>/cdk.tf.json` */
  readonly folder: string;
  readonly stacks: ReadonlyMap<string, StackJson>;
  remove(): Promise<void>;
};

/** The shipped configuration has no console, because it names a user group; tests and costs cover one. */
const withConsole = (shipped: Accounts): Accounts => ({
  ...shipped,
  tooling: {
    ...shipped.tooling,
    console: { userGroup: "S0000000000", clientId: "0000000000.0000000000" },
  },
});

/**
 * Writes the stacks of a configuration (as shipped with a console, changed by `change`) into a temporary folder, with
 * dummy zips.
 * `artifacts`: where builds may read artefacts; absent: as policy.yaml says.
 */
export const synthStacks = async (
  change: (shipped: Accounts) => Accounts = (shipped) => shipped,
  artifacts?: ArtifactRules,
): Promise<SynthesizedStacks> => {
  const { path, remove } = await createTemporaryFolder();
  const folder = join(path, "terraform", "cdktf.out");
  const built = join(path, "dist");
  const accounts = readConfig(change(withConsole(config)));
  const functions = await listDeployedFunctions();
  await mkdir(built, { recursive: true });
  await mkdir(join(path, "terraform"));
  for (const { name } of functions) await writeFile(join(built, `${name}.zip`), name);
  await writeFile(join(built, "runtime.digest"), `sha256:${"a".repeat(64)}\n`);
  await writeFile(join(built, "builder.tar"), "the builder");
  createSlipwayApp({ accounts, functions, folder, built, ...(artifacts && { artifacts }) }).synth();
  const stacks = new Map<string, StackJson>();
  for (const name of (await readdir(join(folder, "stacks"))).sort())
    stacks.set(name, JSON.parse(await readFile(join(folder, "stacks", name, "cdk.tf.json"), "utf8")));
  return { accounts, functions, folder, stacks, remove };
};

/** Every resource of a type in all stacks, or in those of `among`: `[stack, name, resource]`. */
export const listResources = (
  { stacks }: SynthesizedStacks,
  type: string,
  among: readonly string[] = [...stacks.keys()],
): readonly (readonly [string, string, ResourceJson])[] =>
  among.flatMap((stack) =>
    Object.entries(stacks.get(stack)?.resource?.[type] ?? {}).map(
      ([name, resource]) => [stack, name, resource] as const,
    ),
  );

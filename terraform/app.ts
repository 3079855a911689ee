import { posix, relative } from "node:path";
import { App, Fn } from "cdktn";
import type { DeployedFunction } from "./functions.ts";
import { names } from "./names.ts";
import type { Accounts } from "./read-config.ts";
import { bootstrap, bootstrapTooling } from "./stacks/bootstrap.ts";
import { deliveryStack } from "./stacks/delivery.ts";
import { network } from "./stacks/network.ts";
import { type Registry, registry } from "./stacks/registry.ts";
import { serving } from "./stacks/serving.ts";

type Needs = {
  readonly accounts: Accounts;
  readonly functions: readonly DeployedFunction[];
  /** Where the stacks are written: `<folder>/stacks/<stack>/cdk.tf.json`. */
  readonly folder: string;
  /** What `npm run build` made: `<verb-noun>.zip` for each function, `runtime.digest` and `builder.tar`. */
  readonly built: string;
};

const registryOf = (app: App, accounts: Accounts, key: string): Registry => {
  const wanted = accounts.tooling.registry;
  if (wanted.kind === "existing") {
    const { uri, artifacts } = wanted;
    return artifacts === undefined
      ? { uri }
      : { uri, artifacts: `arn:aws:s3:::${posix.join(artifacts.bucket, artifacts.prefix)}` };
  }
  return registry(app, accounts, wanted, { network: network(app, accounts, wanted), key });
};

/** Every stack of the three accounts, written into `folder`. Nothing of AWS is asked. */
export const slipwayApp = ({ accounts, functions, folder, built }: Needs): App => {
  const app = new App({ outdir: folder, context: { targetVersions: { terraform: ">=1.11" } } });
  // Relative, so that what is written is the same on every machine.
  const made = (file: string) => posix.join(relative(`${folder}/stacks/stack`, built), file);
  const zip = (name: string) => made(`${name}.zip`);
  const tooling = bootstrapTooling(app, accounts);
  const topic = names(accounts).alarmTopicArn;
  const environment = (name: "stage" | "prod") =>
    serving(app, {
      accounts,
      environment: name,
      functions,
      zip,
      key: bootstrap(app, accounts, name).key,
      topic,
    });
  deliveryStack(app, {
    accounts,
    functions,
    zip,
    // Read when Terraform plans, like the zips: writing the stacks needs no build.
    runtime: Fn.trimspace(Fn.file(made("runtime.digest"))),
    builder: made("builder.tar"),
    key: tooling.key,
    github: tooling.github,
    registry: registryOf(app, accounts, tooling.key),
    serving: { stage: environment("stage"), prod: environment("prod") },
  });
  return app;
};

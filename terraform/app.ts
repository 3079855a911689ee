import { posix, relative } from "node:path";
import { App, Fn } from "cdktn";
import type { DeployedFunction } from "./deployed-functions.ts";
import type { Accounts } from "./read-config.ts";
import { nameResources } from "./resource-names.ts";
import { addBootstrapStack, addToolingBootstrapStack } from "./stacks/bootstrap.ts";
import { addDeliveryStack } from "./stacks/delivery.ts";
import { addNetworkStack } from "./stacks/network.ts";
import { addRegistryStack, type RegistryOutputs } from "./stacks/registry.ts";
import { addServingStack } from "./stacks/serving.ts";

type Needs = {
  readonly accounts: Accounts;
  readonly functions: readonly DeployedFunction[];
  /** Where the stacks are written: `<folder>/stacks/<stack>/cdk.tf.json`. */
  readonly folder: string;
  /** What `npm run build` made: `<verb-noun>.zip` for each function, `runtime.digest` and `builder.tar`. */
  readonly built: string;
};

const resolveRegistry = (app: App, accounts: Accounts, key: string): RegistryOutputs => {
  const wanted = accounts.tooling.registry;
  if (wanted.kind === "existing") {
    const { uri, artifacts } = wanted;
    return artifacts === undefined
      ? { uri }
      : { uri, artifacts: `arn:aws:s3:::${posix.join(artifacts.bucket, artifacts.prefix)}` };
  }
  return addRegistryStack(app, accounts, wanted, { network: addNetworkStack(app, accounts, wanted), key });
};

/** Every stack of the three accounts, written into `folder`. Nothing of AWS is asked. */
export const createSlipwayApp = ({ accounts, functions, folder, built }: Needs): App => {
  const app = new App({ outdir: folder, context: { targetVersions: { terraform: ">=1.11" } } });
  // Relative, so that what is written is the same on every machine.
  const made = (file: string) => posix.join(relative(`${folder}/stacks/stack`, built), file);
  const zip = (name: string) => made(`${name}.zip`);
  const tooling = addToolingBootstrapStack(app, accounts);
  const topic = nameResources(accounts).alarmTopicArn;
  const environment = (name: "stage" | "prod") =>
    addServingStack(app, {
      accounts,
      environment: name,
      functions,
      zip,
      key: addBootstrapStack(app, accounts, name).key,
      topic,
    });
  addDeliveryStack(app, {
    accounts,
    functions,
    zip,
    // Read when Terraform plans, like the zips: writing the stacks needs no build.
    runtime: Fn.trimspace(Fn.file(made("runtime.digest"))),
    builder: made("builder.tar"),
    key: tooling.key,
    github: tooling.github,
    registry: resolveRegistry(app, accounts, tooling.key),
    serving: { stage: environment("stage"), prod: environment("prod") },
  });
  return app;
};

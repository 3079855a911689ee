// npm run rehearse:aws [-- options]: does the same as `npm start`, but on AWS's interfaces (docs/peers.md).
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, Option } from "commander";
import { exitCode } from "#cli/exit-code.ts";
import { formatCurlCommand } from "#cli/format-curl-command.ts";
import { parseModelName, parseTrafficRate } from "#cli/options.ts";
import { repositoryRoot } from "#test/end-to-end/fixture.ts";
import { toolingAccount } from "#test/peers/moto-world/create-accounts.ts";
import { startMotoWorld } from "#test/peers/moto-world/moto-world.ts";
import { createTemporaryFolder } from "#test/support/temporary-folder.ts";
import { createJsonReporter, createTerminalReporter } from "#worlds/embedded/reporter.ts";
import { createExampleRequest, runScenario } from "#worlds/embedded/scenario/scenario.ts";
import { repositoryName } from "#worlds/embedded/scenario/watched-repository.ts";

type Options = {
  readonly approve?: boolean;
  readonly reject?: boolean;
  readonly json?: boolean;
  readonly model: string;
  readonly traffic: number;
};

/** A bake of half an hour takes three seconds, like in `npm start`. */
const timeScale = 600;

const rehearse = async (options: Options): Promise<void> => {
  // The servers log their start times with console.info; stdout is only for events.
  if (options.json) console.info = console.error;
  const reporter = options.json ? createJsonReporter() : createTerminalReporter();
  const interruption = Promise.withResolvers<"interrupted">();
  const onSignal = () => interruption.resolve("interrupted");
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);

  // moto keeps everything in memory, so a later run could not continue in the same folder.
  const folder = await createTemporaryFolder();
  const log = join(repositoryRoot, "rehearse-aws.log");
  await writeFile(log, "");
  let logWrites: Promise<void> = Promise.resolve();
  reporter.say("Slipway on AWS's interfaces: starting moto, MLflow and the desk …");
  const aws = await startMotoWorld({
    folder: folder.path,
    checkout: repositoryRoot,
    timeScale,
    traffic: options.traffic,
    reporter,
    log: (line) => {
      logWrites = logWrites.then(() => appendFile(log, `${line}\n`)).catch(() => undefined);
    },
  });
  try {
    reporter.say(`Desk with the approval messages: ${aws.url}/\nFunctions' output: ${log}\n`);
    let seen = await aws.repository.head();
    /** Sends CodeCommit's push event to start-delivery, like EventBridge. */
    const look = async (): Promise<void> => {
      const head = await aws.repository.head();
      if (!head || head === seen) return;
      const { author } = await aws.world.source.commit(head);
      const { deliveries } = await aws.steps.startDelivery({
        source: "aws.codecommit",
        "detail-type": "CodeCommit Repository State Change",
        detail: {
          event: "referenceUpdated",
          repositoryName,
          referenceType: "branch",
          referenceName: "main",
          oldCommitId: seen,
          commitId: head,
          // A session of IAM Identity Center with the commit's author as its name: the author pushes the commit.
          callerUserArn: `arn:aws:sts::${toolingAccount}:assumed-role/AWSReservedSSO_people_0123456789abcdef/${author.email}`,
        },
      });
      seen = head;
      for (const { name, model } of deliveries)
        reporter.say(`Delivering ${model} at ${head.slice(0, 12)} as ${name}`);
    };
    const { model } = options;
    const decisions = options.approve ? "approve" : options.reject ? "reject" : "person";
    const scenario = runScenario({ ...aws, look }, { model, decisions, reporter });
    scenario.catch(() => undefined);
    if ((await Promise.race([scenario, interruption.promise])) === "interrupted") {
      process.exitCode = exitCode.interrupted;
      return;
    }
    const serving = await aws.world.ledger.serving("prod", model);
    if (serving) {
      const sentence = `Prod serves ${model} version ${serving.version} (${serving.digest.slice(0, 19)}…).`;
      // With automatic decisions the run ends now, so there is nothing left to call.
      if (decisions !== "person") reporter.say(sentence);
      else
        reporter.say(
          `${sentence} Call it:\n  ${formatCurlCommand(await createExampleRequest(aws.world, model), { keyed: false })}`,
        );
    }
    const calls = aws.application?.calls();
    if (calls)
      reporter.say(`The application's calls to prod: ${calls.answered} succeeded, ${calls.failed} failed.`);
    if (decisions !== "person") return;
    reporter.say("Running until Ctrl-C; moto then loses all data.");
    await interruption.promise;
    process.exitCode = exitCode.interrupted;
  } finally {
    await aws.stop();
    await logWrites;
    await folder.remove();
  }
};

await new Command("rehearse:aws")
  .description(
    "deliver a model twice on moto, MLflow and AWS's runtime client; `npm start` does the same without them",
  )
  .addOption(
    new Option("--approve", "approve both versions as an allowed approver, and exit").conflicts("reject"),
  )
  .option("--reject", "approve the first version, reject the second, and exit")
  .option("--json", "one JSON object per line on stdout; sentences on stderr")
  .addOption(new Option("--model <name>", "the model to deliver").default("churn").argParser(parseModelName))
  .addOption(
    new Option("--traffic <rate>", "requests per second of the synthetic application")
      .default(250)
      .argParser(parseTrafficRate),
  )
  .action(rehearse)
  .parseAsync();

import { prices } from "#domain/cost/prices.ts";

/**
 * What the code and the stacks do not say. Everything else of the cost tables is counted; `npm run cost` prints these
 * beside them.
 */
export const assumptions = {
  sweepSeconds: 2,
  sweepTableReads: 20,
  sweepKeyRequests: 2,
  healthCheckLogBytes: 150,
  loadBalancerNodes: 2,
  auroraGb: 10,
  imagesGb: 1,
  objectsGb: 1,
  tablesGb: 0.05,
  codeCommitPeople: 5,
  predictMilliseconds: 8,
  authorizerMilliseconds: 8,
  stepSeconds: 3,
  deployStepSeconds: 20,
  verifyStepSeconds: 90,
  buildMinutes: 4,
  stepLogBytes: 2_000,
} as const;

const formatHour = (acu: number): string => (acu * prices.auroraAcuHour.usd).toFixed(2);

/** The assumptions as sentences. */
export const describeAssumptions = (): readonly string[] => [
  `a sweep takes ${assumptions.sweepSeconds} s, ${assumptions.sweepTableReads} reads of the table and ${assumptions.sweepKeyRequests} calls of KMS`,
  `each of the load balancer's ${assumptions.loadBalancerNodes} nodes causes a line of ${assumptions.healthCheckLogBytes} bytes per health check`,
  `${assumptions.auroraGb} GB in Aurora, ${assumptions.imagesGb} GB in ECR, ${assumptions.objectsGb} GB in S3, ${assumptions.tablesGb} GB in each table; nobody opens the registry, so Aurora stays paused (an hour in which somebody does costs 0.5 to 2 ACU-hours, ${formatHour(0.5)} to ${formatHour(2)})`,
  `${assumptions.codeCommitPeople} people use CodeCommit`,
  `a predict call is billed ${assumptions.predictMilliseconds} ms, most of it the wait for its record; the authorizer's ${assumptions.authorizerMilliseconds} ms; cold starts are left out`,
  `a step takes ${assumptions.stepSeconds} s, a step that deploys ${assumptions.deployStepSeconds} s, VerifyStage ${assumptions.verifyStepSeconds} s, a build ${assumptions.buildMinutes} minutes; a step writes ${assumptions.stepLogBytes} bytes of log`,
  "responses leave AWS free of charge: the first 100 GB a month are",
];

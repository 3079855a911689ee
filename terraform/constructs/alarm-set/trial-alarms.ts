/**
 * The alarms of a trial in one account: a lost event or click, a delivery that failed, an approval that waits, and errors of
 * prod. Each metric beyond an account's ten free ones costs $0.10 a month, so a trial leaves out what nobody depends on there
 * (stage's callers, models that fall silent, versions that nobody restores) and what another of these also notices: `api` sees
 * errors of the authorizer, `throttles` and `crashes` without dimensions count all functions of the account.
 */
export const trialAlarms: ReadonlySet<string> = new Set([
  "slipway-deliveries-approval-waits",
  "slipway-deliveries-dead-letters-answer-approval",
  "slipway-deliveries-dead-letters-notify",
  "slipway-deliveries-dead-letters-start-delivery",
  "slipway-deliveries-events-wait",
  "slipway-deliveries-failed",
  "slipway-deliveries-function-errors",
  "slipway-deliveries-slack-api",
  "slipway-deliveries-throttles",
  "slipway-deliveries-timed-out",
  "slipway-prod-api",
  "slipway-prod-crashes",
  "slipway-prod-errors",
  "slipway-prod-storage",
]);

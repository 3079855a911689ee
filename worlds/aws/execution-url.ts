const consoleHosts: ReadonlyMap<string, string> = new Map([
  ["aws-cn", "console.amazonaws.cn"],
  ["aws-us-gov", "console.amazonaws-us-gov.com"],
]);

/** The page of an execution in the AWS console, where people see which state a delivery is in. */
export const createExecutionUrl = (stateMachineArn: string): ((delivery: string) => string) => {
  const [, partition = "aws", , region = ""] = stateMachineArn.split(":");
  const host = consoleHosts.get(partition) ?? "console.aws.amazon.com";
  const execution = stateMachineArn.replace(":stateMachine:", ":execution:");
  return (delivery) =>
    `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${execution}:${delivery}`;
};

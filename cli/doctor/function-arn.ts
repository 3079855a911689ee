/** The ARN of a step's function, in the account and region of the state machine. */
export const formatFunctionArn = (stateMachineArn: string, step: string): string => {
  const [arn, partition, , region, account] = stateMachineArn.split(":");
  return `${arn}:${partition}:lambda:${region}:${account}:function:slipway-${step}`;
};

/** A step's function, beside the state machine that calls it. */
export const formatFunctionArn = (stateMachineArn: string, step: string): string => {
  const [arn, partition, , region, account] = stateMachineArn.split(":");
  return `${arn}:${partition}:lambda:${region}:${account}:function:slipway-${step}`;
};

/** Writes a line of metrics. Not by console.log: where Lambda logs in JSON, CloudWatch would find no metrics in it. */
export const emitMetricLine = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

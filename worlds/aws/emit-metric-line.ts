/** Writes a line of metrics. Not with console.log: if Lambda logs in JSON, CloudWatch finds no metrics in it. */
export const emitMetricLine = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

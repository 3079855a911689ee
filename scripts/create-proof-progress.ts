/**
 * Shows how far a `prove:*` command is: a line that is rewritten in a terminal; without one, a line every ten seconds.
 * @param describe what is done, before the time that is left
 */
export const createProofProgress = <Proof extends { readonly done: number }>(
  runs: number,
  describe: (proof: Proof) => string,
): ((proof: Proof) => void) => {
  const start = performance.now();
  let printed = start;
  return (proof) => {
    const now = performance.now();
    if (!process.stdout.isTTY && now - printed < 10_000) return;
    printed = now;
    const seconds = Math.ceil((((now - start) / 1_000) * (runs - proof.done)) / proof.done);
    const left = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
    const line = `${describe(proof)}, about ${left} left`;
    process.stdout.write(process.stdout.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
  };
};

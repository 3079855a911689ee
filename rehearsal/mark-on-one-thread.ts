import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";

/** This process and the one for large requests have a processor each. */
const processorsTaken = 2;

/**
 * On a machine of one or two processors the garbage collector marks on the thread that answers, a little at a time. Its
 * own threads would take the processor from that thread for up to 80 ms a request while large bodies come in
 * (npm run bench:hostile: p99 under deep JSON 80 ms with them, 18 without); with more processors they take another.
 */
export const markOnOneThread = (): void => {
  if (availableParallelism() <= processorsTaken) setFlagsFromString("--no-concurrent-marking");
};

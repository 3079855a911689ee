import type { Prediction } from "./manifest.ts";

type Answer = (rows: unknown) => Promise<Prediction[]>;
type Asked = {
  readonly rows: readonly unknown[];
  readonly resolve: (predictions: Prediction[]) => void;
  readonly reject: (error: unknown) => void;
};

/** A request of more rows gains nothing from company. */
const mostRows = 100;
const mostTogether = 1_000;

/**
 * Answers small requests that came while the model was busy in one run: a run of one row is mostly the cost of a run,
 * so ten callers at once get their answers in half the time. Nobody waits for company. Where a run of several fails,
 * which one caller's bad row makes it do, each is answered alone.
 */
export const answerTogether = (answer: Answer): Answer => {
  const waiting: Asked[] = [];
  let busy = false;

  const alone = ({ rows, resolve, reject }: Asked): Promise<void> => answer(rows).then(resolve, reject);

  const together = async (asked: readonly Asked[]): Promise<void> => {
    const all = asked.flatMap(({ rows }) => rows);
    const predictions = asked.length > 1 ? await answer(all).catch(() => undefined) : undefined;
    if (!predictions) {
      for (const one of asked) await alone(one);
      return;
    }
    let from = 0;
    for (const { rows, resolve } of asked) {
      resolve(predictions.slice(from, from + rows.length));
      from += rows.length;
    }
  };

  const work = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) {
      let rows = 0;
      const next = waiting.findIndex((asked) => {
        rows += asked.rows.length;
        return rows > mostTogether;
      });
      await together(waiting.splice(0, next < 0 ? waiting.length : next));
    }
    busy = false;
  };

  return (rows) => {
    if (!Array.isArray(rows) || rows.length === 0 || rows.length > mostRows) return answer(rows);
    return new Promise((resolve, reject) => {
      waiting.push({ rows, resolve, reject });
      if (!busy) void work();
    });
  };
};

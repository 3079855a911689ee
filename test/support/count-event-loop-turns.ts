/** The result of `work`, and how often the event loop turned meanwhile: blocking work lets it turn once or never. */
export const countEventLoopTurns = async <T>(
  work: () => Promise<T>,
): Promise<{ readonly turns: number; readonly value: T }> => {
  let turns = 0;
  let working = true;
  const turn = () => {
    turns++;
    if (working) setImmediate(turn);
  };
  turn();
  try {
    const value = await work();
    return { turns, value };
  } finally {
    working = false;
  }
};

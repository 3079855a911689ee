type Answer<Event extends readonly unknown[], Response> = (...event: Event) => Promise<Response>;

/**
 * Creates a handler whose first event opens what answers it. A start then loads nothing but the model, and the bundle keeps the
 * rest in a file of its own (packaging/late-modules.ts).
 */
export const answerLate =
  <Storage, Event extends readonly unknown[], Response>(
    open: (storage: Storage) => Answer<Event, Response>,
  ) =>
  (openStorage: () => Storage): Answer<Event, Response> => {
    let answer: Answer<Event, Response> | undefined;
    return async (...event) => {
      answer ??= open(openStorage());
      return answer(...event);
    };
  };

/** The embedded world for tests: any free ports, short bakes, no synthetic application, no environment. */
export const fastWorldOptions = {
  port: 0,
  modelsPort: 0,
  bakeMs: 5,
  traffic: 0,
  env: {},
  clock: Date.now,
} as const;

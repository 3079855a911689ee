/**
 * Two-sided confidence levels of a canary. A pass takes the usual 95 %. A fail takes 99.9 %: the canary is judged after
 * every bake, and each look at 95 % would be another chance of a false alarm (Armitage, McPherson & Rowe, J R Stat Soc A
 * 1969;132:235). The Haybittle-Peto rule uses this level for the early looks (Haybittle, Br J Radiol 1971;44:793; Peto et
 * al., Br J Cancer 1976;34:585); here every look may end the canary, so every look uses it. Simulation of whole canaries
 * (two steps, up to twelve looks, 1 % errors): of 3,000 identical challengers 1 fails instead of 20 (500 requests a bake);
 * of 100 challengers exactly at the limit 1 fails instead of 12 (1,500 requests a bake).
 */
export const confidenceLevels = { pass: 0.95, fail: 0.999 } as const;

// npm run prove:decisions [runs]: the stories of test/decisions on SQLite and on DynamoDB (moto), 1,000 each.
import { run } from "./run.mjs";

const [runs = "1000"] = process.argv.slice(2);
process.env.SLIPWAY_DECISIONS = runs;
run(["node_modules/vitest/vitest.mjs"], ["run", "--project", "unit", "--project", "peers", "test/decisions"]);

// What `npm run test:slow` runs: tests that take long and rarely break, named *.slow.test.ts.
import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

const exclude = ["**/node_modules/**", "**/dist/**"];
// Somebody draws, moves and speaks there in real time, which a machine that trains beside it does not keep.
const visits = ["test/demo/**/*.slow.test.ts", "test/browser/**/*.slow.test.ts"];
const { globalSetup, maxWorkers, ...shared } = config.test!;

export default defineConfig({
  test: {
    globalSetup,
    projects: [
      {
        test: {
          ...shared,
          name: "visits",
          include: visits,
          exclude,
          maxWorkers: 1,
          expect: { poll: { timeout: 15_000 } },
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "slow",
          include: ["test/**/*.slow.test.ts"],
          exclude: [...exclude, ...visits],
          maxWorkers,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

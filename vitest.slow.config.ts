// What `npm run test:slow` runs: tests that take long and rarely break, named *.slow.test.ts.
import { defineConfig } from "vitest/config";
import config from "./vitest.config.ts";

export default defineConfig({
  test: { ...config.test, include: ["test/**/*.slow.test.ts"], exclude: ["**/node_modules/**", "**/dist/**"] },
});

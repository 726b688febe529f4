// How the default tests run: two processes at most, since training and ONNX Runtime use the rest of the machine themselves.
// Timeouts end what hangs; they are no measure of speed.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.slow.test.ts"],
    globalSetup: ["schemas/bundled.mjs"],
    // What an earlier run left would hide what this one makes, and ONNX Runtime's answers a fault of native kernels.
    env: { INNERLOOP_CACHE: "off", INNERLOOP_NATIVE_FAULTS: "throw" },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
});

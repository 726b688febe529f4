// `innerloop setup native`: kernels are built for this machine, put in place, found, and taken away again.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { kernelsFile, loadKernels } from "@innerloop/native";
import { setupNative, undoNative } from "@innerloop/setup";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";
import { innerloop } from "../support/innerloop.ts";
import { refusal } from "../support/refusal.ts";

const home = temporaryFolder("home");
beforeEach(() => void vi.stubEnv("INNERLOOP_HOME", home));
afterEach(() => vi.unstubAllEnvs());

it("says what to do without a compiler, and leaves nothing", async () => {
  vi.stubEnv("CC", "/no-such-compiler");
  const error = await refusal(setupNative());
  expect(error.code).toBe("compiler-missing");
  expect(error.message).toContain("/no-such-compiler");
  expect(existsSync(kernelsFile())).toBe(false);
  expect((await refusal(undoNative())).code).toBe("nothing-to-undo");
});

it("stops with the reason of the signal", async () => {
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await expect(setupNative({ signal: stop.signal })).rejects.toThrow("enough");
});

describeUnless(process.platform === "win32" ? "a C compiler" : undefined, "with a compiler", () => {
  it("builds kernels that load, which the command line finds and takes away", async () => {
    const said: string[] = [];
    const { file, compiler } = await setupNative({ onMessage: (message) => said.push(message) });
    expect(file).toBe(kernelsFile());
    expect(dirname(file)).toBe(join(home, "kernels"));
    expect(compiler).not.toBe("");
    expect(said).toEqual(["Building kernels for this processor …"]);
    expect(loadKernels(file).misaligned(new ArrayBuffer(64))).toBeGreaterThanOrEqual(0);
    const { stdout } = await innerloop(["doctor", "--no-measure", "--json"], { cwd: home });
    const { auto, engines } = JSON.parse(stdout);
    expect(engines.find(({ name }: { name: string }) => name === "native")).toMatchObject({ available: true });
    expect(auto).not.toBe("onnxruntime:cpu");
    const undone = await innerloop(["setup", "native", "--undo", "--json"], { cwd: home });
    expect(JSON.parse(undone.stdout)).toEqual({ stack: "native", removed: file });
    expect(readdirSync(join(home, "kernels"))).toEqual([]);
    const { stdout: after } = await innerloop(["doctor", "--no-measure"], { cwd: home });
    expect(after).toMatch(/native .*its kernels are not built for this machine[\s\S]*innerloop setup native/);
  });
});

// `innerloop setup native`: kernels are built for this machine, put in place, found, and taken away again.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { costsFile, kernelsFile, loadKernels } from "@innerloop/native";
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
    const { file, compiler, costs } = await setupNative({ onMessage: (message) => said.push(message) });
    expect(file).toBe(kernelsFile());
    expect(dirname(file)).toBe(join(home, "kernels"));
    expect(compiler).not.toBe("");
    expect(said).toEqual(["Building kernels for this processor …"]);
    expect(loadKernels(file).misaligned(new ArrayBuffer(64))).toBeGreaterThanOrEqual(0);
    expect(loadKernels(file).costs).toEqual(costs);
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

  it("takes away what earlier releases left for this machine, and nothing else", async () => {
    const folder = join(home, "kernels");
    const whole = `${process.platform}-${process.arch}-`;
    const own = basename(kernelsFile()).slice(0, whole.length + 8);
    const [earlier, before] = [`${own}-${"1".repeat(20)}.node`, `${whole}${"2".repeat(20)}.node`];
    const others = [
      `${whole}${"3".repeat(8)}-${"4".repeat(20)}.node`,
      `other-${process.arch}-${"5".repeat(20)}.node`,
      "notes",
    ];
    const put = () => {
      mkdirSync(folder, { recursive: true });
      for (const name of [earlier, costsFile(earlier), before, ...others]) writeFileSync(join(folder, name), "");
    };
    const left = () => readdirSync(folder).sort();
    put();
    const { file, old } = await setupNative();
    expect(old.map((path) => basename(path)).sort()).toEqual([before, earlier].sort());
    expect(left()).toEqual([basename(file), costsFile(basename(file)), ...others].sort());
    put();
    const undone = await undoNative();
    expect(undone.removed).toBe(file);
    expect(undone.old.map((path) => basename(path)).sort()).toEqual([before, earlier].sort());
    expect(left()).toEqual([...others].sort());
    writeFileSync(join(folder, earlier), "");
    expect(await undoNative()).toEqual({ removed: join(folder, earlier), old: [] });
    expect((await refusal(undoNative())).code).toBe("nothing-to-undo");
  });
});

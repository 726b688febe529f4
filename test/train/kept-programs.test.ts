// Programs of the engine native are left for later engines, by kernels and sizes; who needs one that another makes waits for it, and for nobody who is gone.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { input, op } from "@innerloop/graph";
import { cacheReport, type Graph, openEngine } from "@innerloop/train";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { builtFile, missing } from "../native/kernels.ts";
import { describeUnless } from "../support/absent.ts";
import { temporaryFolder } from "../support/folders.ts";

const home = temporaryFolder("home");
if (builtFile) symlinkSync(dirname(builtFile), join(home, "kernels"));

let place: string;
const folder = () => join(place, "sessions");
const names = (ending: string) => readdirSync(folder()).filter((name) => name.endsWith(ending));

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "innerloop-kept-"));
  vi.stubEnv("INNERLOOP_CACHE", place);
  vi.stubEnv("INNERLOOP_HOME", home);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true, force: true });
});

const graph = (): Graph => {
  const x = input("x", ["n", 3]);
  return { outputs: { y: op.Softmax(op.Mul(op.Relu(x), 3), 1) } };
};

const x = { dtype: "float32", shape: [2, 3], data: Float32Array.of(1, -2, 3, 0.5, 0.25, -1) } as const;

async function answer() {
  const { engine } = await openEngine("native", { threads: 1 });
  const program = await engine.portable!.load(await engine.portable!.prepare(graph()));
  const start = performance.now();
  const { y } = await program.run({ x });
  const took = performance.now() - start;
  await program.dispose();
  await engine.dispose();
  return { y: y!.data, took };
}

/** The key of the one program that is kept. */
const keyNow = () => names(".program")[0]!.split(".")[0]!;

describeUnless(builtFile ? undefined : missing, "a program", () => {
  it("is kept beside the model, and found again", async () => {
    const { y } = await answer();
    const kept = names(".program");
    expect([kept.length, names(".onnx").length, names(".making").length]).toEqual([1, 1, 0]);
    expect(await cacheReport()).toMatchObject({ files: 2 });
    expect((await answer()).y).toEqual(y);
    expect(names(".program")).toEqual(kept);
  });

  it.each([
    ["of a process that is over", `${spawnSync(process.execPath, ["-e", ""]).pid} ${hostname()}`, 0],
    ["of another machine", `${process.pid} another-${hostname()}`, 0],
    ["that is old", `${process.pid} ${hostname()}`, 60],
  ])("is made where there is a claim %s", async (_, claim, age) => {
    const { y } = await answer();
    const [kept, making] = [names(".program"), join(folder(), `${keyNow()}.making`)];
    rmSync(join(folder(), kept[0]!));
    writeFileSync(making, claim);
    const then = new Date(Date.now() - 1000 * age);
    utimesSync(making, then, then);
    const again = await answer();
    expect(again.y).toEqual(y);
    expect(again.took).toBeLessThan(2000);
    expect([names(".program"), existsSync(making)]).toEqual([kept, false]);
  });

  it("is waited for while another one makes it, or leaves it", async () => {
    const { y } = await answer();
    const [name] = names(".program") as [string];
    const [file, aside, making] = [join(folder(), name), join(place, name), join(folder(), `${keyNow()}.making`)];
    const others: ChildProcess[] = [];
    const later = (script: string) =>
      others.push(spawn(process.execPath, ["-e", `setTimeout(() => { ${script} }, 400)`, aside, file, making]));
    renameSync(file, aside);
    const claim = () => writeFileSync(making, `${process.pid} ${hostname()}`);
    claim();
    later("require('fs').renameSync(process.argv[1], process.argv[2])");
    const waited = await answer();
    expect(waited.y).toEqual(y);
    expect(waited.took).toBeGreaterThan(200);
    // It was found, not made: who makes one takes the claim away.
    expect(existsSync(making)).toBe(true);
    rmSync(file);
    claim();
    later("require('fs').rmSync(process.argv[3])");
    const made = await answer();
    expect(made.y).toEqual(y);
    expect(made.took).toBeGreaterThan(200);
    expect([names(".program"), existsSync(making)]).toEqual([[name], false]);
    for (const other of others) other.kill();
  });
});

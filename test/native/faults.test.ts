// What goes wrong in the kernels' own code, or with their files: callers have ONNX Runtime's answer and one warning.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Kernels, kernelsFile, loadKernels, NativeModel, openModel } from "@innerloop/native";
import { Learner } from "@innerloop/runtime";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { writeBundle } from "../runtime/fixture.ts";
import { CPU } from "../runtime/small-models.ts";
import { temporaryFolder } from "../support/folders.ts";
import { builtFile, missing, testKernels } from "./kernels.ts";
import { modelOf, numbers } from "./models.ts";
import { plainKernels } from "./words.ts";

/** Kernels with a fault, in a place where planning or running comes by; another one each time, since the same is told once. */
let count = 0;
function faulty(place: keyof Kernels): Kernels {
  const words = `fault ${++count} of a test`;
  const fails = (): never => {
    throw new TypeError(words);
  };
  return { ...plainKernels, [place]: fails };
}

const square = () => modelOf({ inputs: { x: ["float32", "n"] }, outputs: ["y"], nodes: [["Mul", ["x", "x"], ["y"]]] });

describe("a fault", () => {
  const warned = vi.spyOn(process, "emitWarning");

  beforeEach(() => {
    vi.stubEnv("INNERLOOP_NATIVE_FAULTS", "");
    warned.mockReset().mockImplementation(() => {});
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each(["misaligned", "run"] as const)(
    "where planning or a run comes to %s goes to ONNX Runtime, with one warning",
    (place) => {
      const model = openModel(square(), faulty(place), {})!;
      for (let size = 2; size < 5; size++) expect(model.run({ x: numbers([size]) })).toBeUndefined();
      expect(warned.mock.calls).toEqual([
        [
          expect.stringMatching(/fault \d+ of a test.*ONNX Runtime computes/),
          { code: "native-fault", detail: expect.stringContaining("faults.test.ts") },
        ],
      ]);
    },
  );

  it.each(["misaligned", "run"] as const)("in %s reaches tests", (place) => {
    vi.stubEnv("INNERLOOP_NATIVE_FAULTS", "throw");
    const model = openModel(square(), faulty(place), {})!;
    expect(() => model.run({ x: numbers([2]) })).toThrow(TypeError);
    expect(warned).not.toHaveBeenCalled();
  });

  it.each([() => new Float32Array(2 ** 40), () => new ArrayBuffer(2 ** 52), () => new Array(2 ** 33)])(
    "is not that there is no memory for some sizes: %s",
    (large) => {
      let tries = 0;
      const misaligned = () => (tries++ === 0 ? Number(large()) : 0);
      const model = openModel(square(), { ...plainKernels, misaligned }, {})!;
      for (let times = 0; times < 2; times++) expect(model.run({ x: numbers([3]) })).toBeUndefined();
      expect(tries).toBe(1);
      expect(model.run({ x: numbers([2]) })).toBeDefined();
      expect(warned).not.toHaveBeenCalled();
    },
  );

  it("leaves a bundle with the answers of ONNX Runtime", async () => {
    const folder = writeBundle("line");
    const kernels = faulty("run");
    const [ours, theirs] = await Promise.all([
      Learner.load(folder, { ...CPU, kernels: { open: (model) => openModel(model, kernels, {}) } }),
      Learner.load(folder, CPU),
    ]);
    const data = {
      x: { data: Float32Array.of(1, 2, 3), shape: [3, 1] },
      y: { data: Float32Array.of(2, 4, 6), shape: [3, 1] },
    };
    const [mine, other] = await Promise.all([ours, theirs].map((learner) => learner.adapt(data as never)));
    expect(mine!.supportLoss).toEqual(other!.supportLoss);
    expect(mine!.state).toEqual(other!.state);
    expect(warned).toHaveBeenCalledTimes(1);
    await Promise.all([ours.dispose(), theirs.dispose()]);
  });

  it("is no refusal, and no index that a run finds to be wrong", () => {
    const refused = modelOf({ inputs: { x: ["float32", 3] }, outputs: ["y"], nodes: [["NonZero", ["x"], ["y"]]] });
    expect(openModel(refused, plainKernels, {})!.run({ x: numbers([3]) })).toBeUndefined();
    expect(openModel(Uint8Array.of(1, 2, 3), plainKernels, {})).toBeUndefined();
    const gather = modelOf({
      inputs: { x: ["float32", 3], at: ["int64", 1] },
      outputs: ["y"],
      nodes: [["Gather", ["x", "at"], ["y"]]],
    });
    const at = { dtype: "int64", shape: [1], data: BigInt64Array.of(3n) } as const;
    const model = openModel(gather, plainKernels, {})!;
    expect(() => model.run({ x: numbers([3]), at })).toThrow(expect.objectContaining({ code: "run-failed" }));
    expect(warned).not.toHaveBeenCalled();
  });
});

/** What a process says that opens a model on the kernels of a folder. */
function opened(home: string, file?: string): { readonly native: boolean; readonly words: string } {
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "no library");
  }
  const script = `
    import { native } from "@innerloop/native";
    for (let i = 0; i < 2; i++) console.log(native.open(new Uint8Array(${JSON.stringify([...square()])})) !== undefined);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    cwd: fileURLToPath(new URL(".", import.meta.url)),
    env: { ...process.env, INNERLOOP_HOME: home },
    encoding: "utf8",
  });
  return { native: stdout === "true\ntrue\n", words: stderr };
}

describe("a program that was kept and cannot be used", () => {
  const kernels = testKernels();
  const [bytes, x] = [square(), numbers([3])];
  const y = (x.data as Float32Array).map((number) => number * number);

  /** What is kept is as `damage` makes it. */
  function run(damage: (kept: Uint8Array) => Uint8Array) {
    let [at, kept] = ["", new Uint8Array()];
    const keep = (key: string, bytes: Uint8Array) => {
      [at, kept] = [key, Uint8Array.from(bytes)];
    };
    new NativeModel(bytes, kernels, { kept: { find: () => undefined, keep } }).run({ x });
    const again = vi.fn(keep);
    const found = damage(kept);
    const result = new NativeModel(bytes, kernels, {
      kept: { find: (key) => (key === at ? found : undefined), keep: again },
    }).run({ x });
    expect(result?.y?.data).toEqual(y);
    return again.mock.calls.length;
  }

  it("is made anew, and one that can is not", () => {
    expect(run((kept) => kept)).toBe(0);
    expect(run(() => new Uint8Array())).toBe(1);
    expect(run((kept) => kept.subarray(0, kept.length / 2))).toBe(1);
    expect(run((kept) => kept.fill(7, 4, 12))).toBe(1);
    // The code of the first instruction.
    const first = (kept: Uint8Array) => 4 + new DataView(kept.buffer).getUint32(0, true);
    expect(run((kept) => kept.fill(99, first(kept), first(kept) + 4))).toBe(1);
  });
});

describe("nodes that cannot be read", () => {
  const [x, y] = [numbers([3]), (data: Float32Array) => [...data.map((number) => number * number)]];
  /** The name of the operator is as long as no message. */
  const damaged = square();
  damaged[Buffer.from(damaged).indexOf("Mul") - 1] = 100;

  it("are no model's", () => {
    expect(() => new NativeModel(damaged, plainKernels)).toThrow(expect.objectContaining({ code: "onnx-unreadable" }));
    expect(openModel(damaged, plainKernels, {})).toBeUndefined();
  });

  it("are missed only where no program is kept", () => {
    let program: Uint8Array | undefined;
    const kept = { find: () => program, keep: (_: string, bytes: Uint8Array) => (program = bytes) };
    const leave = vi.fn();
    expect(openModel(damaged, plainKernels, { kept: { ...kept, leave } })?.run({ x })).toBeUndefined();
    expect(leave).toHaveBeenCalledOnce();
    new NativeModel(square(), plainKernels, { kept }).run({ x });
    const model = new NativeModel(damaged, plainKernels, { kept });
    expect([model.inputs, model.outputs, model.ports[0]?.shape]).toEqual([["x"], ["y"], ["n"]]);
    expect([...model.run({ x })!.y!.data]).toEqual(y(x.data as Float32Array));
  });
});

describe("kernels that cannot be used", () => {
  it("are told of where the file does not load", () => {
    const home = temporaryFolder("home");
    const { native, words } = opened(home, kernelsFile(join(home, "kernels")));
    expect(native).toBe(false);
    expect(words.match(/\[kernels-broken\] Warning: .* do not load .*ONNX Runtime computes/g)).toHaveLength(1);
  });

  it("are told of where another release built them, which are not opened", () => {
    const home = temporaryFolder("home");
    const file = kernelsFile(join(home, "kernels")).replace(/[0-9a-f]{20}\.node$/, `${"0".repeat(20)}.node`);
    const { native, words } = opened(home, file);
    expect(native).toBe(false);
    expect(words.match(/\[kernels-old\] Warning: .*another release.*innerloop setup native/g)).toHaveLength(1);
  });

  it("are not told of where there are none", () => {
    expect(opened(temporaryFolder("home"))).toEqual({ native: false, words: "" });
  });
});

const source = (name: string): string => fileURLToPath(new URL(`../../native/source/${name}`, import.meta.url));
const headers = fileURLToPath(new URL("../../node_modules/node-api-headers/include", import.meta.url));

/** Compiles with the machine's own compiler. */
function compile(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.env.CC ?? "cc", ["-w", "-fPIC", "-shared", ...args], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
}

describe.skipIf(!builtFile || process.platform !== "linux")(`what the machine does not have (${missing})`, () => {
  it.skipIf(process.arch !== "x64")(
    "of its processor is said when kernels are opened that were built to use it",
    () => {
      const folder = temporaryFolder("kernels");
      const [usual, other] = [join(folder, "usual.node"), join(folder, "other.node")];
      // The door alone: what it calls is looked for when it is called.
      const door = ["-DNAPI_VERSION=8", `-I${headers}`, source("addon.c"), "-o"];
      compile(...door, usual);
      // No processor that is sold has had this since 2017.
      compile("-mfma4", ...door, other);
      expect(loadKernels(usual).misaligned(new ArrayBuffer(64))).toBeLessThan(64);
      expect(() => loadKernels(other)).toThrow(
        expect.objectContaining({ code: "kernels-broken", message: expect.stringContaining("a processor with fma4") }),
      );
    },
  );

  it("of threads is done without them", () => {
    const folder = temporaryFolder("threads");
    const [code, library] = [join(folder, "none.c"), join(folder, "none.so")];
    writeFileSync(
      code,
      `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
int pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*work)(void *), void *given) {
  Dl_info from;
  if (dladdr((void *)work, &from) && strstr(from.dli_fname, ".node")) return fputs("none", stderr), EAGAIN;
  return ((int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create"))(id, how, work, given);
}
`,
    );
    compile(code, "-o", library, "-ldl");
    const script = `
      const kernels = require(${JSON.stringify(builtFile)});
      const size = 2 ** 18;
      const memory = new ArrayBuffer(4 * (2 * size + 64) + 64);
      const begin = kernels.misaligned(memory);
      const floats = new Float32Array(memory, begin).fill(2, 0, size);
      // Twice each number.
      const words = Int32Array.of(2, 18, 1, size, 1, 0, 1, 1, 1, 0, 0, 0, 1, size, 1, 1, 0, 0);
      console.log(kernels.run(words, memory, begin, 4), floats.subarray(size, 2 * size).every((number) => number === 4));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], {
      env: { ...process.env, LD_PRELOAD: library },
      encoding: "utf8",
    });
    expect([stdout, stderr.slice(0, 4)]).toEqual(["0 true\n", "none"]);
  });
});

// What a machine costs: the fit against a formula, choices from given costs, the file and what is wrong with one, and that other
// forms give the same numbers.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type Costs,
  convolutionWork,
  evaluate,
  grad,
  input,
  inputGradientWork,
  isNative,
  onnxTarget,
  op,
  timeOf,
  writeOnnx,
} from "@innerloop/graph";
import { openSession } from "@innerloop/runtime/session";
import { type MachineCosts, readMachine, sizeOf, type Tensor } from "@innerloop/schemas";
import { decodeModel } from "@innerloop/schemas/onnx";
import { lossBy, type Stand, type Tuned, tuneMachine } from "@innerloop/setup";
import {
  machineFile,
  machineHere,
  openEngine,
  random,
  shippedMachine,
  timedWith,
  tunedEngines,
} from "@innerloop/train";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { refusalOf } from "../support/refusal.ts";

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "innerloop-machine-"));
  vi.stubEnv("INNERLOOP_CACHE", place);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true, force: true });
});

const nothing = { products: 0, columns: 0, rows: 0, inside: 0, outside: 0, calls: 0, run: 0, error: 0.1, cases: 9 };

/** Columns take 1 ms whatever the size, native products `each` for a million numbers of the input. */
const costing = (each: number): MachineCosts => {
  const both = { columns: { ...nothing, run: 1 }, native: { ...nothing, inside: each } };
  return {
    format: "innerloop-machine",
    version: 2,
    processor: cpus()[0]!.model,
    platform: `${process.platform}-${process.arch}`,
    ...timedWith(),
    threads: 1,
    forms: { convolution: both, "convolution-input-gradient": both },
  };
};

const window = { kernel: [3, 3], strides: [1, 1], dilations: [1, 1], before: [1, 1], after: [1, 1], groups: 1 };
const sizes = (channels: number, filters: number) => ({ examples: 2, space: [6, 6], channels, filters, window });

describe("the choice", () => {
  it("follows from the costs alone, and needs another form to save more than a little", () => {
    // Inputs have 72 numbers a channel: 0.24 ms each.
    const { forms } = costing(0.24e6 / 72);
    for (const [operator, work] of [
      ["convolution", convolutionWork],
      ["convolution-input-gradient", inputGradientWork],
    ] as const)
      expect([1, 2, 3, 4, 64].map((channels) => isNative(forms, operator, work(sizes(channels, 4))))).toEqual([
        ...[true, true, true],
        ...[false, false],
      ]);
    expect(timeOf(forms.convolution.native, convolutionWork(sizes(3, 4)).native)).toBeCloseTo(0.72);
  });

  it("counts what each form does", () => {
    const around = { dilations: [1, 1], before: [1, 1], after: [1, 1], groups: 1 };
    const sized = { examples: 2, space: [6, 6], channels: 3, filters: 20 };
    const window = { ...around, kernel: [3, 3], strides: [2, 2] };
    // 9 places of an output, which are a panel of 16; 27 numbers in a row; 20 filters are two panels, 3 channels one.
    const million = (work: object) =>
      Object.fromEntries(Object.entries(work).map(([kind, much]) => [kind, Math.round(much * 1e7) / 10]));
    const whole = convolutionWork({ ...sized, window });
    expect(million(whole.columns)).toMatchObject({ products: 2 * 18 * 27 * 32, columns: 18 * 27, rows: 18 * 9 });
    expect(million(whole.native)).toMatchObject({ products: 18 * 27 * 32 + 2 * 16 * 27 * 20, calls: 2000 });
    const back = inputGradientWork({ ...sized, window });
    // Each of the 36 places of an input is read through 9 / 4 taps of 20 filters.
    const reads = (2 * 36 * 9 * 20) / 4;
    expect(million(back.columns)).toMatchObject({
      products: reads * 16,
      columns: reads,
      rows: reads / 20,
      calls: 8000,
    });
    expect(million(back.native)).toMatchObject({ products: 2 * 16 * 27 * 20, columns: 18 * 27, rows: 2 * 27 });
    // One tap needs no columns; a product of one column is one of a matrix and a vector.
    const one = { ...around, before: [0, 0], after: [0, 0], kernel: [1, 1], strides: [1, 1] };
    expect(inputGradientWork({ ...sized, window: one }).columns).toMatchObject({ columns: 0, rows: 0, calls: 0 });
    expect(million(inputGradientWork({ ...sized, channels: 1, window }).columns).products).toBe(reads);
    // Groups are products of their own, of fewer channels each.
    const grouped = convolutionWork({ ...sized, channels: 4, window: { ...window, groups: 2 } });
    expect(million(grouped.columns)).toMatchObject({ products: 2 * 18 * 36 * 16, rows: 2 * 18 * 9 });
    expect(million(grouped.native)).toMatchObject({ calls: 4000 });
  });

  it("is made node by node, with the same numbers", async () => {
    const [x, w] = [input("x", [2, 6, 6, 2]), input("w", [3, 3, 2, 4])];
    const y = op.Convolution(x, w, { pads: [1, 1, 1, 1] });
    const z = op.Convolution(op.Relu(y), input("v", [3, 3, 4, 1]), { strides: [2, 2], pads: [1, 1, 1, 1] });
    const [dx, dw] = grad(op.ReduceSum(op.Mul(z, z), { keepdims: false }), [x, w]);
    const outputs = { z, dx: dx!, dw: dw! };
    const feeds: Record<string, Tensor> = Object.fromEntries(
      [["x", [2, 6, 6, 2]] as const, ["w", [3, 3, 2, 4]] as const, ["v", [3, 3, 4, 1]] as const].map(
        ([name, shape]) => [
          name,
          {
            dtype: "float32",
            shape,
            data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)),
          },
        ],
      ),
    );
    const run = async (costs: Costs) => {
      const bytes = writeOnnx(outputs, { target: onnxTarget({ costs }) });
      const operators = (decodeModel(bytes, "the model").graph?.node ?? []).map(({ opType }) => opType);
      const session = await openSession(bytes, { provider: "cpu" });
      const results = await session.run(feeds);
      await session.dispose();
      const count = (name: string) => operators.filter((operator) => operator === name).length;
      return { results, conv: count("Conv"), transposed: count("ConvTranspose") };
    };
    const reference = evaluate(Object.values(outputs), feeds as never);
    // Inputs of 144 and 288 numbers.
    for (const [each, conv, transposed] of [
      [1e6, 0, 0],
      [5000, 1, 1],
      [1, 2, 2],
    ] as const) {
      const found = await run(costing(each).forms);
      expect([found.conv, found.transposed], String(each)).toEqual([conv, transposed]);
      Object.keys(outputs).forEach((name, i) => {
        const wanted = reference[i]!.data;
        found.results[name]!.data.forEach((value, j) => {
          expect(Number(value)).toBeCloseTo(wanted[j]!, 3);
        });
      });
    }
  });
});

/**
 * A machine on which the usual form of every case takes 2 ms and the other one 0.2 or 4 ms in turn, and each run longer by what
 * other programs do: by a share from `least` to `most`, and one in twenty ten times as long.
 */
function busyMachine(seed: number, least: number, most: number): Stand & { readonly closed: () => boolean } {
  const draw = random(seed);
  let [now, opened, closed] = [0, 0, false];
  const taking = (milliseconds: number) => async () => {
    const burst = draw.uniform() * most > 0.95 * most ? 10 : 1;
    now += milliseconds * burst * (1 + least + (most - least) * draw.uniform());
  };
  return {
    clock: () => now,
    open: async () => [taking(2), taking(opened++ % 2 ? 0.2 : 4)],
    close: async () => {
      closed = true;
    },
    closed: () => closed,
  };
}

describe("the fit", () => {
  it("finds a law again, and the same choices however busy the machine is", async () => {
    const stands = [busyMachine(1, 0, 0), busyMachine(2, 0, 1), busyMachine(3, 0.3, 3)];
    const runs: Tuned[] = [];
    for (const stand of stands) runs.push(await tuneMachine({ stand }));
    for (const { machine } of runs) expect(readMachine(JSON.stringify(machine), "it")).toEqual(machine);
    expect(stands.every(({ closed }) => closed())).toBe(true);
    const [quiet, ...busy] = runs.map(({ cases }) => cases.map(({ native }) => native));
    expect(quiet).toEqual(quiet!.map((_, i) => i % 2 === 1));
    for (const choices of busy) expect(choices).toEqual(quiet);
    expect(runs[0]!.cases.map(({ ratio }) => ratio)).toEqual(
      quiet!.map((native) => expect.closeTo(native ? 0.1 : 2, 5)),
    );
    for (const { cases } of runs.slice(1))
      for (const { ratio, native } of cases) expect(Math.abs(Math.log(ratio / (native ? 0.1 : 2)))).toBeLessThan(0.5);
    expect(runs[0]!.machine.forms.convolution.native).toMatchObject({
      cases: expect.any(Number),
      error: expect.closeTo(0),
      run: expect.closeTo(4),
    });
  });

  it("fits again where it chose wrongly", async () => {
    const { cases } = await tuneMachine({ stand: busyMachine(1, 0, 0) });
    // The native form takes longer for this case alone.
    const odd = 25;
    let [now, opened] = [0, 0];
    const taking = (milliseconds: number) => async () => {
      now += milliseconds;
    };
    const stand: Stand = {
      clock: () => now,
      open: async () => {
        const i = opened++;
        const { columns, native } = cases[i]!.work;
        const usual = 2 + 0.02 * columns.products + 0.4 * columns.columns;
        const other = 1.5 + 0.02 * native.products + 0.5 * native.inside;
        return [taking(usual), taking(i === odd ? 1.4 * usual : other)];
      },
      close: async () => {},
    };
    const found = await tuneMachine({ stand });
    expect(found.cases[odd]!.native).toBe(false);
    expect(found.cases.filter(({ native }) => native).length).toBeGreaterThan(20);
    expect(lossBy(found.machine.forms, found.cases).most).toBeLessThan(0.02);
  });

  it("keeps costs that were known where these choose about as well", async () => {
    const measuring = (known: MachineCosts["forms"][], seed: number) =>
      tuneMachine({ known, stand: busyMachine(seed, 0.2, 1) });
    const first = await measuring([costing(1).forms], 1);
    expect(first.kept).toBe(false);
    const second = await measuring([costing(1).forms, first.machine.forms], 2);
    expect(second.kept).toBe(true);
    expect(second.machine).toEqual(first.machine);
    expect(second.cases.map(({ native }) => native)).toEqual(first.cases.map(({ native }) => native));
  });

  it("says what costs lose beside the quicker form of each size", async () => {
    const { cases, machine } = await tuneMachine({ stand: busyMachine(1, 0, 0) });
    expect(lossBy(machine.forms, cases)).toMatchObject({ mean: expect.closeTo(0), most: expect.closeTo(0) });
    // Always the usual form: 2 ms where 0.2 would do, in every other case.
    const always = lossBy(costing(1e9).forms, cases);
    expect(always).toMatchObject({ mean: expect.closeTo(Math.sqrt(10) - 1), most: expect.closeTo(9) });
    expect(cases.find(({ name }) => name === always.worst)!.native).toBe(true);
    // Never: 4 ms where 2 would do.
    expect(lossBy(costing(0).forms, cases)).toMatchObject({
      mean: expect.closeTo(Math.SQRT2 - 1),
      most: expect.closeTo(1),
    });
  });
});

describe("the file", () => {
  const write = (text: string) => {
    mkdirSync(dirname(machineFile()!), { recursive: true });
    writeFileSync(machineFile()!, text);
  };

  it("is taken where it is of this processor and this ONNX Runtime, and else what the package brings", () => {
    const shipped = machineHere();
    expect(shipped?.from ?? "shipped").toBe("shipped");
    write(JSON.stringify(costing(0.1)));
    expect(machineHere()).toEqual({ machine: costing(0.1), from: "measured" });
    write(JSON.stringify({ ...costing(0.1), processor: "another" }));
    expect(machineHere()).toEqual(shipped);
    write(JSON.stringify({ ...costing(0.1), onnxruntime: "0.1.0" }));
    expect(machineHere()).toEqual(shipped);
  });

  it("is one for each engine, and for each version of it", () => {
    const own = machineFile("tfjs:wasm")!;
    expect(own).not.toBe(machineFile());
    expect(machineHere("tfjs:wasm")?.from).toBe("shipped");
    const { onnxruntime: _, ...costs } = costing(0.1);
    mkdirSync(dirname(own), { recursive: true });
    for (const [timed, from] of [
      [timedWith("tfjs:wasm"), "measured"],
      [timedWith(), "shipped"],
      [timedWith("tfjs:tfjs-node"), "shipped"],
      [{ ...timedWith("tfjs:wasm"), engineVersion: "0.1.0" }, "shipped"],
    ] as const) {
      writeFileSync(own, JSON.stringify({ ...costs, ...timed }));
      expect(machineHere("tfjs:wasm")?.from).toBe(from);
    }
    for (const engine of tunedEngines) expect(shippedMachine(engine)?.engine).toBe(timedWith(engine).engine);
  });

  it("decides what TensorFlow.js computes by its own kernels, with the same numbers", async () => {
    const [x, w] = [input("x", [2, 6, 6, 2]), input("w", [3, 3, 2, 4])];
    const y = op.Convolution(x, w, { pads: [1, 1, 1, 1] });
    const [dx, dw] = grad(op.ReduceSum(op.Mul(y, y), { keepdims: false }), [x, w]);
    const outputs = { y, dx: dx!, dw: dw! };
    const numbers = (shape: number[]): Tensor => ({
      dtype: "float32",
      shape,
      data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i)),
    });
    const feeds = { x: numbers([2, 6, 6, 2]), w: numbers([3, 3, 2, 4]) };
    const reference = evaluate(Object.values(outputs), feeds as never);
    mkdirSync(dirname(machineFile("tfjs:wasm")!), { recursive: true });
    for (const [each, kernels] of [
      [1e9, []],
      [0.01, ["Conv2D", "Conv2DBackpropInput"]],
    ] as const) {
      const { onnxruntime: _, ...costs } = costing(each);
      writeFileSync(machineFile("tfjs:wasm")!, JSON.stringify({ ...costs, ...timedWith("tfjs:wasm") }));
      const { engine } = await openEngine("tfjs:wasm");
      const program = await engine.compile({ outputs });
      const run = vi.spyOn(tf.engine(), "runKernel");
      const results = await program.run(feeds);
      const called = run.mock.calls.map(([kernel]) => kernel).filter((kernel) => kernel.startsWith("Conv"));
      run.mockRestore();
      await program.dispose();
      expect(called).toEqual(kernels);
      Object.keys(outputs).forEach((name, i) => {
        const wanted = reference[i]!.data;
        results[name]!.data.forEach((value, j) => {
          expect(Number(value)).toBeCloseTo(wanted[j]!, 3);
        });
      });
    }
  });

  it("decides what an engine writes", async () => {
    const x = input("x", [2, 6, 6, 1]);
    const y = op.Convolution(x, input("w", [3, 3, 1, 2]));
    const operators = async () => {
      const { engine } = await openEngine("onnxruntime:cpu");
      const bytes = engine.portable!.serialize({ outputs: { y } });
      await engine.dispose();
      return (decodeModel(bytes, "the program").graph?.node ?? []).map(({ opType }) => opType);
    };
    write(JSON.stringify(costing(1e9)));
    expect(await operators()).not.toContain("Conv");
    write(JSON.stringify(costing(0.01)));
    expect(await operators()).toContain("Conv");
  });

  it.each([
    ["{ no JSON", "is not valid JSON"],
    [JSON.stringify({ ...costing(1), threads: 0 }), "threads"],
    [JSON.stringify({ ...costing(1), forms: {} }), "forms"],
    [JSON.stringify({ ...costing(1), format: "innerloop-bundle" }), "innerloop-machine"],
  ])("is refused where it is damaged: %s", (text, words) => {
    write(text);
    const { code, message } = refusalOf(machineHere);
    expect(code).toBe("machine-invalid");
    expect(message).toContain(words);
    expect(message).toContain(machineFile());
  });

  it("of a later release is said to be that", () => {
    write(JSON.stringify({ ...costing(1), version: 3 }));
    expect(refusalOf(machineHere).code).toBe("newer-version");
  });
});

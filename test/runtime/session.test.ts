// The one file that knows ONNX Runtime: feeds, overrides of initializers, and what it says of providers.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InnerloopError } from "@innerloop/runtime";
import { chooseProvider, listProviders, openSession } from "@innerloop/runtime/session";
import type { Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../support/folders.ts";
import { refusal } from "../support/refusal.ts";
import { floats, model, node, value } from "./fixture.ts";

const CPU = { provider: "cpu" } as const;
const INT64 = 7;

/** y = x · w, where w is 2, 2 unless it is fed. */
const scaled = model({
  inputs: [value("x", ["n", 2]), value("w", [2])],
  outputs: [value("y", ["n", 2])],
  initializers: [floats("w", [2], [2, 2])],
  nodes: [node("Mul", ["x", "w"], ["y"])],
});

function tensor(shape: number[], ...data: number[]): Tensor {
  return { dtype: "float32", shape, data: Float32Array.from(data) };
}

describe("a session", () => {
  it("uses an initializer unless its input is fed, in every form a writer may give it", async () => {
    const unaligned = model({
      inputs: [value("x", ["n", 2]), value("w", [2]), value("longer name", [2])],
      outputs: [value("y", ["n", 2])],
      initializers: [{ name: "w", dims: [2], dataType: 1, floatData: [2, 2] }, floats("longer name", [2], [0, 0])],
      nodes: [node("Mul", ["x", "w"], ["product"]), node("Add", ["product", "longer name"], ["y"])],
    });
    for (const bytes of [scaled, unaligned]) {
      const session = await openSession(bytes, CPU);
      expect(session.inputs).toContain("w");
      expect(session.outputs).toEqual(["y"]);
      expect(session.defaults.w).toEqual(tensor([2], 2, 2));
      const x = tensor([1, 2], 3, 5);
      expect((await session.run({ x })).y).toEqual(tensor([1, 2], 6, 10));
      expect((await session.run({ x, w: tensor([2], 10, 100) })).y).toEqual(tensor([1, 2], 30, 500));
      expect((await session.run({ x })).y).toEqual(tensor([1, 2], 6, 10));
      await session.dispose();
    }
  });

  it("opens a path, computes only what is asked for, and converts int32 where int64 is wanted", async () => {
    const file = join(temporaryFolder(), "model.onnx");
    const bytes = model({
      inputs: [value("i", ["n"], INT64)],
      outputs: [value("same", ["n"], INT64), value("twice", ["n"], INT64)],
      nodes: [node("Identity", ["i"], ["same"]), node("Add", ["i", "i"], ["twice"])],
    });
    writeFileSync(file, bytes);
    const session = await openSession(file, CPU);
    const i: Tensor = { dtype: "int32", shape: [3], data: Int32Array.of(1, -2, 3) };
    expect(await session.run({ i }, ["twice"])).toEqual({
      twice: { dtype: "int64", shape: [3], data: BigInt64Array.of(2n, -4n, 6n) },
    });
    await session.dispose();
    expect((await refusal(openSession(`${file}.none`, CPU))).code).toBe("file-missing");
  });

  it("says what is wrong with feeds and fetches", async () => {
    const session = await openSession(scaled, CPU);
    const x = tensor([1, 2], 3, 5);
    const calls: [Promise<unknown>, string, RegExp][] = [
      [session.run({}), "bad-input", /the input "x" is missing; this model needs x, w/],
      [session.run({ x, z: x }), "bad-input", /the input "z" is unknown; this model has x, w/],
      [
        session.run({ x: { dtype: "int32", shape: [1, 2], data: Int32Array.of(1, 2) } }),
        "bad-input",
        /"x" is int32; this model expects float32/,
      ],
      [session.run({ x: tensor([1, 3], 1, 2) }), "bad-input", /the input "x" of shape \[1, 3\] holds 2 values/],
      [session.run({ x }, ["z"]), "bad-input", /the output "z" is unknown; this model has y/],
      [session.run({ x: tensor([1, 3], 1, 2, 3) }), "run-failed", /ONNX Runtime could not run the model: .*x/],
    ];
    for (const [call, code, message] of calls) {
      const error = await refusal(call);
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
    }
    const running = session.run({ x });
    await Promise.all([session.dispose(), session.dispose()]);
    expect((await running).y).toEqual(tensor([1, 2], 6, 10));
    expect((await refusal(session.run({ x }))).code).toBe("disposed");
  });

  it("refuses a model that is cut short, at every length, and one that ONNX Runtime does not take", async () => {
    for (let length = 0; length < scaled.length; length += 5) {
      const error = await refusal(openSession(scaled.subarray(0, length), CPU));
      expect(["onnx-unreadable", "model-refused"]).toContain(error.code);
    }
    const unknownOp = model({
      inputs: [value("x", [1])],
      outputs: [value("y", [1])],
      nodes: [node("Nonsense", ["x"], ["y"])],
    });
    const error = await refusal(openSession(unknownOp, CPU));
    expect(error.code).toBe("model-refused");
    expect(error.message).toMatch(/Nonsense/);
  });
});

describe("providers", () => {
  it("are listed in the order that auto tries them, then those by name alone, each with the reason why not", async () => {
    const reports = await listProviders();
    expect(reports.map((report) => report.name)).toEqual(["cuda", "webgpu", "cpu", "dml", "coreml"]);
    for (const report of reports) expect(report.available || (report.reason ?? "").length > 10).toBe(true);
    expect(reports.find((report) => report.name === "cpu")).toEqual({ name: "cpu", available: true });
  });

  it("auto takes the first that is available and says why not those before", async () => {
    const reports = await listProviders();
    const choice = await chooseProvider();
    // WebGPU is taken by name alone, also where it works.
    const slow = "it is slower than the processor here; ask for it by name";
    const first = reports.findIndex(({ name, available }) => available && name !== "webgpu");
    expect(choice.name).toBe(reports[first]?.name);
    expect(choice.rejected).toEqual(
      reports.slice(0, first).map(({ name, available, reason }) => ({ name, reason: available ? slow : reason })),
    );
    const session = await openSession(scaled, { provider: choice, threads: 1 });
    expect(session.provider).toBe(choice);
    await session.dispose();
  });

  it("asked for by name are used or refused, never replaced", async () => {
    for (const { name, available } of await listProviders()) {
      const outcome: unknown = await chooseProvider({ provider: name }).catch((cause: unknown) => cause);
      if (outcome instanceof InnerloopError) {
        expect(available).toBe(false);
        expect(outcome.code).toBe("provider-unavailable");
        expect(outcome.message).toMatch(
          new RegExp(
            `the provider ${name} was asked for and does not work here: .+; install .+, or use provider cpu`,
            "s",
          ),
        );
      } else {
        expect(outcome).toEqual({ name, reason: "asked for by name", rejected: [] });
      }
    }
  });

  it("refuses threads that are no number of threads", async () => {
    for (const threads of [0, -1, 1.5, Number.NaN]) {
      const error = await refusal(openSession(scaled, { ...CPU, threads }));
      expect(error).toMatchObject({ code: "bad-option", exitStatus: 2 });
    }
  });
});

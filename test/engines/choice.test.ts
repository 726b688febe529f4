// Which engine `auto` takes and what is said of it, and that a named engine is never replaced by another.
import {
  engineChoices,
  engineNamed,
  engineNames,
  engines,
  enginesFor,
  listEngines,
  openEngine,
} from "@innerloop/train";
import { describe, expect, it } from "vitest";
import { refusal } from "../support/refusal.ts";

describe("every engine", () => {
  it("is reported, in the order in which auto tries them", async () => {
    const reports = await listEngines();
    expect(reports.map((it) => it.name)).toEqual(engineNames);
    const order = [
      "tfjs:node-gpu",
      "onnxruntime:cuda",
      "native",
      "onnxruntime:cpu",
      "tfjs:webgpu",
      "tfjs:tfjs-node",
      "tfjs:wasm",
      "tfjs:cpu",
      "onnxruntime:webgpu",
      "onnxruntime:dml",
      "onnxruntime:coreml",
    ];
    expect(engineNames.filter((it) => order.includes(it))).toEqual(order);
  });

  it("has a reason where it is not available, and a version where it is", async () => {
    for (const { available, reason, version } of await listEngines())
      expect(available ? version : reason).toMatch(available ? /\d/ : /\w/);
    const [processor] = await listEngines(["onnxruntime:cpu"]);
    expect(processor).toMatchObject({ available: true, device: expect.stringMatching(/threads, \d+ GB/) });
  });
});

describe.each(engines.map((it) => it.name))("%s", (name) => {
  const entry = engineNamed(name)!;

  it("says what it is, and is found by its name and its family's", async () => {
    expect(enginesFor(name)).toEqual([entry]);
    expect(enginesFor("auto")).toContain(entry);
    if (name.includes(":")) expect(enginesFor(name.split(":")[0]!)).toContain(entry);
    expect(engineChoices).toContain(name);
    // What `auto` may take is told why.
    if (entry.unwanted?.() === undefined) expect(entry.strength).not.toBe("");
  });

  it("opens where it works, under its name, with the traits that it says", async () => {
    const [report] = await listEngines([name]);
    if (!report!.available) return expect((await refusal(openEngine(name))).code).toBe("engine-unavailable");
    const { engine, reason } = await openEngine(name);
    expect([engine.name, reason]).toEqual([name, "asked for by name"]);
    // Only programs that are bytes can go to other threads.
    if (entry.traits.workers) expect(engine.portable).toBeDefined();
    if (entry.traits.float16 !== undefined) expect(engine.float16).toBe(true);
    await engine.dispose();
  });
});

describe("the choice of an engine", () => {
  it("is explained", async () => {
    const { engine, reason, rejected } = await openEngine("auto");
    const reports = await listEngines();
    const taken = reports.find((it) => it.name === engine.name);
    expect(taken).toMatchObject({ available: true });
    expect(taken).not.toHaveProperty("onlyByName");
    expect(reason).not.toBe("");
    for (const it of rejected) expect(it.reason).not.toBe("");
    expect(rejected.map((it) => it.name)).toEqual(engineNames.filter((it) => it !== engine.name));
    await engine.dispose();
  });

  it("can be a family", async () => {
    expect((await openEngine("tfjs")).engine.name).toMatch(/^tfjs:/);
    expect((await openEngine("onnxruntime")).engine.name).toMatch(/^onnxruntime:/);
  });

  it("never passes on to another engine than the one that was named", async () => {
    const absent = (await listEngines()).filter((it) => !it.available);
    // No system has both.
    expect(absent.map((it) => it.name)).toEqual(expect.arrayContaining([expect.stringMatching(/dml|coreml/)]));
    for (const { name, reason, remedy = "use the engine auto" } of absent) {
      const error = await refusal(openEngine(name));
      expect(error.code).toBe("engine-unavailable");
      expect(error.message).toContain(reason);
      expect(error.message).toContain(remedy);
    }
  });

  it("refuses what it does not know", async () => {
    const error = await refusal(openEngine("abacus"));
    expect(error).toMatchObject({ code: "unknown-engine", exitStatus: 2 });
    expect(error.message).toContain("onnxruntime:cpu");
    expect((await refusal(openEngine("auto", { threads: 0 }))).code).toBe("bad-option");
  });
});

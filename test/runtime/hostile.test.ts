// Personal files that no Personal wrote: whole, of the right form, and of no meaning. None is taken up; and what the
// runtime is called with in place of what it takes is refused by a code.
import { Learner, type Personal } from "@innerloop/runtime";
import { decodeSafetensors, encodeSafetensors, type Tensor } from "@innerloop/schemas";
import { describe, expect, it } from "vitest";
import { codeOfAsync } from "../support/refusal.ts";
import { writeBundle } from "./fixture.ts";

const learner = await Learner.load(writeBundle("linear"), { provider: "cpu" });
const prototypes = await Learner.load(writeBundle("prototypes"), { provider: "cpu" });
const examples = [
  { label: "a", data: [1, 2, 3, 4] },
  { label: "b", data: [-1, 1, 0, 2] },
];
const mine: Personal = await learner.adapt(examples);
const whole = decodeSafetensors(await mine.toBytes(), "f");

/** The file with some of its texts and arrays replaced. */
const altered = (texts: Record<string, string>, arrays: Record<string, Tensor> = {}): Uint8Array =>
  encodeSafetensors({ ...whole.tensors, ...arrays }, { ...whole.metadata, ...texts });
const floats = (name: string, change: (data: Float32Array) => void): Record<string, Tensor> => {
  const tensor = whole.tensors[name]!;
  const data = (tensor.data as Float32Array).slice();
  change(data);
  return { [name]: { ...tensor, data } };
};

describe("a personal file", () => {
  it("as it was saved is taken up", async () => {
    expect(await codeOfAsync(() => learner.restore(altered({})))).toBe("accepted");
  });

  it.each<[string, Record<string, string>]>([
    ["a label twice", { labels: '["a","a"]' }],
    ["one label", { labels: '["a"]', columns: "[0]" }],
    ["an empty label", { labels: '["a",""]' }],
    ["more labels than classes", { labels: '["a","b","c","d"]', columns: "[0,1,2,3]" }],
    ["a column twice", { columns: "[0,0]" }],
    ["a column that there is not", { columns: "[0,1000000]" }],
    ["a negative column", { columns: "[0,-1]" }],
    ["labels that its examples do not have", { labels: '["a","c"]' }],
    ["an id twice", { examples: '[["#1","a"],["#1","b"]]' }],
    ["an empty id", { examples: '[["","a"],["#2","b"]]' }],
    ["an id that the next example would have", { next: "2" }],
    ["no next example", { next: "0" }],
    ["examples that are too few", { examples: '[["#1","a"]]' }],
    ["an example without a label", { examples: '[["#1",""],["#2","b"]]' }],
    ["fewer shots than one", { shots: "0" }],
    ["a loss that is no number", { support_loss: "[null]" }],
    ["negative steps", { settings: '{"steps":-1}' }],
    ["more steps than there are", { settings: '{"steps":1e9}' }],
    ["a negative rate", { settings: '{"steps":1,"rate":-1}' }],
    ["settings of something else", { settings: '{"steps":1,"keep":true}' }],
    ["settings that are a list", { settings: "[]" }],
    ["a name twice in its settings", { settings: '{"steps":1,"steps":2}' }],
    ["a version that never was", { version: "0.5" }],
  ])("with %s is refused", async (_, texts) => {
    expect(await codeOfAsync(() => learner.restore(altered(texts)))).toBe("personal-invalid");
  });

  it.each(["adapted/head/weight", "support/x"])("with a number that is none in %s is refused", async (name) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bytes = altered(
        {},
        floats(name, (data) => data.fill(bad, 1, 2)),
      );
      expect(await codeOfAsync(() => learner.restore(bytes))).toBe("personal-invalid");
    }
  });

  it("with fewer rows than classes is refused, where any number of classes goes", async () => {
    const other = await prototypes.adapt([
      { label: "a", data: [1, 2] },
      { label: "b", data: [-1, 1] },
    ]);
    const { tensors, metadata } = decodeSafetensors(await other.toBytes(), "f");
    const { data } = tensors["adapted/head/prototypes"]!;
    const row: Tensor = { dtype: "float32", shape: [1, 2], data: (data as Float32Array).slice(0, 2) };
    const bytes = encodeSafetensors({ ...tensors, "adapted/head/prototypes": row }, metadata);
    expect(await codeOfAsync(() => prototypes.restore(bytes))).toBe("personal-invalid");
  });
});

describe("a wrong argument has a code", () => {
  const of = (value: unknown) => value as never;
  it.each<[string, () => unknown]>([
    ["load, of nothing", () => Learner.load(of(null))],
    ["load, of a number", () => Learner.load(of(3))],
    ["load, with options that are none", () => Learner.load("x", of(null))],
    ["adapt, of nothing", () => learner.adapt(of(undefined))],
    ["adapt, with options that are none", () => learner.adapt(examples, of(null))],
    ["adapt, with a signal that is none", () => learner.adapt(examples, { signal: of({}) })],
    ["adapt, with a listener that is none", () => learner.adapt(examples, { onProgress: of(true) })],
    ["start, with a rate that is a list", () => learner.start({ rate: of([[]]) })],
    ["restore, of a number", () => learner.restore(of(3))],
    ["restore, with options that are none", () => learner.restore(new Uint8Array(9), of(null))],
    ["predict, of a shape that is a text", () => mine.predict({ data: [1, 2, 3, 4], shape: of("4") })],
    ["remove, of nothing", () => mine.remove(of(undefined))],
    ["toBytes, with options that are none", () => mine.toBytes(of(null))],
  ])("%s", async (_, call) => {
    expect(await codeOfAsync(call)).toMatch(/^[a-z]+(-[a-z]+)+$/);
  });
});

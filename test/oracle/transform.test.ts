// Transforms of small networks from PyTorch give the numbers of torch.func, in float64: forces and Hessians of an energy,
// Grad-CAM, the product of a Hessian with vectors, a recurrent tagger of many sentences.
import { evaluate, type Model, readOnnx, type ShapedNumbers, transform, writeModel } from "@innerloop/graph";
import { describe, expect, it } from "vitest";
import { distance } from "../support/numbers.ts";
import { readRecorded } from "../support/recorded.ts";

interface Recorded {
  readonly name: string;
  readonly model: string;
  readonly inputs: Readonly<Record<string, ShapedNumbers>>;
  readonly outputs: Readonly<Record<string, ShapedNumbers>>;
}

const recorded = readRecorded<Recorded[]>("oracle/recorded/transform.json");
const caseOf = (name: string): Recorded & { readonly file: Model } => {
  const found = recorded.find((entry) => entry.name === name)!;
  return { ...found, file: readOnnx(Buffer.from(found.model, "base64"), `${name}.onnx`) };
};

/** How far outputs of a model, written and read again, are from recorded ones. */
function far(model: Model, feeds: Recorded["inputs"], expected: Readonly<Record<string, ShapedNumbers>>): number {
  const { inputs, outputs, initializers } = readOnnx(writeModel(model), "again.onnx");
  const names = Object.keys(expected);
  const wanted = [...names.map((name) => outputs[name]!), ...Object.values(inputs)];
  const found = evaluate(wanted, { ...initializers, ...feeds } as Recorded["inputs"]);
  return Math.max(
    ...names.map((name, i) => {
      expect(found[i]!.shape, name).toEqual(expected[name]!.shape);
      return distance(found[i]!.data, expected[name]!.data);
    }),
  );
}

describe("torch.func", () => {
  it("an energy: forces, the Hessian, forces of many molecules", () => {
    const { file, inputs, outputs } = caseOf("energy");
    const { positions, many } = inputs as { positions: ShapedNumbers; many: ShapedNumbers };
    const { energy, gradient, hessian, gradients } = outputs as Record<string, ShapedNumbers> & typeof outputs;
    const forces = transform.valueAndGrad(file, { of: "energy", wrt: ["positions"] });
    expect(far(forces, { positions }, { energy: energy!, "grad/positions": gradient! })).toBeLessThan(1e-12);
    for (const mode of ["forward", "reverse"] as const) {
      const matrix = transform.jacobian(forces, { of: "grad/positions", wrt: ["positions"], mode });
      expect(far(matrix, { positions }, { "jacobian/positions": hessian! })).toBeLessThan(1e-12);
    }
    const batch = transform.vmap(forces, { axes: { positions: 0 } });
    expect(far(batch, { positions: many }, { "grad/positions": gradients! })).toBeLessThan(1e-12);
  });

  it("Grad-CAM: the feature maps, and the gradient of a class's score by them", () => {
    const { file, inputs, outputs } = caseOf("grad-cam");
    const cam = transform.vjp(file, { of: "scores", wrt: ["features"], also: ["features"] });
    const { scores, maps, gradient } = outputs;
    const feeds = { image: inputs.image!, "cotangent/scores": inputs.score! };
    expect(far(cam, feeds, { scores: scores!, features: maps!, "vjp/features": gradient! })).toBeLessThan(1e-12);
  });

  it("a tagger of one sentence: of many, and its gradient by what a node makes of the words", () => {
    const { file, inputs, outputs } = caseOf("tagger");
    const { sentences, vectors } = inputs as { sentences: ShapedNumbers; vectors: ShapedNumbers };
    const many = transform.vmap(file, { axes: { sentence: 0 } });
    expect(far(many, { sentence: sentences }, { tags: outputs.tags! })).toBeLessThan(1e-12);
    const [embedded = ""] = Object.entries(file.tensors).find(([, { shape }]) => shape.join() === "words,4") ?? [];
    const back = transform.vjp(file, { of: "tags", wrt: [embedded] });
    const each = transform.vmap(back, { axes: { sentence: 0, "cotangent/tags": 0 } });
    const feeds = { sentence: sentences, "cotangent/tags": vectors };
    expect(far(each, feeds, { [`vjp/${embedded}`]: outputs.gradient! })).toBeLessThan(1e-12);
  });

  it("a Hessian times vectors, by all weights of a convolutional network", () => {
    const { file, inputs, outputs } = caseOf("hvp");
    const weights = Object.keys(outputs);
    const product = transform.hvp(file, { of: "loss", wrt: weights });
    const expected = Object.fromEntries(weights.map((name) => [`hvp/${name}`, outputs[name]!]));
    expect(far(product, inputs, expected)).toBeLessThan(1e-11);
  });
});

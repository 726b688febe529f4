// Recurrent networks: the product of all steps' inputs at once, then ONNX's Scan over steps, each with the product of what it remembers and the rest number by number.
import type { Attribute, Node } from "../../read.ts";
import { type Compute, type Plan, Scope, type Value } from "../plan.ts";
import { refused } from "../refusal.ts";
import { scan } from "../turns.ts";
import { at, expanded, permuted, sliced, withOnes } from "../views.ts";
import { each, intOf, present, textOf } from "./parts.ts";
import { product as multiplied } from "./products.ts";
import { type Cells, remember } from "./remembered.ts";

/** Nodes of a step, as operator, inputs and outputs separated by spaces. */
type Line = readonly [string, string, string, Readonly<Record<string, number>>?];

/**
 * A kind of network: how its step makes "h" (and "c") "h2" (and "c2") of "x", the product of the input with the weights of all gates. "before" is the bias of that
 * product, "within" that of the product of what is remembered, "bias" their sum. "rh" is the product of all that is remembered, where there is one.
 */
interface Cell {
  readonly gates: number;
  readonly activations: readonly string[];
  readonly states: readonly string[];
  readonly step: readonly Line[];
  /** Where "gates" are all that "z" goes into: how many of them, from the first on, are sigmoids; the others are tangents. */
  readonly sigmoids?: number;
}

const product: Line = ["Gemm", "h R", "rh", { transB: 1 }];
const joined: readonly Line[] = [product, ["Add", "rh x", "sum"], ["Add", "sum bias", "z"]];

const lstm: Cell = {
  gates: 4,
  sigmoids: 3,
  activations: ["Sigmoid", "Tanh", "Tanh"],
  states: ["h", "c"],
  step: [
    ...joined,
    ["Split", "z", "zi zo zf zc", { axis: 1 }],
    ["Sigmoid", "zi", "i"],
    ["Sigmoid", "zo", "o"],
    ["Sigmoid", "zf", "f"],
    ["Tanh", "zc", "n"],
    ["Concat", "i o f n", "gates", { axis: 1 }],
    ["Mul", "f c", "fc"],
    ["Mul", "i n", "in"],
    ["Add", "fc in", "c2"],
    ["Tanh", "c2", "t"],
    ["Mul", "o t", "h2"],
  ],
};

const gruEnd: readonly Line[] = [
  ["Tanh", "zn", "n"],
  ["Sub", "h n", "apart"],
  ["Mul", "u apart", "stays"],
  ["Add", "n stays", "h2"],
];

/** The reset gate before the product: of the numbers that go into it. */
const gru: Cell = {
  gates: 3,
  activations: ["Sigmoid", "Tanh"],
  states: ["h"],
  step: [
    ["Add", "x bias", "fed"],
    ["Split", "fed", "xu xr xn", { axis: 1 }],
    ["Split", "R", "Ru Rr Rn"],
    ["Gemm", "h Ru xu", "zu", { transB: 1 }],
    ["Gemm", "h Rr xr", "zr", { transB: 1 }],
    ["Sigmoid", "zu", "u"],
    ["Sigmoid", "zr", "r"],
    ["Mul", "r h", "reset"],
    ["Gemm", "reset Rn xn", "zn", { transB: 1 }],
    ...gruEnd,
  ],
};

/** The reset gate behind it. */
const gruAfter: Cell = {
  ...gru,
  step: [
    product,
    ["Add", "x before", "fed"],
    ["Add", "rh within", "kept"],
    ["Split", "fed", "xu xr xn", { axis: 1 }],
    ["Split", "kept", "hu hr hn", { axis: 1 }],
    ["Add", "xu hu", "zu"],
    ["Add", "xr hr", "zr"],
    ["Sigmoid", "zu", "u"],
    ["Sigmoid", "zr", "r"],
    ["Mul", "r hn", "reset"],
    ["Add", "xn reset", "zn"],
    ...gruEnd,
  ],
};

const rnn = (activation: string): Cell => ({
  ...{ gates: 1, activations: [activation], states: ["h"] },
  step: [...joined, [activation, "z", "h2"]],
});

const none = { ints: [], floats: [] };
const whole = (...ints: readonly number[]): Attribute => ({ ...none, ints });

const nodeOf = ([operator, inputs, outputs, attributes = {}]: Line, name: string): Node => ({
  ...{ name, operator, inputs: inputs.split(" "), outputs: outputs.split(" "), opset: 18 },
  attributes: Object.fromEntries(Object.entries(attributes).map(([name, int]) => [name, whole(int)])),
});

/** Beyond a sequence's length nothing changes, and what comes out is zeros: what goes back from there begins at its last step so. */
const atLength = (states: readonly string[]): Line[] => [
  ...states.map((state): Line => ["Where", `on ${state}2 ${state}`, `${state}3`]),
  ["Where", "on h2 zero", "y"],
];

/** A Scan that takes one step after another, from the last one to the first where it goes back. */
const scanOf = ({ states, step, sigmoids }: Cell, back: boolean, several: boolean, name: string): Node => ({
  ...{ name, operator: "Scan", inputs: [], outputs: [], opset: 18 },
  attributes: {
    num_scan_inputs: whole(several ? 2 : 1),
    scan_input_directions: whole(Number(back), Number(back)),
    scan_output_directions: whole(Number(back)),
    body: {
      ...none,
      graph: {
        inputs: [...states, "x", ...(several ? ["on"] : [])],
        outputs: [
          ...[...states.map((state) => `${state}${several ? 3 : 2}`), several ? "y" : "h2"],
          ...[...(step.includes(product) ? ["rh"] : []), ...(sigmoids === undefined ? [] : ["gates", "c"])],
        ],
        initializers: new Map(),
        nodes: [...step, ...(several ? atLength(states) : [])].map((line) => nodeOf(line, name)),
      },
    },
  },
});

/** What is not as the standard has it where nothing is said. */
function check(node: Node, { activations }: Cell, directions: number): void {
  const { attributes, operator } = node;
  for (const name of ["clip", "activation_alpha", "activation_beta"])
    if (attributes[name]) throw refused(`${operator} with ${name}`);
  if (intOf(node, "layout", 0) !== 0) throw refused(`${operator} with the batch before the steps`);
  if (intOf(node, "input_forget", 0) !== 0) throw refused(`${operator} whose gates are joined`);
  const { texts } = attributes.activations ?? {};
  const usual = Array.from({ length: directions }, () => activations).flat();
  if (texts && texts.join() !== usual.join()) throw refused(`${operator} with ${texts}`);
}

/** Whether each step is one of each sequence: [steps, batch, 1]. */
function stepsWithin(plan: Plan, lengths: Value, count: number): Value {
  const steps = plan.constant(
    Float32Array.from({ length: count }, (_, step) => step),
    [count, 1, 1],
    "int32",
  );
  return each(plan, "less", [steps, withOnes(lengths, [0, 2])], "bool");
}

/** @param opened gates of all steps: i, o, f, n @param before what each step has in its cells before it */
function cellsOf(opened: Value, size: number, begun: Value, last: Value, before: Value): Cells {
  const gate = (place: number): Value => sliced(opened, 2, place * size, size);
  return { begun, last, before, kept: gate(2), added: [gate(0), gate(3)] };
}

const recurrent =
  (cellOf: (node: Node) => Cell): Compute =>
  (plan, [input, weights, recurrence, biases, lengths, hidden, cells, peepholes], node, around) => {
    const cell = cellOf(node);
    const [x, w, r] = [present(input, node), present(weights, node), present(recurrence, node)];
    const direction = textOf(node, "direction", "forward");
    const backs = { forward: [false], reverse: [true], bidirectional: [false, true] }[direction];
    if (!backs) throw refused(`${node.operator} in the direction ${direction}`);
    check(node, cell, backs.length);
    if (peepholes) throw refused(`${node.operator} with peepholes`);
    const [count, batch, size] = [x.shape[0]!, x.shape[1]!, r.shape[2]!];
    const several = lengths && (lengths.depth > 0 || plan.numbers(lengths).some((length) => length !== count));
    const going = several ? [stepsWithin(plan, lengths, count)] : [];
    const gates = cell.gates * size;
    const ends = backs.map((back, i) => {
      const [own, recurring] = [at(w, 0, i), at(r, 0, i)];
      const scope = new Scope(around.depth, around);
      const [before, within] = [0, 1].map((which) =>
        biases ? sliced(at(biases, 0, i), 0, which * gates, gates) : plan.constant([0], [1]),
      ) as [Value, Value];
      const names = { R: recurring, before, within, bias: each(plan, "add", [before, within]) };
      for (const [name, value] of Object.entries(names)) scope.set(name, value);
      scope.set("zero", plan.constant([0], [1]));
      const begun = cell.states.map((_, state) => {
        const given = state === 0 ? hidden : cells;
        return given ? at(given, 0, i) : expanded(plan.constant([0], [1, 1]), [batch, size]);
      });
      const fed = multiplied(plan, { left: x, right: permuted(own, [1, 0]) });
      const made = scan(
        plan,
        [...begun, fed, ...going],
        scanOf(cell, back, going.length > 0, node.name),
        scope,
      ) as Value[];
      const [given, product, opened, held] = made.slice(begun.length) as [Value, ...(Value | undefined)[]];
      if (product && !back && !several)
        remember(plan, {
          ...{ input: x, feeding: own, fed, begun: begun[0]!, given, weights: recurring, product },
          ...{ biases: [before, within], bias: names.bias, ...(opened && { gates: opened }) },
          ...{ functions: ["sigmoid", "tanh"], second: (cell.sigmoids ?? 0) * size },
          ...(opened && held && { cells: cellsOf(opened, size, begun[1]!, made[1]!, held) }),
        });
      return made;
    });
    const [rows, ...last] = [cell.states.length, ...cell.states.keys()];
    const together = (place: number, axis: number): Value => {
      const parts = ends.map((values) => withOnes(values[place]!, [axis]));
      return parts.length === 1 ? parts[0]! : plan.pending.joined(parts, axis);
    };
    return [together(rows!, 1), ...last.map((state) => together(state, 0))];
  };

const rnnOf = (node: Node): Cell => {
  const [activation = "Tanh"] = node.attributes.activations?.texts ?? [];
  if (activation !== "Tanh" && activation !== "Relu") throw refused(`RNN with ${activation}`);
  return rnn(activation);
};

export const recurrents: Readonly<Record<string, Compute>> = {
  LSTM: recurrent(() => lstm),
  GRU: recurrent((node) => (intOf(node, "linear_before_reset", 0) === 0 ? gru : gruAfter)),
  RNN: recurrent(rnnOf),
};

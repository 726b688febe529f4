// Repetition and choice as ONNX has them. Graphs inside nodes become functions of what they read; a loop over a known number of
// turns is a Scan over their numbers, since it has no condition to compute.
import { InnerloopError } from "@innerloop/schemas";
import { constant, constantOf, input, inputName } from "../../core/build.ts";
import type { Dim } from "../../core/dims.ts";
import { isTold } from "../../core/fresh.ts";
import { at, upTo } from "../../core/lists.ts";
import { normalizeAxis } from "../../core/shapes.ts";
import { is, type Node, type Value } from "../../core/value.ts";
import { chosenSince } from "../../ops/branch.ts";
import * as op from "../../ops/index.ts";
import { applied, closed } from "../../transforms/subgraph.ts";
import { vmap } from "../../transforms/vmap.ts";
import { int, ints, written } from "../attributes.ts";
import { onnxOperator } from "../operator.ts";
import type { Call } from "../reader/call.ts";
import { type Entry, isSizes } from "../reader/entry.ts";
import type { Subgraph } from "../reader/subgraph.ts";
import { type Form, type Writing, writing } from "../writer/form.ts";
import { graphAttribute } from "../writer/graphs.ts";

/** The entries of axis 0 from the last to the first. */
function flipped(stack: Value): Value {
  const length = at(stack.shape, 0);
  const last = op.Sub(op.Reshape(op.Size(op.Range(length)), [1]), 1);
  return op.Gather(stack, op.Sub(last, op.Range(length)), 0);
}

/** One axis to another place, the others in their order. */
function moved(value: Value, from: number, to: number): Value {
  const order = upTo(value.rank).filter((axis) => axis !== from);
  order.splice(to, 0, from);
  return op.Transpose(value, order);
}

interface ScanSettings {
  readonly num_scan_inputs: number;
  readonly scan_input_axes: readonly number[] | undefined;
  readonly scan_input_directions: readonly number[] | undefined;
  readonly scan_output_axes: readonly number[] | undefined;
  readonly scan_output_directions: readonly number[] | undefined;
}

function readScan(c: Call, settings: ScanSettings): Value[] {
  const body = c.subgraph("body");
  // Before opset 9 there was a batch of sequences, and their lengths came first.
  if (c.has(0)) return scanOf(body, c.values(), settings);
  const given = upTo(body.inputs.length).map((i) => c.value(i + 1));
  return vmap((...one) => scanOf(body, one, settings), given);
}

function scanOf(body: Subgraph, given: readonly Value[], settings: ScanSettings): Value[] {
  const count = given.length - settings.num_scan_inputs;
  if (!(settings.num_scan_inputs > 0 && count >= 0))
    throw new InnerloopError("bad-model", `goes over ${settings.num_scan_inputs} of ${given.length} inputs.`);
  const backwards = (list: readonly number[] | undefined, i: number): boolean => list?.[i] === 1;
  const [initial, stacks] = [given.slice(0, count), given.slice(count)];
  const reverse = stacks.every((_, i) => backwards(settings.scan_input_directions, i));
  const over = stacks.map((stack, i) => {
    const first = moved(stack, normalizeAxis(settings.scan_input_axes?.[i] ?? 0, stack.rank, "Scan"), 0);
    return backwards(settings.scan_input_directions, i) === reverse ? first : flipped(first);
  });
  const { carried, collected } = op.Scan(
    initial,
    over,
    (states, entries) => {
      const results = alike(body.values([...states, ...entries]), states);
      return { carried: results.slice(0, count), collected: results.slice(count) };
    },
    { reverse },
  );
  const kept = collected.map((stack, i) => {
    const ordered = backwards(settings.scan_output_directions, i) === reverse ? stack : flipped(stack);
    return moved(ordered, 0, normalizeAxis(settings.scan_output_axes?.[i] ?? 0, stack.rank, "Scan"));
  });
  return [...carried, ...kept];
}

/**
 * Results of a turn, the first of which are states for the next. Where only a run tells a size of one, it is that of the state
 * before, or the run fails.
 */
function alike(results: readonly Value[], states: readonly Value[]): Value[] {
  const now = new Map(
    states.flatMap(({ shape }, i) => {
      const next = results[i];
      const differs = next?.shape.length === shape.length && next.shape.some((dim, axis) => dim !== shape[axis]);
      return differs && next.shape.some(isTold) ? [[next, op.Reshape(next, shape)] as const] : [];
    }),
  );
  return results.map((value) => now.get(value) ?? value);
}

/** A value of one number as a scalar. */
function scalar(value: Value): Value {
  const known = constantOf(value);
  if (known?.data.length === 1) return constant(known.data, [], value.dtype);
  return value.rank === 0 ? value : op.Reshape(value, []);
}

/** The most turns that are read one after another, where what they hand on changes its shape. */
const mostUnrolled = 64;

function readLoop(c: Call): readonly Value[] {
  const body = c.subgraph("body");
  const initial = upTo(Math.max(0, body.inputs.length - 2)).map((i) => c.value(2 + i));
  const states = initial.length;
  const count = c.has(0) ? c.entry(0) : undefined;
  const condition = c.has(1) ? scalar(c.value(1)) : undefined;
  const own = [
    input("turn", [], "int64"),
    input("going", [], "bool"),
    ...initial.map(({ shape, dtype }, i) => input(`state${i}`, shape, dtype)),
  ];
  const [first, ...given] = body.values(own);
  if (!first || given.length < states)
    throw new InnerloopError("bad-model", `hands ${states} values to a body that gives ${body.outputs.length}.`);
  const results = alike(given, own.slice(2));
  const going = scalar(first);
  const { graph, captured } = closed(own, own.map(inputName), [going, ...results]);
  const turn = (carried: readonly Value[], number: Value, on: Value) => {
    const [next = on, ...others] = applied(graph, [number, on, ...carried, ...captured]);
    return { going: next, carried: others.slice(0, states), collected: others.slice(states) };
  };
  const endless =
    (going === own[1] || constantOf(going)?.data[0] === 1) && constantOf(condition ?? always)?.data[0] === 1;
  const turns = endless ? turnsOf(count) : undefined;
  const changes = initial.some((value, i) => results[i]?.shape.join() !== value.shape.join());
  if (typeof turns === "number" && turns > 0 && turns <= mostUnrolled && changes)
    return unrolled(body, initial, turns, results.length - states);
  const { carried, collected } =
    turns === undefined || turns === 0
      ? op.While(initial, turn, { count: c.has(0) ? scalar(c.value(0)) : undefined, condition })
      : op.Scan(initial, [op.Range(turns)], (now, [number = always]) => turn(now, number, always), {
          maybeNever: typeof turns === "string",
        });
  return [...carried, ...collected];
}

const always = constant(1, [], "bool");

/** The turns one after another. */
function unrolled(body: Subgraph, initial: readonly Value[], turns: number, kept: number): Value[] {
  let now = initial;
  const lists = upTo(kept).map((): Value[] => []);
  for (const i of upTo(turns)) {
    const [, ...results] = body.values([constant(i, [], "int64"), always, ...now]);
    now = results.slice(0, initial.length);
    results.slice(initial.length).forEach((value, k) => {
      lists[k]?.push(op.Unsqueeze(value, [0]));
    });
  }
  return [...now, ...lists.map((list) => op.Concat(list, 0))];
}

/** The number of turns where it is a number, or a size. */
function turnsOf(count: Entry | undefined): Dim | undefined {
  if (!count) return undefined;
  if (isSizes(count)) return count.dims[0];
  return "stored" in count ? undefined : constantOf(count)?.data[0];
}

function readIf(c: Call): readonly Entry[] {
  const [then, otherwise] = [c.subgraph("then_branch"), c.subgraph("else_branch")];
  const given = c.value(0);
  const known = constantOf(given);
  if (known) return (known.data[0] ? then : otherwise).entries([]);
  const condition = scalar(given);
  const mark = input("mark", []);
  const [a, b] = [then.values([]), otherwise.values([])];
  return squeezed(a, b) ?? chosenSince(mark, condition, ...asMany(a, b));
}

/**
 * Both branches with as many axes: one number is an array of one number where the other branch gives such an array. What follows
 * broadcasts either alike.
 */
function asMany(a: readonly Value[], b: readonly Value[]): readonly [Value[], Value[]] {
  const beside = (x: Value, other: Value | undefined): Value =>
    other && x.rank < other.rank && [...x.shape, ...other.shape].every((dim) => dim === 1)
      ? op.Reshape(x, other.shape)
      : x;
  return [a.map((x, i) => beside(x, b[i])), b.map((y, i) => beside(y, a[i]))];
}

/**
 * The squeezed value where branches are one value with an axis and without, as programs write `x.squeeze(1)`: what follows needs
 * one number of axes, and a size that is not 1 fails when the model runs.
 */
function squeezed(a: readonly Value[], b: readonly Value[]): readonly Value[] | undefined {
  const [x, y] = [a[0], b[0]];
  if (!x || !y || a.length !== 1 || b.length !== 1 || x.rank === y.rank) return undefined;
  const [less, more] = x.rank < y.rank ? [x, y] : [y, x];
  return less.node.inputs[0] === more ? [less] : undefined;
}

const writeScan = writing(op.Scan, ({ attributes: { body, states, scanned, reverse } }, to) => {
  const names = to.inputs();
  const own = states + scanned;
  const directions = (count: number) => new Array<number>(count).fill(1);
  const collected = body.gives.length - states;
  return {
    input: names.slice(0, own),
    attribute: [
      graphAttribute("body", to.inside(body, own, names.slice(own))),
      written("num_scan_inputs", int(), scanned),
      ...(reverse ? [written("scan_input_directions", ints(), directions(scanned))] : []),
      ...(reverse && collected > 0 ? [written("scan_output_directions", ints(), directions(collected))] : []),
    ],
  };
});

const writeWhile = writing(op.While, ({ attributes: { body, states } }, to) => {
  const names = to.inputs();
  return {
    input: [names[0] ?? "", names[1] ?? "", ...names.slice(2, 2 + states)],
    attribute: [graphAttribute("body", to.inside(body, 2 + states, names.slice(2 + states)))],
  };
});

const writeLoop = writing(op.Loop, ({ attributes: { body } }, to) => to.loop(body));

export const control = {
  If: onnxOperator({
    authored: false,
    read: readIf,
    write: writing(op.If, ({ attributes: { holds, otherwise } }, to) => {
      const [condition = "", ...outer] = to.inputs();
      return {
        input: [condition],
        attribute: [
          graphAttribute("then_branch", to.inside(holds, 0, outer)),
          graphAttribute("else_branch", to.inside(otherwise, 0, outer)),
        ],
      };
    }),
  }),
  Loop: onnxOperator({
    authored: false,
    read: readLoop,
    write: (node: Node, to: Writing): Form => (is(node, op.While) ? writeWhile(node, to) : writeLoop(node, to)),
  }),
  Scan: onnxOperator({
    authored: false,
    attributes: {
      num_scan_inputs: int(0),
      scan_input_axes: ints(),
      scan_input_directions: ints(),
      scan_output_axes: ints(),
      scan_output_directions: ints(),
    },
    read: readScan,
    write: writeScan,
  }),
};

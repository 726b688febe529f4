// Recurrent networks as repeated steps: the product of the whole input with its weights, which no step waits for, and then the
// steps. Their derivative takes what the states were from the outputs, so that the steps themselves are not gone through again.
import { constant, input } from "../../core/build.ts";
import { addDims, type Dim } from "../../core/dims.ts";
import { at, upTo, zip } from "../../core/lists.ts";
import type { Inputs, Value } from "../../core/value.ts";
import { cotangents } from "../../transforms/grad.ts";
import { backward, Outside, sweep, type Turn } from "../../transforms/recurrence.ts";
import { dependOn } from "../../transforms/subgraph.ts";
import { Add } from "../arithmetic.ts";
import { Less, Where } from "../comparison.ts";
import { Cast } from "../dtypes.ts";
import { MatMul } from "../linear-algebra.ts";
import { Expand, Reshape, Unsqueeze } from "../movement.ts";
import { repeatByScan, Scan } from "../scan.ts";
import { type ActivationSettings, activationsOf, type CellName, type CellSettings, cells } from "./cells.ts";
import { Range } from "./counting.ts";
import { Concat, cut } from "./slicing.ts";
import { transposeLast } from "./transpose.ts";

/** The attributes of a recurrent network, by ONNX's names. */
export type RecurrentAttributes = {
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly hidden_size: number;
  readonly activations?: readonly string[] | undefined;
  readonly activation_alpha?: readonly number[] | undefined;
  readonly activation_beta?: readonly number[] | undefined;
  readonly clip?: number | undefined;
  readonly input_forget?: boolean | undefined;
  readonly linear_before_reset?: boolean | undefined;
};

/** X, W, R, B, the length of each sequence, the state before the first step, that of cells, peepholes. */
export type RecurrentInputs = readonly [
  x: Value,
  w: Value,
  r: Value,
  b?: Value | undefined,
  lengths?: Value | undefined,
  h?: Value | undefined,
  c?: Value | undefined,
  p?: Value | undefined,
];

/** One direction, ready to be gone through. */
interface Direction {
  readonly reverse: boolean;
  readonly settings: CellSettings;
  readonly initial: readonly Value[];
  /** The input times its weights; then whether a step is within its sequence, where lengths are given. */
  readonly stacks: readonly Value[];
  /** The weights of the states; then what else a step reads. */
  readonly captured: readonly Value[];
  readonly resetBias: boolean;
}

export const directionsOf = (direction: RecurrentAttributes["direction"]): number =>
  direction === "bidirectional" ? 2 : 1;

function prepared(name: CellName, inputs: RecurrentInputs, attributes: RecurrentAttributes): Direction[] {
  const count = directionsOf(attributes.direction);
  const { gates, usual, states } = cells[name];
  const functions = activationsOf(attributes as ActivationSettings, usual, count);
  const [x, w, r, b, lengths, ...before] = inputs;
  const peepholes = before[2];
  const [steps, batch] = [at(x.shape, 0), at(x.shape, 1)];
  const hidden = attributes.hidden_size;
  const of = (value: Value, d: number): Value => Reshape(cut(value, 0, d, d + 1), value.shape.slice(1));
  const linearBeforeReset = attributes.linear_before_reset === true;
  return upTo(count).map((d): Direction => {
    const settings: CellSettings = {
      functions: at(functions, d),
      hidden,
      clip: attributes.clip,
      inputForget: attributes.input_forget === true,
      linearBeforeReset,
    };
    const { bias, inReset } = biasesOf(b && of(b, d), gates, hidden, name === "GRU" && linearBeforeReset);
    const product = MatMul(x, transposeLast(of(w, d)));
    const masks = lengths ? [withinLength(lengths, steps)] : [];
    const initial = upTo(states).map((i) => {
      const start = before[i];
      return start ? of(start, d) : Expand(constant(0, [], x.dtype), [batch, hidden]);
    });
    const seen = name === "LSTM" && peepholes ? [of(peepholes, d)] : [];
    return {
      reverse: attributes.direction === "reverse" || d === 1,
      settings,
      initial,
      stacks: [bias ? Add(product, bias) : product, ...masks],
      captured: [transposeLast(of(r, d)), ...(inReset ? [inReset] : []), ...seen],
      resetBias: inReset !== undefined,
    };
  });
}

/** The biases of input and state as one, but for that inside the reset of a GRU. */
function biasesOf(
  b: Value | undefined,
  gates: number,
  hidden: number,
  reset: boolean,
): { bias?: Value; inReset?: Value } {
  if (!b) return {};
  const size = gates * hidden;
  const [ofInput, ofState] = [cut(b, 0, 0, size), cut(b, 0, size, 2 * size)];
  if (!reset) return { bias: Add(ofInput, ofState) };
  const most = Add(cut(ofInput, 0, 0, 2 * hidden), cut(ofState, 0, 0, 2 * hidden));
  return { bias: Concat([most, cut(ofInput, 0, 2 * hidden, size)], 0), inReset: cut(ofState, 0, 2 * hidden, size) };
}

/** Whether a step lies within its sequence: `[steps, batch, 1]`. */
function withinLength(lengths: Value, steps: Dim): Value {
  const within = Less(Unsqueeze(Range(steps), [1]), Unsqueeze(Cast(lengths, "int64"), [0]));
  return Unsqueeze(within, [2]);
}

/** The states after a step, and what it gives: nothing beyond the end of a sequence, where states stay. */
function stepOf(
  name: CellName,
  { settings, resetBias }: Direction,
  states: readonly Value[],
  [projected, within]: readonly Value[],
  captured: readonly Value[],
): { next: Value[]; given: Value } {
  const [recurrent, ...others] = captured;
  if (!projected || !recurrent) throw new RangeError("A step lacks its input.");
  const next = cells[name].step(
    {
      projected,
      states,
      recurrent,
      resetBias: resetBias ? others[0] : undefined,
      peepholes: name === "LSTM" ? others[0] : undefined,
    },
    settings,
  );
  if (!within) return { next, given: at(next, 0) };
  return { next: zip(next, states, (now, before) => Where(within, now, before)), given: Where(within, at(next, 0), 0) };
}

/** The outputs: of every step, and the last states. */
export function recurrentParts(name: CellName, inputs: RecurrentInputs, attributes: RecurrentAttributes): Value[] {
  const runs = prepared(name, inputs, attributes).map((direction) =>
    Scan(
      direction.initial,
      direction.stacks,
      (states, entries) => {
        const { next, given } = stepOf(name, direction, states, entries, direction.captured);
        return { carried: next, collected: [given] };
      },
      { reverse: direction.reverse },
    ),
  );
  const all = runs.map(({ collected }) => Unsqueeze(at(collected, 0), [1]));
  const last = upTo(cells[name].states).map((i) =>
    Concat(
      runs.map(({ carried }) => Unsqueeze(at(carried, i), [0])),
      0,
    ),
  );
  return [Concat(all, 1), ...last];
}

/** The cotangents of the inputs. */
export function recurrentGradient(
  name: CellName,
  inputs: RecurrentInputs,
  attributes: RecurrentAttributes,
  [y]: readonly Value[],
  seeds: readonly (Value | undefined)[],
  needs: (i: number) => boolean,
): Inputs {
  const wrt = (inputs as Inputs).map((value, i) => (value && needs(i) && i !== 4 ? value : undefined));
  const wanted = wrt.filter((value) => value !== undefined);
  const [results, slopes]: [Value[], (Value | undefined)[]] = [[], []];
  prepared(name, inputs, attributes).forEach((direction, d) => {
    const of = (value: Value | undefined, axis: number): Value | undefined =>
      value &&
      Reshape(
        cut(value, axis, d, d + 1),
        value.shape.filter((_, i) => i !== axis),
      );
    const given = of(y, 1);
    if (!given) throw new RangeError("A recurrent network has no output.");
    const final = cells[name].states === 2 ? [of(seeds[1], 0), of(seeds[2], 0)] : [of(seeds[1], 0)];
    const found = directionGradient(name, direction, given, of(seeds[0], 1), final, wanted);
    results.push(...direction.initial, ...direction.stacks, ...direction.captured);
    slopes.push(...found.initial, ...found.stacks, ...found.captured);
  });
  const found = cotangents(results, slopes, wanted);
  return wrt.map((value) => value && found[wanted.indexOf(value)]);
}

function directionGradient(
  name: CellName,
  direction: Direction,
  given: Value,
  seed: Value | undefined,
  final: readonly (Value | undefined)[],
  wanted: readonly Value[],
) {
  const { initial, stacks, captured, reverse } = direction;
  const states = initial.map(({ shape, dtype }, i) => input(`state${i}`, shape, dtype));
  const slices = stacks.map(({ shape, dtype }, i) => input(`entry${i}`, shape.slice(1), dtype));
  const weights = captured.map(({ shape, dtype }, i) => input(`outer${i}`, shape, dtype));
  const step = stepOf(name, direction, states, slices, weights);
  const turn: Turn = { states, slices, captured: weights, next: step.next, collected: [step.given] };
  const length = at(given.shape, 0);
  const hidden = statesBefore(given, at(initial, 0), stacks[1], reverse);
  const tape = (inside: readonly Value[]): Value[] =>
    inside.map((value) => (value === states[0] ? hidden : cellsBefore(turn, direction, hidden, length)));
  return backward(
    { turn, stacks, captured, length, over: () => given, reverse, tape, products: false, repeat: repeatByScan },
    { final, collected: [seed] },
    {
      initial: dependOn(initial, wanted),
      stacks: stacks.map((stack, i) => i === 0 && dependOn([stack], wanted)[0] === true),
      captured: dependOn(captured, wanted),
    },
  );
}

/** What the state was before each step, by what the steps gave. */
function statesBefore(given: Value, initial: Value, within: Value | undefined, reverse: boolean): Value {
  const length = at(given.shape, 0);
  const start = Unsqueeze(initial, [0]);
  if (!reverse) return Concat([start, cut(given, 0, 0, addDims(length, -1))], 0);
  const after = Concat([cut(given, 0, 1, length), start], 0);
  if (!within) return after;
  // Beyond the end of a sequence nothing was given: the state was the first one still.
  const none = Expand(constant(0, [], "bool"), [1, ...within.shape.slice(1)]);
  return Where(Concat([cut(within, 0, 1, length), none], 0), after, start);
}

/** What the cells of an LSTM were before each step: they alone are gone through again, the gates are known. */
function cellsBefore(turn: Turn, direction: Direction, hidden: Value, length: Dim): Value {
  const [h, c] = [at(turn.states, 0), at(turn.states, 1)];
  const stacks = new Map([
    [h, hidden] as const,
    ...zip(turn.slices, direction.stacks, (slice, stack) => [slice, stack] as const),
  ]);
  const same = new Map(zip(turn.captured, direction.captured, (value, outer) => [value, outer] as const));
  const outside = new Outside(stacks, same, length);
  const cells = { states: [c], next: [at(turn.next, 1)], collected: [c] };
  const { stacks: found } = sweep(
    cells,
    [at(direction.initial, 1)],
    outside,
    repeatByScan,
    direction.reverse,
    () => hidden,
  );
  return at(found, 0);
}

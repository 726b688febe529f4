// Number by number.
import { type DType, dtypeBy, sizeOf } from "@innerloop/schemas/bundle";
import type { Node } from "../../read.ts";
import { callsOf, definitionOf } from "../definitions.ts";
import type { Code, Formula } from "../formula.ts";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import type { FunctionName, Operand, Store } from "../steps.ts";
import { expanded, type Value } from "../views.ts";
import { computed, each, floatOf, intOf, present, textOf } from "./parts.ts";

const isWhole = (dtype: DType): boolean => dtype === "int32" || dtype === "int64";

/** A function of as many arrays as there are, two at a time. */
const folded =
  (name: FunctionName): Compute =>
  (plan, inputs, node) => {
    const values = inputs.map((value) => present(value, node));
    const [first, ...others] = values as [Value, ...Value[]];
    if (others.length === 0) return [first];
    const formula: Formula = (code, x, ...rest) => rest.reduce((so, y) => code.call(name, so, y), x!);
    return [computed(plan, values, first.dtype, formula)];
  };

const compared =
  (name: FunctionName): Compute =>
  (plan, [a, b], node) => [each(plan, name, [present(a, node), present(b, node)], "bool")];

/** A formula of one array, with the attributes of the node. */
const formula =
  (make: (code: Code, x: Operand, node: Node) => Operand, dtype?: DType): Compute =>
  (plan, [x], node) => {
    const value = present(x, node);
    return [computed(plan, [value], dtype ?? value.dtype, (code, operand) => make(code, operand!, node))];
  };

const unary = (name: FunctionName): Compute => formula((code, x) => code.call(name, x));

/** What each value is the negation of. */
const negations = new WeakMap<Value, Value>();

const not: Compute = (plan, inputs, node, scope) => {
  const results = unary("not")(plan, inputs, node, scope);
  negations.set(results[0]!, present(inputs[0], node));
  return results;
};

/** Nothing is true and false at once, whatever runs compute: a model that computes parts anew has its axes from that (`recompute` of @innerloop/graph). */
const and: Compute = (plan, inputs, node, scope) => {
  const [a, b] = inputs.map((value) => present(value, node));
  return negations.get(a!) === b || negations.get(b!) === a
    ? [plan.constant(new Float32Array(sizeOf(a!.shape)), a!.shape, "bool")]
    : folded("multiply")(plan, inputs, node, scope);
};

const positive = (code: Code, x: Operand): Operand => code.call("greater", x, 0);

/** `above` where x is over zero, `steep` times an exponential less one elsewhere. */
function exponential(code: Code, x: Operand, steep: number, above: Operand = x, inner: Operand = x): Operand {
  const below = code.call(
    "multiply",
    code.call("subtract", code.call("exp", code.call("minimum", inner, 0)), 1),
    steep,
  );
  return code.call("where", positive(code, x), above, below);
}

/** log(1 + exp(x)), without an exponential that overflows. */
function softplus(code: Code, x: Operand): Operand {
  const less = code.call("exp", code.call("negative", code.call("absolute", x)));
  return code.call("add", code.call("relu", x), code.call("log", code.call("add", less, 1)));
}

function clamped(code: Code, x: Operand, alpha: number, beta: number): Operand {
  const steep = code.call("multiply", x, alpha);
  const moved = beta === 0 ? steep : code.call("add", steep, beta);
  return code.call("minimum", code.call("relu", moved), 1);
}

/** Whether products have gone into whole numbers: nothing tells how large these are, and beyond 2^24 float32 has rounded them. */
function ofProducts(value: Value): boolean {
  const seen = new Set<Store>();
  const waiting = [value];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const defined = isWhole(next.dtype) && !seen.has(next.store) ? definitionOf(next.store) : undefined;
    if (!defined) continue;
    seen.add(next.store);
    const names = new Set(callsOf(defined).map(({ name }) => name));
    // What is a quotient, or is left of one, was looked at when it was made.
    if (names.has("divide")) continue;
    if (names.has("multiply") || names.has("power")) return true;
    waiting.push(...defined.operands);
  }
  return false;
}

/** A quotient or what is left of one is small again, so that nothing behind it sees that a number was rounded. */
function divided(x: Value): Value {
  if (isWhole(x.dtype) && ofProducts(x)) throw refused("a quotient of whole numbers that may be large");
  return x;
}

/** Of whole numbers towards zero, as ONNX divides them. */
const divide: Compute = (plan, [a, b], node) => {
  const [x, y] = [divided(present(a, node)), present(b, node)];
  return [
    computed(plan, [x, y], x.dtype, (code, p, q) => {
      const quotient = code.call("divide", p!, q!);
      return isWhole(x.dtype) ? code.call("truncate", quotient) : quotient;
    }),
  ];
};

const modulo: Compute = (plan, [a, b], node) => {
  const [x, y] = [divided(present(a, node)), present(b, node)];
  const towards = intOf(node, "fmod", 0) === 1 ? "truncate" : "floor";
  if (!isWhole(x.dtype)) throw refused("Mod of numbers that are not whole");
  return [
    computed(plan, [x, y], x.dtype, (code, p, q) =>
      code.call("subtract", p!, code.call("multiply", code.call(towards, code.call("divide", p!, q!)), q!)),
    ),
  ];
};

const clip: Compute = (plan, [x, least, most], node) => {
  const value = present(x, node);
  const { min, max } = node.attributes;
  const limits = (["maximum", "minimum"] as const).flatMap((name, i): [FunctionName, Value][] => {
    const bound = [min, max][i]?.floats[0];
    const given = [least, most][i] ?? (bound === undefined ? undefined : plan.constant([bound], []));
    return given ? [[name, given]] : [];
  });
  if (limits.length === 0) return [value];
  return [
    computed(plan, [value, ...limits.map(([, limit]) => limit)], value.dtype, (code, p, ...bounds) =>
      bounds.reduce((so, bound, i) => code.call(limits[i]![0], so, bound), p!),
    ),
  ];
};

const cast: Compute = (plan, [x], node) => {
  const value = present(x, node);
  const to = dtypeBy("onnx", intOf(node, "to", 0));
  return [castTo(plan, value, to)];
};

function castTo(plan: Plan, value: Value, to: DType | undefined): Value {
  if (to === value.dtype) return value;
  if (to === "bool") return each(plan, "truth", [value], to);
  if (to !== "float32" && to !== "int64" && to !== "int32") throw refused(`a Cast to ${to}`);
  if (to !== "float32" && value.dtype === "float32") return each(plan, "truncate", [value], to);
  return { ...value, dtype: to };
}

const castLike: Compute = (plan, [x, like], node) => [castTo(plan, present(x, node), present(like, node).dtype)];

const where: Compute = (plan, [c, a, b], node) => {
  const yes = present(a, node);
  return [each(plan, "where", [present(c, node), yes, present(b, node)], yes.dtype)];
};

const power: Compute = (plan, [a, b], node) => {
  const x = present(a, node);
  return [
    computed(plan, [x, present(b, node)], x.dtype, (code, p, q) => {
      const result = code.call("power", p!, q!);
      return isWhole(x.dtype) ? code.call("truncate", result) : result;
    }),
  ];
};

const gelu = formula((code, x, node) => {
  const half = code.call("multiply", x, 0.5);
  if (textOf(node, "approximate", "none") === "none") {
    const curve = code.call("erf", code.call("multiply", x, Math.SQRT1_2));
    return code.call("multiply", half, code.call("add", curve, 1));
  }
  const cube = code.call("multiply", code.call("multiply", x, x), x);
  const inner = code.call("add", x, code.call("multiply", cube, 0.044715));
  const curve = code.call("tanh", code.call("multiply", inner, Math.sqrt(2 / Math.PI)));
  return code.call("multiply", half, code.call("add", curve, 1));
});

const prelu: Compute = (plan, [x, slope], node) => {
  const value = present(x, node);
  return [
    computed(plan, [value, present(slope, node)], value.dtype, (code, p, by) =>
      code.call("where", code.call("less", p!, 0), code.call("multiply", p!, by!), p!),
    ),
  ];
};

/** What training needs of it is none of inference. */
const dropout: Compute = (plan, [x, ratio, training], node) => {
  if (training && plan.numbers(training)[0] !== 0 && (!ratio || plan.numbers(ratio)[0] !== 0))
    throw refused("a Dropout that drops");
  const value = present(x, node);
  return [value, expanded(plan.constant([1], [], "bool"), value.shape)];
};

export const elementwise: Readonly<Record<string, Compute>> = {
  Add: folded("add"),
  Sub: folded("subtract"),
  Mul: folded("multiply"),
  Div: divide,
  Mod: modulo,
  Min: folded("minimum"),
  Max: folded("maximum"),
  Sum: folded("add"),
  Mean: (plan, inputs, node) => {
    const values = inputs.map((value) => present(value, node));
    return [
      computed(plan, values, "float32", (code, x, ...rest) =>
        code.call(
          "multiply",
          rest.reduce((so, y) => code.call("add", so, y), x!),
          1 / values.length,
        ),
      ),
    ];
  },
  And: and,
  Or: folded("maximum"),
  Xor: (plan, [a, b], node) => {
    const equal = each(plan, "equal", [present(a, node), present(b, node)], "bool");
    return [each(plan, "not", [equal], "bool")];
  },
  Equal: compared("equal"),
  Less: compared("less"),
  LessOrEqual: compared("lessOrEqual"),
  Greater: compared("greater"),
  GreaterOrEqual: compared("greaterOrEqual"),
  Not: not,
  Neg: unary("negative"),
  Abs: unary("absolute"),
  Sqrt: unary("sqrt"),
  Reciprocal: unary("reciprocal"),
  Relu: unary("relu"),
  Exp: unary("exp"),
  Log: unary("log"),
  Tanh: unary("tanh"),
  Sigmoid: unary("sigmoid"),
  Floor: unary("floor"),
  Ceil: unary("ceil"),
  Round: unary("round"),
  Sign: unary("sign"),
  Erf: unary("erf"),
  Sin: unary("sin"),
  Cos: unary("cos"),
  Tan: formula((code, x) => code.call("divide", code.call("sin", x), code.call("cos", x))),
  IsNaN: formula((code, x) => code.call("not", code.call("equal", x, x)), "bool"),
  HardSigmoid: formula((code, x, node) => clamped(code, x, floatOf(node, "alpha", 0.2), floatOf(node, "beta", 0.5))),
  HardSwish: formula((code, x) => code.call("multiply", x, clamped(code, x, 1 / 6, 0.5))),
  LeakyRelu: formula((code, x, node) =>
    code.call("where", code.call("less", x, 0), code.call("multiply", x, floatOf(node, "alpha", 0.01)), x),
  ),
  Elu: formula((code, x, node) => exponential(code, x, floatOf(node, "alpha", 1))),
  Celu: formula((code, x, node) => {
    const alpha = floatOf(node, "alpha", 1);
    return exponential(code, x, alpha, x, code.call("multiply", x, 1 / alpha));
  }),
  Selu: formula((code, x, node) => {
    const [alpha, gamma] = [floatOf(node, "alpha", 1.6732632), floatOf(node, "gamma", 1.050701)];
    return code.call("multiply", exponential(code, x, alpha), gamma);
  }),
  Softplus: formula(softplus),
  Softsign: formula((code, x) => code.call("divide", x, code.call("add", code.call("absolute", x), 1))),
  Mish: formula((code, x) => code.call("multiply", x, code.call("tanh", softplus(code, x)))),
  ThresholdedRelu: formula((code, x, node) =>
    code.call("multiply", x, code.call("greater", x, floatOf(node, "alpha", 1))),
  ),
  PRelu: prelu,
  Gelu: gelu,
  Pow: power,
  Clip: clip,
  Cast: cast,
  CastLike: castLike,
  Where: where,
  Dropout: dropout,
};

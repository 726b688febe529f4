// Products and sums by the names of axes, as matrix products.
import { InnerloopError, show } from "@innerloop/schemas";
import type { Dim } from "../core/dims.ts";
import { at, upTo, zip } from "../core/lists.ts";
import { spelling } from "../core/operator.ts";
import { sizeOf } from "../core/shapes.ts";
import type { Value } from "../core/value.ts";
import { Mul } from "./arithmetic.ts";
import { Equal } from "./comparison.ts";
import { Cast } from "./dtypes.ts";
import { Expand, ReduceSum, Reshape } from "./internal/broadcasting.ts";
import { counted } from "./internal/counting.ts";
import { Transpose } from "./internal/transpose.ts";
import { MatMul } from "./linear-algebra.ts";

/** An operand with a label for each of its axes. */
interface Term {
  readonly value: Value;
  readonly labels: readonly string[];
}

const misfit = (equation: string, expected: string): InnerloopError =>
  new InnerloopError("bad-equation", `Einsum: the equation ${show(equation)} ${expected}.`, { exitStatus: 2 });

spelling("Einsum", "linear algebra", 12, "Transpose, Mul, MatMul, ReduceSum", "products and sums by the names of axes");
/** ONNX Einsum, as numpy.einsum has it: `"bij,bjk->bik"`, with dots for any axes in front. */
export function Einsum(equation: string, ...operands: readonly Value[]): Value {
  const [left = "", right, ...more] = equation.replaceAll(/\s/g, "").split("->");
  const names = left.split(",");
  if (more.length > 0 || names.length !== operands.length || operands.length === 0)
    throw misfit(equation, `has to name the axes of ${operands.length} operands`);
  const terms = zip(names, operands, (name, value) => ({ value, labels: labelsOf(name, value, equation) }));
  const wanted = right === undefined ? implied(terms, left.includes("...")) : outputLabels(right, terms);
  if (
    new Set(wanted).size < wanted.length ||
    wanted.some((label) => !terms.some((term) => term.labels.includes(label)))
  )
    throw misfit(equation, "names an axis of the result twice, or one that no operand has");
  const [first, ...others] = terms.map(diagonal);
  if (!first) throw misfit(equation, "has no operands");
  const rest = [...others];
  let result = first;
  while (rest.length > 0) {
    const next = rest.shift();
    if (next) result = contracted(result, next, new Set([...wanted, ...rest.flatMap((term) => term.labels)]));
  }
  const { value, labels } = summed(result, new Set(wanted));
  return Transpose(
    value,
    wanted.map((label) => labels.indexOf(label)),
  );
}

/** A label for each axis; those that dots stand for are numbered from the last. */
function labelsOf(name: string, { rank }: Value, equation: string): string[] {
  const [before = "", after, ...more] = name.split("...");
  const letters = [...before, ...(after ?? "")];
  const open = rank - letters.length;
  const fits = after === undefined ? open === 0 : open >= 0 && more.length === 0;
  if (!fits || !letters.every((letter) => /[A-Za-z]/.test(letter)))
    throw misfit(equation, `has to name each of the ${rank} axes of an operand by a letter`);
  return [...before, ...(after === undefined ? [] : dots(open)), ...(after ?? "")];
}

const dots = (count: number): string[] => upTo(count).map((i) => `.${count - i}`);

/** Most axes that dots stand for in any operand. */
const dotted = (terms: readonly Term[]): string[] =>
  dots(Math.max(0, ...terms.map(({ labels }) => labels.filter((label) => label.startsWith(".")).length)));

/** Without a right side: what dots stand for, and the letters that are there once, in their order. */
function implied(terms: readonly Term[], hasDots: boolean): string[] {
  const all = terms.flatMap(({ labels }) => labels.filter((label) => !label.startsWith(".")));
  const once = [...new Set(all)].filter((label) => all.indexOf(label) === all.lastIndexOf(label));
  return [...(hasDots ? dotted(terms) : []), ...once.sort()];
}

function outputLabels(right: string, terms: readonly Term[]): string[] {
  const [before = "", after] = right.split("...");
  return [...before, ...(after === undefined ? [] : dotted(terms)), ...(after ?? "")];
}

/** An operand that names an axis twice, as what lies on the diagonal of the two. */
function diagonal({ value, labels }: Term): Term {
  const second = labels.findIndex((label, axis) => labels.indexOf(label) < axis);
  if (second < 0) return { value, labels };
  const first = labels.indexOf(at(labels, second));
  const size = at(value.shape, first);
  const along = (axis: number) =>
    Reshape(
      counted(size),
      value.shape.map((_, i) => (i === axis ? size : 1)),
    );
  const on = Cast(Equal(along(first), along(second)), value.dtype);
  const kept = ReduceSum(Mul(value, on), { axes: [second], keepdims: false });
  return diagonal({ value: kept, labels: labels.filter((_, axis) => axis !== second) });
}

/** Summed over all axes that nothing needs any more. */
function summed({ value, labels }: Term, needed: ReadonlySet<string>): Term {
  const axes = upTo(labels.length).filter((axis) => !needed.has(at(labels, axis)));
  if (axes.length === 0) return { value, labels };
  return { value: ReduceSum(value, { axes, keepdims: false }), labels: labels.filter((label) => needed.has(label)) };
}

/** Two operands as one: what both have and nothing else needs is summed over by a matrix product. */
function contracted(a: Term, b: Term, needed: ReadonlySet<string>): Term {
  const left = summed(a, new Set([...needed, ...b.labels]));
  const right = summed(b, new Set([...needed, ...a.labels]));
  const shared = left.labels.filter((label) => right.labels.includes(label));
  const joined = shared.filter((label) => !needed.has(label));
  const batch = shared.filter((label) => needed.has(label));
  const only = (term: Term) => term.labels.filter((label) => !shared.includes(label));
  const [rows, columns] = [only(left), only(right)];
  const sizes = (term: Term, labels: readonly string[]) => labels.map((label) => sizeAt(term, label));
  const depth = joined.map((label) => larger(sizeAt(left, label), sizeAt(right, label)));
  const matrix = (term: Term, order: readonly string[], shape: readonly Dim[]) => {
    const ordered = Transpose(
      term.value,
      order.map((label) => term.labels.indexOf(label)),
    );
    const full = ordered.shape.map((size, axis) => {
      const place = joined.indexOf(at(order, axis));
      return place < 0 ? size : at(depth, place);
    });
    return Reshape(Expand(ordered, full), shape);
  };
  const [m, k, n] = [sizeOf(sizes(left, rows)), sizeOf(depth), sizeOf(sizes(right, columns))];
  const x = matrix(left, [...batch, ...rows, ...joined], [...sizes(left, batch), m, k]);
  const y = matrix(right, [...batch, ...joined, ...columns], [...sizes(right, batch), k, n]);
  const product = MatMul(x, y);
  const shape = [...product.shape.slice(0, batch.length), ...sizes(left, rows), ...sizes(right, columns)];
  return { value: Reshape(product, shape), labels: [...batch, ...rows, ...columns] };
}

const sizeAt = ({ value, labels }: Term, label: string): Dim => at(value.shape, labels.indexOf(label));
const larger = (a: Dim, b: Dim): Dim => (a === 1 ? b : a);

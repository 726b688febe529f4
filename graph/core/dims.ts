// Sizes of axes: whole numbers, or polynomials over named symbols ("support", "784*query+1"), so that shapes can be
// computed with while the number of examples is still open.
import { InnerloopError, show } from "@innerloop/schemas";

/** The size of one axis: a whole number, or an expression over symbols such as `"support"` or `"196*support"`. */
export type Dim = number | string;

/** A polynomial: monomial (symbols joined by `*`, sorted; `""` is the constant term) → whole coefficient. */
type Polynomial = Map<string, number>;

type Term = readonly [monomial: string, coefficient: number];

/** The most terms of a polynomial, and factors of a term: what a shape of a network never has, and a chain of products soon. */
const [mostTerms, mostFactors] = [64, 16];

/** The longest name of a size. */
export const longestSymbol = 200;

/** Polynomials by their text; forgotten when there are many. */
const parsed = new Map<string, Polynomial>();
const mostParsed = 10_000;

function parse(dim: Dim): Polynomial {
  if (typeof dim === "number") return new Map([["", dim]]);
  const known = parsed.get(dim);
  if (known) return known;
  if (typeof dim !== "string")
    throw new InnerloopError("bad-dim", `${show(dim)} is not the size of an axis; give a whole number or a name.`);
  const polynomial: Polynomial = new Map();
  for (const term of dim.split("+")) {
    const factors = term.split("*");
    const coefficient = factors.filter((f) => /^-?\d+$/.test(f)).reduce((product, f) => product * Number(f), 1);
    const symbols = factors.filter((f) => !/^-?\d+$/.test(f)).sort();
    for (const symbol of symbols)
      if (!/^[A-Za-z_][\w.]*$/.test(symbol) || symbol.length > longestSymbol)
        throw new InnerloopError("bad-dim", `${show(dim)} is not the size of an axis; give a whole number or a name.`);
    const monomial = symbols.join("*");
    polynomial.set(monomial, (polynomial.get(monomial) ?? 0) + coefficient);
  }
  if (parsed.size >= mostParsed) parsed.clear();
  parsed.set(dim, polynomial);
  return polynomial;
}

function print(polynomial: Polynomial): Dim {
  const terms = [...polynomial].filter(([, coefficient]) => coefficient !== 0);
  const [first, ...others] = terms;
  if (!first) return 0;
  if (others.length === 0 && first[0] === "") return first[1];
  if (
    terms.length > mostTerms ||
    terms.some(([monomial, c]) => !Number.isSafeInteger(c) || monomial.split("*").length > mostFactors)
  )
    throw new InnerloopError(
      "too-large",
      `a size is an expression of ${terms.length} terms; at most ${mostTerms} of ${mostFactors} factors each are worked with; name sizes afresh, or fix some`,
    );
  terms.sort(
    ([a], [b]) => b.split("*").length - a.split("*").length || (a === "" ? 1 : b === "" ? -1 : a < b ? -1 : 1),
  );
  return terms.map(([monomial, c]) => (monomial === "" ? `${c}` : c === 1 ? monomial : `${c}*${monomial}`)).join("+");
}

/** a + b */
export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  const sum = new Map(parse(a));
  for (const [monomial, c] of parse(b)) sum.set(monomial, (sum.get(monomial) ?? 0) + c);
  return print(sum);
}

const multiplyTerms = ([a, c]: Term, [b, d]: Term): [string, number] => [
  [...(a ? a.split("*") : []), ...(b ? b.split("*") : [])].sort().join("*"),
  c * d,
];

/** a · b */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a * b;
  const product: Polynomial = new Map();
  for (const left of parse(a))
    for (const right of parse(b)) {
      const [monomial, c] = multiplyTerms(left, right);
      product.set(monomial, (product.get(monomial) ?? 0) + c);
    }
  return print(product);
}

/** The quotient of two terms, where it is one. */
function divideTerms([from, c]: Term, [by, d]: Term): Term | undefined {
  const symbols = from ? from.split("*") : [];
  for (const symbol of by ? by.split("*") : []) {
    const at = symbols.indexOf(symbol);
    if (at < 0) return undefined;
    symbols.splice(at, 1);
  }
  return c % d === 0 ? [symbols.join("*"), c / d] : undefined;
}

/** Of two terms the one that stands higher in an order that products keep: that of their symbols' counts, one symbol after another. */
function isHigher([a]: Term, [b]: Term): boolean {
  const [left, right] = [a ? a.split("*") : [], b ? b.split("*") : []];
  const at = [...left.keys()].find((i) => left[i] !== right[i]) ?? left.length;
  const [x, y] = [left[at], right[at]];
  return x !== undefined && (y === undefined || x < y);
}

const highest = (polynomial: Polynomial): Term | undefined =>
  [...polynomial].reduce<Term | undefined>((best, term) => (best && isHigher(best, term) ? best : term), undefined);

/** a / b where it comes out even, else undefined: long division, from the highest term down. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  if (a === b) return 1;
  if (typeof a === "number" && typeof b === "number") return b !== 0 && a % b === 0 ? a / b : undefined;
  const divisor = parse(b);
  const first = highest(divisor);
  if (!first || first[1] === 0) return undefined;
  const rest = new Map(parse(a));
  const quotient: Polynomial = new Map();
  for (let top = highest(rest); top; top = highest(rest)) {
    const part = quotient.size < mostTerms ? divideTerms(top, first) : undefined;
    if (!part) return undefined;
    quotient.set(...part);
    for (const term of divisor) {
      const [monomial, c] = multiplyTerms(part, term);
      const left = (rest.get(monomial) ?? 0) - c;
      if (left === 0) rest.delete(monomial);
      else rest.set(monomial, left);
    }
  }
  return print(quotient);
}

/** The terms of a size, for code that has to compute it at run time: `[coefficient, symbols]` each. */
export const termsOf = (dim: Dim): [number, string[]][] =>
  [...parse(dim)].map(([monomial, coefficient]) => [coefficient, monomial ? monomial.split("*") : []]);

/** A size with other sizes in place of some of its names. */
export function substituted(dim: Dim, sizes: ReadonlyMap<string, Dim>): Dim {
  if (typeof dim === "number") return dim;
  const terms = termsOf(dim).map(([coefficient, names]) =>
    names.map((name) => sizes.get(name) ?? name).reduce(multiplyDims, coefficient),
  );
  return terms.reduce(addDims, 0);
}

/** What the names of open sizes stand for. */
export type Symbols = ReadonlyMap<string, number>;

const unknownSize = (name: string): InnerloopError =>
  new InnerloopError("bad-dim", `The size "${name}" is not known here; give every input a value.`);

/**
 * The number that a size stands for.
 * @param unknown the error for a name that stands for nothing
 */
export function resolveDim(dim: Dim, symbols: Symbols, unknown = unknownSize): number {
  if (typeof dim === "number") return dim;
  let total = 0;
  for (const [coefficient, names] of termsOf(dim)) {
    let term = coefficient;
    for (const name of names) {
      const size = symbols.get(name);
      if (size === undefined) throw unknown(name);
      term *= size;
    }
    total += term;
  }
  return total;
}

/** The numbers that the sizes of a shape stand for. */
export const resolveShape = (shape: readonly Dim[], symbols: Symbols): number[] =>
  shape.map((dim) => resolveDim(dim, symbols));

/** Whether a size is a name alone, which the shape of an array can say what it stands for. */
export const isSymbol = (dim: Dim): dim is string => typeof dim === "string" && /^[A-Za-z_][\w.]*$/.test(dim);

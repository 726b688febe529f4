// Weight gradients of windows of 3 x 3 places as products at points along the columns: those of windows.ts transposed. What is given to each point is summed
// over all examples there, and brought back to taps once, where no other step is between sums that go on.
import type { Costs } from "../costs.ts";
import { matrixOf } from "../known.ts";
import { type Access, type Chain, type Points, type Product, type Step, type Store, sameAccess } from "../steps.ts";
import { columnsIn, type Segment } from "./forms.ts";
import { goesThrough, type Member, middleOfProduct, middlesOf, type Sum, sumsOf } from "./gradients-of-windows.ts";
import { type Making, spaced, usersIn } from "./making.ts";
import type { Picture } from "./pictures.ts";
import { scaled } from "./whole.ts";
import { valuesAt } from "./windows.ts";

/** Terms that products at points take at once: those of a few products together, so that sums are gone over less often. */
const mostTerms = 256;

/** The same steps, with weight gradients at points where that is quicker. */
export function weightGradientsAtPoints(steps: readonly Step[], kept: ReadonlySet<Store>, plan: Making): Step[] {
  const users = usersIn(steps);
  const between = (store: Store): boolean => !kept.has(store) && users.get(store)?.length === 2;
  return atPoints(steps, { plan, between }).steps;
}

interface Around {
  readonly plan: Making;
  /** Whether nobody uses a store but the step that writes it and another one. */
  readonly between: (store: Store) => boolean;
  /** How many turns there are, where these are the steps of turns. */
  readonly turns?: number;
}

interface Level {
  /** What is to be before all turns, and after them. */
  readonly before: Step[];
  readonly steps: Step[];
  readonly after: Step[];
}

function atPoints(steps: readonly Step[], around: Around): Level {
  const [before, after]: [Step[], Step[]] = [[], []];
  const made = new Map<number, readonly Step[]>();
  for (const sum of sumsOf(steps, around.between)) {
    const through = around.turns !== undefined && goesThrough(sum, steps);
    const { plan } = around;
    const turns = through ? around.turns! : 1;
    const [{ product }] = sum;
    if (!pays(sum, plan.costs, { turns, places: product.m * product.n })) continue;
    const middles = middlesOf(sum);
    // With points of its own it comes back by itself, and is no part of what the others come back by.
    const alone = middles && pays(middles, plan.costs, { turns, places: 0 });
    const summing = new Summing(plan, sum, through, alone ? new Summing(plan, middles, through) : undefined);
    for (const [at, own] of summing.steps()) made.set(at, own);
    if (!through) continue;
    before.push(...summing.nothing());
    after.push(...summing.back());
  }
  const all = steps.flatMap((step, at): readonly Step[] => {
    if (step.kind !== "turns") return made.get(at) ?? [step];
    const inner = atPoints(step.body, { ...around, turns: step.count });
    return [...inner.before, { ...step, body: inner.steps }, ...inner.after];
  });
  return { before, steps: all, after };
}

const pointsIn = ({ form }: Member): number => form.segments.reduce((all, { tiles, by }) => all + tiles * by.points, 0);

/** Whether what is multiplied less takes longer than what is brought to points and back. @param turns in which it is summed before that comes back, to so many places more than without it */
function pays(sum: Sum, costs: Costs, { turns, places }: { turns: number; places: number }): boolean {
  const [{ form, product, picture: first }] = sum;
  const matrix = first.channels * product.n;
  const atPoints = first.taps[0] * form.weights.length * matrix;
  let saved = 0;
  for (const member of sum) {
    const { examples, channels, windows, size, taps } = member.picture;
    const { m, k, n } = member.product;
    const multiplied = windows[0] * (pointsIn(member) + (form.middle ? windows[1] : 0)) * taps[0] * channels * n;
    const numbers = examples * pointsIn(member) * (size[0] * channels + windows[0] * n);
    saved += m * k * n - examples * multiplied - costs.number * numbers + costs.weight * m * n;
  }
  saved -= costs.weight * pilesOf(sum).length * atPoints;
  return saved * turns > costs.weight * (atPoints + places);
}

/** Products that are done together at points, as many terms as are taken at once. */
function pilesOf(sum: Sum): Member[][] {
  const piles: Member[][] = [];
  let room = 0;
  for (const member of sum) {
    const { examples, windows } = member.picture;
    const terms = member.form.segments.reduce((all, { tiles }) => all + examples * windows[0] * tiles, 0);
    if (terms > room) {
      piles.push([]);
      room = mostTerms;
    }
    piles.at(-1)!.push(member);
    room -= terms;
  }
  return piles;
}

/** Some columns of windows of one of the products. */
interface Piece {
  readonly member: Member;
  readonly segment: Segment;
  readonly terms: number;
}

/** Where in the values of each point those of some pieces begin, the first of which makes them. */
interface Region {
  readonly piece: Piece;
  readonly begin: number;
}

/** What pieces read at points: so many numbers of each. */
interface Values {
  readonly store: Store;
  readonly each: number;
  readonly of: ReadonlyMap<Piece, Region>;
}

/** What the products of one sum are made into. */
class Summing {
  readonly #plan: Making;
  readonly #sum: Sum;
  /** Whether sums are there before the first product, since turns go on with them. */
  readonly #through: boolean;
  /** What the middle column of taps is made into; nothing, where that is a product of its own or has points with the others. */
  readonly #middle: Summing | undefined;
  readonly #n: number;
  readonly #channels: number;
  readonly #taps: Picture["taps"];
  readonly #depth: number;
  /** The sums, of a matrix for each point: rows of taps, channels, filters. */
  readonly #sums: Store;
  readonly #each: number;
  /** Columns of taps of each of them. */
  readonly #weights: readonly (readonly number[])[];
  /** Of each point, whether it has sums. */
  readonly #begun = new Set<number>();

  constructor(plan: Making, sum: Sum, through: boolean, middle?: Summing) {
    const [{ product, form, picture }] = sum;
    this.#plan = plan;
    this.#sum = sum;
    this.#through = through;
    this.#middle = middle;
    this.#n = product.n;
    this.#channels = picture.channels;
    this.#depth = product.out.store.depth;
    this.#taps = picture.taps;
    this.#weights = middle ? form.weights.slice(1) : form.weights;
    this.#each = spaced(picture.taps[0] * picture.channels * product.n);
    this.#sums = plan.store(this.#weights.length * this.#each, this.#depth);
  }

  /** Those in place of each product. */
  steps(): Map<number, readonly Step[]> {
    const made = new Map(this.#sum.map(({ at }): [number, Step[]] => [at, []]));
    for (const summing of this.#all()) for (const pile of pilesOf(summing.#sum)) summing.#pile(pile, made);
    if (!this.#through) made.get(this.#sum.at(-1)!.at)!.push(...this.back());
    return made;
  }

  /** Sums of nothing. */
  nothing(): Chain[] {
    return this.#all().map((summing) => ({
      ...{ kind: "chain", reads: [], code: [{ name: "copy", operands: [{ number: 0 }] }] },
      shape: [summing.#sums.size],
      writes: [{ store: summing.#sums, offset: 0, strides: [1], register: 0, how: "set" }],
    }));
  }

  /** Sums of points become those of taps, and are added to what there is. */
  back(): Step[] {
    const [{ product }] = this.#sum;
    const { out } = this.#sum.at(-1)!.product;
    const { added, beta } = product;
    return [
      ...(added && !(sameAccess(added, out) && beta === 1) ? [scaled({ ...product, out }, added)] : []),
      this.#toTaps(added !== undefined),
      ...(this.#middle ? [this.#middle.#toTaps(true)] : []),
    ];
  }

  /** It and what the middle column of its taps is made into. */
  #all(): Summing[] {
    return this.#middle ? [this, this.#middle] : [this];
  }

  #toTaps(adds: boolean): Points {
    const { product, picture } = this.#sum.at(-1)!;
    const [matrix, points] = [this.#channels * this.#n, this.#weights.length];
    const [down, across] = this.#taps;
    const taps = Array.from({ length: across }, (_, tap) => this.#weights.map((ofTaps) => ofTaps[tap]!)).flat();
    return {
      ...{ kind: "points", what: "places", ...(adds && { beta: 1 }), examples: down, channels: matrix, rows: 1 },
      ...{ columns: 1, steps: [1, 1], first: [0, 0], size: [1, across], tile: [1, across], points: [1, points] },
      field: { ...product.out, strides: [picture.tapsApart[0] * matrix, 0, picture.tapsApart[1] * matrix, 1] },
      values: { store: this.#sums, offset: 0, strides: [this.#each, matrix, 0, 0] },
      ...{ down: matrixOf(this.#plan.known, [product.alpha]), across: matrixOf(this.#plan.known, taps) },
    };
  }

  #pile(pile: readonly Member[], made: ReadonlyMap<number, Step[]>): void {
    const pieces = pile
      .flatMap((member) =>
        member.form.segments.map((segment) => {
          const { examples, windows } = member.picture;
          return { member, segment, terms: examples * windows[0] * segment.tiles };
        }),
      )
      .sort((a, b) => b.segment.by.points - a.segment.by.points);
    const most = pieces[0]!.segment.by.points;
    const terms = pieces.reduce((all, piece) => all + piece.terms, 0);
    const given = this.#plan.store(most * terms * this.#n, this.#depth);
    const values = this.#valuesOf(pieces);
    const last = pile.at(-1)!;
    for (const member of pile) {
      const own = made.get(member.at)!;
      let from = 0;
      for (const piece of pieces) {
        if (piece.member === member) own.push(...this.#read(piece, values), this.#given(piece, given, { from, terms }));
        from += piece.terms;
      }
      if (member.form.middle && !this.#middle) own.push(this.#ofMiddle(member));
      if (member === last) own.push(...this.#products(pieces, values, { given, terms }));
    }
  }

  /** What is read at points, that of a piece after that of another, or the same. */
  #valuesOf(pieces: readonly Piece[]): Values {
    const stores = [...new Set(pieces.map(({ member }) => member.product.left.store))];
    const regions = new Map<string, Region>();
    const of = new Map<Piece, Region>();
    let each = 0;
    for (const piece of pieces) {
      const { segment, member } = piece;
      const { picture, version } = member;
      const { examples, channels, size, field } = picture;
      const read = [stores.indexOf(field.store), version, field.offset, ...field.strides, examples];
      const lies = [...picture.places[0], "", ...columnsIn(member), "", segment.reads, segment.gives, segment.tiles];
      const key = [...read, "", ...lies, ...segment.by.field].join();
      const region = regions.get(key) ?? { piece, begin: each };
      if (region.piece === piece) each += examples * size[0] * segment.tiles * channels;
      of.set(piece, regions.set(key, region).get(key)!);
    }
    return { store: this.#plan.store(pieces[0]!.segment.by.points * each, this.#depth), each, of };
  }

  #read(piece: Piece, { store, each, of }: Values): Points[] {
    const { begin, piece: maker } = of.get(piece)!;
    if (maker !== piece) return [];
    return valuesAt(this.#plan, piece.member, piece.segment, { store, begin, each });
  }

  /** What is given to windows, as each point has it. */
  #given({ member, segment }: Piece, to: Store, { from, terms }: { from: number; terms: number }): Points {
    const { by, gives, tiles } = segment;
    const { right, n } = member.product;
    const { examples, windows, windowsApart } = member.picture;
    const row = right.strides.at(-2)!;
    const turned = Array.from({ length: by.points }, (_, point) =>
      Array.from({ length: gives }, (_, i) => by.gives[i * by.points + point]!),
    ).flat();
    return {
      ...{ kind: "points", what: "points", examples, channels: n, rows: windows[0], columns: tiles },
      ...{ steps: [1, gives], first: [0, segment.from], size: windows, tile: [1, gives], points: [1, by.points] },
      field: { ...right, strides: [windows[0] * windows[1] * row, windowsApart[0] * row, windowsApart[1] * row, 1] },
      values: { store: to, offset: from * n, strides: [terms * n, windows[0] * tiles * n, tiles * n, n] },
      ...{ down: matrixOf(this.#plan.known, [1]), across: matrixOf(this.#plan.known, turned) },
    };
  }

  /** The middle column of taps, which has a product of its own. */
  #ofMiddle({ product, picture }: Member): Product {
    const { table } = middleOfProduct(product, picture).lookup!;
    const right = { ...product.right, strides: [0, ...product.right.strides.slice(-2)] };
    return this.#product({ store: product.left.store, offset: product.left.offset, strides: [0, 0, 0] }, table, right, {
      ...{ from: 0, count: 1 },
    });
  }

  #products(pieces: readonly Piece[], values: Values, { given, terms }: { given: Store; terms: number }): Product[] {
    const counts = [...new Set(pieces.map(({ segment }) => segment.by.points))].sort((a, b) => a - b);
    const before = this.#weights.length - pieces[0]!.segment.by.points;
    return counts.map((end, i) => {
      const from = counts[i - 1] ?? 0;
      const table = tableOf(
        pieces.filter(({ segment }) => segment.by.points >= end),
        values,
      );
      const left = { store: values.store, offset: from * values.each, strides: [values.each, 0, 0] };
      const right = { store: given, offset: from * terms * this.#n, strides: [terms * this.#n, this.#n, 1] };
      return this.#product(left, table, right, { from: before + from, count: end - from });
    });
  }

  /** Adds to the sums of some points. */
  #product(
    left: Access,
    table: Int32Array,
    right: Access,
    points: { readonly from: number; readonly count: number },
  ): Product {
    const [taps] = this.#taps;
    const out = { store: this.#sums, offset: points.from * this.#each, strides: [this.#each, this.#n, 1] };
    const added = this.#through || this.#begun.has(points.from);
    for (let point = points.from; point < points.from + points.count; point++) this.#begun.add(point);
    return {
      ...{ kind: "product", batch: [points.count], m: taps * this.#channels, n: this.#n, k: table.length / taps },
      ...{ left, lookup: { by: "columns", taps, segment: this.#channels, table }, right },
      ...{ out, ...(added && { added: { ...out } }), alpha: 1, beta: added ? 1 : 0, relu: false },
    };
  }
}

/** Where the rows of taps of each term begin. */
function tableOf(pieces: readonly Piece[], { of }: Values): Int32Array {
  const [rows] = pieces[0]!.member.picture.taps;
  const table = new Int32Array(rows * pieces.reduce((all, { terms }) => all + terms, 0));
  let i = 0;
  for (const piece of pieces) {
    const { examples, windows, steps, first, size, channels } = piece.member.picture;
    const { tiles } = piece.segment;
    const { begin } = of.get(piece)!;
    for (let example = 0; example < examples; example++)
      for (let row = 0; row < windows[0]; row++)
        for (let tile = 0; tile < tiles; tile++)
          for (let tap = 0; tap < rows; tap++) {
            const y = row * steps[0] + first[0] + tap;
            const inside = y >= 0 && y < size[0];
            table[i++] = inside ? begin + ((example * size[0] + y) * tiles + tile) * channels : -1;
          }
  }
  return table;
}

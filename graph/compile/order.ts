// The order in which a file has its nodes, so that few bytes are alive at a time where it runs. ONNX Runtime does not run a file from
// first to last: it goes back from what nobody reads, the last of these first, to what each node needs, of which the last in the file
// comes first as well, and runs a node once all of that was run. So a file is made for which that walk is a good order.
import { constantOf, isInput } from "../core/build.ts";
import { at, upTo } from "../core/lists.ts";
import { likelyBytes } from "../core/shapes.ts";
import { isBody, type Node, type Value } from "../core/value.ts";
import { dependencies, topological } from "../core/walk.ts";
import { leftOut } from "./switches.ts";

/** By which it is switched off. */
export const orderName = "order";

/** Below so many bytes of results in all there is nothing to gain, and above so many nodes it would take seconds. */
const [leastBytes, mostNodes] = [2 ** 22, 20_000];
/** Another order than that of the graph has to need clearly less. */
const leastGain = 0.85;

/** All nodes that some values need, in the order for a file. */
export function nodesInOrder(outputs: readonly Value[], without: readonly string[] = []): readonly Node[] {
  const nodes = topological(outputs);
  if ([...without, ...leftOut()].includes(orderName) || nodes.length > mostNodes) return nodes;
  const made = nodes.filter(({ outputs: [y] }) => !constantOf(y) && !isInput(y));
  if (made.some(({ attributes }) => Object.values(attributes).some(isBody))) return nodes;
  const flow = new Flow(made, outputs);
  if (flow.bytes.reduce((sum, size) => sum + size, 0) < leastBytes) return nodes;
  const given = upTo(made.length);
  const reordered = flow.file(flow.late());
  if (flow.peak(flow.run(reordered)) > leastGain * flow.peak(flow.run(given))) return nodes;
  const present = new Set(made);
  return [...nodes.filter((node) => !present.has(node)), ...reordered.map((i) => at(made, i))];
}

/** The place of each node in an order. */
function ranksIn(order: readonly number[]): number[] {
  const rank = new Array<number>(order.length);
  order.forEach((i, place) => {
    rank[i] = place;
  });
  return rank;
}

/** What nodes take from each other, by their places in a list. */
class Flow {
  /** Bytes of what a node gives. */
  readonly bytes: readonly number[];
  readonly #needs: readonly (readonly number[])[];
  readonly #readers: readonly (readonly number[])[];
  /** Whether what a node gives stays until the end. */
  readonly #stays: readonly boolean[];

  constructor(nodes: readonly Node[], outputs: readonly Value[]) {
    const place = new Map(nodes.map((node, i) => [node, i]));
    const given = new Set(outputs.map(({ node }) => node));
    const readers: number[][] = nodes.map(() => []);
    this.bytes = nodes.map((node) => node.outputs.reduce((sum, value) => sum + likelyBytes(value), 0));
    this.#stays = nodes.map((node) => given.has(node));
    this.#needs = nodes.map((node, i) => {
      const needs = [...new Set(dependencies(node).flatMap((value) => place.get(value.node) ?? []))];
      for (const need of needs) at(readers, need).push(i);
      return needs;
    });
    this.#readers = readers;
  }

  /** An order in which each node comes as late as it pays: from the end, always the one before which the fewest bytes are alive. */
  late(): number[] {
    const alive = [...this.#stays];
    const before = (i: number) =>
      at(this.#needs, i).reduce((sum, need) => sum + (alive[need] ? 0 : at(this.bytes, need)), -at(this.bytes, i));
    return this.#fromTheEnd((ready) => {
      let best = 0;
      let least = Number.POSITIVE_INFINITY;
      ready.forEach((i, place) => {
        const bytes = before(i);
        // Of equals the last of the graph.
        if (bytes < least || (bytes === least && i > at(ready, best))) [best, least] = [place, bytes];
      });
      for (const need of at(this.#needs, at(ready, best))) alive[need] = true;
      return best;
    });
  }

  /** The order of a file that is likely run in the given one: from the end, of what may stand there always what is to run first. */
  file(wanted: readonly number[]): number[] {
    const rank = ranksIn(wanted);
    return this.#fromTheEnd((ready) => {
      let best = 0;
      for (let place = 1; place < ready.length; place++)
        if (at(rank, at(ready, place)) < at(rank, at(ready, best))) best = place;
      return best;
    });
  }

  /** @param choose of nodes whose readers all have their place, which one is the next from the end: its place in the list */
  #fromTheEnd(choose: (ready: readonly number[]) => number): number[] {
    const left = this.#readers.map((readers) => readers.length);
    const ready = upTo(left.length).filter((i) => left[i] === 0);
    const order: number[] = [];
    while (ready.length > 0) {
      const [chosen = 0] = ready.splice(choose(ready), 1);
      order.push(chosen);
      for (const need of at(this.#needs, chosen)) {
        left[need] = at(left, need) - 1;
        if (left[need] === 0) ready.push(need);
      }
    }
    return order.reverse();
  }

  /** The order in which a file is run. */
  run(file: readonly number[]): number[] {
    const rank = ranksIn(file);
    const inFile = (list: readonly number[]) => [...list].sort((a, b) => at(rank, a) - at(rank, b));
    const stack = inFile(upTo(file.length).filter((i) => at(this.#readers, i).length === 0)).map((i) => ({
      i,
      left: false,
    }));
    const seen = new Set<number>();
    const order: number[] = [];
    for (let top = stack.pop(); top; top = stack.pop()) {
      if (top.left) order.push(top.i);
      else if (!seen.has(top.i)) {
        seen.add(top.i);
        stack.push({ i: top.i, left: true });
        for (const need of inFile(at(this.#needs, top.i))) if (!seen.has(need)) stack.push({ i: need, left: false });
      }
    }
    return order;
  }

  /** The most bytes that are alive at a time when nodes run in an order. */
  peak(order: readonly number[]): number {
    const left = this.#readers.map((readers) => readers.length);
    let [bytes, most] = [0, 0];
    for (const i of order) {
      bytes += at(this.bytes, i);
      most = Math.max(most, bytes);
      for (const need of at(this.#needs, i)) {
        left[need] = at(left, need) - 1;
        if (left[need] === 0 && !this.#stays[need]) bytes -= at(this.bytes, need);
      }
      if (left[i] === 0 && !this.#stays[i]) bytes -= at(this.bytes, i);
    }
    return most;
  }
}

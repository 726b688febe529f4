// Where time goes as stacks: lines that flame graph tools and speedscope read, and a picture of them.
import type { NodeTime } from "./trace.ts";

/** Microseconds by stack, outermost first: the parts of the scope, then the operator. */
export type Stacks = ReadonlyMap<string, number>;

export function stacksOf(nodes: readonly NodeTime[], root: string): Stacks {
  const stacks = new Map<string, number>();
  for (const { scope, op, microseconds } of nodes) {
    const stack = [root, ...scope.split("/").filter(Boolean), op].join(";");
    stacks.set(stack, (stacks.get(stack) ?? 0) + microseconds);
  }
  return stacks;
}

/** One line a stack: `adapt-conv4;step1;conv2;MatMul 1234`. */
export const folded = (stacks: Stacks): string =>
  [...stacks].map(([stack, microseconds]) => `${stack} ${Math.round(microseconds)}\n`).join("");

interface Frame {
  readonly name: string;
  time: number;
  readonly inner: Map<string, Frame>;
}

function framesOf(stacks: Stacks): Frame {
  const all: Frame = { name: "all", time: 0, inner: new Map() };
  for (const [stack, microseconds] of stacks) {
    let frame = all;
    frame.time += microseconds;
    for (const name of stack.split(";")) {
      const next = frame.inner.get(name) ?? { name, time: 0, inner: new Map() };
      frame.inner.set(name, next);
      next.time += microseconds;
      frame = next;
    }
  }
  return all;
}

const [width, row, letter] = [1200, 18, 6.6];
const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** A warm colour of a name, the same wherever it is; derivatives are cold. */
function colour(name: string, derivative: boolean): string {
  const hash = [...name].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 997, 7);
  return derivative ? `hsl(${200 + (hash % 50)} 60% 70%)` : `hsl(${10 + (hash % 45)} 80% 68%)`;
}

/** The picture, outermost on top; a frame's width is its time, and its title says how much that is. */
export function flameGraph(stacks: Stacks, runs: number): string {
  const all = framesOf(stacks);
  const shapes: string[] = [];
  let deepest = 0;
  const draw = ({ inner }: Frame, left: number, depth: number, derivative: boolean) => {
    deepest = Math.max(deepest, depth);
    let x = left;
    for (const frame of [...inner.values()].sort((a, b) => b.time - a.time)) {
      const wide = (frame.time / all.time) * width;
      const cold = derivative || frame.name === "grad";
      if (wide >= 0.3) {
        const share = ((100 * frame.time) / all.time).toFixed(1);
        const title = `${frame.name}: ${(frame.time / 1000 / runs).toFixed(3)} ms a run, ${share} %`;
        const room = Math.floor((wide - 6) / letter);
        const label = frame.name.length <= room ? frame.name : room > 3 ? `${frame.name.slice(0, room - 1)}…` : "";
        const y = depth * row;
        shapes.push(
          `<g><title>${escaped(title)}</title><rect x="${x.toFixed(2)}" y="${y}" width="${wide.toFixed(2)}" height="${row - 1}" fill="${colour(frame.name, cold)}"/>${label ? `<text x="${(x + 3).toFixed(2)}" y="${y + 13}">${escaped(label)}</text>` : ""}</g>`,
        );
        draw(frame, x, depth + 1, cold);
      }
      x += wide;
    }
  };
  draw(all, 0, 0, false);
  const height = (deepest + 1) * row;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11">\n${shapes.join("\n")}\n</svg>\n`;
}

// What is wrong with a run's feeds is said here, in the same words by every engine and before any of them sees the feeds.
import { InnerloopError, sizeOf, type Tensor } from "@innerloop/schemas/bundle";
import type { DeviceTensor, Feeds, Port } from "./engine.ts";

export const isOnHost = (tensor: Tensor | DeviceTensor): tensor is Tensor => "data" in tensor;

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
const shown = (dtype: string, shape: readonly (number | string)[]): string => `${dtype}[${shape.join(", ")}]`;
const badInput = (message: string): InnerloopError => new InnerloopError("bad-input", message, { exitStatus: 2 });

/**
 * Checks feeds against a program's inputs.
 * @param engine the name of the engine that runs the program
 * @returns what the symbols among the sizes stand for in this run
 * @throws InnerloopError `bad-input`
 */
export function checkFeeds(engine: string, ports: readonly Port[], feeds: Feeds): Map<string, number> {
  const symbols = new Map<string, number>();
  for (const port of ports) {
    const given = feeds[port.name];
    if (given !== undefined) checkFeed(engine, port, given, symbols);
    else if (!port.optional)
      throw badInput(
        `The input "${port.name}" (${shown(port.dtype, port.shape)}) is missing; this program needs ${quoted(ports.map((p) => p.name))}; give it a tensor.`,
      );
  }
  const unknown = Object.keys(feeds).find((name) => !ports.some((port) => port.name === name));
  if (unknown !== undefined)
    throw badInput(
      `The input "${unknown}" was given; this program has ${quoted(ports.map((p) => p.name))}; leave it out or correct its name.`,
    );
  return symbols;
}

function checkFeed(engine: string, port: Port, given: Tensor | DeviceTensor, symbols: Map<string, number>): void {
  const fits =
    given.shape.length === port.shape.length &&
    port.shape.every((dim, axis) => {
      const size = given.shape[axis]!;
      if (typeof dim === "number") return dim === size;
      if (!symbols.has(dim)) symbols.set(dim, size);
      return symbols.get(dim) === size;
    });
  const converts = given.dtype === port.dtype || (given.dtype === "int32" && port.dtype === "int64");
  if (!fits || !converts) {
    const known = [...symbols].map(([name, size]) => `${name} = ${size}`).join(", ");
    throw badInput(
      `The input "${port.name}" got ${shown(given.dtype, given.shape)}; expected ${shown(port.dtype, port.shape)}` +
        `${known ? ` with ${known}` : ""}; give it a tensor of this dtype and shape.`,
    );
  }
  if (!isOnHost(given)) {
    if (given.engine !== engine)
      throw badInput(
        `The input "${port.name}" got a tensor that lives on ${given.engine}; expected one of ${engine}; upload it there, or read() it first.`,
      );
    return;
  }
  const size = sizeOf(given.shape);
  if (given.data.length !== size)
    throw badInput(
      `The input "${port.name}" got ${given.data.length} numbers; its shape [${given.shape.join(", ")}] takes ${size}; correct one of the two.`,
    );
}

/** The error of a program, a tensor or an engine that is used after its end. */
export const disposed = (what: string): InnerloopError =>
  new InnerloopError("disposed", `${what} was disposed of and takes no more calls; make it again to go on.`, {
    exitStatus: 2,
  });

// A file beside a model that holds its large arrays, for models beyond the 2 GB of a protobuf file, and for several models that
// share their weights: each array is there once.
import { InnerloopError, show, type Tensor } from "@innerloop/schemas";
import { isInside } from "./files.ts";

/** Where arrays begin: large ones on a page of memory, so that they can be mapped as they lie. */
const [page, line, largeFrom] = [4096, 64, 2 ** 16];

/** Arrays below this many bytes stay in the model. */
const smallest = 1024;

/** A stretch of a file beside a model, in bytes. */
export interface ExternalPlace {
  /** The file's name, from the model's folder. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** Says where an initializer's numbers lie, or that they are in the model. They have so many bytes as the model's element type for them. */
export type External = (
  name: string,
  tensor: Pick<Tensor, "dtype" | "shape">,
  stored: { readonly length: number; readonly bytes: () => Uint8Array },
) => ExternalPlace | undefined;

interface Part {
  readonly start: number;
  readonly length: number;
  readonly bytes: () => Uint8Array;
}

/**
 * A file for the arrays of one or several models, in the order in which they are written.
 *
 * Give its `external` to each `writeOnnx`, then write `parts()` into the file beside the models. Arrays of the same tensor object are there once,
 * so models that are given the same initializers share them.
 */
export class Sidecar {
  /** The file, by its path from the models' folder. */
  readonly path: string;
  readonly #parts: Part[] = [];
  readonly #places = new Map<Parameters<External>[1], Map<number, Part>>();
  #end = 0;

  /** @throws InnerloopError for a path that leads out of the folder */
  constructor(path: string) {
    if (typeof path !== "string" || !isInside(path))
      throw new InnerloopError(
        "bad-argument",
        `a Sidecar was asked for at ${show(path)}; a path in the folder of the models was expected, such as "weights.bin".`,
        { exitStatus: 2 },
      );
    this.path = path;
  }

  /** How many bytes the file has so far. */
  get size(): number {
    return this.#end;
  }

  /** What `writeOnnx` takes as `external`. */
  readonly external: External = (_, tensor, { length, bytes }) => {
    if (length < smallest) return undefined;
    const known = this.#places.get(tensor) ?? new Map<number, Part>();
    this.#places.set(tensor, known);
    // Of one tensor, as many bytes are the same element type.
    const part = known.get(length) ?? this.#add(length, bytes);
    known.set(length, part);
    return { location: this.path, offset: part.start, length };
  };

  #add(length: number, bytes: () => Uint8Array): Part {
    const step = length >= largeFrom ? page : line;
    const part = { start: Math.ceil(this.#end / step) * step, length, bytes };
    this.#parts.push(part);
    this.#end = part.start + length;
    return part;
  }

  /** The file from its start, piece by piece, so that no more than one array is in memory. */
  *parts(): Generator<Uint8Array, void> {
    let at = 0;
    for (const { start, length, bytes } of this.#parts) {
      if (start > at) yield new Uint8Array(start - at);
      const piece = bytes();
      if (piece.length !== length)
        throw new InnerloopError(
          "bad-tensor",
          `an array has ${piece.length} bytes where it had ${length} when its model was written; write the model again.`,
        );
      yield piece;
      at = start + length;
    }
  }
}

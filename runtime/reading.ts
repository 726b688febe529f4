// What every call that reads files shares: how much it reads at most, and the signal that ends it.
import { refuseAborted } from "./adaptation.ts";
import type { Bounds } from "./host.ts";
import { badOption, checkOptions } from "./refusal.ts";

/** How far to read. */
export interface ReadOptions {
  /** Stops waiting and reading; the call then fails with the code `aborted`. */
  readonly signal?: AbortSignal;
  /**
   * The most bytes to read: what is larger is refused before it is read or, where a server does not say how much it sends,
   * midway. When not given, 1 GiB for a bundle and for a personal model, 256 MiB for an image file.
   */
  readonly limit?: number;
}

/**
 * Reads within the bounds that a caller gave.
 *
 * @param most the limit when none was given
 * @throws InnerloopError `aborted` as soon as the signal is, whatever is being waited for; `bad-option`; what `read` throws.
 */
export async function reading<T>(options: ReadOptions, most: number, read: (bounds: Bounds) => Promise<T>): Promise<T> {
  checkOptions(options);
  const { signal, limit } = options;
  if (limit !== undefined && !(typeof limit === "number" && limit >= 0))
    throw badOption(`limit ${String(limit)} was given; a number of bytes was expected`);
  refuseAborted(signal);
  const work = read({ limit: limit ?? most, signal });
  if (!signal) return work;
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve)).then(() => refuseAborted(signal) as never);
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([work, stopped]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

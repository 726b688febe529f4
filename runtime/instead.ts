// Said when a file of a bundle is not what it should be, and nobody else needs it: whether something known is in its place.
import { InnerloopError, mistaken } from "@innerloop/schemas/bundle";

/** The error for bytes that are no file of a bundle: that the file is not there, where they are known, or else what is wrong. */
export function instead(place: string, bytes: Uint8Array, wrong: InnerloopError): InnerloopError {
  const what = bytes.length > 0 ? mistaken(bytes) : undefined;
  if (what === undefined) return wrong;
  return new InnerloopError("bundle-missing", `${place}: ${what}; a bundle was expected`, { cause: wrong });
}

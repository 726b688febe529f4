// Said when a file of a bundle is not what it should be, and nobody else needs it: whether something known is in its place.
import { InnerloopError, mistaken } from "@innerloop/schemas/bundle";

/** The error for bytes that are no file of a bundle: what they are instead, where that is known, or else what is wrong. */
export function instead(place: string, bytes: Uint8Array, wrong: InnerloopError): InnerloopError {
  const what = bytes.length > 0 ? mistaken(bytes) : undefined;
  if (what === undefined) return wrong;
  const { code } = wrong;
  const json = code === "manifest-invalid" ? "it is not valid JSON; " : "";
  return new InnerloopError(code, `${place}: ${json}${what}`, { cause: wrong });
}

// Whether a bundle is one that symbols can be drawn for: the page says it, and the command before it serves the page.
import { InnerloopError, type Manifest, type Preprocessing } from "@innerloop/schemas/bundle";

/** How a picture becomes an example. */
export type Picture = Preprocessing & { readonly kind: "image" };

/** Pixels a side: below, a symbol cannot be told; above, the page would not keep up. */
const sides = { least: 8, most: 256 };

/**
 * How a drawing becomes an example of a bundle.
 *
 * @throws InnerloopError `other-bundle` (status 2) for a bundle that takes no drawings: a regression, other inputs than
 *   pictures, a fixed set of labels, or room for fewer than two classes
 */
export function drawingFor({ name, task, input, output, labels }: Manifest): Picture {
  const { preprocessing, shape } = input;
  const refuse = (what: string): InnerloopError =>
    new InnerloopError(
      "other-bundle",
      `the bundle "${name}" ${what}; one that tells pictures of new symbols apart was expected, such as innerloop quickstart ` +
        "trains; leave BUNDLE out to use the one that comes with the page",
      { exitStatus: 2 },
    );
  if (task !== "classification") throw refuse(`is for ${task}`);
  if (preprocessing?.kind !== "image") throw refuse(`does not take pictures (its examples are [${shape.join(", ")}])`);
  const { width, height, channels } = preprocessing;
  if (shape.length !== 3 || shape[0] !== height || shape[1] !== width || shape[2] !== channels)
    throw refuse(`says ${width} × ${height} × ${channels} of its pictures, and [${shape.join(", ")}] of its examples`);
  if (Math.min(width, height) < sides.least || Math.max(width, height) > sides.most)
    throw refuse(
      `takes pictures of ${width} × ${height} pixels, where ${sides.least} to ${sides.most} a side can be drawn`,
    );
  if (labels) throw refuse(`knows the labels ${labels.slice(0, 5).join(", ")} and no others`);
  if (output.ways !== null && output.ways < 2) throw refuse(`tells ${output.ways} class apart`);
  return preprocessing;
}

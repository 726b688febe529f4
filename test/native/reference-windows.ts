// What steps of windows mean, in plain loops.
import type { Access, Windows } from "@innerloop/native/plan";

/** An array that may be read and written at places. */
interface Array64 {
  get(place: number): number;
  set(place: number, number: number): void;
}

/** Takes a step of windows. */
export function windows(step: Windows, arrayOf: (access: Access) => Array64): number {
  const { what, examples, channels, taps, where, weight, bias } = step;
  const [field, out] = [step.field, step.out].map(arrayOf) as [Array64, Array64];
  const at = ({ offset, strides }: Access, ...place: readonly number[]): number =>
    place.reduce((sum, each, axis) => sum + each * (strides[axis] ?? 1), offset);
  const [rows, columns] = step.size;
  if (what === "weights")
    for (const [, , tap] of taps) for (let c = 0; c < channels; c++) arrayOf(weight!).set(at(weight!, tap) + c, 0);
  for (let example = 0; example < examples; example++)
    for (let c = 0; c < channels; c++) {
      if (what === "back")
        for (let y = 0; y < rows; y++)
          for (let x = 0; x < columns; x++) field.set(at(step.field, example, y, x) + c, 0);
      for (let row = 0; row < step.rows; row++)
        for (let column = 0; column < step.columns; column++) {
          const own = at(step.out, example, row, column) + c;
          const found = taps.flatMap(([down, right, tap]) => {
            const [y, x] = [row * step.steps[0] + down, column * step.steps[1] + right];
            if (y < 0 || x < 0 || y >= rows || x >= columns) return [];
            const place = ((example * channels + c) * rows + y) * columns + x;
            return [{ tap, place, at: at(step.field, example, y, x) + c }];
          });
          if (what === "sums") {
            const terms = found.map((each) => field.get(each.at) * arrayOf(weight!).get(at(weight!, each.tap) + c));
            const sum = terms.reduce((so, term) => so + term, bias ? arrayOf(bias).get(bias.offset + c) : 0);
            out.set(own, sum);
          } else if (what === "weights") {
            for (const each of found) {
              const to = at(weight!, each.tap) + c;
              arrayOf(weight!).set(to, arrayOf(weight!).get(to) + field.get(each.at) * out.get(own));
            }
          } else if (what === "maxima") {
            const most = Math.max(...found.map((each) => field.get(each.at)));
            out.set(own, most);
            const first = found.find((each) => field.get(each.at) === most)!;
            if (where) arrayOf(where).set(at(where, example, row, column) + c, first.place);
          } else {
            const place = arrayOf(where!).get(at(where!, example, row, column) + c);
            const to = found.find((each) => each.place === place);
            if (to) field.set(to.at, field.get(to.at) + out.get(own));
          }
        }
    }
  return 0;
}

// Arrays of another size along axes: each number is that of the nearest place, or is made of those of two or four places around.
import type { Node } from "../../read.ts";
import type { Compute, Plan } from "../plan.ts";
import { refused } from "../refusal.ts";
import { permuted, type Value } from "../views.ts";
import { channelsAreTogether, channelsLast, channelsSecond } from "./channels.ts";
import { axesOf, computed, floatOf, intOf, present, textOf } from "./parts.ts";

/** Along one axis: how many places there were and are, and how far apart those are by the scale that was given. */
interface Sizes {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
}

const float = Math.fround;
const halfway = (place: number, { scale }: Sizes): number => float(float((place + 0.5) / scale) - 0.5);

/** Where a place of the result lies among those of the array, as 32 bits have it: what is nearest hangs on their rounding. */
const positions: Readonly<Record<string, (place: number, sizes: Sizes) => number>> = {
  asymmetric: (place, { scale }) => float(place / scale),
  half_pixel: halfway,
  pytorch_half_pixel: (place, sizes) => (sizes.to > 1 ? halfway(place, sizes) : 0),
  align_corners: (place, { from, to }) => (to > 1 ? float((place * (from - 1)) / (to - 1)) : 0),
};

const rounded: Readonly<Record<string, (position: number) => number>> = {
  floor: Math.floor,
  ceil: Math.ceil,
  round_prefer_floor: (position) => Math.ceil(position - 0.5),
  round_prefer_ceil: (position) => Math.floor(position + 0.5),
};

/** Which places each number of the result is made of, one of them by each tap, and by what they are multiplied. */
interface Tap {
  readonly places: readonly number[];
  readonly shares: readonly number[];
}

export const resize: Compute = (plan, [x, , scales, sizes], node) => {
  const value = present(x, node);
  const rank = value.shape.length;
  const axes = axesOf(plan, undefined, node, rank) ?? value.shape.map((_, axis) => axis);
  const stretched = textOf(node, "keep_aspect_ratio_policy", "stretch") === "stretch";
  if (!stretched || intOf(node, "antialias", 0) !== 0) throw refused("Resize that keeps ratios, or smooths");
  const given = sizes && sizes.shape[0] !== 0 ? plan.numbers(sizes) : undefined;
  const factors = given ? undefined : plan.numbers(present(scales, node));
  // Channels that lie together are looked up together.
  const last = rank > 2 && channelsAreTogether(value);
  const order = channelsLast(rank);
  const made = axes.reduce(
    (so, axis, i) => {
      const from = value.shape[axis]!;
      const to = given?.[i] ?? Math.floor(from * factors![i]!);
      const scale = factors?.[i] ?? float(to / from);
      return scale === 1 ? so : sum(plan, so, last ? order.indexOf(axis) : axis, tapsOf(node, { from, to, scale }));
    },
    last ? permuted(value, order) : value,
  );
  return [last ? permuted(made, channelsSecond(rank)) : made];
};

function tapsOf(node: Node, sizes: Sizes): Tap[] {
  const way = textOf(node, "coordinate_transformation_mode", "half_pixel");
  const [mode, place] = [textOf(node, "mode", "nearest"), positions[way]];
  if (!place) throw refused(`Resize by ${way}`);
  const at = Array.from({ length: sizes.to }, (_, i) => place(i, sizes));
  if (mode === "nearest") {
    const round = rounded[textOf(node, "nearest_mode", "round_prefer_floor")];
    if (!round) throw refused("Resize to other places than near ones");
    return [within(at.map(round), at, sizes, () => 1)];
  }
  // What a position is between is told after it is brought within the array, but for cubes.
  if (mode === "linear") {
    const inside = at.map((position) => Math.min(Math.max(position, 0), sizes.from - 1));
    const parts = inside.map((position) => position - Math.floor(position));
    return [0, 1].map((tap) =>
      within(inside.map(Math.floor), inside, sizes, (i) => (tap === 0 ? 1 - parts[i]! : parts[i]!), tap),
    );
  }
  if (mode !== "cubic") throw refused(`Resize by ${mode}`);
  return cubes(node, at, sizes);
}

function cubes(node: Node, at: readonly number[], sizes: Sizes): Tap[] {
  const a = floatOf(node, "cubic_coeff_a", -0.75);
  const left = at.map(Math.floor);
  const excluded = intOf(node, "exclude_outside", 0) === 1;
  const share = (i: number, tap: number): number => {
    const apart = Math.abs(at[i]! - left[i]! - tap);
    const outside = left[i]! + tap < 0 || left[i]! + tap >= sizes.from;
    if (excluded && outside) return 0;
    return apart <= 1
      ? ((a + 2) * apart - (a + 3)) * apart * apart + 1
      : ((a * apart - 5 * a) * apart + 8 * a) * apart - 4 * a;
  };
  const taps = [-1, 0, 1, 2];
  const whole = at.map((_, i) => (excluded ? taps.reduce((all, tap) => all + share(i, tap), 0) : 1));
  return taps.map((tap) => within(left, at, sizes, (i) => share(i, tap) / whole[i]!, tap));
}

const within = (
  places: readonly number[],
  at: readonly number[],
  { from }: Sizes,
  share: (i: number) => number,
  tap = 0,
): Tap => ({
  places: places.map((place) => Math.min(Math.max(place + tap, 0), from - 1)),
  shares: at.map((_, i) => share(i)),
});

/** The sum of what taps find along an axis. */
function sum(plan: Plan, value: Value, axis: number, taps: readonly Tap[]): Value {
  const found = taps.map(({ places }) => plan.pending.gathered(value, axis, places));
  if (found.length === 1) return found[0]!;
  const along = value.shape.map((_, other) => (other === axis ? taps[0]!.shares.length : 1));
  const shares = taps.map(({ shares }) => plan.constant(shares, along));
  return computed(plan, [...found, ...shares], value.dtype, (code, ...all) =>
    found
      .map((_, tap) => code.call("multiply", all[tap]!, all[taps.length + tap]!))
      .reduce((so, one) => code.call("add", so, one)),
  );
}

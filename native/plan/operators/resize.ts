// Arrays of another size, whose numbers are those of the nearest places.
import type { Compute } from "../plan.ts";
import { refused } from "../refusal.ts";
import { present, textOf } from "./parts.ts";

export const resize: Compute = (plan, [x, , scales, sizes], node) => {
  const value = present(x, node);
  const way = ["mode", "coordinate_transformation_mode", "nearest_mode"].map((name) => textOf(node, name, ""));
  if (way.join() !== "nearest,asymmetric,floor" || node.attributes.axes) throw refused(`Resize by ${way.join(", ")}`);
  const given = sizes && plan.numbers(sizes);
  const factors = given ? given.map((size, axis) => size / value.shape[axis]!) : plan.numbers(present(scales, node));
  return [
    factors.reduce((so, by, axis) => {
      if (by === 1) return so;
      const from = value.shape[axis]!;
      const count = given?.[axis] ?? Math.floor(from * by);
      const places = Array.from({ length: count }, (_, place) => Math.min(Math.floor(place / by), from - 1));
      return plan.pending.gathered(so, axis, places);
    }, value),
  ];
};

// What moves on the page beside the stage: a recording that flies to its card, and animations that start again.
import { el, stillness } from "./dom.ts";

/** A symbol's colour as a canvas takes it. */
export function toneOf(hue: number): string {
  const probe = el("span", { class: "hued", hidden: true, "--h": hue });
  probe.style.color = "var(--tone)";
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Gives an element a class whose animation starts now, also where the last one has not ended. */
export function replay(element: Element | null | undefined, name: string): void {
  if (!(element instanceof HTMLElement)) return;
  element.classList.remove(name);
  void element.offsetWidth; // Without a layout in between, nothing would start anew.
  element.classList.add(name);
}

/** A small picture flies from one element to another. */
export function fly(picture: Element, hue: number, from: Element, to: Element): void {
  if (stillness()) return;
  const [start, end] = [from.getBoundingClientRect(), to.getBoundingClientRect()];
  const copy = el("div", { class: "flying hued", "--h": hue }, picture);
  for (const side of ["left", "top", "width", "height"] as const) copy.style[side] = `${start[side]}px`;
  document.body.append(copy);
  const there = `translate(${end.left - start.left}px, ${end.top - start.top}px) scale(${end.width / start.width})`;
  copy.animate(
    [
      { transform: "none", transformOrigin: "0 0", opacity: 1 },
      { transform: there, transformOrigin: "0 0", opacity: 0.9 },
    ],
    { duration: 620, delay: 260, easing: "cubic-bezier(0.5, 0, 0.2, 1)", fill: "backwards" },
  ).onfinish = () => copy.remove();
}

/** Scrolls a list, and nothing around it, to where an item of it is seen. */
export function reveal(item: Element, list: Element): void {
  const [inner, outer] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
  const missing = (start: number, end: number, from: number, to: number): number =>
    start < from ? start - from : Math.max(0, end - to);
  list.scrollBy({
    left: missing(inner.left, inner.right, outer.left, outer.right),
    top: missing(inner.top, inner.bottom, outer.top, outer.bottom),
  });
}

// Making elements, in a line each.

type Child = Node | string | undefined;
type Properties = Readonly<Record<string, string | number | boolean | ((event: Event) => void) | undefined>>;

/**
 * An element. Properties that are functions listen (`onclick`), `true` sets an attribute without a value, and those that
 * are false or undefined are left out; `--name` is a custom property of its style.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) element.style.setProperty(name, String(value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const svgNamespace = "http://www.w3.org/2000/svg";

/** An SVG element with attributes. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** The element with an id, which index.html has. */
export const byId = <E extends HTMLElement = HTMLElement>(id: string): E => document.getElementById(id) as E;

/** Whether the visitor asked for less motion. */
export const stillness = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

const icons = {
  undo: "M9 14 4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3",
  remove: "M6 6l12 12M18 6L6 18",
  add: "M12 5v14M5 12h14",
  save: "M12 4v11m-5-5 5 5 5-5M5 20h14",
  load: "M12 15V4m-5 5 5-5 5 5M5 20h14",
  restart: "M4 12a8 8 0 1 0 3-6.2M4 4v4.5h4.5",
  wand: "M5 19 15 9m2-6v4m-2-2h4m1 7v3m-1.5-1.5h3M8 4v2M7 5h2",
  clear: "M4 20h16M6.5 16.5l-2-2a2 2 0 0 1 0-2.8l7.7-7.7a2 2 0 0 1 2.8 0l4 4a2 2 0 0 1 0 2.8L13.3 16.5z",
  done: "M5 12.5 10 17.5 19.5 7",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z",
} as const;

export type Icon = keyof typeof icons;

/** A line icon of 24 × 24; decoration only, the words stand beside it or in a label. */
export const icon = (name: Icon): SVGSVGElement =>
  svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: icons[name] }));

/** A drawing's path as a small picture. */
export const thumbnail = (path: string): SVGSVGElement =>
  svg("svg", { class: "thumb", viewBox: "0 0 100 100", "aria-hidden": "true" }, svg("path", { d: path }));

// The symbols that were taught: a card each, with its examples, its name to edit, and buttons to add to it and remove it.
import { el, icon } from "./dom.ts";
import type { Kind } from "./kinds/kind.ts";
import type { Example, SymbolClass } from "./model.ts";
import type { Words } from "./words.ts";

export interface ShelfEvents {
  /** Teach a new symbol. */
  onNew(): void;
  /** Teach another example of a symbol. */
  onAdd(label: string): void;
  onRename(label: string, to: string): void;
  onRemove(label: string): void;
  onRemoveExample(id: string): void;
}

/**
 * Fills the list of cards. The focus stays on what it was on, where that is still there.
 *
 * @param target what the next recording is taught as: a label, `null` for a new symbol, or nothing
 */
export function renderShelf<R>(
  list: HTMLElement,
  classes: readonly SymbolClass<R>[],
  target: string | null | undefined,
  full: boolean,
  words: Words,
  portrait: Kind<R>["portrait"],
  events: ShelfEvents,
): void {
  const focused = list.contains(document.activeElement)
    ? (document.activeElement as HTMLElement).dataset.key
    : undefined;
  const cards = classes.map((entry) => card(entry, target === entry.label, words, portrait, events));
  const added = el(
    "button",
    {
      type: "button",
      class: "new",
      "data-key": "new",
      "aria-pressed": String(target === null),
      disabled: full,
      onclick: () => events.onNew(),
    },
    icon("add"),
    el("span", {}, words.newSymbol),
  );
  list.replaceChildren(...cards, el("li", {}, added));
  if (focused) list.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function card<R>(
  symbol: SymbolClass<R>,
  targeted: boolean,
  words: Words,
  portrait: Kind<R>["portrait"],
  events: ShelfEvents,
): HTMLLIElement {
  const { label, hue, examples } = symbol;
  const name = el("input", {
    class: "rename",
    value: label,
    "aria-label": words.name(label),
    maxlength: 24,
    size: 6,
    spellcheck: "false",
    autocomplete: "off",
    "data-key": `name ${hue}`,
    onchange: () => events.onRename(label, name.value.trim()),
    onkeydown: (event) => {
      const { key } = event as KeyboardEvent;
      if (key === "Escape") name.value = label;
      if (key === "Enter" || key === "Escape") name.blur();
    },
  });
  const button = (key: string, words: string, picture: "add" | "remove", action: () => void): HTMLButtonElement =>
    el(
      "button",
      { type: "button", class: "quiet", "aria-label": words, title: words, "data-key": key, onclick: action },
      icon(picture),
    );
  const add = button(`add ${label}`, words.addExample(label), "add", () => events.onAdd(label));
  add.setAttribute("aria-pressed", String(targeted));
  return el(
    "li",
    { class: "card", "data-label": label, "--h": hue },
    el("div", { class: "face" }, face(examples.at(-1), portrait)),
    el("div", { class: "about" }, name, el("span", { class: "count" }, words.examples(examples.length))),
    el(
      "div",
      { class: "actions" },
      add,
      button(`remove ${label}`, words.remove(label), "remove", () => events.onRemove(label)),
    ),
    examples.length > 1 ? exampleRow(symbol, words, portrait, events) : undefined,
  );
}

function exampleRow<R>(
  { label, examples }: SymbolClass<R>,
  words: Words,
  portrait: Kind<R>["portrait"],
  events: ShelfEvents,
): HTMLElement {
  return el(
    "div",
    { class: "drawings" },
    ...examples.map((example, i) => {
      const text = words.removeExample(label, i + 1);
      return el(
        "button",
        {
          type: "button",
          "aria-label": text,
          title: text,
          "data-key": `example ${label} ${i}`,
          onclick: () => events.onRemoveExample(example.id),
        },
        face(example, portrait),
        icon("remove"),
      );
    }),
  );
}

const face = <R>(example: Example<R> | undefined, portrait: Kind<R>["portrait"]): Element | undefined =>
  example && portrait(example.values, example.recording);

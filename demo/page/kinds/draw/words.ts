// What the page says of drawings, in English and Chinese.
import type { Language } from "../../words.ts";
import type { KindWords } from "../words.ts";

export const drawWords: Readonly<Record<Language, KindWords>> = {
  en: {
    title: "Innerloop: teach it your own symbols",
    mode: "What drawings are for",
    help: "Draw one for me",
    teachThis: "Learn it as a new symbol",

    first: "Draw any symbol you like.",
    firstMore: "Once is enough.",
    second: "Got it. Now draw a different one.",
    secondMore: "Two symbols, and it can tell them apart.",
    more: "Draw one more symbol.",
    moreMore: (ways) =>
      ways === null ? "As many as you like, each of them once." : `Up to ${ways}, each of them once.`,
    full: (ways) => `It tells up to ${ways} symbols apart.`,
    into: "Draw {name} once more.",
    now: "Now draw one of them again.",
    nowMore: "As you like: larger, tilted, in a hurry.",
    learnedMore: (count, ms) =>
      `From ${count === 1 ? "one drawing" : `${count} drawings`}, in ${ms}. Draw another, or try it.`,
    correctedMore: (ms) => `Learned in ${ms}. Draw again.`,
    noneMore: "It does not know this symbol. Yet.",
    small: "A little larger, please.",
    smallMore: "A dot is hard to learn from.",

    symbols: "Your symbols",
    newSymbol: "New symbol",
    addExample: (label) => `Draw ${label} once more`,
    removeExample: (label, number) => `Remove drawing ${number} of ${label}`,
    examples: (count) => (count === 1 ? "1 drawing" : `${count} drawings`),
    answer: "What it sees",
    answerEmpty: "Teach it two symbols; then it tells them apart while you draw.",
    isNew: "It is a new symbol: learn it",
    privacy:
      "Your drawings never leave this page. All learning happens in it, offline too, and your browser bars it from talking to any other site.",

    fileLoaded: (count) => (count === 1 ? "One symbol is back." : `${count} symbols are back.`),
    fileLoadedMore: "Draw one of them.",
    taken: (label) => `Another symbol has the name ${label}.`,
  },
  zh: {
    title: "Innerloop：教它认识你的符号",
    mode: "画出的符号用来做什么",
    help: "替我画一个",
    teachThis: "学会这个新符号",

    first: "随便画一个符号。",
    firstMore: "画一次就够了。",
    second: "记住了。再画一个不同的。",
    secondMore: "有了两个符号，它就能分辨。",
    more: "再画一个新符号。",
    moreMore: (ways) => (ways === null ? "想画多少都行，每个画一次。" : `最多 ${ways} 个，每个画一次。`),
    full: (ways) => `它最多分辨 ${ways} 个符号。`,
    into: "把 {name} 再画一次。",
    now: "现在，把其中一个再画一次。",
    nowMore: "大一点、歪一点、快一点，都可以。",
    learnedMore: (count, ms) => `只看了 ${count} 次，用时 ${ms}。继续画，或者试试看。`,
    correctedMore: (ms) => `用时 ${ms} 学会。再画一次吧。`,
    noneMore: "它还不认识这个符号。",
    small: "请画大一点。",
    smallMore: "一个点很难学。",

    symbols: "你的符号",
    newSymbol: "新符号",
    addExample: (label) => `把 ${label} 再画一次`,
    removeExample: (label, number) => `删除 ${label} 的第 ${number} 次绘画`,
    examples: (count) => `画了 ${count} 次`,
    answer: "它看到了什么",
    answerEmpty: "教它两个符号，之后你边画，它边认。",
    isNew: "这是新符号：学会它",
    privacy: "你画的内容不会离开此页面。学习全部在页面内完成，离线也能用；浏览器禁止它与任何其他网站通信。",

    fileLoaded: (count) => `${count} 个符号回来了。`,
    fileLoadedMore: "画其中一个试试。",
    taken: (label) => `已经有一个符号叫 ${label}。`,
  },
};

/** What the pad says of itself. */
export const padWords: Readonly<
  Record<Language, { readonly pad: string; readonly help: string; readonly keys: string }>
> = {
  en: {
    pad: "Drawing pad",
    help: "Draw with mouse, finger or pen. With the keyboard: arrow keys move the pen, space puts it down and lifts it, Enter ends the drawing, Escape clears it.",
    keys: "arrows move · space draws · Enter ends · Esc clears",
  },
  zh: {
    pad: "画板",
    help: "可用鼠标、手指或触控笔绘画。用键盘时：方向键移动画笔，空格键落笔或抬笔，回车键完成，Esc 键清除。",
    keys: "方向键移动 · 空格落笔 · 回车完成 · Esc 清除",
  },
};

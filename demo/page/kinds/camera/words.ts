// What the page says of pictures from a camera, in English and Chinese; of drawings on cards where the bundle was trained on those.
import type { Language } from "../../words.ts";
import type { NoticeWords } from "../recording/notice.ts";
import type { KindWords } from "../words.ts";

/** @param ink whether the bundle was trained on drawings */
export function cameraWords(ink: boolean): Readonly<Record<Language, KindWords>> {
  return {
    en: { ...things.en, ...(ink && cards.en) },
    zh: { ...things.zh, ...(ink && cards.zh) },
  };
}

const things: Readonly<Record<Language, KindWords>> = {
  en: {
    title: "Innerloop: teach it your own things",
    mode: "What pictures are for",
    help: "Take one from a file",
    teachThis: "Learn it as a new thing",

    first: "Show it any thing you like.",
    firstMore: "Once is enough.",
    second: "Got it. Now show a different one.",
    secondMore: "Two things, and it can tell them apart.",
    more: "Show one more thing.",
    moreMore: (ways) =>
      ways === null ? "As many as you like, each of them once." : `Up to ${ways}, each of them once.`,
    full: (ways) => `It tells up to ${ways} things apart.`,
    into: "Show {name} once more.",
    now: "Now show one of them again.",
    nowMore: "As you like: closer, turned, in other light.",
    learnedMore: (count, ms) =>
      `From ${count === 1 ? "one picture" : `${count} pictures`}, in ${ms}. Show another, or try it.`,
    correctedMore: (ms) => `Learned in ${ms}. Show it again.`,
    noneMore: "It does not know this thing. Yet.",
    small: "There is nothing to be seen.",
    smallMore: "More light, perhaps, or is the lens covered?",

    symbols: "Your things",
    newSymbol: "New thing",
    addExample: (label) => `Show ${label} once more`,
    removeExample: (label, number) => `Remove picture ${number} of ${label}`,
    examples: (count) => (count === 1 ? "1 picture" : `${count} pictures`),
    answer: "What it sees",
    answerEmpty: "Teach it two things; then it tells them apart while you hold them up.",
    isNew: "It is a new thing: learn it",
    privacy:
      "What the camera sees never leaves this page. All learning happens in it, offline too, and your browser bars it from talking to any other site.",

    fileLoaded: (count) => (count === 1 ? "One thing is back." : `${count} things are back.`),
    fileLoadedMore: "Show one of them.",
    taken: (label) => `Another thing has the name ${label}.`,
  },
  zh: {
    title: "Innerloop：教它认识你的东西",
    mode: "拍下的照片用来做什么",
    help: "从文件中选一张",
    teachThis: "学会这个新东西",

    first: "随便给它看一样东西。",
    firstMore: "看一次就够了。",
    second: "记住了。再给它看一样不同的。",
    secondMore: "有了两样东西，它就能分辨。",
    more: "再给它看一样新东西。",
    moreMore: (ways) => (ways === null ? "想看多少都行，每样一次。" : `最多 ${ways} 样，每样一次。`),
    full: (ways) => `它最多分辨 ${ways} 样东西。`,
    into: "把 {name} 再给它看一次。",
    now: "现在，把其中一样再给它看一次。",
    nowMore: "近一点、转一转、换个光线，都可以。",
    learnedMore: (count, ms) => `只看了 ${count} 次，用时 ${ms}。继续给它看，或者试试看。`,
    correctedMore: (ms) => `用时 ${ms} 学会。再给它看一次吧。`,
    noneMore: "它还不认识这样东西。",
    small: "什么也看不见。",
    smallMore: "也许要亮一点，或者镜头被挡住了？",

    symbols: "你的东西",
    newSymbol: "新东西",
    addExample: (label) => `把 ${label} 再给它看一次`,
    removeExample: (label, number) => `删除 ${label} 的第 ${number} 张照片`,
    examples: (count) => `${count} 张照片`,
    answer: "它看到了什么",
    answerEmpty: "教它两样东西，之后你举着，它就认。",
    isNew: "这是新东西：学会它",
    privacy: "相机看到的不会离开此页面。学习全部在页面内完成，离线也能用；浏览器禁止它与任何其他网站通信。",

    fileLoaded: (count) => `${count} 样东西回来了。`,
    fileLoadedMore: "给它看其中一样试试。",
    taken: (label) => `已经有一样东西叫 ${label}。`,
  },
};

const cards: Readonly<Record<Language, Partial<KindWords>>> = {
  en: {
    title: "Innerloop: teach it what you draw on paper",
    teachThis: "Learn it as a new symbol",
    first: "Show it a symbol drawn on paper.",
    firstMore: "Its model knows drawings, not photographs. Once is enough.",
    secondMore: "Two symbols, and it can tell them apart.",
    more: "Show one more drawing.",
    full: (ways) => `It tells up to ${ways} symbols apart.`,
    nowMore: "As you like: drawn anew, closer, tilted, in other light.",
    noneMore: "It does not know this symbol. Yet.",
    small: "No ink is to be seen.",
    smallMore: "A thick pen on plain paper, whole within the frame.",
    symbols: "Your symbols",
    newSymbol: "New symbol",
    answerEmpty: "Teach it two drawings; then it tells them apart while you hold them up.",
    isNew: "It is a new symbol: learn it",
    fileLoaded: (count) => (count === 1 ? "One symbol is back." : `${count} symbols are back.`),
    taken: (label) => `Another symbol has the name ${label}.`,
  },
  zh: {
    title: "Innerloop：教它认识纸上的画",
    teachThis: "学会这个新符号",
    first: "给它看一个画在纸上的符号。",
    firstMore: "它的模型认识图画，不认识照片。看一次就够了。",
    second: "记住了。再给它看一个不同的。",
    secondMore: "有了两个符号，它就能分辨。",
    more: "再给它看一个新符号。",
    full: (ways) => `它最多分辨 ${ways} 个符号。`,
    nowMore: "重画一个、近一点、歪一点、换个光线，都可以。",
    noneMore: "它还不认识这个符号。",
    small: "看不到笔迹。",
    smallMore: "请用粗笔画在白纸上，并完整地放进框里。",
    symbols: "你的符号",
    newSymbol: "新符号",
    answerEmpty: "教它两个符号，之后你举着，它就认。",
    isNew: "这是新符号：学会它",
    fileLoaded: (count) => `${count} 个符号回来了。`,
    taken: (label) => `已经有一个符号叫 ${label}。`,
  },
};

interface RecorderWords {
  readonly take: string;
  readonly again: string;
  readonly show: string;
  readonly showCard: string;
  readonly still: string;
  readonly notices: Readonly<
    Record<"off" | "opening" | "insecure" | "refused" | "absent" | "busy" | "unread", NoticeWords>
  >;
}

export const recorderWords: Readonly<Record<Language, RecorderWords>> = {
  en: {
    take: "Take a picture",
    again: "Look again",
    show: "What fills the square is what it takes.",
    showCard: "The whole drawing inside the frame, then press.",
    still: "Press to look again.",
    notices: {
      off: {
        title: "May this page see?",
        more: "Your browser asks. What the camera sees stays on this page.",
        button: "Switch on the camera",
      },
      opening: { title: "Asking for the camera …", more: "Your browser may want an answer.", button: "" },
      refused: {
        title: "The camera was refused.",
        more: "To allow it, open the settings beside the page's address, and load the page again. Or take a picture from a file.",
        button: "Choose a picture",
      },
      absent: {
        title: "There is no camera here.",
        more: "Connect one and load the page again. Or take a picture from a file.",
        button: "Choose a picture",
      },
      busy: {
        title: "The camera does not answer.",
        more: "Another program may have it: close that and load the page again. Or take a picture from a file.",
        button: "Choose a picture",
      },
      insecure: {
        title: "Browsers give the camera to safe pages alone.",
        more: "Open this page over https, or on localhost. Or take a picture from a file: a phone offers its camera there.",
        button: "Choose a picture",
      },
      unread: {
        title: "That file has no picture that this browser reads.",
        more: "JPEG, PNG and WebP are read everywhere.",
        button: "Choose another",
      },
    },
  },
  zh: {
    take: "拍照",
    again: "重新看",
    show: "它只看方框里的画面。",
    showCard: "把整个图画放进框里，然后按下。",
    still: "再按一次，重新看。",
    notices: {
      off: {
        title: "允许此页面看吗？",
        more: "浏览器会询问你。相机看到的只留在此页面。",
        button: "打开相机",
      },
      opening: { title: "正在请求相机……", more: "浏览器可能在等你回答。", button: "" },
      refused: {
        title: "相机被拒绝了。",
        more: "若要允许，请打开地址栏旁的网站设置，然后重新载入页面。也可以从文件中选一张照片。",
        button: "选择照片",
      },
      absent: {
        title: "这里没有相机。",
        more: "接上相机后重新载入页面。也可以从文件中选一张照片。",
        button: "选择照片",
      },
      busy: {
        title: "相机没有回应。",
        more: "可能被其他程序占用：关闭它再重新载入页面。也可以从文件中选一张照片。",
        button: "选择照片",
      },
      insecure: {
        title: "浏览器只向安全的页面提供相机。",
        more: "请用 https 或在 localhost 打开此页面。也可以从文件中选一张照片：手机会在那里提供相机。",
        button: "选择照片",
      },
      unread: {
        title: "浏览器读不出这个文件里的照片。",
        more: "JPEG、PNG 和 WebP 到处都能读。",
        button: "另选一个",
      },
    },
  },
};

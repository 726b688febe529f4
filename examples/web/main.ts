// Draw something and name it; draw again and be recognised. It learns in the page, and nothing leaves it.
import { InnerloopError, Learner } from "@innerloop/runtime";

const element = <T extends Element>(selector: string): T => document.querySelector<T>(selector)!;
const pad = element<HTMLCanvasElement>("#pad");
const answer = element<HTMLOutputElement>("#answer");
const pen = pad.getContext("2d", { willReadFrequently: true })!;
pen.lineWidth = 16;
pen.lineCap = "round";
pen.lineJoin = "round";

function clear(): void {
  pen.fillStyle = "white";
  pen.fillRect(0, 0, pad.width, pad.height);
}
clear();

const learner: Learner = await Learner.load("bundle/");
const mine = learner.start();
document.body.dataset.provider = learner.provider.name;

/** Whatever is wrong is said in words that a person can act on. */
async function attempt(work: () => Promise<string>): Promise<void> {
  answer.textContent = await work().catch((error: unknown) => {
    if (error instanceof InnerloopError) return error.message;
    throw error;
  });
}

const recognise = (): Promise<void> =>
  attempt(async () => {
    if (!mine.ready) return "What is it?";
    const { label, probability, known } = await mine.predict(await learner.example(pad));
    return known === false ? "None of these: what is it?" : `${label}, ${(100 * probability).toFixed(0)} % sure`;
  });

pad.addEventListener("pointerdown", ({ offsetX, offsetY, pointerId }) => {
  pad.setPointerCapture(pointerId);
  pen.beginPath();
  pen.moveTo((offsetX * pad.width) / pad.clientWidth, (offsetY * pad.height) / pad.clientHeight);
});
pad.addEventListener("pointermove", ({ offsetX, offsetY, buttons }) => {
  if (buttons === 0) return;
  pen.lineTo((offsetX * pad.width) / pad.clientWidth, (offsetY * pad.height) / pad.clientHeight);
  pen.stroke();
});
pad.addEventListener("pointerup", recognise);
element("#clear").addEventListener("click", clear);
element<HTMLFormElement>("#teach").addEventListener("submit", (event) => {
  event.preventDefault();
  const label = String(new FormData(event.target as HTMLFormElement).get("label"));
  void attempt(async () => {
    await mine.add(label, await learner.example(pad));
    clear();
    return `I know: ${mine.labels.join(", ")}.`;
  });
});

// Gestures with the mouse or a finger, learned by name: a hook and one component.
import { type PointerEvent, StrictMode, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { toExample } from "./gesture.ts";
import { useLearner } from "./use-learner.ts";

type Point = readonly [x: number, y: number];

function Gestures() {
  const learner = useLearner("bundle/", "gestures");
  const [path, setPath] = useState<readonly Point[]>([]);
  const [label, setLabel] = useState("");
  const [answer, setAnswer] = useState("");
  const drawing = useRef(false);
  const at = ({ nativeEvent: { offsetX, offsetY } }: PointerEvent): Point => [offsetX, offsetY];

  async function done() {
    drawing.current = false;
    if (!learner.canPredict || path.length < 2) return;
    const found = await learner.predict(toExample(path));
    setAnswer(found ? `${found.label}, ${(100 * found.probability).toFixed(0)} % sure` : "");
  }

  if (learner.status === "loading") return <p>Loading…</p>;
  if (learner.status === "failed") return <p role="alert">{learner.error}</p>;
  return (
    <main style={{ font: "1.1rem/1.5 system-ui", maxWidth: "24rem", margin: "2rem auto", padding: "0 1rem" }}>
      <h1>Learns your gestures</h1>
      <svg
        role="img"
        aria-label="Gesture pad"
        viewBox="0 0 300 300"
        width={300}
        height={300}
        style={{ border: "1px solid", borderRadius: 8, touchAction: "none" }}
        onPointerDown={(event) => {
          drawing.current = true;
          setPath([at(event)]);
        }}
        onPointerMove={(event) => drawing.current && setPath((before) => [...before, at(event)])}
        onPointerUp={done}
      >
        <polyline points={path.join(" ")} fill="none" stroke="currentColor" strokeWidth={6} strokeLinecap="round" />
      </svg>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          await learner.teach(label, toExample(path));
          setPath([]);
        }}
      >
        <input required value={label} onChange={({ target }) => setLabel(target.value)} aria-label="Its name" />
        <button type="submit" disabled={path.length < 2}>
          Learn
        </button>{" "}
        <button type="button" onClick={learner.undo}>
          Undo
        </button>
      </form>
      <output>{learner.error ?? answer}</output>
      <ul>
        {learner.labels.map((name) => (
          <li key={name}>
            {name}{" "}
            <button type="button" onClick={() => learner.forget(name)}>
              Forget
            </button>
          </li>
        ))}
      </ul>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <Gestures />
  </StrictMode>,
);

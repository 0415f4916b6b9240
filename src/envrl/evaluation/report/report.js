"use strict";
// Plays the replays of a report. Frames are data, shown as text only: nothing of them is ever read as markup.
for (const box of document.querySelectorAll(".replay")) {
  const frames = JSON.parse(box.querySelector("script").textContent);
  const screen = box.querySelector(".screen");
  const said = box.querySelector("output");
  const slider = box.querySelector("input");
  const speed = box.querySelector("select");
  const play = box.querySelector("[data-do=play]");
  let at = 0;
  let timer = 0;

  const show = (number) => {
    at = Math.max(0, Math.min(frames.length - 1, number));
    const [caption, text, marks] = frames[at];
    const parts = [];
    let done = 0;
    for (const [start, end] of marks) {
      parts.push(text.slice(done, start));
      const mark = document.createElement("mark");
      mark.textContent = text.slice(start, end);
      parts.push(mark);
      done = end;
    }
    screen.replaceChildren(...parts, text.slice(done));
    said.textContent = caption + " · " + (at + 1) + " of " + frames.length;
    slider.value = at;
    slider.setAttribute("aria-valuetext", caption);
  };
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
    said.setAttribute("aria-live", "polite");
  };
  const start = () => {
    if (at === frames.length - 1) show(0);
    said.setAttribute("aria-live", "off"); // a voice could not keep up
    play.textContent = "Pause";
    timer = setInterval(() => (at === frames.length - 1 ? pause() : show(at + 1)), 1000 / speed.value);
  };
  const actions = {
    first: () => show(0),
    back: () => show(at - 1),
    next: () => show(at + 1),
    last: () => show(frames.length - 1),
  };
  const act = (name) => {
    const playing = timer !== 0;
    pause();
    if (name === "play") {
      if (!playing) start();
    } else {
      actions[name]();
    }
  };

  box.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) act(button.dataset.do);
  });
  slider.addEventListener("input", () => {
    pause();
    show(Number(slider.value));
  });
  speed.addEventListener("change", () => {
    if (timer) {
      pause();
      start();
    }
  });
  const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play" };
  screen.addEventListener("keydown", (event) => {
    if (keys[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      act(keys[event.key]);
    }
  });

  if (matchMedia("(prefers-reduced-motion: reduce)").matches) speed.value = "1";
  slider.max = frames.length - 1;
  box.querySelector(".controls").hidden = false;
  show(0);
}

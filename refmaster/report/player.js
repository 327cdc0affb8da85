"use strict";
// Plays short passages of target, master and reference from bytes in this page: all run together, one is heard.
(() => {
  const held = document.getElementById("sound");
  const box = document.querySelector(".player");
  if (!held || !box) return;
  const { voices } = JSON.parse(held.textContent);
  const FADE_S = 0.012; // of a switch: no click, and no gap
  const TICK_MS = 100;

  const one = (name) => box.querySelector(name);
  const all = (name) => [...box.querySelectorAll(name)];
  const [play, seek, clock, status] = [".play", ".seek", ".clock", "[role=status]"].map(one);
  const buttons = { voice: all("[data-voice]"), passage: all("[data-passage]") };
  const state = { voice: 0, passage: 0, playing: false, matched: true, keys: true, at: 0 };
  const decoded = new Map();
  let context, running = [], started = 0, ticking = 0, wish = 0;

  const passage = (voice) => voice.passages[Math.min(state.passage, voice.passages.length - 1)];
  const length = () => passage(voices[0]).length_s;
  const down = (k) => (state.matched ? voices[k].gains_db[state.passage] : 0); // matched within the passage
  const turned = (k) => voices[k].held_db + down(k);
  const gain = (k) => (k === state.voice ? 10 ** (turned(k) / 20) : 0);
  const position = () => {
    if (!state.playing) return state.at;
    return (state.at + Math.max(0, context.currentTime - started)) % length();
  };
  const called = () => buttons.voice[state.voice].dataset.said;
  const said = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;

  const load = (voice) => {
    const found = passage(voice);
    if (!decoded.has(found)) {
      const bytes = Uint8Array.from(atob(found.flac), (letter) => letter.charCodeAt(0));
      decoded.set(found, context.decodeAudioData(bytes.buffer));
    }
    return decoded.get(found);
  };

  const stop = () => {
    for (const { source } of running) source.stop();
    running = [];
  };

  const start = async () => {
    const mine = ++wish;
    context ??= new AudioContext();
    await context.resume();
    const buffers = await Promise.all(voices.map(load));
    if (mine !== wish) return; // something else was asked for meanwhile
    stop();
    started = context.currentTime + 0.02;
    running = buffers.map((buffer, k) => {
      const source = new AudioBufferSourceNode(context, { buffer, loop: true });
      const level = new GainNode(context, { gain: gain(k) });
      source.loopEnd = Math.min(buffer.duration, passage(voices[k]).length_s);
      source.connect(level).connect(context.destination);
      source.start(started, state.at % source.loopEnd);
      return { source, level };
    });
    state.playing = true;
    show(true);
  };

  const pause = () => {
    wish += 1;
    state.at = position();
    state.playing = false;
    stop();
    show(true);
  };

  const trouble = (error) => {
    pause();
    status.textContent = `This browser cannot play the sound in this page (${error.name}); the files stand beside it.`;
  };
  const run = () => start().catch(trouble);

  const place = () => {
    const at = position();
    seek.value = at;
    const there = passage(voices[state.voice]).start_s + at;
    clock.textContent = said(there);
    seek.setAttribute("aria-valuetext", `${at.toFixed(1)} s of ${length().toFixed(0)}, at ${said(there)} in ${called()}`);
  };

  const show = (tell) => {
    const voice = voices[state.voice];
    buttons.voice.forEach((button, k) => {
      button.setAttribute("aria-pressed", String(k === state.voice));
      button.querySelector(".gain").textContent = state.matched ? voices[k].turned[state.passage] : "as it is";
    });
    buttons.passage.forEach((button, k) => button.setAttribute("aria-pressed", String(k === state.passage)));
    play.querySelector("span").textContent = state.playing ? "Pause" : "Play";
    for (const name of ["matched", "keys"]) one(`.${name}`).setAttribute("aria-pressed", String(state[name]));
    seek.max = length();
    place();
    Object.assign(box.dataset, { state: state.playing ? "playing" : "paused", heard: voice.name });
    running.forEach(({ level }, k) => level.gain.setTargetAtTime(gain(k), context.currentTime, FADE_S / 3));
    if (tell) {
      const level = !state.matched ? ", at its own level" : down(state.voice) > -0.05 ? "" : `, turned down ${(-down(state.voice)).toFixed(1)} dB`;
      status.textContent = `${state.playing ? "Playing" : "Paused:"} ${called()}${level}.`;
    }
    clearInterval(ticking);
    if (state.playing) ticking = setInterval(place, TICK_MS);
  };

  const choose = (k) => { if (k >= 0 && k < voices.length) { state.voice = k; show(true); } };
  const toggle = () => (state.playing ? pause() : run());
  const move = (at) => {
    state.at = at;
    if (state.playing) run();
    else show(false);
  };

  buttons.voice.forEach((button, k) => button.addEventListener("click", () => choose(k)));
  buttons.passage.forEach((button, k) => button.addEventListener("click", () => {
    const playing = state.playing;
    if (playing) pause();
    Object.assign(state, { passage: k, at: 0 });
    show(!playing);
    if (playing) run();
  }));
  play.addEventListener("click", toggle);
  seek.addEventListener("input", () => move(Number(seek.value)));
  for (const name of ["matched", "keys"]) {
    one(`.${name}`).addEventListener("click", () => { state[name] = !state[name]; show(name === "matched"); });
  }
  addEventListener("keydown", (event) => {
    if (!state.keys || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const letter = event.key.toLowerCase();
    const found = buttons.voice.findIndex((button) => button.dataset.key.toLowerCase() === letter);
    if (found >= 0) choose(found);
    else if (event.key === " " && !event.target.closest("button, a, summary")) {
      event.preventDefault(); // or the page scrolls
      toggle();
    }
  });
  show(false);
})();

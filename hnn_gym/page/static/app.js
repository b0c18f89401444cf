// What the buttons, the keys and the fingers do, and the loop that steps and draws.
"use strict";

(() => {
  const data = WORLD, $ = (id) => document.getElementById(id);
  const simulation = new Simulation(data);
  const portrait = new Portrait($("portrait-canvas"), data), energies = new Energies($("energy-canvas"), data);
  const NAMES = { learned: "learned", true: "real", copy: "left alone" };
  const unit = data.energy_unit ? ` ${data.energy_unit}` : "";
  // Where a step is long, as in games whose time has no unit, real time would be too slow to watch.
  const pace = Math.max(1, data.dt * 3);
  let paused = false, share = 1, last = 0, drag = null, held = new Set(), starts = 0, note = "", frames = 0;
  const times = [];  // how long the last frames took to compute, in ms

  const panels = simulation.motions.map((motion, i) => {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption");
    const drawn = data.frames && motion.key === "true" ? null : pictureOf(data);
    caption.innerHTML = `<i class="${motion.key}"></i>${NAMES[motion.key]} <b></b>`;
    figure.append(canvas, caption);
    $("pictures").append(figure);
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      drag = { i, from: spot(event), to: spot(event), width: canvas.clientWidth };
    });
    canvas.addEventListener("pointermove", (event) => { if (drag) drag.to = spot(event); });
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { drag = null; });
    return { canvas, drawn, energy: caption.querySelector("b") };
  });
  const spot = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const clipped = (x) => Math.max(-1, Math.min(1, x));

  // The generalised forces of the finger or the keys: the first control along x, the second along y.
  function force() {
    let [x, y] = [held.has("ArrowRight") - held.has("ArrowLeft"), 0];
    if (drag) [x, y] = [0, 1].map((k) => clipped(((drag.to[k] - drag.from[k]) * (k ? -1 : 1)) / (drag.width / 4)));
    return data.forces.map((largest, i) => largest * [x, y][i] || 0);
  }
  function say(text) { note = text; }
  function bump(sign) {
    if (!simulation.canBump) return;
    const realised = simulation.bump(sign * data.joules);
    say(`The energy rose by ${realised.toPrecision(4)}${unit}.`.replace("rose by -", "fell by "));
    share = 1;
  }
  function reverse() {
    simulation.reverse();
    say(simulation.forwards ? "" : "Time runs backwards.");
    share = 1;
  }
  function branch() {
    simulation.branch();
    say(simulation.copy ? "The faint copy goes on without anything that you do from now on." : "");
  }
  function begin(state) {
    simulation.forwards = true;
    simulation.reset(state);
    share = 1;
    say("");
    sliders();
  }
  function pause(now = !paused) { paused = now; }
  const speed = () => pace * 2 ** Number($("speed").value);

  // One step, unless the world has left the numbers.
  function step() {
    if (!simulation.step(force())) {
      reverse();
      pause(true);
      say("No earlier state was found from which one step leads here, so time runs forwards again.");
      return false;
    }
    if (simulation.finite) return true;
    begin(data.starts[starts]);
    pause(true);
    say("The world reached numbers that are not finite, so it begins again.");
    return false;
  }
  function ended() {
    const { q, v } = simulation.first.state;
    return data.shared.over && data.shared.over(q, v).over;
  }

  const drawnPoints = new WeakMap();
  function trails(i) {
    if (!data.picture || !data.picture.shapes.some((shape) => shape.trail)) return null;
    return simulation.past.slice(-240).map((moment) => {
      const point = i < 0 ? moment.copy : moment.points[i];
      if (!point) return null;
      if (!drawnPoints.has(point)) drawnPoints.set(point, data.shared.picture(point.q).points);
      return drawnPoints.get(point);
    }).filter(Boolean);
  }
  function draw(now) {
    readPalette();
    simulation.motions.forEach((motion, i) => {
      const { canvas, drawn, energy } = panels[i], surface = fitted(canvas);
      const picture = drawn || (panels[i].drawn = new Dials(data));
      const drawing = [
        () => picture.draw(surface, motion.between(share, simulation.dt), { real: motion.key === "true" && i > 0, trails: trails(i) }),
      ];
      if (i === 0 && simulation.copy) {
        drawing.push(() => picture.draw(surface, simulation.copy.between(share, simulation.dt), { faint: true, trails: trails(-1) }));
      }
      // The copy lies behind the motion, unless a picture covers all that is behind it.
      for (const part of picture.covers ? drawing : drawing.reverse()) part();
      if (drag && drag.i === i && data.forces.length) drawPush(surface, drag.from, drag.to);
      energy.textContent = simulation.hasEnergy ? `${motion.energy.toFixed(3)}${unit}` : "";
    });
    portrait.draw(simulation, now);
    if (simulation.hasEnergy) energies.draw(simulation);
    const over = ended() ? "The episode of the environment ends here: what follows may be beyond what was learned." : "";
    $("note").textContent = over || note || "\u00a0";
    $("pause").textContent = paused ? "Continue" : "Pause";
    $("reverse").setAttribute("aria-pressed", String(!simulation.forwards));
    $("copy").hidden = !simulation.copy;
    $("branch").setAttribute("aria-pressed", String(Boolean(simulation.copy)));
    $("speed-value").textContent = ` × ${Number(speed().toPrecision(2))}`;
  }
  function loop(now) {
    const began = performance.now(), passed = Math.min((now - last) / 1000, 0.1);
    last = now;
    if (!paused) {
      share += (passed * speed()) / data.dt;
      for (let k = 0; share > 1 && k < 400; k += 1) {
        share -= 1;
        if (!step()) break;
      }
      share = Math.min(share, 1);
    }
    draw(now);
    frames += 1;
    times.push(performance.now() - began);
    if (times.length > 600) times.shift();
    requestAnimationFrame(loop);
  }

  function sliders() {
    const n = data.degrees.length, { q, v } = simulation.first.state, state = [...q, ...v];
    $("sliders").replaceChildren(...state.map((value, k) => {
      const degree = data.degrees[k % n], label = document.createElement("label"), input = document.createElement("input");
      const [low, high] = k < n ? [degree.low, degree.high] : [-degree.speed, degree.speed];
      Object.assign(input, { type: "range", min: low, max: high, step: "any" });
      input.value = String(k < n ? wrapped(value, degree) : value);
      const output = document.createElement("output");
      output.textContent = Number(input.value).toFixed(2);
      input.addEventListener("input", () => {
        output.textContent = Number(input.value).toFixed(2);
        simulation.forwards = true;
        simulation.reset([...$("sliders").querySelectorAll("input")].map((each) => Number(each.value)));
        pause(true);
      });
      label.append(k < n ? degree.name : `d${degree.name}/dt`, input, output);
      return label;
    }));
  }
  function setUp() {
    $("name").textContent = data.name;
    $("facts").textContent = data.facts.join(" ");
    const has = simulation.first.world.energy;
    $("legend").innerHTML = simulation.motions.map(({ key }) => `<i class="${key}"></i>${NAMES[key]}`).join(" ")
      + `<span id="copy" hidden><i class="copy"></i>${NAMES.copy}</span>`;
    $("portrait-title").textContent = has ? "Phase portrait, with level sets of H" : "Phase portrait";
    $("energy").hidden = !simulation.hasEnergy;
    $("more").textContent = `+ ${data.joules || 1}${unit}`;
    $("less").textContent = `− ${data.joules || 1}${unit}`;
    for (const button of [$("more"), $("less")]) {
      button.disabled = !simulation.canBump;
      if (button.disabled) button.title = "Neither this network nor anything known of the system tells an energy.";
    }
    data.degrees.forEach(({ name }, i) => $("degree").append(new Option(name, String(i))));
    $("degree").hidden = data.degrees.length < 2;
    document.body.classList.toggle("pair", panels.length > 1);
    $("degree").addEventListener("change", () => portrait.choose(Number($("degree").value)));
    const clicks = { pause: () => pause(), reverse, branch, more: () => bump(1), less: () => bump(-1), start: fresh };
    for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
    $("theme").addEventListener("click", () => {
      document.documentElement.dataset.theme = colour("dark") === "1" ? "light" : "dark";
    });
    $("state").addEventListener("toggle", sliders);
    portraitTouches();
    energyTouches();
    keys();
    sliders();
  }
  function fresh() {
    starts = (starts + 1) % data.starts.length;
    begin(data.starts[starts]);
  }
  function portraitTouches() {
    let down = false;
    const put = (event) => {
      if (!down || !portrait.place) return;
      const [x, y] = portrait.place.value(...spot(event)), { q, v } = simulation.first.state, { degree, index } = portrait;
      q[index] = Math.max(degree.low, Math.min(degree.high, x));
      v[index] = Math.max(-degree.speed, Math.min(degree.speed, y));
      begin([...q, ...v]);
    };
    const canvas = $("portrait-canvas");
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); down = true; put(event); });
    canvas.addEventListener("pointermove", put);
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { down = false; });
  }
  function energyTouches() {
    let down = false;
    const canvas = $("energy-canvas");
    const go = (event) => {
      if (!down || !energies.place) return;
      const all = [...simulation.past, ...simulation.abandoned];
      const index = energies.indexAt(simulation, spot(event)[0]);
      if (index < simulation.past.length && all.length) simulation.rewind(index);
      pause(true);
      share = 1;
      say("This is an earlier moment. Continue, and compare with what happened.");
    };
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); down = true; go(event); });
    canvas.addEventListener("pointermove", go);
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { down = false; });
  }
  function keys() {
    const acts = {
      " ": () => pause(), r: reverse, b: branch, n: fresh, ArrowUp: () => bump(1), ArrowDown: () => bump(-1),
      ".": () => { pause(true); step(); share = 1; }, ArrowLeft: () => {}, ArrowRight: () => {},
    };
    window.addEventListener("keydown", (event) => {
      const act = acts[event.key];
      if (!act || event.metaKey || event.ctrlKey || event.altKey || event.target.matches("input, select")) return;
      event.preventDefault();
      if (!held.has(event.key)) act();
      held.add(event.key);
    });
    window.addEventListener("keyup", (event) => held.delete(event.key));
    window.addEventListener("blur", () => held.clear());
  }

  setUp();
  // For tests and for the curious: window.world in the console.
  window.world = { data, simulation, bump, step, pause, begin, times, get frames() { return frames; } };
  requestAnimationFrame((now) => { last = now; loop(now); });
})();

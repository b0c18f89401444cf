// The pictures of a state: the shapes of its task, decoded frames, or dials where neither is known.
"use strict";

// The colours of the theme by name, read once for every frame.
let palette = {};
function readPalette() {
  const style = getComputedStyle(document.documentElement);
  palette = Object.fromEntries(PALETTE.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}
const PALETTE = ["dark", "paper", "muted", "grid", "body", "second", "third", "frame", "ground", "mark", "copy", "push",
  "level", "low", "high"];
const colour = (name) => palette[name];

// Fit a canvas to its place on a screen of any density; returns its context in CSS pixels and its size.
function fitted(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas, ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineJoin = context.lineCap = "round";
  return { context, width, height };
}

class Shapes {
  constructor(data) {
    this.data = data;
    this.picture = data.picture;
    this.zoom = 1;
    this.plain = !data.picture.shapes.some((shape) => shape.colour === "second");
  }
  // A function from x and y to pixels that shows the whole picture, and more where a shape with a trail leaves it.
  view(points, width, height) {
    const { half_width: half, centre, shapes } = this.picture;
    let reach = 1, at = 0;
    for (const shape of shapes) {
      if (shape.trail || shape.kind === "polygon") {
        for (let k = at; k < at + 2 * shape.count; k += 1) {
          reach = Math.max(reach, Math.abs(points[k] - centre[k % 2]) / half / 0.95);
        }
      }
      at += 2 * shape.count;
    }
    const wanted = 1.25 ** Math.ceil(Math.log(Math.max(reach, 1)) / Math.log(1.25) - 1e-9);
    this.zoom += ((Number.isFinite(wanted) ? wanted : 1) - this.zoom) * 0.1;
    const scale = Math.min(width, height) / (2 * half * this.zoom);
    return { scale, at: (x, y) => [width / 2 + (x - centre[0]) * scale, height / 2 - (y - centre[1]) * scale] };
  }
  // The true world is drawn in the second colour, unless that is the colour of a second body.
  tint(name, real) { return real && this.plain && name === "body" ? "second" : name; }
  draw(surface, q, { faint = false, real = false, trails = null } = {}) {
    const { context, width, height } = surface;
    const points = this.data.shared.picture(q).points;
    const view = this.view(points, width, height);
    context.globalAlpha = faint ? 0.3 : 1;
    let at = 0;
    this.picture.shapes.forEach((shape, index) => {
      const places = [];
      for (let k = 0; k < shape.count; k += 1) places.push(view.at(points[at + 2 * k], points[at + 2 * k + 1]));
      at += 2 * shape.count;
      const fixed = shape.colour === "ground" || shape.colour === "mark";
      if (faint && fixed) return;
      context.fillStyle = context.strokeStyle = colour(this.tint(shape.colour, real));
      if (shape.trail && trails) this.trail(context, view, trails, index, faint);
      this[shape.kind](context, places, shape, view.scale);
    });
    context.globalAlpha = 1;
  }
  // The way of a disc, from the past positions; older parts are fainter.
  trail(context, view, trails, index, faint) {
    const before = this.picture.shapes.slice(0, index).reduce((sum, other) => sum + 2 * other.count, 0);
    context.lineWidth = 1.5;
    const ways = trails.map((points) => view.at(points[before], points[before + 1]));
    for (let k = 1; k < ways.length; k += 1) {
      context.globalAlpha = (faint ? 0.2 : 0.75) * (k / ways.length);
      context.beginPath();
      context.moveTo(...ways[k - 1]);
      context.lineTo(...ways[k]);
      context.stroke();
    }
    context.globalAlpha = faint ? 0.3 : 1;
  }
  line(context, places, shape, scale) {
    context.lineWidth = Math.max(1.5, shape.width * scale);
    context.beginPath();
    places.forEach((place, k) => (k ? context.lineTo(...place) : context.moveTo(...place)));
    context.stroke();
  }
  polygon(context, places) {
    context.beginPath();
    places.forEach((place, k) => (k ? context.lineTo(...place) : context.moveTo(...place)));
    context.closePath();
    context.lineWidth = 4;
    context.stroke();
    context.fill();
  }
  disc(context, [[x, y]], shape, scale) {
    context.beginPath();
    context.arc(x, y, Math.max(2.5, shape.radius * scale), 0, 2 * Math.PI);
    context.fill();
  }
  coil(context, [[x0, y0], [x1, y1]], shape, scale) {
    const [dx, dy] = [x1 - x0, y1 - y0], length = Math.hypot(dx, dy) || 1, points = 20 * shape.turns;
    context.lineWidth = 2;
    context.beginPath();
    for (let k = 0; k <= points; k += 1) {
      const s = k / points, wave = (Math.sin(2 * Math.PI * shape.turns * s) * shape.radius * scale) / length;
      const place = [x0 + s * dx - wave * dy, y0 + s * dy + wave * dx];
      if (k) context.lineTo(...place); else context.moveTo(...place);
    }
    context.stroke();
  }
}

class Dials {
  constructor(data) { this.degrees = data.degrees; }
  draw({ context, width, height }, q, { faint = false, real = false } = {}) {
    const across = width / q.length, radius = Math.min(across, height) * 0.36, y = height / 2;
    context.globalAlpha = faint ? 0.3 : 1;
    this.degrees.forEach((degree, i) => {
      const x = across * (i + 0.5);
      context.lineWidth = 2;
      context.strokeStyle = colour("mark");
      context.beginPath();
      if (degree.angle) context.arc(x, y, radius, 0, 2 * Math.PI);
      else { context.moveTo(x - radius, y); context.lineTo(x + radius, y); }
      context.stroke();
      const share = (2 * (q[i] - degree.low)) / (degree.high - degree.low) - 1;
      const end = degree.angle ? [x + radius * Math.sin(q[i]), y - radius * Math.cos(q[i])] : [x + radius * share, y];
      context.strokeStyle = context.fillStyle = colour(real ? "second" : "body");
      context.lineWidth = radius * 0.12;
      context.beginPath();
      if (degree.angle) { context.moveTo(x, y); context.lineTo(...end); context.stroke(); }
      else { context.arc(...end, radius * 0.14, 0, 2 * Math.PI); context.fill(); }
      context.fillStyle = colour("muted");
      context.font = "14px system-ui, sans-serif";
      context.textAlign = "center";
      context.fillText(degree.name, x, y + radius + 24);
    });
    context.globalAlpha = 1;
  }
}

const pictureOf = (data) => (data.frames ? framesOf(data) : data.picture ? new Shapes(data) : new Dials(data));

// An arrow of what pushes: from where the finger went down to where it is.
function drawPush({ context }, [x0, y0], [x1, y1]) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (length < 4) return;
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length], head = Math.min(12, length);
  context.strokeStyle = context.fillStyle = colour("push");
  context.lineWidth = 3;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1 - head * ux, y1 - head * uy);
  context.stroke();
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x1 - head * ux - (head / 2) * uy, y1 - head * uy + (head / 2) * ux);
  context.lineTo(x1 - head * ux + (head / 2) * uy, y1 - head * uy - (head / 2) * ux);
  context.fill();
}

// Motions of the worlds of a page: the present state of each, their past, and a copy that nothing is done to.
"use strict";

const MOST_MOMENTS = 1500;

class Motion {
  constructor(key, world, x, data) {
    Object.assign(this, { key, world, x, before: x, data });
  }
  get state() { return this.world.state(this.x); }
  // H, with the zero of the true one; of a network without physics the true energy of its state, where it is known.
  get energy() {
    const truth = this.data.worlds.true;
    if (this.world.energy) return this.world.energy(this.x).energy + (this.world === truth ? 0 : this.data.zero);
    const { q, v } = this.state;
    return truth ? truth.energy(truth.point(q, v).x).energy : NaN;
  }
  advance(force, forwards) {
    this.before = this.x;
    this.x = (forwards ? this.world.step : this.world.back)(this.x, force).x;
  }
  // Positions a share of a step after the last state: the cubic that both ends and their velocities determine.
  between(share, dt) {
    const a = this.world.state(this.before), b = this.state;
    const s = share, s2 = s * s, s3 = s2 * s;
    return b.q.map((q, i) => (2 * s3 - 3 * s2 + 1) * a.q[i] + (s3 - 2 * s2 + s) * dt * a.v[i]
      + (3 * s2 - 2 * s3) * q + (s3 - s2) * dt * b.v[i]);
  }
}

class Simulation {
  constructor(data) {
    this.data = data;
    this.forwards = true;
    this.shown = Object.keys(data.worlds);
    this.reset(data.starts[0]);
  }
  // Start all worlds at a state [q, v].
  reset(state) {
    const n = state.length / 2, q = state.slice(0, n), v = state.slice(n);
    this.motions = this.shown.map((key) => {
      const world = this.data.worlds[key];
      return new Motion(key, world, world.point(q, v).x, this.data);
    });
    this.copy = null;
    this.past = [];
    this.abandoned = [];
    this.moment = 0;
    this.remember();
  }
  get first() { return this.motions[0]; }
  get canReverse() { return this.motions.every((motion) => motion.world.back); }
  get canBump() { return this.motions.every((motion) => motion.world.bump); }
  get hasEnergy() { return Boolean(this.first.world.energy || this.data.worlds.true); }
  get finite() { return this.motions.every((motion) => motion.x.every(Number.isFinite)); }
  get dt() { return this.forwards ? this.data.dt : -this.data.dt; }
  get free() { return this.data.forces.map(() => 0); }
  step(force) {
    for (const motion of this.motions) motion.advance(force, this.forwards);
    if (this.copy) this.copy.advance(this.free, this.forwards);
    this.moment += 1;
    this.remember();
  }
  // Give every world an energy; returns what the first one realised.
  bump(energy) {
    const realised = this.motions.map((motion) => {
      const given = motion.world.bump(motion.x, [energy]);
      motion.x = motion.before = given.x;
      return given.realised;
    });
    this.past.pop();
    this.remember();
    return realised[0];
  }
  reverse() {
    if (!this.canReverse) return;
    this.forwards = !this.forwards;
    for (const motion of [...this.motions, this.copy]) if (motion) motion.before = motion.x;
  }
  // Keep or drop a copy that goes on from this moment without pushes and bumps.
  branch() {
    this.copy = this.copy ? null : new Motion("copy", this.first.world, this.first.x, this.data);
  }
  remember() {
    const moment = { moment: this.moment, forwards: this.forwards };
    moment.points = this.motions.map((motion) => ({ x: motion.x, energy: motion.energy, ...motion.state }));
    moment.copy = this.copy && { x: this.copy.x, energy: this.copy.energy, ...this.copy.state };
    this.past.push(moment);
    if (this.past.length > MOST_MOMENTS) this.past.shift();
    while (this.abandoned.length && this.abandoned[0].moment < this.past[0].moment) this.abandoned.shift();
  }
  // Go back to an earlier moment; what happened after it stays as the abandoned future.
  rewind(index) {
    const at = Math.max(0, Math.min(index, this.past.length - 1));
    const later = this.past.splice(at + 1);
    if (later.length > this.abandoned.length || !later.length) this.abandoned = later.length ? later : this.abandoned;
    const then = this.past[at];
    this.motions.forEach((motion, i) => { motion.x = motion.before = then.points[i].x; });
    this.copy = null;
    this.forwards = then.forwards;
    this.moment = then.moment;
  }
}

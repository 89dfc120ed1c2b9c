// Plays the scenes of a page. What lies between two values is said in tween.py too: the same.
"use strict";
(() => {
  const NUMBER = /-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?/g;
  const AT_ONCE = new Set(["text", "class", "style", "id", "href", "fill", "stroke", "font-family"]);
  const SPEEDS = [0.5, 1, 1.5, 2, 4];

  function mix(name, old, now, part) {
    if (part <= 0 || old === now) return old;
    if (part >= 1 || AT_ONCE.has(name) || (old + now).includes("#")) return now;
    const before = old.split(NUMBER), after = now.split(NUMBER);
    if (before.length !== after.length || before.some((x, k) => x !== after[k])) return now;
    const here = (old.match(NUMBER) || []).map(Number), there = (now.match(NUMBER) || []).map(Number);
    if (!(Math.max(0, ...here.map(Math.abs), ...there.map(Math.abs)) < 1e12)) return now;
    return before.map((x, k) => x + (k < here.length ? number(here[k] + (there[k] - here[k]) * part) : "")).join("");
  }

  function number(x) {
    return String(Math.floor(x * 1000 + 0.5) / 1000);
  }

  function travel(seconds, moving) {
    return typeof moving === "number" ? Math.min(moving, seconds) : Math.min(0.6, seconds / 2);
  }

  function ease(part) {
    return part * part * (3 - 2 * part);
  }

  // The value of a track at moment k: that of the last change not after it.
  function valueAt(track, k) {
    let low = 0, high = track.at.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (track.at[middle] <= k) low = middle; else high = middle - 1;
    }
    return track.values[low];
  }

  function tracksOf(start, moments) {
    const tracks = [], known = new Map();
    for (const [id, of] of Object.entries(start)) {
      for (const [name, value] of Object.entries(of)) {
        const track = { id, name, at: [-1], values: [value], now: null };
        known.set(id + "\n" + name, track);
        tracks.push(track);
      }
    }
    moments.forEach((m, k) => {
      for (const [id, of] of Object.entries(m.changes)) {
        for (const [name, value] of Object.entries(of)) {
          const track = known.get(id + "\n" + name);
          track.at.push(k);
          track.values.push(value);
        }
      }
    });
    return tracks;
  }

  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  class Player {
    constructor(figure, alone) {
      const find = (name) => figure.querySelector(".cr-" + name);
      const data = JSON.parse(find("data").textContent);
      Object.assign(this, { figure, alone, moments: data.moments, k: -1, playing: false, speed: 1 });
      this.key = alone ? "moment" : figure.dataset.scene;
      this.tracks = tracksOf(data.start, data.moments);
      const marks = new Map();
      figure.querySelectorAll(".cr-stage [id]").forEach((e) => marks.has(e.id) || marks.set(e.id, e));
      this.tracks.forEach((t) => { t.mark = marks.get(t.id); });
      this.seen = new Map(this.tracks.filter((t) => t.name === "opacity").map((t) => [t.mark, t]));
      Object.assign(this, {
        stage: find("stage"), dock: find("dock"), row: find("chapters"), range: find("range"), now: find("now"), where: find("where"),
        count: find("count"), toggle: find("play"), pace: find("speed"),
        lines: [...figure.querySelectorAll(".cr-line")], list: find("list"),
        chapters: [...figure.querySelectorAll(".cr-chapter")],
      });
      this.starts = this.chapters.map((c) => Number(c.dataset.start));
      this.listen(find);
      figure.classList.add("cr-live");
      this.go(this.fromHash() ?? 0, 0, false);
      if (figure.dataset.autoplay && !calm()) this.play();
    }

    listen(find) {
      const by = (name, act) => find(name).addEventListener("click", act);
      by("first", () => this.step("first"));
      by("back", () => this.step(-1));
      by("next", () => this.step(1));
      by("last", () => this.step("last"));
      by("play", () => (this.playing ? this.pause() : this.play()));
      this.range.addEventListener("input", () => { this.pause(); this.go(Number(this.range.value) - 1, 0.18); });
      this.pace.addEventListener("change", () => { this.speed = Number(this.pace.value); });
      this.chapters.forEach((c, i) => c.addEventListener("click", () => { this.pause(); this.go(this.starts[i]); }));
      this.lines.forEach((l, k) => l.addEventListener("click", () => { this.pause(); this.go(k); }));
      addEventListener("hashchange", () => {
        const k = this.fromHash();
        if (k !== null && k !== this.k) { this.pause(); this.go(k); }
      });
    }

    fromHash() {
      for (const part of location.hash.slice(1).split("&")) {
        const [key, value] = part.split("=");
        if (key === this.key && /^[0-9]+$/.test(value || "")) {
          return Math.min(Math.max(Number(value) - 1, 0), this.moments.length - 1);
        }
      }
      return null;
    }

    toHash() {
      const parts = location.hash.slice(1).split("&").filter((p) => p && p.split("=")[0] !== this.key);
      parts.push(this.key + "=" + (this.k + 1));
      // In a frame without an address of its own there is none to change.
      try { history.replaceState(null, "", "#" + parts.join("&")); } catch (_) { /* as it was */ }
    }

    step(by) {
      this.pause();
      const last = this.moments.length - 1;
      const to = by === "first" ? 0 : by === "last" ? last : Math.min(Math.max(this.k + by, 0), last);
      if (to !== this.k) this.go(to);
    }

    chapter(by) {
      this.pause();
      const here = this.starts.filter((s) => s <= this.k).length - 1;
      const inside = this.k > (this.starts[here] ?? 0);
      const to = by > 0 ? this.starts[here + 1] : this.starts[inside ? here : here - 1];
      this.go(to ?? (by > 0 ? this.moments.length - 1 : 0));
    }

    backward() {
      const to = this.chapters.findIndex((c) => c.dataset.name.toLowerCase().startsWith("backward"));
      if (to >= 0) { this.pause(); this.go(this.starts[to]); }
    }

    play() {
      if (this.k >= this.moments.length - 1) this.go(0, 0);
      this.playing = true;
      this.label();
      this.wait(this.moments[this.k].seconds / 2);
    }

    pause() {
      this.playing = false;
      clearTimeout(this.timer);
      this.label();
    }

    wait(seconds) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => {
        if (!this.playing) return;
        if (this.k >= this.moments.length - 1) { this.pause(); return; }
        const m = this.moments[this.k + 1], moving = calm() ? 0 : travel(m.seconds, m.moving) / this.speed;
        this.go(this.k + 1, moving);
        this.wait(m.seconds);
      }, (1000 * seconds) / this.speed);
    }

    // To moment k: every mark moves from where it is now to where it belongs.
    go(k, seconds, mine = true) {
      const m = this.moments[k];
      const near = Math.abs(k - this.k) === 1;
      seconds = calm() ? 0 : seconds ?? (near ? Math.min(travel(m.seconds, m.moving), 1.2) : 0.35);
      this.k = k;
      const moves = [];
      for (const t of this.tracks) {
        const to = valueAt(t, k);
        if (t.now !== to) moves.push([t, t.now ?? to, to]);
      }
      this.tell(m, mine);
      cancelAnimationFrame(this.frame);
      const began = performance.now();
      const draw = (time) => {
        const part = seconds > 0 ? Math.min(Math.max((time - began) / (1000 * seconds), 0), 1) : 1;
        for (const [t, from, to] of moves) this.put(t, mix(t.name, from, to, part < 1 ? ease(part) || 1e-9 : 1));
        if (part < 1) this.frame = requestAnimationFrame(draw);
        else this.look(m, mine);
      };
      draw(began);
      // Before the way as well as after it: what is lit is lit at once.
      if (seconds > 0) this.look(m, mine);
    }

    put(track, value) {
      if (track.now === value || !track.mark) return;
      track.now = value;
      if (track.name === "text") track.mark.textContent = value;
      else if (value === "" && track.values[0] === "") track.mark.removeAttribute(track.name);
      else track.mark.setAttribute(track.name, value);
    }

    tell(m, mine) {
      const n = this.moments.length, k = this.k;
      this.now.textContent = m.words;
      this.where.textContent = m.chapter || "\u00a0";
      this.count.textContent = `${k + 1} / ${n}`;
      this.range.value = k + 1;
      this.range.style.setProperty("--done", `${n > 1 ? (100 * k) / (n - 1) : 100}%`);
      this.range.setAttribute("aria-valuetext", `${k + 1} of ${n}${m.chapter ? ", " + m.chapter : ""}`);
      const here = this.starts.filter((s) => s <= k).length - 1;
      this.chapters.forEach((c, i) => c.setAttribute("aria-current", i === here ? "step" : "false"));
      this.lines.forEach((l, i) => l.setAttribute("aria-current", i === k ? "step" : "false"));
      const row = this.row, mark = this.chapters[here];
      if (mark && row.scrollWidth > row.clientWidth) {
        row.scrollLeft = mark.offsetLeft - row.offsetLeft - (row.clientWidth - mark.offsetWidth) / 2;
      }
      const line = this.lines[k], list = this.list;
      if (line) {
        const off = line.offsetTop - list.offsetTop;
        if (off < list.scrollTop || off + line.offsetHeight > list.scrollTop + list.clientHeight) {
          list.scrollTop = off - list.clientHeight / 3;
        }
      }
      if (mine) this.toHash();
    }

    // Where the picture is larger than the window, what has just changed is brought into sight.
    look(m, mine) {
      const stage = this.stage, frame = stage.getBoundingClientRect();
      const wide = stage.scrollWidth > stage.clientWidth + 1;
      const floor = Math.min(innerHeight, this.dock.getBoundingClientRect().top);
      const tall = mine && frame.height > floor;
      if (!wide && !tall) return;
      let left = Infinity, right = -Infinity, top = Infinity, bottom = -Infinity;
      const seen = (mark) => {
        const track = this.seen.get(mark);
        return (track ? valueAt(track, this.k) : mark.getAttribute("opacity")) !== "0";
      };
      const lit = [...stage.querySelectorAll(".lit")].filter(seen);
      const changed = this.tracks.filter((t) => t.mark && t.id in m.changes).map((t) => t.mark);
      for (const mark of lit.length ? lit : changed.filter(seen)) {
        const box = mark.getBoundingClientRect();
        if (!box.width && !box.height) continue;
        left = Math.min(left, box.left);
        right = Math.max(right, box.right);
        top = Math.min(top, box.top);
        bottom = Math.max(bottom, box.bottom);
      }
      const behavior = calm() ? "auto" : "smooth";
      const room = stage.clientWidth, fits = right - left <= room;  // else where it begins will do
      const out = left < frame.left || (fits ? right : left + room / 3) > frame.right;
      if (wide && out && left <= right) {
        const middle = fits ? (left + right) / 2 : left + room * 0.3;
        stage.scrollBy({ left: middle - frame.left - room / 2, behavior });
      }
      if (tall && (top < 0 || bottom > floor) && top <= bottom) {
        const high = bottom - top < floor - 32 ? (top + bottom - floor) / 2 : top - 16;
        scrollBy({ top: high, behavior });
      }
    }

    label() {
      const word = this.playing ? "Pause" : "Play";
      this.toggle.dataset.playing = this.playing ? "yes" : "";
      this.toggle.querySelector(".cr-word").textContent = word;
      this.toggle.title = word + " (Space)";
    }

    setSpeed(i) {
      this.speed = SPEEDS[i];
      this.pace.value = String(SPEEDS[i]);
    }
  }

  function onKey(event, players) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target, inside = target.closest ? target.closest(".cr-scene") : null;
    const player = players.find((p) => p.figure === inside) || (players.length === 1 ? players[0] : null);
    if (!player || target.isContentEditable || /^(SELECT|TEXTAREA)$/.test(target.tagName)) return;
    if (target.tagName === "INPUT" && target !== player.range) return;
    const pressed = /^(BUTTON|SUMMARY|A)$/.test(target.tagName), key = event.key;
    if (key === " " && !pressed) player.playing ? player.pause() : player.play();
    else if (key === "ArrowRight") event.shiftKey ? player.chapter(1) : player.step(1);
    else if (key === "ArrowLeft") event.shiftKey ? player.chapter(-1) : player.step(-1);
    else if (key === "Home") player.step("first");
    else if (key === "End") player.step("last");
    else if (key === "b" || key === "B") player.backward();
    else if (/^[1-5]$/.test(key)) player.setSpeed(Number(key) - 1);
    else return;
    event.preventDefault();
  }

  if (typeof document === "undefined") {
    module.exports = { mix, number, travel, ease, valueAt, tracksOf };
  } else {
    const figures = [...document.querySelectorAll(".cr-scene:not(.cr-still)")];
    const players = figures.map((f) => new Player(f, figures.length === 1));
    document.addEventListener("keydown", (event) => onKey(event, players));
  }
})();

// Keeps pages live. Every page works without it; nothing here draws what the
// server has not escaped, except numbers.
"use strict";

const all = (selector, root = document) => root.querySelectorAll(selector);
const grouped = (n) => n.toLocaleString("en-US");

// Relative times grow older while the page stands.
function span(ms) {
  const s = ms / 1000;
  if (s < 60) return s < 10 ? s.toFixed(1) + " s" : Math.floor(s) + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " days";
}
function age() {
  const now = Date.now();
  for (const t of all("time[datetime]")) {
    const ms = now - Date.parse(t.dateTime);
    t.textContent = ms < 0 ? "in " + span(-ms) : ms < 1000 ? "just now" : span(ms) + " ago";
  }
}
setInterval(age, 5000);

// On a phone the navigation is wider than the screen.
const here = document.querySelector(".side [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - 60;

// What is to be copied gets a button.
function copies(root) {
  if (!navigator.clipboard) return;
  for (const from of all("[data-copy]", root)) {
    if (from.dataset.copy === "on") continue;
    from.dataset.copy = "on";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    const text = from.textContent;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    from.tagName === "PRE" ? from.append(button) : from.after(button);
  }
}
copies(document);

// "/" goes to the search field; arrows go through the states of a text.
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName)) return;
  if (e.key === "/") {
    const field = document.querySelector("[data-hotkey='/']");
    if (field) { e.preventDefault(); field.focus(); }
  }
  const step = document.querySelector(".slider [aria-current]");
  const to = step && { ArrowLeft: step.previousElementSibling, ArrowRight: step.nextElementSibling }[e.key];
  if (to) to.click();
});
// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (e) => {
  if (e.target.method !== "post") return;
  if ("sent" in e.target.dataset) { e.preventDefault(); return; }
  e.target.dataset.sent = "";
  setTimeout(() => { delete e.target.dataset.sent; }, 5000);
});
// One menu or form is open at a time, and Escape closes it.
document.addEventListener("click", (e) => {
  for (const open of all("details.action[open], details.me[open]")) if (!open.contains(e.target)) open.open = false;
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const open of all("details.action[open], details.me[open]")) { open.open = false; open.querySelector("summary").focus(); }
});

// The overview's numbers, once a second.
const pulse = document.querySelector("[data-pulse]");
if (pulse) {
  const source = new EventSource("/live");
  const say = (text, on) => { pulse.querySelector("[data-pulse-text]").textContent = text; pulse.classList.toggle("on", on); };
  source.addEventListener("open", () => say("live", true));
  source.addEventListener("error", () => say("connecting…", false));
  source.addEventListener("beat", (e) => beat(JSON.parse(e.data)));
}
function beat(b) {
  const height = 120, width = 5;
  const most = Math.max(1, ...Object.values(b.series).flat());
  for (const [name, values] of Object.entries(b.series)) {
    const line = document.querySelector(`[data-series="${name}"]`);
    if (line) line.setAttribute("points", values.map((n, i) => `${i * width},${(height - n / most * (height - 8) - 2).toFixed(1)}`).join(" "));
    const rate = document.querySelector(`[data-rate="${name}"]`);
    if (rate) rate.textContent = (values.slice(-10).reduce((a, n) => a + n, 0) / 10).toFixed(1);
  }
  const top = document.querySelector("[data-most]");
  if (top) top.textContent = "peak " + grouped(most) + "/s";
  for (const t of all("[data-live]")) {
    const value = b[t.dataset.live];
    t.textContent = t.dataset.live === "head" || t.dataset.live === "relay" ? grouped(Math.max(0, value)) : !b.timed ? "–" : value < 1000 ? value + " ms" : span(value);
  }
  for (const t of all("[data-status]")) t.textContent = grouped((b.statuses || {})[t.dataset.status] || 0);
  for (const t of all("[data-waiting]")) { const n = b.waiting[t.dataset.waiting]; t.textContent = n < 0 ? "not known" : grouped(n || 0); }
  for (const t of all("[data-lags]")) t.textContent = grouped(Math.max(0, ...Object.values(b.lag)));
  for (const t of all("[data-lag]")) t.textContent = grouped(b.lag[t.dataset.lag] || 0);
  freshen(JSON.stringify(b.statuses));
}

// What the beat has no numbers for is drawn anew by the server when texts have come to
// other statuses, every few seconds at the most.
let drawn = "", drawing = 0;
async function freshen(statuses) {
  if (statuses === drawn || Date.now() - drawing < 3000) return;
  drawn = statuses;
  drawing = Date.now();
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const fresh of all("[data-fresh]", page)) {
      const shown = document.querySelector(`[data-fresh="${fresh.dataset.fresh}"]`);
      if (shown && shown.innerHTML !== fresh.innerHTML && !shown.contains(document.activeElement)) shown.replaceWith(fresh);
    }
  } catch {
    drawn = ""; // the next beat tries again
  }
}

// A text's page is drawn anew when something happens to it.
const live = document.querySelector("[data-follow]");
if (live && !("still" in live.dataset)) {
  const source = new EventSource(live.dataset.follow);
  source.addEventListener("row", async () => {
    if (document.querySelector("details.action[open]")) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
      const shown = document.getElementById("live");
      if (!fresh || !shown) return;
      const open = new Set([...all("details[open]", shown)].map((d) => d.firstElementChild.textContent));
      for (const d of all("details", fresh)) d.open = open.has(d.firstElementChild.textContent);
      shown.replaceWith(fresh);
      copies(fresh);
    } catch {
      // The next event tries again.
    }
  });
}

// The log's table grows at the top while it is followed.
const follow = document.querySelector("[data-follow-rows]");
if (follow) {
  const rows = document.querySelector("[data-rows]");
  let source = null;
  follow.addEventListener("click", () => {
    if (source) {
      source.close();
      source = null;
    } else {
      if (!rows) { location.reload(); return; }
      source = new EventSource(follow.dataset.followRows);
      source.addEventListener("row", (e) => {
        const template = document.createElement("template");
        template.innerHTML = e.data;
        const row = template.content.firstElementChild;
        if (!row || document.getElementById(row.id)) return;
        row.classList.add("fresh");
        rows.prepend(row);
        while (rows.rows.length > 500) rows.lastElementChild.remove();
      });
    }
    follow.setAttribute("aria-pressed", String(source !== null));
    follow.textContent = source ? "Following" : "Follow";
  });
}

// Draws the texts anew when something has changed, without touching what somebody
// types. The server has escaped everything.
"use strict";
const parts = ["phones", "screen", "carrier"];
function toEnd() {
  const screen = document.getElementById("screen");
  screen.scrollTop = screen.scrollHeight;
}
// A page without a number shows the newest phone. Once it is open it stays the one
// that the form answers for.
function here() {
  const number = document.querySelector(".reply input[name=n]")?.value;
  return number ? "/?n=" + encodeURIComponent(number) : location.href;
}
// Makes an element like another and keeps what is in it: what is pressed, in focus
// or found by a reader stays the same element.
function become(shown, fresh) {
  for (const { name } of [...shown.attributes]) if (!fresh.hasAttribute(name)) shown.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  const old = [...shown.childNodes];
  const all = [...fresh.childNodes];
  all.forEach((node, i) => {
    if (!old[i]) shown.append(node);
    else if (old[i].nodeName !== node.nodeName) old[i].replaceWith(node);
    else if (node.nodeType === Node.ELEMENT_NODE) become(old[i], node);
    else if (old[i].data !== node.data) old[i].data = node.data;
  });
  for (const node of old.slice(all.length)) node.remove();
}
let busy = false, again = false, held = false;
async function refresh() {
  if (busy || held) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(here(), { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (held) { again = true; return; }
    for (const id of parts) {
      const fresh = page.getElementById(id);
      const shown = document.getElementById(id);
      if (!fresh || !shown || fresh.innerHTML === shown.innerHTML) continue;
      const atEnd = shown.scrollTop + shown.clientHeight > shown.scrollHeight - 40;
      become(shown, fresh);
      if (id === "screen" && atEnd) toEnd();
    }
    for (const to of document.querySelectorAll(".reply input[name=to]")) to.value = page.querySelector(".reply input[name=to]")?.value ?? to.value;
    // The first text makes the first phone, which the form has to know.
    const reply = document.querySelector(".reply input[name=n]");
    if (reply && !reply.value && page.querySelector("#phones a")) location.reload();
  } catch {
    // The sandbox is away; the next change tries again.
  } finally {
    busy = false;
    if (again && !held) { again = false; refresh(); }
  }
}
// A link that becomes another between press and release leads elsewhere.
document.addEventListener("pointerdown", (press) => { held = press.button === 0; });
for (const end of ["pointerup", "pointercancel"]) {
  window.addEventListener(end, () => setTimeout(() => { // after the click that follows
    held = false;
    if (again) { again = false; refresh(); }
  }));
}
// What is pressed beside the phone leaves the reader where they are.
document.addEventListener("submit", async (press) => {
  const form = press.target;
  if (!form.closest("#carrier")) return;
  press.preventDefault();
  try {
    await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, press.submitter)) });
  } catch {
    // The sandbox is away.
  }
  refresh();
});
toEnd();
new EventSource("/_sandbox/changes").addEventListener("change", refresh);

// Draws the texts anew when something has changed, without touching what somebody
// types. The server has escaped everything.
"use strict";
const parts = ["phones", "screen", "carrier"];
function toEnd() {
  const screen = document.getElementById("screen");
  screen.scrollTop = screen.scrollHeight;
}
let busy = false, again = false;
async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of parts) {
      const fresh = page.getElementById(id);
      const shown = document.getElementById(id);
      if (!fresh || !shown || fresh.innerHTML === shown.innerHTML) continue;
      const focused = shown.contains(document.activeElement) ? document.activeElement.value : null;
      const atEnd = shown.scrollTop + shown.clientHeight > shown.scrollHeight - 40;
      const top = shown.scrollTop;
      shown.replaceWith(fresh);
      if (id === "screen") { if (atEnd) toEnd(); else fresh.scrollTop = top; }
      if (focused) [...fresh.querySelectorAll("button")].find((b) => b.value === focused)?.focus();
    }
    // The first text makes the first phone, which the form has to know.
    const reply = document.querySelector(".reply input[name=n]");
    if (reply && !reply.value && page.querySelector("#phones a")) location.reload();
  } catch {
    // The sandbox is away; the next change tries again.
  } finally {
    busy = false;
    if (again) { again = false; refresh(); }
  }
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

// Draws the texts anew every two seconds while somebody looks, without touching
// what they type. The server has escaped everything.
"use strict";
async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("texts");
    const shown = document.getElementById("texts");
    if (fresh && shown && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
  } catch {
    // The sandbox is away; the next round tries again.
  }
}
setInterval(refresh, 2000);
document.addEventListener("visibilitychange", refresh);

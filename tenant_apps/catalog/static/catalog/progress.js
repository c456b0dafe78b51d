// Keeps the state of a running import fresh. Without scripts the page refreshes itself as a whole.

const PAUSE = 1500;

async function look() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return page.getElementById("progress");
}

async function follow() {
  const shown = document.getElementById("progress");
  if (!shown || !("running" in shown.dataset)) return;
  // Whoever is about to press a button in it is not disturbed.
  if (document.hidden || shown.contains(document.activeElement)) return again();
  try {
    const fresh = await look();
    // It has ended: the report below is new too.
    if (!fresh || !("running" in fresh.dataset)) return location.reload();
    shown.replaceWith(document.importNode(fresh, true));
  } catch {
    // Away for a moment, a restart perhaps: the next look tells.
  }
  again();
}

function again() {
  setTimeout(follow, PAUSE);
}

again();

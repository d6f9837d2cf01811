// Comfort for people with scripts: keys to move through reads, and a sync's progress that keeps itself fresh.
// Every page works without this file.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  // ---- keys ----
  const help = document.getElementById("keys");
  const openHelp = () => { if (help && !help.open) help.showModal(); };
  document.getElementById("show-keys")?.addEventListener("click", openHelp);

  const reads = () => Array.from(document.querySelectorAll("a[data-read]"));
  const move = (step) => {
    const all = reads();
    if (all.length === 0) return;
    const at = all.indexOf(document.activeElement);
    const to = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    all[to].focus({ preventScroll: true });
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    all[to].closest("li")?.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  };
  const typing = (target) => target instanceof Element && target.closest("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    if (help?.open) return;
    switch (event.key) {
      case "j": move(1); break;
      case "k": move(-1); break;
      case "o": {
        const chosen = document.activeElement?.matches?.("a[data-read]") ? document.activeElement : document.querySelector("a[data-open]");
        if (!chosen) return;
        chosen.click();
        break;
      }
      case "?": openHelp(); break;
      default: return;
    }
    event.preventDefault();
  });

  // ---- progress ----
  const band = document.getElementById("band");
  if (!band) return;
  const part = (name) => band.querySelector("[data-part=" + name + "]");
  const atLoad = { done: Number(band.dataset.done || 0), began: band.dataset.began || null, version: band.dataset.version };
  const isEmpty = root.querySelector("[data-first-reads]") !== null;
  let timer = 0;

  // Reads that came since the page was made; a new round of the sync counts from nothing.
  const newReads = (progress) => {
    if (String(progress.archive_version) === atLoad.version) return 0;
    return progress.began === atLoad.began ? progress.reads_done - atLoad.done : progress.reads_done;
  };

  const tell = (progress) => {
    const words = progress.band;
    const more = newReads(progress);
    if (isEmpty && more > 0) { location.reload(); return; }
    band.hidden = !words && more <= 0;
    band.classList.toggle("offline", words?.state === "offline");
    part("headline").textContent = words ? words.headline : "Everything is fetched.";
    part("detail").textContent = words ? words.detail : "";
    const bar = part("bar");
    bar.hidden = typeof words?.done !== "number";
    if (!bar.hidden) bar.value = words.done;
    if (more > 0) {
      const [reads, them] = more === 1 ? ["1 new read", "it"] : [more.toLocaleString("en") + " new reads", "them"];
      part("fresh").querySelector("a").textContent = reads + " — show " + them;
    }
  };

  const ask = async () => {
    let wait = 2000;
    try {
      const answer = await fetch("/api/progress", { headers: { accept: "application/json" } });
      if (answer.ok) {
        const progress = await answer.json();
        tell(progress);
        if (progress.phase === "idle") wait = 60000;
      } else {
        wait = 15000;
      }
    } catch {
      wait = 15000;
    }
    plan(wait);
  };
  const plan = (wait) => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(ask, wait);
  };
  document.addEventListener("visibilitychange", () => plan(500));
  plan(band.hidden ? 60000 : 2000);
})();

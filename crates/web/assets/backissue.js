// Optional comfort: keys to move through reads and to mark them, answers while a question is typed,
// a table that is copied with one click, and live progress of a sync. All pages work without script.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  // ---- keys ----
  const help = document.getElementById("keys");
  const openHelp = () => { if (help && !help.open) help.showModal(); };
  document.getElementById("show-keys")?.addEventListener("click", openHelp);

  // Storage can be off or full.
  const storage = (work) => { try { return work(localStorage); } catch { return null; } };
  const ofTab = (work) => { try { return work(sessionStorage); } catch { return null; } };
  const reads = () => Array.from(document.querySelectorAll("a[data-read]"));
  // A read's page goes on through the list that led to it in this tab, else through its week.
  const LIST = "backissue list";
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("a[data-read]")) return;
    const paths = reads().map((link) => new URL(link.href).pathname);
    ofTab((store) => store.setItem(LIST, JSON.stringify(paths)));
  });
  const turn = (step) => {
    const list = ofTab((store) => JSON.parse(store.getItem(LIST))) ?? [];
    const at = list.indexOf(location.pathname);
    const inWeek = document.querySelector(step > 0 ? "link[rel=next]" : "link[rel=prev]");
    const to = at < 0 ? inWeek?.href : list[at + step];
    if (to) location.assign(to);
  };
  const move = (step) => {
    if (document.querySelector(".read-head")) return turn(step);
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
      case "/": {
        const box = document.getElementById("q");
        if (!box) return;
        box.focus();
        box.select();
        break;
      }
      case "s": if (!press("keep")) return; break;
      case "e": if (!press("done")) return; break;
      case "x": if (!press("hide")) return; break;
      case "n": {
        if (noteForm) writeNote();
        else if (!press("note")) return;
        break;
      }
      case "h": case "H": if (!highlighting?.(event.key === "H")) return; break;
      case "u": {
        const undo = document.querySelector("#notice button");
        if (!undo) return;
        undo.click();
        break;
      }
      case "1": case "2": case "3": case "4": {
        const rating = document.querySelector("[data-rate='" + event.key + "']");
        if (!rating) return;
        rating.click();
        break;
      }
      case "?": openHelp(); break;
      default: return;
    }
    event.preventDefault();
  });

  // ---- marks: the same form, without a new page ----
  const notice = document.getElementById("notice");
  // The buttons of the read that has the focus, or of the one read that the page is about.
  const press = (mark) => {
    const focused = document.activeElement?.closest("li, tr, article, .read-head");
    const places = [focused, document.querySelector(".read-head"), document];
    const at = places.find((place) => place?.querySelector(".marks")) ?? document;
    const buttons = at.querySelectorAll("[data-mark=" + mark + "]");
    if (buttons.length !== 1) return false;
    buttons[0].click();
    return true;
  };
  const replace = (old, part) => {
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.mark : null;
    old.replaceWith(part);
    if (focused) part.querySelector("[data-mark=" + focused + "]")?.focus();
  };
  const put = (part) => {
    const old = document.getElementById(part.id);
    if (old) replace(old, document.adoptNode(part));
  };
  // A page can list a read in two places; the buttons in one of them have an id.
  const putButtons = (part) => {
    document.querySelectorAll(".marks[data-of='" + part.dataset.of + "']").forEach((old) => {
      const own = document.importNode(part, true);
      if (!old.id) own.removeAttribute("id");
      replace(old, own);
    });
  };
  const recount = async () => {
    if (!document.getElementById("counted")) return;
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const counted = page.getElementById("counted");
    if (counted) put(counted);
  };
  document.getElementById("marks")?.addEventListener("submit", async (event) => {
    const form = event.target;
    const button = event.submitter;
    if (!button || button.dataset.whole !== undefined) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, button));
    body.set("part", "marks");
    try {
      const answer = await fetch(button.getAttribute("formaction") ?? form.getAttribute("action"), { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) {
        notice.textContent = page.querySelector("h1")?.textContent ?? "That did not work.";
        return;
      }
      notice.replaceChildren(...page.getElementById("notice").childNodes);
      page.querySelectorAll(".marks").forEach(putButtons);
      page.querySelectorAll("#newest").forEach(put);
      await recount();
    } catch {
      notice.textContent = "The archive does not answer; nothing was changed. Try again when it does.";
    }
  });

  // A reader can choose that opening a read marks it done; loading the page again, or a form's
  // return to it, does not.
  const isOpened = performance.getEntriesByType("navigation")[0]?.type === "navigate" && !location.search.includes("did=");
  if (isOpened && document.getElementById("opening-is-done")) {
    document.querySelector(".read-head [data-mark=done][aria-pressed=false]")?.click();
  }

  // ---- notes: a draft in the browser while typing, saved after a pause ----
  const reader = document.body.dataset.reader;
  const DRAFTS = "backissue note ";
  const draftsOf = (reader) => DRAFTS + reader + "/";
  const draftOf = (read) => draftsOf(reader) + read;
  // A draft outlives its reader's session, but neither a logout nor the next reader.
  const forgetDrafts = (kept) => storage((store) => {
    const drafts = Object.keys(store).filter((name) => name.startsWith(DRAFTS) && !(kept && name.startsWith(kept)));
    drafts.forEach((name) => store.removeItem(name));
  });
  if (reader) forgetDrafts(draftsOf(reader));
  document.querySelector("form[action='/logout']")?.addEventListener("submit", () => forgetDrafts());
  const noteForm = document.querySelector("form[data-note]");
  const writeNote = () => {
    document.getElementById("note-edit").open = true;
    const box = document.getElementById("note-text");
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  };
  // The server has every note that it said it saved, also without a draft.
  const noting = () => {
    const draftName = draftOf(noteForm.dataset.note);
    const text = document.getElementById("note-text");
    const said = document.getElementById("note-said");
    const version = () => document.getElementById("note-version");
    let saved = text.value;
    let timer = 0;
    let sending = false;
    const keep = () => storage((store) => store.setItem(draftName, JSON.stringify({ text: text.value, version: version().value })));
    const forget = () => storage((store) => store.removeItem(draftName));
    const draft = storage((store) => JSON.parse(store.getItem(draftName)));
    // The server trims what it saves.
    if (draft && draft.text.trim() !== saved.trim()) {
      text.value = draft.text;
      // It has the version it started from, so a newer text is not overwritten unseen.
      version().value = draft.version;
      document.getElementById("note-edit").open = true;
      said.textContent = "This draft was not saved yet.";
    } else {
      forget();
    }
    const save = async () => {
      clearTimeout(timer);
      if (sending || text.value === saved) return;
      sending = true;
      const sent = text.value;
      const body = new URLSearchParams(new FormData(noteForm));
      body.set("part", "marks");
      said.textContent = "Saving …";
      try {
        const answer = await fetch(noteForm.getAttribute("action"), { method: "POST", body });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (answer.ok) {
          saved = sent;
          page.querySelectorAll("#note-version, #note-shown").forEach(put);
          said.textContent = "Saved.";
          if (text.value === sent) {
            forget();
          } else {
            keep();
            timer = setTimeout(save, 1000);
          }
        } else if (answer.status === 409) {
          said.textContent = "It was changed elsewhere in the meantime. Press Save to see both texts.";
        } else {
          // A note that is too long is told the limit.
          const why = page.querySelector(answer.status === 413 ? ".empty p" : "h1")?.textContent ?? "It was not saved";
          said.textContent = why.replace(/\.$/, "") + ". The draft stays in this browser.";
        }
      } catch {
        said.textContent = "The archive does not answer; the draft stays in this browser.";
      }
      sending = false;
    };
    text.addEventListener("input", () => {
      keep();
      clearTimeout(timer);
      timer = setTimeout(save, 1000);
    });
    // Sent like any form: the response is this page with the note, or the page that shows both texts.
    noteForm.addEventListener("submit", () => { clearTimeout(timer); sending = true; });
    if (location.hash !== "#note") return;
    document.getElementById("note-edit").open = true;
    // A form of this page returns here too, and then nobody is about to write.
    if (document.referrer && new URL(document.referrer).pathname === location.pathname) return;
    // After this script, the browser would take the focus away for the fragment.
    history.replaceState(history.state, "", location.pathname + location.search);
    writeNote();
  };
  if (noteForm) noting();

  // On the page that shows both texts of a note, the draft follows the choice.
  const conflict = document.querySelector("[data-conflict]");
  const choosing = () => {
    const draftName = draftOf(conflict.dataset.conflict);
    conflict.querySelector("a").addEventListener("click", () => storage((store) => store.removeItem(draftName)));
    conflict.querySelector("form").addEventListener("submit", (event) => {
      const fields = new FormData(event.target);
      const draft = { text: fields.get("text"), version: fields.get("version") };
      storage((store) => store.setItem(draftName, JSON.stringify(draft)));
    });
  };
  if (conflict) choosing();

  // ---- highlights: of the selected text, which fills the form below the article ----
  const highlightForm = document.getElementById("highlight-form");
  const QUOTE_MAX = 2000, CONTEXT = 32;
  const startHighlighting = () => {
    const article = document.getElementById("article");
    const body = article.querySelector(".body");
    const field = (name) => document.getElementById("highlight-" + name);
    const edit = field("edit");

    // What the page says in place of images is not the article's text.
    const foreign = ".elsewhere, a.image";
    const wordsOf = (range) => {
      const part = range.cloneContents();
      part.querySelectorAll(foreign).forEach((element) => element.remove());
      return part.textContent;
    };
    const until = (place) => {
      const range = document.createRange();
      range.selectNodeContents(body);
      place(range);
      return Array.from(wordsOf(range));
    };
    const selected = () => {
      const selection = getSelection();
      if (!selection.rangeCount || selection.isCollapsed) return null;
      const range = selection.getRangeAt(0);
      if (!range.intersectsNode(body)) return null;
      const inside = range.cloneRange();
      if (!body.contains(inside.startContainer)) inside.setStart(body, 0);
      if (!body.contains(inside.endContainer)) inside.setEnd(body, body.childNodes.length);
      return wordsOf(inside).trim() ? inside : null;
    };
    const fill = (range) => {
      const plain = wordsOf(range);
      const asShown = range.cloneContents().querySelector(foreign) ? plain : getSelection().toString();
      field("quote").value = asShown.replace(/\s/g, "") === plain.replace(/\s/g, "") ? asShown.trim() : plain.trim();
      field("prefix").value = until((before) => before.setEnd(range.startContainer, range.startOffset)).slice(-CONTEXT).join("");
      field("suffix").value = until((after) => after.setStart(range.endContainer, range.endOffset)).slice(0, CONTEXT).join("");
    };
    const highlight = (withRemark) => {
      const range = selected();
      if (range) fill(range);
      bar.hidden = true;
      if (range && Array.from(field("quote").value).length > QUOTE_MAX) {
        notice.textContent = "A highlight has at most " + QUOTE_MAX.toLocaleString("en") + " characters. Select less.";
      } else if (range && !withRemark) {
        highlightForm.requestSubmit();
      } else {
        edit.open = true;
        field(range ? "remark" : "quote").focus();
      }
      return true;
    };
    // The context belongs to the selected text only.
    field("quote").addEventListener("input", () => { field("prefix").value = field("suffix").value = ""; });

    const bar = document.createElement("div");
    bar.id = "highlight-bar";
    bar.hidden = true;
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Selected text");
    for (const [words, key, withRemark] of [["Highlight", "h", false], ["With a remark", "Shift+H", true]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = words;
      button.setAttribute("aria-keyshortcuts", key);
      // A click would end the selection.
      button.addEventListener("pointerdown", (event) => event.preventDefault());
      button.addEventListener("click", () => highlight(withRemark));
      bar.append(button);
    }
    article.append(bar);
    let timer = 0;
    const offer = () => {
      const range = selected();
      bar.hidden = !range;
      if (!range) return;
      const at = range.getBoundingClientRect();
      const around = article.getBoundingClientRect();
      bar.style.top = at.bottom - around.top + 8 + "px";
      bar.style.left = Math.max(0, Math.min(at.left - around.left, around.width - bar.offsetWidth)) + "px";
    };
    document.addEventListener("selectionchange", () => { clearTimeout(timer); timer = setTimeout(offer, 200); });
    return highlight;
  };
  const highlighting = highlightForm ? startHighlighting() : null;

  // ---- answers while a question is typed ----
  const form = document.querySelector("form[data-answers]");
  const live = () => {
    const box = form.querySelector("input[name=q]");
    const said = form.querySelector("[role=status]");
    let asked = box.value;
    let waiting = 0;
    let request = null;
    const answer = async () => {
      const question = box.value;
      if (question === asked) return;
      asked = question;
      request?.abort();
      const own = request = new AbortController();
      const address = form.action + (question.trim() ? "?q=" + encodeURIComponent(question) : "");
      try {
        const answer = await fetch(address + (question.trim() ? "&" : "?") + "part=results", { signal: own.signal });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const columns = page.querySelector(".columns");
        if (own.signal.aborted || !columns) return;
        document.querySelector(".columns").replaceWith(columns);
        history.replaceState(null, "", address);
        const heading = columns.querySelector("h1");
        said.textContent = heading.textContent;
        document.title = (question.trim() ? "Search: " + question.trim() : "Search") + document.title.slice(document.title.lastIndexOf(" · "));
      } catch {
        // Another letter was typed, or the server is away: the page stays as it is, and Enter sends the form.
      }
    };
    box.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(answer, 60);
    });
    form.addEventListener("submit", () => { clearTimeout(waiting); request?.abort(); });
    // A page without a question is for typing one.
    if (!box.value) box.focus();
  };
  if (form) live();

  // ---- a text that is copied with one click ----
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const text = document.getElementById(button.dataset.copies);
    const told = document.getElementById("copied");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.value);
        told.textContent = "Copied.";
      } catch {
        // Only pages from this machine or over TLS may write to the clipboard.
        const folded = text.closest("details");
        if (folded) folded.open = true;
        text.focus();
        text.select();
        told.textContent = "This browser does not allow copying here; the text is selected, so that you can copy it.";
      }
    });
  }

  // ---- the shelf without a network ----
  // Only pages of a reader ask for it. A page of a stranger has it forgotten.
  if ("serviceWorker" in navigator && window.isSecureContext) {
    const asked = "backissue offline " + reader;
    const tellWorker = (worker, what) => worker.active?.postMessage(what);
    if (reader) {
      const last = Number(storage((store) => store.getItem(asked)) || 0);
      if (location.pathname === "/shelf" || Date.now() - last > 600000) {
        navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then((worker) => {
          storage((store) => store.setItem(asked, String(Date.now())));
          tellWorker(worker, "keep");
        }).catch(() => undefined);
      }
    } else {
      navigator.serviceWorker.getRegistration().then((worker) => worker && tellWorker(worker, "forget")).catch(() => undefined);
    }
  }

  // ---- progress ----
  const band = document.getElementById("band");
  if (!band) return;
  const part = (name) => band.querySelector("[data-part=" + name + "]");
  const atLoad = { done: Number(band.dataset.done || 0), began: band.dataset.began || null, version: band.dataset.version };
  const isEmpty = root.querySelector("[data-first-reads]") !== null;
  let timer = 0;

  // Reads since the page was made; a new round of the sync counts from zero.
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

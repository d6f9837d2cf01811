// The search of a published site. It needs no server: the index is made of small files beside the
// page, and a question loads only those that its words are in.
//
// `backissue publish` writes the index with the same `words` and `stem` (crates/publish/src/index.rs);
// a test compares the two.

// Words of a question that count, and reads that are shown.
const WORDS_MAX = 12, SHOWN_MAX = 20;
// What an object has of its own: some words are names of what every object has.
const own = (object, name) => Object.hasOwn(object, name) ? object[name] : undefined;

export const words = (text) => {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return (plain.match(/[\p{Alphabetic}\p{N}]+/gu) ?? []).map((word) => Array.from(word).slice(0, 32).join("")).filter((word) => Array.from(word).length > 1);
};

// A word without its ending, roughly: cache, caches, cached and caching are one.
export const stem = (word) => {
  if (!/^[a-z]+$/.test(word)) return word;
  let s = word;
  const cut = (ending, least) => {
    if (!s.endsWith(ending) || s.length - ending.length < least) return false;
    s = s.slice(0, -ending.length);
    return true;
  };
  if (!s.endsWith("ss") && !s.endsWith("us") && !s.endsWith("is")) cut("s", 3);
  if (!cut("ing", 3)) cut("ed", 3);
  if (/[st]ion$/.test(s)) cut("ion", 4);
  cut("e", 3);
  if (s.length > 3 && s.endsWith("y")) s = s.slice(0, -1) + "i";
  if (s.length > 3 && s.at(-1) === s.at(-2)) s = s.slice(0, -1);
  return s;
};

const main = () => {
  const form = document.querySelector("form.ask");
  const list = document.getElementById("found");
  if (!form || !list) return;
  const title = document.getElementById("found-title");
  const tally = document.getElementById("found-tally");
  const said = form.querySelector("[role=status]");
  const box = form.querySelector("input[name=q]");
  const folder = new URL("search/", location.href);

  // Each file is loaded once. If one is missing, the site was published again meanwhile.
  const files = new Map();
  const load = (name, cache = "default") => {
    if (!files.has(name)) {
      const loaded = fetch(new URL(name, folder), { cache }).then((answer) => {
        if (!answer.ok) throw new Error(name + ": " + answer.status);
        return answer.json();
      });
      loaded.catch(() => files.delete(name));
      files.set(name, loaded);
    }
    return files.get(name);
  };

  // The file that has a stem: of the longest beginning that the index is divided by.
  const fileOf = (index, word) => {
    const letters = Array.from(word);
    for (let length = letters.length; length >= 0; length--) {
      const start = letters.slice(0, length).join("");
      const whole = length === letters.length ? own(index.files, start + "$") : undefined;
      const name = whole ?? own(index.files, start);
      if (name !== undefined) return "words/" + name + ".json";
    }
    return null;
  };

  const find = async (question) => {
    const index = await load("index.json");
    const common = new Set(index.common);
    const stems = [...new Set(words(question).map(stem))].filter((word) => !common.has(word)).slice(0, WORDS_MAX);
    const scores = new Map();
    await Promise.all(stems.map(async (word) => {
      const name = fileOf(index, word);
      if (name === null) return;
      // Each place is the distance from the read before, and how much the word counts: 1 to 3.
      const places = own(await load(name), word) ?? [];
      const rarity = Math.log(1 + index.reads / Math.max(places.length, 1));
      let read = 0;
      for (const place of places) {
        read += Math.floor(place / 4);
        scores.set(read, (scores.get(read) ?? 0) + rarity * (1 + 0.6 * (place % 4 - 1)));
      }
    }));
    const ranked = [...scores].sort((a, b) => b[1] - a[1] || b[0] - a[0]);
    const close = ranked.filter(([, score]) => score >= ranked[0][1] / 3);
    const shown = await Promise.all(close.slice(0, SHOWN_MAX).map(async ([id]) => {
      const file = await load("reads/" + Math.floor(id / index.per_file) + ".json");
      return [id, own(file, id)];
    }));
    return { stems, found: shown.filter(([, read]) => read), more: close.length > SHOWN_MAX };
  };

  const element = (name, classes, text) => {
    const made = document.createElement(name);
    if (classes) made.className = classes;
    if (text) made.textContent = text;
    return made;
  };
  const row = ([id, [name, company, week, problem, leads]]) => {
    const item = document.createElement("li");
    const link = element("a", "", leads ? problem : name);
    link.href = new URL("read/" + id + ".html", location.href).href;
    link.dataset.read = "";
    const heading = element("h2", leads ? "problem" : "problem titled");
    heading.append(link);
    const under = element("p", "under");
    under.append(element("span", "who", company));
    if (leads) under.append(" · ", element("cite", "", name));
    item.append(heading, under);
    if (problem && !leads) item.append(element("p", "passage", problem));
    const meta = element("div", "meta");
    const when = element("a", "figure", "Week " + Number(week.slice(6)) + " of " + week.slice(0, 4));
    when.href = new URL("week/" + week + ".html", location.href).href;
    const line = document.createElement("p");
    line.append(when);
    meta.append(line);
    item.append(meta);
    return item;
  };

  let last = 0;
  const answer = async (question) => {
    const own = ++last;
    const show = (heading, line, rows) => {
      if (own !== last) return;
      title.textContent = heading;
      tally.textContent = line;
      said.textContent = heading;
      list.replaceChildren(...rows);
    };
    if (!question.trim()) {
      show("Search by problem", "Who else had this? Reads with these words come first.", []);
      return;
    }
    try {
      let result;
      try {
        result = await find(question);
      } catch {
        files.clear();
        await load("index.json", "reload");
        result = await find(question);
      }
      const { stems, found, more } = result;
      if (found.length === 0) {
        const why = words(question).length === 0 ? "A question needs words of two letters or more." : stems.length === 0 ? "These words are in so many reads that they tell none apart." : "No read has these words. Say the problem in other ones.";
        show("Nothing close enough", why, []);
      } else {
        const count = found.length === 1 ? "1 read" : found.length + " reads";
        show(more ? "The " + count.replace(" ", " best ") : count, "Best first.", found.map(row));
      }
    } catch {
      show("The search does not answer", "Its index could not be loaded. Try again in a moment.", []);
    }
  };

  box.value = new URLSearchParams(location.search).get("q") ?? "";
  let waiting = 0;
  const typed = () => {
    history.replaceState(null, "", box.value.trim() ? "?q=" + encodeURIComponent(box.value) : location.pathname);
    answer(box.value);
  };
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(typed, 150);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    typed();
  });
  answer(box.value);
  if (!box.value) box.focus();
};

if (typeof document !== "undefined") main();

// Keeps the articles of the reader's shelf in this browser, so that they can be read without a
// network. The pages ask for that (backissue.js). Nothing is kept for strangers, and a logout
// removes everything: by `Clear-Site-Data`, and here as soon as the login page is shown.
"use strict";
const CACHE = "backissue-shelf";
const LIST = "/offline.json";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const forget = () => caches.delete(CACHE);

const keep = async () => {
  const answer = await fetch(LIST, { cache: "no-store", redirect: "manual" });
  // Nobody is logged in any more.
  if (!answer.ok) return forget();
  const list = await answer.clone().json();
  const known = await (await caches.open(CACHE)).match(LIST);
  if (known && (await known.json()).reader !== list.reader) await forget();
  const cache = await caches.open(CACHE);
  const wanted = new Set([...list.assets, ...list.pages]);
  for (const request of await cache.keys()) {
    const path = new URL(request.url).pathname;
    if (path !== LIST && !wanted.has(path)) await cache.delete(request);
  }
  await cache.put(LIST, answer);
  for (const path of wanted) {
    // An asset's address changes with its contents. Pages may have changed.
    if (path.startsWith("/assets/") && await cache.match(path)) continue;
    const page = await fetch(path, { redirect: "manual" });
    if (page.ok) await cache.put(path, page);
  }
};

self.addEventListener("message", (event) => {
  if (event.data === "keep") event.waitUntil(keep().catch(() => undefined));
  if (event.data === "forget") event.waitUntil(forget());
});

// What is kept, for a page that the network does not give.
const kept = async (request) => {
  const cache = await caches.open(CACHE);
  const found = await cache.match(request, { ignoreSearch: true });
  if (found || request.mode !== "navigate") return found || Response.error();
  return await cache.match("/shelf") || Response.error();
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode !== "navigate" && !url.pathname.startsWith("/assets/")) return;
  event.respondWith((async () => {
    try {
      const answer = await fetch(request);
      if (request.mode === "navigate" && url.pathname === "/login" && answer.ok) await forget();
      return answer;
    } catch {
      return kept(request);
    }
  })());
});

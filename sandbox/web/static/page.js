// What the page does by itself: follow the stream, put fragments in their place, and keep focus where it was.
"use strict";

const $ = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const MOST_CALLS = 300;
const TOAST_MS = 5000;
const OPERATIONS_MS = 2000;
let readingOperations = false;

// --- fragments -------------------------------------------------------------------------------------------------

function fragmentsOf(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

// A fragment takes the place of what has its id, or goes where it says.
function place(fresh) {
  const old = $(fresh.id);
  if ("answers" in fresh.dataset) all(".key.waiting").forEach((key) => key.classList.remove("waiting"));
  if ("gone" in fresh.dataset) return old?.remove();
  if (old && fresh.dataset.state && fresh.dataset.state === old.dataset.state) return;
  if (old) return replace(old, fresh);
  const into = $(fresh.dataset.into);
  if (!into) return;
  fresh.dataset.at === "start" ? into.prepend(fresh) : into.append(fresh);
  htmx.process(fresh);
  arrived(fresh);
}

function replace(old, fresh) {
  const focused = old.contains(document.activeElement) && document.activeElement;
  if ("fresh" in fresh.dataset) old.replaceWith(fresh);
  else {
    // Only what somebody is typing in is left alone: for a button the option would keep its old label too.
    const typing = Boolean(focused && focused.matches("input, textarea, select"));
    // What a person opened stays open.
    all("details[open][id]", old).forEach((each) => fresh.querySelector(`#${CSS.escape(each.id)}`)?.setAttribute("open", ""));
    Idiomorph.morph(old, fresh, { morphStyle: "outerHTML", ignoreActiveValue: typing });
  }
  const now = $(fresh.id);
  htmx.process(now);
  all(".key.waiting", now).forEach((key) => key.classList.remove("waiting"));
  if (focused && !focused.isConnected) (now.querySelector("textarea") ?? now.querySelector("button") ?? $("text"))?.focus();
}

function arrived(element) {
  if (element.matches(".letter")) {
    all(".letter[open]", element.parentElement).forEach((other) => (other.open = other === element));
    mark("mailbox");
  } else if (element.matches(".call")) {
    all(".call", element.parentElement).slice(MOST_CALLS).forEach((call) => call.remove());
  } else if (element.matches("dialog")) {
    element.addEventListener("close", () => element.remove());
    element.showModal();
  } else if (element.matches(".toast")) {
    setTimeout(() => element.remove(), TOAST_MS);
  } else if (element.matches(".message.ours")) {
    const scroller = element.closest(".scroller");
    if (scroller) scroller.scrollTop = 0;
  } else if (element.matches(".message")) {
    mark("chat");
  }
}

function toast(text) {
  const element = document.createElement("p");
  element.className = "toast";
  element.textContent = text;
  $("toasts").append(element);
  arrived(element);
}

// --- the stream ------------------------------------------------------------------------------------------------

let stream = null;
let seen = document.body.dataset.since;

function follow() {
  stream?.close();
  const query = new URLSearchParams({ since: seen, run: document.body.dataset.run });
  const person = $("chat").dataset.person;
  if (person) query.set("person", person);
  stream = new EventSource(`/live?${query}`);
  stream.addEventListener("open", () => ($("offline").hidden = true));
  stream.addEventListener("error", () => {
    $("offline").hidden = false;
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 2000);
  });
  stream.addEventListener("page", (event) => {
    seen = event.lastEventId;
    fragmentsOf(event.data).forEach(place);
  });
  stream.addEventListener("office", () => refreshOffice());
  stream.addEventListener("reload", () => location.reload());
}

async function refreshOffice(person) {
  const state = new URLSearchParams(all("#office-state input").map((input) => [input.name, input.value]));
  if (person) state.set("person", person);
  for (const address of [`/office?${state}`, "/health"]) {
    const answer = await fetch(address);
    if (answer.ok) fragmentsOf(await answer.text()).forEach(place);
  }
}

async function refreshOperations() {
  if (document.body.dataset.pane !== "operations" || document.hidden || readingOperations) return;
  readingOperations = true;
  try {
    const answer = await fetch("/operations");
    if (answer.ok) fragmentsOf(await answer.text()).forEach(place);
  } catch {
    // The sandbox does not answer: the stream says so.
  } finally {
    readingOperations = false;
  }
}

// --- the address: what a reload brings back ----------------------------------------------------------------------

function remember(name, value) {
  const address = new URL(location.href);
  address.searchParams.set(name, value);
  history.replaceState(null, "", address);
}

function openedChat() {
  const person = $("chat").dataset.person;
  if (!person) return;
  remember("person", person);
  all(".person").forEach((card) => {
    card.id === `person-${person}` ? card.setAttribute("aria-current", "true") : card.removeAttribute("aria-current");
  });
  all(".badge", $(`person-${person}`) ?? document.createElement("i")).forEach((badge) => badge.remove());
  show("chat");
  follow();
  refreshOffice(person).then(() => $("account") && remember("account", $("account").value));
}

// --- panes -------------------------------------------------------------------------------------------------------

function show(pane) {
  document.body.dataset.pane = pane;
  all(".tabs button").forEach((tab) => {
    tab.setAttribute("aria-pressed", String(tab.dataset.show === pane));
    if (tab.dataset.show === pane) tab.querySelector(".dot").hidden = true;
  });
  remember("pane", pane);
  refreshOperations();
}

function mark(pane) {
  if (document.body.dataset.pane !== pane) document.querySelector(`[data-show=${pane}] .dot`).hidden = false;
}

// --- acts --------------------------------------------------------------------------------------------------------

function type(text, sends) {
  const field = $("text");
  if (!field) return;
  show("chat");
  field.value = text;
  if (sends) field.form.requestSubmit();
  else field.focus();
}

async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast(`${document.body.dataset.copied} : ${text}`);
}

function toggleTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  setCookie("theme", next);
}

function setCookie(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; SameSite=Strict`;
}

function reveal(spoiler) {
  spoiler.setAttribute("aria-expanded", "true");
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("button, a, .spoiler");
  if (!target) return;
  if (target.matches(".command")) type(target.textContent, true);
  else if (target.matches(".spoiler")) reveal(target);
  else if (target.dataset.show) show(target.dataset.show);
  else if (target.dataset.copy) copy(target.dataset.copy);
  else if (target.dataset.type) type(target.dataset.type, false);
  else if ("themeToggle" in target.dataset) toggleTheme();
  else if (target.dataset.language) {
    setCookie("ui", target.dataset.language);
    location.reload();
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.id === "text") {
    event.preventDefault();
    event.target.form.requestSubmit();
  } else if ((event.key === "Enter" || event.key === " ") && event.target.matches(".spoiler")) {
    event.preventDefault();
    reveal(event.target);
  }
});

document.addEventListener("htmx:beforeSend", (event) => {
  const { elt } = event.detail;
  if (elt.matches("[data-write]")) {
    elt.dataset.sent = $("text").value;
    $("text").value = "";
  }
  if (elt.matches(".key")) elt.classList.add("waiting");
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { elt, successful, xhr } = event.detail;
  if (successful) {
    if (elt.dataset.closes) $(elt.dataset.closes)?.hidePopover();
    if ("clears" in elt.dataset) elt.reset();
    return;
  }
  elt.classList.remove("waiting");
  if (elt.matches("[data-write]") && !$("text").value) $("text").value = elt.dataset.sent;
  toast(xhr.responseText || "…");
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.elt.id === "chat" || event.detail.target.id === "chat") openedChat();
  const account = $("account")?.value;
  if (event.detail.target.id === "office" && account) remember("account", account);
  all("[data-notice]").forEach((notice) => {
    toast(notice.textContent);
    notice.remove();
  });
});

addEventListener("pagehide", () => stream?.close());
addEventListener("pageshow", (event) => event.persisted && follow());
follow();
refreshOperations();
setInterval(refreshOperations, OPERATIONS_MS);

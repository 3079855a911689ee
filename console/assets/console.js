// Keeps an open page up to date: replaces the sections that changed, so that focus and scroll stay where they are.
// Without this script every page is complete and only has to be reloaded.
const status = document.querySelector("[data-status]");
const seconds = Number(document.body.dataset.refresh ?? 0);
const eventsUrl = document.body.dataset.events;

/** Ages as the server writes them (console/format-age.ts): a time ahead is the nearest unit, so that an hour is not 59 min. */
const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"],
];
const formatAge = (at, now) => {
  const distance = Math.abs(now - at);
  if (distance < 1_000) return "just now";
  const [nearest] = units.find(([each]) => distance >= each);
  const rounded = at > now && nearest > 1_000 ? Math.round(distance / nearest) * nearest : distance;
  const [size, unit] = units.find(([each]) => rounded >= each);
  const amount = `${Math.floor(rounded / size)} ${unit}`;
  return at > now ? `in ${amount}` : `${amount} ago`;
};
const showAges = () => {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const age = formatAge(Date.parse(time.dateTime), Date.now());
    if (time.textContent !== age) time.textContent = age;
  }
};

/** Made when it is first needed: it takes longer than everything else that the page does when it opens. */
let local;
/** The exact time in the reader's time zone, where the server wrote it in UTC. */
const showLocalTime = (event) => {
  const time = event.target instanceof Element ? event.target.closest("time[data-age]") : null;
  if (!time) return;
  local ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  time.title = local.format(Date.parse(time.dateTime));
};

const addCopyButtons = () => {
  if (!navigator.clipboard) return;
  for (const command of document.querySelectorAll("pre[data-copy]:not([data-ready])")) {
    const text = command.textContent;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 1_500);
    });
    command.prepend(button);
    command.dataset.ready = "";
  }
};

/** What finds the focused element again after its section was replaced. */
const describeFocus = (section) => {
  const focused = document.activeElement;
  if (!focused || !section.contains(focused)) return undefined;
  const alike = (root) => [...root.querySelectorAll(focused.localName)];
  const index = alike(section).indexOf(focused);
  const href = focused.getAttribute("href");
  // Never another field or button, into which the person would go on to type.
  const heading = () => section.querySelector("h2[tabindex]") ?? document.getElementById("main");
  if (focused.id) return () => document.getElementById(focused.id) ?? heading();
  if (focused instanceof HTMLButtonElement)
    return (next) => alike(next).find((each) => each.textContent === focused.textContent) ?? heading();
  return (next) =>
    (href &&
      alike(next).find(
        (each) => each.getAttribute("href") === href && each.textContent === focused.textContent,
      )) ||
    (href && alike(next).find((each) => each.getAttribute("href") === href)) ||
    alike(next)[index];
};

/** What was typed and chosen, by the ids of the fields; gives it back to those that are still there. */
const keepFields = (section) => {
  const fields = [...section.querySelectorAll("input[id], select[id]")].map(
    ({ id, value, selectionStart }) => ({
      ...{ id, value, selectionStart },
    }),
  );
  return () => {
    for (const { id, value, selectionStart } of fields) {
      const field = document.getElementById(id);
      if (!field) continue;
      field.value = value;
      if (typeof selectionStart === "number") field.setSelectionRange(selectionStart, selectionStart);
    }
  };
};

/** Ages differ in every response, so they do not count as a change. */
const withoutAges = (element) => {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time[data-age]")) {
    time.textContent = "";
    time.title = "";
  }
  for (const button of copy.querySelectorAll(".copy")) button.remove();
  for (const command of copy.querySelectorAll("[data-ready]")) command.removeAttribute("data-ready");
  for (const details of copy.querySelectorAll("details")) details.removeAttribute("open");
  return copy.innerHTML;
};

const replaceSection = (section, next) => {
  if (withoutAges(section) === withoutAges(next)) return;
  const findFocus = describeFocus(section);
  for (const details of section.querySelectorAll("details[id]")) {
    const after = next.querySelector(`#${CSS.escape(details.id)}`);
    if (after) after.open = details.open;
  }
  const restoreFields = keepFields(section);
  const scrolled = [...section.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
  section.innerHTML = next.innerHTML;
  restoreFields();
  for (const [index, each] of section.querySelectorAll(".scroll").entries())
    each.scrollLeft = scrolled[index] ?? 0;
  findFocus?.(section)?.focus({ preventScroll: true });
};

let entityTag = document.body.dataset.tag;
/** Whether the page that is shown still changes. */
let refreshSeconds = seconds;
const refresh = async () => {
  const response = await fetch(location.href, {
    cache: "no-store",
    headers: { accept: "text/html", ...(entityTag ? { "if-none-match": entityTag } : {}) },
  });
  if (response.status === 304) return;
  // A sign-in that ended leads to another page: reload, and come back here after it.
  if (response.redirected || response.status === 401 || response.status === 403)
    return void location.reload();
  if (!response.ok) throw new Error(`status ${response.status}`);
  entityTag = response.headers.get("etag") ?? undefined;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  refreshSeconds = Number(page.body.dataset.refresh ?? 0);
  if (document.title !== page.title) document.title = page.title;
  for (const section of document.querySelectorAll("[data-live]")) {
    const next = page.getElementById(section.id);
    if (next) replaceSection(section, next);
  }
  addCopyButtons();
  showAges();
};

const showState = (state, text) => {
  if (status.dataset.state === state) return;
  status.dataset.state = state;
  status.textContent = text;
};
let running;
let again = false;
/** One after the other; a change during a refresh is read by one more. */
const refreshNow = async () => {
  if (running) {
    again = true;
    return running;
  }
  running = refresh()
    .then(() => showState("live", "live"))
    .catch(() => showState("lost", "reconnecting…"));
  await running;
  running = undefined;
  if (!again) return;
  again = false;
  await refreshNow();
};

showAges();
addCopyButtons();
setInterval(showAges, 1_000);
document.addEventListener("pointerover", showLocalTime);
if (seconds > 0) {
  const poll = async () => {
    // A hidden page asks nothing; it catches up when it is shown.
    if (!document.hidden) await refreshNow();
    if (refreshSeconds > 0) setTimeout(poll, refreshSeconds * 1_000);
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void refreshNow();
  });
  showState("live", "live");
  setTimeout(poll, seconds * 1_000);
  if (eventsUrl) {
    const events = new EventSource(eventsUrl);
    let timer;
    const onChange = () => {
      clearTimeout(timer);
      timer = setTimeout(() => void refreshNow(), 150);
    };
    events.addEventListener("changed", onChange);
    // What changed while the connection was lost is not sent again.
    events.addEventListener("hello", onChange);
    events.addEventListener("error", () => showState("lost", "reconnecting…"));
  }
}

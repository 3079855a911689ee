// Sends clicks to the desk, and shows changes from its server-sent events.
const me = document.body.dataset.me;
const list = document.querySelector("[data-list]");
const scroller = document.querySelector("[data-messages]");
const live = document.querySelector("[data-live]");
const dialog = document.querySelector("[data-dialog]");

const post = async (path, body) => {
  try {
    const response = await fetch(path, {
      method: "POST",
      // Sends a link button's click although the browser follows the link.
      keepalive: true,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ as: me, ...body }),
    });
    return await response.json();
  } catch {
    return { status: "failed", notice: "The desk does not respond: restart the rehearsal with npm start." };
  }
};

const showNotice = (notice, text) => {
  if (!notice) return;
  notice.textContent = text ?? "";
  notice.hidden = !text;
};

const element = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
};

const atBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 120;
const toBottom = () => scroller.scrollTo({ top: scroller.scrollHeight });

/** The place of a message where the keyboard goes on when the button that had the focus is gone. */
const focusMessage = (message) =>
  (message?.querySelector("h3[tabindex]") ?? message)?.focus({ preventScroll: true });
/** On the same button, if the message still has it; never on another, which the next key would press. */
const keepFocus = ({ dataset: { block, action } }, message) => {
  const same = [...message.querySelectorAll("[data-action]")].find(
    (each) => action !== undefined && each.dataset.action === action && each.dataset.block === block,
  );
  if (same) same.focus({ preventScroll: true });
  else focusMessage(message);
};

const showMessage = ({ ts, html }) => {
  const stick = atBottom();
  const before = document.getElementById(`m-${ts}`);
  if (html === null) before?.remove();
  else if (before === null) list.append(element(html));
  else {
    const focused = before.contains(document.activeElement) ? document.activeElement : undefined;
    const after = element(html);
    const thread = after.querySelector("details.thread");
    if (thread) thread.open = before.querySelector("details.thread")?.open ?? false;
    before.replaceWith(after);
    after.classList.add("changed");
    if (focused) keepFocus(focused, after);
  }
  if (stick) toBottom();
};

/** A dialog ends with its page, as in Slack: no page opens one that another page left behind. */
const showView = (html) => {
  dialog.innerHTML = html;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("textarea, input")?.focus();
};

const closeView = async (form) => {
  dialog.close();
  await post(`/desk/views/${form.dataset.view}/close`, {});
};

const submitView = async (form) => {
  const typed = {};
  for (const field of form.querySelectorAll("textarea, input")) typed[field.name] = field.value;
  const submit = form.querySelector("[type=submit]");
  if (submit.hasAttribute("aria-busy")) return;
  submit.setAttribute("aria-busy", "true");
  const result = await post(`/desk/views/${form.dataset.view}`, { typed });
  submit.removeAttribute("aria-busy");
  for (const problem of form.querySelectorAll("[data-problem]"))
    problem.textContent = result.errors?.[problem.dataset.problem] ?? "";
  showNotice(form.querySelector(".notice"), result.notice);
  if (result.status === "closed") dialog.close();
  if (result.status === "updated") showView(result.view);
  if (result.status === "refused") form.querySelector("textarea, input")?.focus();
};

/** The message whose button was pressed last: a dialog that closes returns to it. */
let pressed;
const click = async (button) => {
  // Not disabled, which would take the focus away.
  if (button.hasAttribute("aria-busy")) return;
  const message = button.closest(".message");
  pressed = message.id;
  button.setAttribute("aria-busy", "true");
  const notice = message.querySelector(".notice");
  showNotice(notice, "");
  const result = await post("/desk/clicks", {
    ts: message.dataset.ts,
    block: button.dataset.block,
    action: button.dataset.action,
  });
  button.removeAttribute("aria-busy");
  if (result.status === "failed")
    showNotice(document.getElementById(message.id)?.querySelector(".notice") ?? notice, result.notice);
};

/** The button whose click waits for its confirmation. */
let unconfirmed;
const press = (button) => {
  const question = button.nextElementSibling;
  if (!(question instanceof HTMLTemplateElement)) return void click(button);
  unconfirmed = button;
  dialog.replaceChildren(question.content.cloneNode(true));
  if (!dialog.open) dialog.showModal();
  dialog.querySelector("[type=submit]")?.focus();
};
const confirmClick = () => {
  const button = unconfirmed;
  unconfirmed = undefined;
  dialog.close();
  const message = document.getElementById(button.closest(".message").id);
  if (button.isConnected) button.focus({ preventScroll: true });
  else keepFocus(button, message);
  void click(button);
};

if (list) {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : undefined;
    const button = target?.closest(".message [data-action]");
    if (button) press(button);
    const dismiss = target?.closest(".message .dismiss");
    if (dismiss) void post(`/desk/messages/${dismiss.closest(".message").dataset.ts}/dismiss`, {});
    const close = target?.closest("[data-close]");
    const form = close?.closest("form");
    if (form && "confirm" in form.dataset) dialog.close();
    else if (form) void closeView(form);
  });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    if ("confirm" in event.target.dataset) confirmClick();
    else void submitView(event.target);
  });
  dialog.addEventListener("close", () => {
    // Where the message was replaced while the dialog was open, the browser finds no button to return to.
    const { activeElement } = document;
    const isLost = activeElement === document.body || dialog.contains(activeElement);
    if (isLost && pressed) focusMessage(document.getElementById(pressed));
  });
  dialog.addEventListener("cancel", () => {
    const form = dialog.querySelector("form");
    if (form && !("confirm" in form.dataset)) void closeView(form);
  });

  const refresh = async () => {
    const { messages } = await (await fetch(`/desk/channel?as=${me}`)).json();
    const next = document.createElement("template");
    next.innerHTML = messages;
    // Without a change keep the elements, and so the keyboard focus.
    if (next.innerHTML !== list.innerHTML) {
      const stick = atBottom();
      list.replaceChildren(next.content);
      if (stick) toBottom();
    }
    live.textContent = "live";
    live.dataset.state = "live";
  };
  // One after the other, so that a refresh does not overwrite a later change.
  let last = Promise.resolve();
  const inTurn = (work) => {
    last = last.then(work).catch((error) => console.error(error));
  };
  const events = new EventSource(`/desk/events?as=${me}`);
  // Refresh at each connection, because changes during an interruption are not sent again.
  events.addEventListener("hello", () => inTurn(refresh));
  events.addEventListener("error", () => {
    live.textContent = "reconnecting…";
    live.dataset.state = "lost";
  });
  for (const type of ["message", "removed"])
    events.addEventListener(type, (event) => inTurn(() => showMessage(JSON.parse(event.data))));
  events.addEventListener("view", (event) => inTurn(() => showView(JSON.parse(event.data).view)));

  const linked = location.hash.startsWith("#m-") && document.getElementById(location.hash.slice(1));
  if (linked) linked.scrollIntoView({ block: "center" });
  else toBottom();
}

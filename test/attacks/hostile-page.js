/** Attacks of a page on another origin. Each result is what the page read, or "blocked". Runs in a browser. */
globalThis.attemptAll = async (target) => {
  const results = {};
  const record = async (name, work) => {
    results[name] = await work().catch((error) => `blocked: ${error}`);
  };
  const loaded = (element) =>
    new Promise((resolve) => {
      element.onload = () => resolve("loaded");
      element.onerror = () => resolve("blocked");
      document.body.append(element);
    });
  const make = (name, properties) => Object.assign(document.createElement(name), properties);
  const post = (url, init) => fetch(url, { method: "POST", ...init });

  await record("reads records", async () => (await fetch(target.records)).text());
  await record("reads records without CORS", async () =>
    (await fetch(target.records, { mode: "no-cors" })).text(),
  );
  await record("posts JSON as text", async () => {
    await post(target.predict, { mode: "no-cors", body: target.rows });
    return "sent";
  });
  await record("posts without a type", async () => {
    await post(target.infer, { mode: "no-cors", body: new Blob([target.tensors]) });
    return "sent";
  });
  await record("posts with a type that needs a preflight", async () =>
    (
      await post(target.predict, { headers: { "content-type": "application/json" }, body: target.rows })
    ).text(),
  );
  await record("sends a beacon", async () =>
    String(navigator.sendBeacon(target.infer, new Blob([target.tensors]))),
  );
  await record("includes records as a script", () => loaded(make("script", { src: target.records })));
  await record("includes records as an image", () => loaded(make("img", { src: target.records })));
  await record("frames records", async () => {
    const frame = make("iframe", { src: target.records });
    await loaded(frame);
    return frame.contentDocument?.body.innerText || "blocked";
  });
  await record("sends a form", async () => {
    const frame = make("iframe", { name: "responses" });
    const form = make("form", {
      action: target.predict,
      method: "post",
      enctype: "text/plain",
      target: "responses",
    });
    form.append(make("input", { name: `${target.rows.slice(0, -1)},"x":"`, value: '"}' }));
    document.body.append(frame, form);
    const loadedResponse = new Promise((resolve) => {
      frame.onload = resolve;
    });
    form.submit();
    await loadedResponse;
    return frame.contentDocument?.body?.innerText || "blocked";
  });
  await record("opens a window on records", async () => {
    const opened = window.open(target.records);
    // Waits until it leaves about:blank: then it throws, is cut off, or shows what it must not.
    while (opened && !opened.closed && !opened.document.body?.innerText)
      await new Promise((resolve) => requestAnimationFrame(resolve));
    return (!opened?.closed && opened?.document.body.innerText) || "blocked";
  });
  return results;
};

/** What a page tries on another origin: each attempt says what it read, or that it was kept out. Runs in a browser. */
globalThis.attemptAll = async (target) => {
  const tried = {};
  const note = async (name, work) => {
    tried[name] = await work().catch((error) => `kept out: ${error}`);
  };
  const loaded = (element) =>
    new Promise((resolve) => {
      element.onload = () => resolve("loaded");
      element.onerror = () => resolve("kept out");
      document.body.append(element);
    });
  const make = (name, properties) => Object.assign(document.createElement(name), properties);
  const post = (url, init) => fetch(url, { method: "POST", ...init });

  await note("reads records", async () => (await fetch(target.records)).text());
  await note("reads records without CORS", async () =>
    (await fetch(target.records, { mode: "no-cors" })).text(),
  );
  await note("asks with JSON as text", async () => {
    await post(target.predict, { mode: "no-cors", body: target.rows });
    return "sent";
  });
  await note("asks without a type", async () => {
    await post(target.infer, { mode: "no-cors", body: new Blob([target.tensors]) });
    return "sent";
  });
  await note("asks with a type that needs a preflight", async () =>
    (
      await post(target.predict, { headers: { "content-type": "application/json" }, body: target.rows })
    ).text(),
  );
  await note("leaves a beacon", async () =>
    String(navigator.sendBeacon(target.infer, new Blob([target.tensors]))),
  );
  await note("includes records as a script", () => loaded(make("script", { src: target.records })));
  await note("includes records as an image", () => loaded(make("img", { src: target.records })));
  await note("frames records", async () => {
    const frame = make("iframe", { src: target.records });
    await loaded(frame);
    return frame.contentDocument?.body.innerText || "kept out";
  });
  await note("sends a form", async () => {
    const frame = make("iframe", { name: "answers" });
    const form = make("form", {
      action: target.predict,
      method: "post",
      enctype: "text/plain",
      target: "answers",
    });
    form.append(make("input", { name: `${target.rows.slice(0, -1)},"x":"`, value: '"}' }));
    document.body.append(frame, form);
    const answered = new Promise((resolve) => {
      frame.onload = resolve;
    });
    form.submit();
    await answered;
    return frame.contentDocument?.body?.innerText || "kept out";
  });
  await note("opens a window on records", async () => {
    const opened = window.open(target.records);
    // Until it has left about:blank: then it throws, is cut off, or shows what it may not.
    while (opened && !opened.closed && !opened.document.body?.innerText)
      await new Promise((resolve) => requestAnimationFrame(resolve));
    return (!opened?.closed && opened?.document.body.innerText) || "kept out";
  });
  return tried;
};

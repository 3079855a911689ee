/** The address in the samples, until the page's script knows the real one: behind a gateway the service does not. */
export const placeholderUrl = "http://localhost:8080";

/**
 * The script of the page /docs: the samples get the page's own address, and the form sends its request. It sets text only,
 * never HTML. URLs are relative, because a gateway gives each model its own path.
 */
export const docsScript = `
const base = new URL(".", location.href).href.replace(/\\/$/, "");
for (const code of document.querySelectorAll("[id^=sample-] code")) code.textContent = code.textContent.replace("${placeholderUrl}", () => base);
const form = document.getElementById("request"), field = (id) => document.getElementById(id);
for (const note of document.querySelectorAll(".without-script")) note.remove();
form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  field("status").textContent = "Sending…";
  field("response").textContent = "";
  const key = field("key").value;
  try {
    const response = await fetch("v1/predict", { method: "POST", headers: { "content-type": "application/json", ...(key ? { "x-api-key": key } : {}) }, body: field("body").value });
    const text = await response.text();
    field("status").textContent = "Status " + response.status;
    try { field("response").textContent = JSON.stringify(JSON.parse(text), undefined, 2); } catch { field("response").textContent = text; }
  } catch {
    field("status").textContent = "The service did not respond: check that it is running, and send again.";
  }
});
`;

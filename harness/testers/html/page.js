// Save as one types, and take in files that are dragged, pasted or chosen. Without this script the forms work as they are.
"use strict";
document.documentElement.classList.add("js");

const form = document.querySelector("form.say[data-saving]");
for (const id of ["wrongs", "faster"]) document.getElementById(id)?.focus();

if (form) {
  const status = document.getElementById("status");
  const kept = document.getElementById("kept");
  const notes = document.getElementById("notes");
  const refusals = document.getElementById("refusals");
  const chosen = document.getElementById("files");
  const drop = document.getElementById("drop");
  const most = Number(form.dataset.most);
  let waiting = 0;
  let dirty = false;
  let leaving = false;
  let queue = Promise.resolve();

  const tell = (text, bad = false) => {
    status.textContent = text;
    status.classList.toggle("bad", bad);
  };

  const fields = () => {
    const data = new FormData(form);
    data.delete("files");
    return data;
  };

  async function send(action, files = []) {
    const data = fields();
    data.set("do", action);
    for (const file of files) data.append("files", file, file.name);
    dirty = false;
    let answer;
    try {
      const reply = await fetch(form.getAttribute("action"), { method: "POST", body: data, headers: { Accept: "application/json" }, keepalive: !files.length });
      answer = await reply.json();
    } catch {
      dirty = true;
      tell(form.dataset.unsaved, true);
      waiting = setTimeout(() => save(), 4000);
      return;
    }
    if (answer.revision !== undefined) form.elements.revision.value = answer.revision;
    if (answer.files !== undefined) kept.innerHTML = answer.files;
    if (files.length || answer.refused?.length) refusals.replaceChildren(...(answer.refused || []).map(line));
    if (answer.notes) notes.textContent = answer.notes;
    tell(answer.message, Boolean(answer.bad));
  }

  const line = (sentence) => Object.assign(document.createElement("li"), { textContent: sentence });
  const queued = (work) => (queue = queue.then(work));
  const save = () => {
    clearTimeout(waiting);
    return queued(() => (tell(form.dataset.saving), send("draft")));
  };

  form.addEventListener("input", (event) => {
    if (event.target === chosen) return;
    dirty = true;
    clearTimeout(waiting);
    waiting = setTimeout(save, 700);
  });

  function take(files) {
    const list = [...files];
    const fit = list.filter((file) => file.size <= most);
    const large = list.filter((file) => file.size > most);
    refusals.replaceChildren(...large.map((file) => line(form.dataset.large.replace("{name}", file.name))));
    if (!fit.length) return;
    clearTimeout(waiting);
    queued(async () => {
      tell(form.dataset.sending.replace("{n}", fit.length));
      const before = [...refusals.children];
      await send("draft", fit);
      refusals.prepend(...before);
    });
  }

  chosen.addEventListener("change", () => {
    take(chosen.files);
    chosen.value = "";
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (!files.length) return;
    event.preventDefault();
    const stamp = new Date().toISOString().slice(11, 19).replaceAll(":", "");
    take(files.map((file) => (file.name === "image.png" ? new File([file], `afdruk-${stamp}.png`, { type: file.type }) : file)));
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget || drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files);
  });

  kept.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    event.preventDefault();
    clearTimeout(waiting);
    queued(async () => {
      await send(button.value);
      (kept.querySelector("button") || chosen).focus();
    });
  });

  form.addEventListener("submit", (event) => {
    const action = event.submitter?.value;
    event.preventDefault();
    clearTimeout(waiting);
    if (leaving) return;
    if (action === "draft") {
      save();
      return;
    }
    leaving = true;
    const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: action });
    form.append(hidden);
    queue.finally(() => form.submit());
  });
  document.addEventListener("visibilitychange", () => document.hidden && dirty && !leaving && save());
  window.addEventListener("beforeunload", (event) => dirty && !leaving && event.preventDefault());
}


const page = document.documentElement.dataset;
const at = (id) => document.getElementById(id);
const MOST_ROWS = 10, LOOK_EVERY = 700;
let turn = 0; // what is chosen now; an answer to something before it comes too late
let video = ""; // the id of the video that is worked on
let boxes = null;

function tell(kind, text) {
  at("state").dataset.kind = kind;
  at("state").textContent = text;
}

async function asked(url, options) {
  const response = await fetch(url, options);
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({ detail: response.statusText }));
  const parts = [problem.detail, problem.expected && `expected ${problem.expected}`, problem.hint];
  throw new Error(parts.filter(Boolean).join("; "));
}

async function take(file) {
  const mine = ++turn;
  clear();
  try {
    if (file.type.startsWith("video/")) await film(file, mine);
    else await picture(file, mine);
  } catch (error) {
    if (mine === turn) { at("work").hidden = true; tell("trouble", error.message); }
  }
}

function clear() {
  for (const id of ["shown", "picture", "film", "work", "files", "answer"]) at(id).hidden = true;
  if (at("picture").src) URL.revokeObjectURL(at("picture").src);
  at("film").removeAttribute("src");
  boxes = null;
  draw();
}

// A picture.

async function picture(file, mine) {
  tell("", "Asking the model…");
  const form = new FormData();
  form.append("file", file);
  const url = `/v1/${encodeURIComponent(page.project)}/predict`;
  const [said] = (await asked(url, { method: "POST", body: form })).predictions;
  if (mine !== turn) return;
  at("picture").src = URL.createObjectURL(file);
  await at("picture").decode();
  at("picture").hidden = at("shown").hidden = false;
  boxes = said.boxes ? said : null;
  draw();
  const classes = page.classes.split("\n");
  const found = said.boxes
    ? counted(said.boxes)
    : said.probabilities.map((share, n) => [classes[n], share]);
  found.sort((one, other) => other[1] - one[1]);
  at("caption").textContent = said.boxes ? `${said.boxes.length} found` : `It is ${said.label}`;
  at("rows").replaceChildren(...found.slice(0, MOST_ROWS).map(row));
  at("answer").hidden = false;
  const more = said.command ? `, command ${said.command}` : "";
  tell("live", `${said.boxes ? at("caption").textContent : said.label}${more}, by version ${said.version}.`);
}

function counted(boxes) {
  const kinds = new Map(); // by label: how many, and how sure the surest is
  for (const { label, score } of boxes) {
    const [many, best] = kinds.get(label) || [0, 0];
    kinds.set(label, [many + 1, Math.max(best, score)]);
  }
  return [...kinds].map(([label, [many, best]]) => [many > 1 ? `${many} × ${label}` : label, best]);
}

const made = (kind, given) => Object.assign(document.createElement(kind), given);

function row([label, share]) {
  const line = document.createElement("tr");
  for (const text of [label, `${(100 * share).toFixed(1)} %`]) line.append(made("td", { textContent: text }));
  return line;
}

function draw() {
  const [marks, image] = [at("marks"), at("picture")];
  const [wide, high, ratio] = [image.clientWidth, image.clientHeight, window.devicePixelRatio || 1];
  marks.style.left = `${image.offsetLeft}px`;
  marks.style.top = `${image.offsetTop}px`;
  marks.style.width = `${wide}px`;
  marks.style.height = `${high}px`;
  [marks.width, marks.height] = [wide * ratio, high * ratio];
  if (!boxes) return;
  const pen = marks.getContext("2d");
  pen.scale(ratio, ratio);
  const scale = wide / boxes.width;
  for (const { x1, y1, x2, y2, label, score } of boxes.boxes) {
    const name = `${label} ${Math.round(100 * score)} %`;
    outline(pen, wide, scale * x1, scale * y1, scale * (x2 - x1), scale * (y2 - y1), name, colour(label));
  }
}

// A video: the worker draws into it; until then its progress is shown.

async function film(file, mine) {
  tell("", "Sending the video…");
  const url = `/v1/${encodeURIComponent(page.project)}/videos?name=${encodeURIComponent(file.name)}`;
  let seen = await asked(url, { method: "POST", body: file });
  video = seen.video.id;
  at("work").hidden = false;
  while (!["succeeded", "failed", "cancelled"].includes(seen.video.stage)) {
    if (mine !== turn) return;
    at("progress").value = seen.progress;
    const left = seen.video.eta ? `, about ${Math.ceil(seen.video.eta)} s to go` : "";
    const queued = seen.video.stage === "queued";
    tell("", queued ? "Waiting for a worker…" : `${Math.floor(100 * seen.progress)} % seen${left}`);
    await new Promise((done) => setTimeout(done, LOOK_EVERY));
    seen = await asked(`/v1/videos/${video}`);
  }
  if (mine !== turn) return;
  at("work").hidden = true;
  if (seen.video.stage !== "succeeded") throw new Error(seen.video.error || `The video was ${seen.video.stage}.`);
  at("film").src = seen.files["film.mp4"];
  at("film").hidden = at("shown").hidden = at("files").hidden = false;
  const entries = Object.entries(seen.files);
  const links = entries.map(([name, to]) => made("a", { href: to, textContent: name, download: name }));
  at("files").replaceChildren("Take with you: ", ...links.flatMap((link, n) => (n ? [", ", link] : [link])));
  tell("live", "The video is done.");
}

at("projects").replaceChildren(...page.projects.split("\n").map((line) => {
  const [name, title] = line.split("\t");
  return new Option(title, name, false, name === page.project);
}));
at("projects").addEventListener("change", () => {
  location.search = new URLSearchParams({ project: at("projects").value });
});
at("live").href = `/v1/${encodeURIComponent(page.project)}/live`;
at("file").addEventListener("change", () => { if (at("file").files.length) take(at("file").files[0]); });
at("cancel").addEventListener("click", () => {
  asked(`/v1/videos/${video}/cancel`, { method: "POST" }).catch((error) => tell("trouble", error.message));
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}
new ResizeObserver(draw).observe(at("shown"));

// A frame is sent when an answer is due back, not before: what waits on the way only grows old. A cut of the connection,
// or of the camera, is mended without a hand.

const FIRST_PAUSE = 100, LONGEST_PAUSE = 1500, PATIENCE = 5000, MOST_ON_THE_WAY = 4, SPOKEN_EVERY = 2000;
const FATAL = [4401, 4403, 4404, 4501];
const page = document.documentElement.dataset;
const at = (id) => document.getElementById(id);
const [video, marks, controls, choice] = [at("video"), at("marks"), at("controls"), at("camera")];
const boxed = page.boxed === "true";
const sheet = document.createElement("canvas");

let camera = null; // the open MediaStream
let socket = null;
let pause = FIRST_PAUSE;
let count = 0; // frames sent over this connection
let sent = new Map(); // by number: when each was seen, until it is answered or was let go
let encoding = false;
let heard = 0;
let answers = []; // the moments of the last answers
let age = 0, trip = 0, taken = 0; // smoothed: milliseconds since the frame was seen, on the way in all, on the server
let dropped = 0, droppedBefore = 0;
let shown = null; // the prediction in the picture
let spoken = "", spokenAt = 0;

function tell(kind, text) {
  at("state").dataset.kind = kind;
  at("state").textContent = text;
}

// The camera.

async function open() {
  if (!navigator.mediaDevices) {
    tell("trouble", "Browsers give the camera only to pages of https:// or of this very machine.");
    return;
  }
  tell("", "Waiting for the camera…");
  at("switch").textContent = "Stop";
  const wanted = { width: { ideal: 1280 }, height: { ideal: 720 } };
  if (choice.value) wanted.deviceId = { exact: choice.value };
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    close(refusal(error));
    return;
  }
  const [track] = camera.getVideoTracks();
  track.addEventListener("ended", () => close("The camera went away; it is taken again when it is back."));
  if (track.getSettings().facingMode === "user" && localStorage.getItem("mirror") === null) at("mirror").checked = true;
  video.srcObject = camera;
  await video.play();
  document.documentElement.style.setProperty("--ratio", video.videoWidth / video.videoHeight);
  mirror();
  await list(track.getSettings().deviceId);
  connect();
  each(look);
}

function refusal(error) {
  return {
    NotAllowedError: "The browser did not allow the camera; its settings for this page say why.",
    NotFoundError: "No camera was found.",
    OverconstrainedError: "That camera is not there any more; choose another.",
    NotReadableError: "The camera cannot be read; perhaps another program has it.",
  }[error.name] || `The camera cannot be opened: ${error.message}`;
}

function close(why) {
  for (const track of camera ? camera.getTracks() : []) track.stop();
  camera = null;
  video.srcObject = null;
  if (socket) socket.close(1000);
  at("switch").textContent = "Start";
  clear();
  tell(why ? "trouble" : "", why || "The camera is off.");
}

async function list(present) {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
  choice.replaceChildren(...found.map((one, n) => new Option(one.label || `camera ${n + 1}`, one.deviceId)));
  choice.value = present;
}

function each(then) {
  const next = (now, metadata) => {
    if (!camera) return;
    then((metadata && metadata.captureTime) || now);
    each(then);
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(next);
  else requestAnimationFrame(next);
}

// The connection.

function connect() {
  if (!camera) return;
  if (document.hidden) {
    document.addEventListener("visibilitychange", connect, { once: true });
    return;
  }
  const options = new URLSearchParams();
  if (at("record").checked) options.set("record", "true");
  if (boxed && at("follow").checked) options.set("track", "true");
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(`${scheme}//${location.host}/v1/${encodeURIComponent(page.project)}/stream?${options}`);
  socket = mine;
  [count, sent, heard, droppedBefore, dropped] = [0, new Map(), performance.now(), droppedBefore + dropped, 0];
  mine.addEventListener("open", () => {
    if (mine === socket && at("state").dataset.kind !== "trouble") tell("", "Waiting for the first answer…");
  });
  mine.addEventListener("message", (event) => { if (mine === socket) hear(JSON.parse(event.data)); });
  mine.addEventListener("close", (event) => { if (mine === socket) again(event.code); });
  const watch = setInterval(() => {
    if (mine !== socket) clearInterval(watch);
    else if (sent.size + (mine.readyState === 0) && performance.now() - heard > PATIENCE) mine.close();
  }, 500);
}

function again(code) {
  socket = null;
  if (!camera) return;
  if (FATAL.includes(code)) {
    close(at("state").textContent);
    return;
  }
  if (at("state").dataset.kind === "live" && code !== 1000) tell("trouble", "The connection was cut; trying again…");
  setTimeout(connect, pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE);
}

// One frame after the other.

function look(seen) {
  // Where the way takes longer than the answer, several frames may be under way at once.
  const most = Math.min(MOST_ON_THE_WAY, Math.max(1, Math.round(trip / Math.max(taken, 1))));
  const ready = socket && socket.readyState === 1 && socket.bufferedAmount === 0;
  if (!ready || encoding || sent.size >= most || !video.videoWidth) return;
  const scale = Math.min(1, page.side / Math.max(video.videoWidth, video.videoHeight));
  sheet.width = Math.round(scale * video.videoWidth);
  sheet.height = Math.round(scale * video.videoHeight);
  sheet.getContext("2d").drawImage(video, 0, 0, sheet.width, sheet.height);
  const to = socket, began = performance.now();
  encoding = true;
  sheet.toBlob((blob) => {
    encoding = false;
    if (!blob || to !== socket || to.readyState !== 1) return;
    if (!sent.size) heard = performance.now();
    to.send(blob);
    sent.set(++count, { seen, began });
  }, "image/jpeg", 0.85);
}

function hear(said) {
  heard = performance.now();
  if (!said.frame) {
    const { detail, hint } = said.problem;
    tell("trouble", `${detail}${hint ? ` (${hint})` : ""}`);
    return;
  }
  pause = FIRST_PAUSE;
  const frame = sent.get(said.frame);
  for (const number of sent.keys()) if (number <= said.frame) sent.delete(number);
  tell("live", "Live.");
  dropped = said.dropped || 0;
  if (frame) measure(frame, said.age_ms || 0);
  if (said.prediction) show(said.prediction, said.ids || []);
  else show(null, [], said.problem.detail);
}

function measure(frame, server) {
  const now = performance.now(), mixed = (before, news) => before ? 0.8 * before + 0.2 * news : news;
  age = mixed(age, now - frame.seen);
  trip = mixed(trip, now - frame.began);
  taken = mixed(taken, server);
  answers = [...answers.filter((moment) => now - moment < 2000), now];
  const seconds = Math.max(0.5, (now - answers[0]) / 1000);
  at("age").textContent = `${Math.round(age)} ms`;
  at("rate").textContent = answers.length > 1 ? ((answers.length - 1) / seconds).toFixed(1) : "–";
  at("dropped").textContent = droppedBefore + dropped;
}

// What was said, over the picture.

function show(prediction, ids, trouble) {
  shown = prediction && { prediction, ids };
  let text = trouble || "", command = "";
  if (prediction) {
    at("version").textContent = prediction.version;
    command = prediction.command || "";
    const many = prediction.boxes && prediction.boxes.length;
    text = prediction.boxes ? `${many} found` : `${prediction.label} ${Math.round(100 * prediction.confidence)} %`;
  }
  at("said").textContent = text;
  at("command").textContent = command;
  speak(command || (prediction && prediction.label) || text);
  draw();
}

function speak(text) {
  const now = performance.now();
  if (text === spoken || now - spokenAt < SPOKEN_EVERY) return;
  [spoken, spokenAt] = [text, now];
  at("spoken").textContent = text;
}

function clear() {
  shown = null;
  for (const id of ["said", "command", "spoken"]) at(id).textContent = "";
  for (const id of ["age", "rate", "dropped", "version"]) at(id).textContent = "–";
  [answers, age, trip, taken, dropped, droppedBefore] = [[], 0, 0, 0, 0, 0];
  draw();
}

function draw() {
  const ratio = window.devicePixelRatio || 1;
  const [wide, high] = [marks.clientWidth, marks.clientHeight];
  marks.width = wide * ratio;
  marks.height = high * ratio;
  const pen = marks.getContext("2d");
  if (!shown || !shown.prediction.boxes) return;
  pen.scale(ratio, ratio);
  const { boxes, width, height } = shown.prediction;
  const scale = Math.min(wide / width, high / height);
  const [left, top] = [(wide - scale * width) / 2, (high - scale * height) / 2];
  boxes.forEach((box, n) => {
    const begin = at("mirror").checked ? width - box.x2 : box.x1;
    const id = shown.ids[n] || 0;
    const name = `${box.label}${id ? ` #${id}` : ""} ${Math.round(100 * box.score)} %`;
    outline(pen, wide, left + scale * begin, top + scale * box.y1, scale * (box.x2 - box.x1), scale * (box.y2 - box.y1),
      name, colour(id ? String(id) : box.label));
  });
}

function mirror() {
  video.classList.toggle("mirrored", at("mirror").checked);
  draw();
}

controls.addEventListener("submit", (event) => {
  event.preventDefault();
  if (camera) close();
  else open();
});
choice.addEventListener("change", () => { if (camera) { close(); open(); } });
at("mirror").addEventListener("change", () => { localStorage.setItem("mirror", at("mirror").checked); mirror(); });
for (const id of ["record", "follow"]) at(id).addEventListener("change", () => { if (socket) socket.close(1000); });
at("following").hidden = !boxed;
at("mirror").checked = localStorage.getItem("mirror") === "true";
new ResizeObserver(draw).observe(marks);
if (navigator.mediaDevices) {
  navigator.mediaDevices.addEventListener("devicechange", () => {
    if (!camera && at("state").textContent.startsWith("The camera went away")) open();
  });
}

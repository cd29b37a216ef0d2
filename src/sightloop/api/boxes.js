"use strict";
// How a box and its name are drawn over a picture.

function outline(pen, room, x, y, width, height, name, stroke) {
  for (const [line, style] of [[5, "rgb(10 12 14 / .7)"], [2.5, stroke]]) {
    pen.lineWidth = line;
    pen.strokeStyle = style;
    pen.strokeRect(x, y, width, height);
  }
  pen.font = "600 13px system-ui, sans-serif";
  const wide = pen.measureText(name).width + 10;
  const [to, above] = [Math.max(0, Math.min(x, room - wide)), y >= 20 ? y - 20 : y];
  pen.fillStyle = "rgb(10 12 14 / .8)";
  pen.fillRect(to, above, wide, 20);
  pen.fillStyle = stroke;
  pen.fillText(name, to + 5, above + 14.5);
}

function colour(name) {
  let number = 7;
  for (const letter of name) number = (31 * number + letter.codePointAt(0)) % 9973;
  return `hsl(${(number * 137.5) % 360} 90% 70%)`;
}

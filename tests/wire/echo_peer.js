// The echo peer of npm's `ws`, either side, with its native parts.
//
//   node echo_peer.js server|client PORT COMPRESS SEED
//
// COMPRESS is 0 or 1.  What happens is said on stdout, a JSON object a line: {"port"},
// then {"closed": [code, reason]}, and {"error"} for what ws itself found wrong.
"use strict";

const [role, port, compress, seed] = process.argv.slice(2);
const { WebSocket, WebSocketServer } = require("ws");
require("bufferutil"); // ws takes them by itself; here they must not be missing
require("utf-8-validate");

const perMessageDeflate = compress === "1" ? { threshold: 0 } : false;
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

// A linear congruential generator, to cut the same at the same seed.
let state = Number(seed) >>> 0;
function below(limit) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % limit;
}

function echo(socket, data, binary) {
  if (below(3) > 0 || data.length < 2) return socket.send(data, { binary });
  const place = below(data.length + 1);
  socket.send(data.subarray(0, place), { binary, fin: false });
  socket.send(data.subarray(place), { binary, fin: true });
}

function serve(socket) {
  socket.on("message", (data, binary) => {
    const text = binary ? "" : data.toString();
    if (text === "wire:close") socket.close(4321, "größer");
    else if (text === "wire:ill-formed")
      socket.send(Buffer.from("636166c365", "hex"), { binary: false });
    else echo(socket, data, binary);
  });
  socket.on("error", (error) => say({ error: error.code || String(error) }));
  socket.on("close", (code, reason) => {
    say({ closed: [code, reason.toString()] });
    process.exitCode = 0;
    if (role === "server") server.close();
  });
}

let server = null;
if (role === "server") {
  server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate });
  server.on("listening", () => say({ port: server.address().port }));
  server.on("connection", serve);
} else {
  serve(new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate }));
}

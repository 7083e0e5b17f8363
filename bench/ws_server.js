// ws on Node as an echo server to be loaded by race.py, with its native parts where installed.
//
//     NODE_PATH=.../node_modules node bench/ws_server.js [deflate]
//
// It prints its port and is ended by a signal.
"use strict";
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: 0,
  maxPayload: 1 << 26,
  perMessageDeflate: process.argv.length > 2 && { threshold: 0 },
});
server.on("listening", () => console.log(server.address().port));
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(isBinary ? data : data.toString()));
});
